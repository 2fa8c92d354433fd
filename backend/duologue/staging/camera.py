"""Where to put a camera so that both people can be read: the side of the line to stay on, and the pictures that show both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]

SENSOR: Final = 0.036
LENS: Final = 0.050
"""Metres: a normal lens on full frame. Wider ones stretch the faces at the edges, longer ones flatten the pair."""
EYES_ABOVE_JOINT: Final = 0.07
"""From the joint at the skull's base to the eyes, metres, of an adult, which is half of the way from chin to crown."""
HEAD: Final = 0.31
"""From an adult's chin to the crown, hair included, metres."""

_MARGIN: Final = 0.035
_HAND: Final = 0.18  # from the wrist to the finger tips
_STRAY: Final = 1.0  # percentiles of the frames in which a hand may leave the picture
_STEP: Final = 5.0  # degrees between the directions that are tried
_OFF_LINE: Final = 55.0
"""Degrees from the middle between two people, seen from above, within which both are looked at: beyond, one hides the other."""


@dataclass(frozen=True)
class Sight:
    """What is to be seen, sampled over the take. All in metres, world, Y up.

    ``heads`` (2, n, 3): the middle of each; ``forward`` (2, n, 3): where it looks; ``hands`` (2, n, 2, 3); ``hips`` (2, n, 3).
    ``frames`` (n,): which of the take's they are; ``sizes`` (2,): from each one's chin to the crown.
    """

    heads: Float
    forward: Float
    hands: Float
    hips: Float
    frames: NDArray[np.int_] = field(default_factory=lambda: np.zeros(0, int))
    sizes: tuple[float, float] = (HEAD, HEAD)

    def between(self, start: int, stop: int) -> Sight:
        """Return what is seen from frame ``start`` to before ``stop``; at least what is nearest."""
        inside = (self.frames >= start) & (self.frames < stop)
        if not inside.any():
            inside[np.abs(self.frames - (start + stop) / 2).argmin()] = True
        return self.only(inside)

    def only(self, chosen: NDArray[np.bool_]) -> Sight:
        """Return the chosen (n,) moments."""
        arrays = (self.heads[:, chosen], self.forward[:, chosen], self.hands[:, chosen], self.hips[:, chosen])
        return Sight(*arrays, self.frames[chosen], self.sizes)


@dataclass(frozen=True)
class Placement:
    """A camera at ``position`` (3,); ``azimuth``: the yaw of the direction from what it sees to the camera; ``lens``, metres.

    ``tilt``: radians by which it looks down, 0 where it looks level.
    """

    position: Float
    azimuth: float
    lens: float = LENS
    tilt: float = 0.0


def towards(azimuth: float | Float) -> Float:
    """Return the horizontal direction (..., 3) of a yaw: 0 is +Z."""
    return np.stack([np.sin(azimuth), np.zeros_like(azimuth), np.cos(azimuth)], axis=-1)


def axes_of(azimuth: float) -> Float:
    """Return (3, 3): right, up and towards the camera, as columns, of a camera at that yaw."""
    back, up = towards(azimuth), np.array([0.0, 1.0, 0.0])
    return np.stack([np.cross(up, back), up, back], axis=-1)


def turned(angle: float) -> float:
    """Return an angle as one between -pi and pi."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def choose_azimuth(sight: Sight, middle: float | None = None) -> float:
    """Return the side to film from: the worse seen of the two faces is seen as well as can be, and neither hides the other.

    ``middle``: only directions around that yaw, so that the camera stays on that side of the line between them.
    """
    azimuths = np.radians(np.arange(0.0, 360.0, _STEP))
    if middle is not None:
        azimuths = middle + np.radians(np.arange(-_OFF_LINE, _OFF_LINE + 1, _STEP))
    to_camera = towards(azimuths)
    flat = sight.forward * (1.0, 0.0, 1.0)
    flat = flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-6)
    seen = np.einsum("pnk,ak->apn", flat, to_camera)
    # A face turned 40 degrees from the camera reads as well as one that looks into it, so more counts for next to nothing.
    enough = np.cos(np.radians(40.0))
    seen = (np.minimum(seen, enough) + 0.05 * np.maximum(seen - enough, 0.0)).mean(axis=2)
    between = (sight.heads[1] - sight.heads[0]) * (1.0, 0.0, 1.0)
    between = between / np.maximum(np.linalg.norm(between, axis=-1, keepdims=True), 1e-6)
    sideways = np.sqrt(np.clip(1.0 - np.einsum("nk,ak->an", between, to_camera) ** 2, 0.0, 1.0))
    hidden = np.clip(0.75 - np.percentile(sideways, 5, axis=1), 0.0, None)
    # Ties go to the side that is named first: +Z, the front of the stage.
    return float(azimuths[np.argmax(np.round(seen.min(axis=1) - 4.0 * hidden, 3))])


def line_normal(sight: Sight, side: float) -> float:
    """Return the yaw that stands upright on the line between the two, on the side where a camera at yaw ``side`` stands.

    Every camera within 90 degrees of it sees them in the same order, left and right: the line is not crossed.
    """
    line = (sight.heads[1] - sight.heads[0]).mean(axis=0)
    normal = float(np.arctan2(line[0], line[2])) - np.pi / 2
    return turned(normal if np.cos(normal - side) >= 0 else normal + np.pi)


def place(sight: Sight, aspect: float, azimuth: float | None = None, *, floor: bool = False) -> Placement:
    """Place a camera as near as both heads, hips and (but for stray moments) raised hands allow. ``aspect``: width / height.

    ``azimuth``: from there instead of the side that shows the faces best; ``floor``: feet and what they stand on are seen too.
    """
    azimuth = choose_azimuth(sight) if azimuth is None else azimuth
    axes = axes_of(azimuth)
    low, high = _extent(sight, axes)
    if floor:
        low[1] = min(low[1], -0.06)
    half = SENSOR / 2 / LENS * (1.0 - 2 * _MARGIN)
    limits = np.array([half, half / aspect])
    centre = (low[:2] + high[:2]) / 2
    distance = float(np.max((high[:2] - low[:2]) / 2 / limits)) + high[2]
    return Placement(axes @ np.array([*centre, distance]), azimuth)


def _extent(sight: Sight, axes: Float) -> tuple[Float, Float]:
    """Return the lowest and highest (right, up, near) of all that is to be in the picture."""
    heads = (sight.heads @ axes).reshape(-1, 3)
    hips = (sight.hips @ axes).reshape(-1, 3)
    hands = np.concatenate(list(sight.hands @ axes), axis=0).reshape(-1, 3)
    # Hands that hang are not what the picture is about: framed to the hips, the faces are a fifth larger.
    hands[:, 1] = np.maximum(hands[:, 1], hips[:, 1].min() + _HAND)
    head = 0.55 * max(sight.sizes)
    lows = [heads.min(axis=0) - head, hips.min(axis=0), np.percentile(hands, _STRAY, axis=0) - _HAND]
    highs = [heads.max(axis=0) + head, hips.max(axis=0), np.percentile(hands, 100 - _STRAY, axis=0) + _HAND]
    return np.min(lows, axis=0), np.max(highs, axis=0)
