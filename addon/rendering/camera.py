# SPDX-License-Identifier: GPL-3.0-or-later
"""Where to put a camera so that both faces can be read over the whole take: plain geometry, in our axes, without bpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]

SENSOR: Final = 0.036
LENS: Final = 0.050
"""Metres: a normal lens on full frame. Wider ones stretch the faces at the edges, longer ones flatten the pair."""

_MARGIN: Final = 0.035
EYES_ABOVE_JOINT: Final = 0.09
"""From the joint at the skull's base to the middle of the head, metres, of an adult."""

_HEAD: Final = 0.17
_HAND: Final = 0.18  # from the wrist to the finger tips
_STRAY: Final = 1.0  # percentiles of the frames in which a hand may leave the picture


@dataclass(frozen=True)
class Sight:
    """What is to be seen, sampled over the take. All in metres, world, Y up.

    ``heads`` (2, n, 3): the middle of each; ``forward`` (2, n, 3): where it looks; ``hands`` (2, n, 2, 3); ``hips`` (2, n, 3).
    """

    heads: Float
    forward: Float
    hands: Float
    hips: Float


@dataclass(frozen=True)
class Placement:
    """A camera that looks level: ``position`` (3,), and ``azimuth``, the yaw of the direction from the pair to the camera."""

    position: Float
    azimuth: float


def towards(azimuth: float | Float) -> Float:
    """Return the horizontal direction (..., 3) of a yaw: 0 is +Z."""
    return np.stack([np.sin(azimuth), np.zeros_like(azimuth), np.cos(azimuth)], axis=-1)


def choose_azimuth(sight: Sight) -> float:
    """Return the side to film from: the worse seen of the two faces is seen as well as can be, and neither hides the other."""
    azimuths = np.radians(np.arange(0.0, 360.0, 5.0))
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


def place(sight: Sight, aspect: float) -> Placement:
    """Place the camera as near as both heads, hips and (but for stray moments) raised hands allow. ``aspect``: width / height."""
    azimuth = choose_azimuth(sight)
    back, up = towards(azimuth), np.array([0.0, 1.0, 0.0])
    axes = np.stack([np.cross(up, back), up, back], axis=-1)  # right, up, towards the camera
    low, high = _extent(sight, axes)
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
    lows = [heads.min(axis=0) - _HEAD, hips.min(axis=0), np.percentile(hands, _STRAY, axis=0) - _HAND]
    highs = [heads.max(axis=0) + _HEAD, hips.max(axis=0), np.percentile(hands, 100 - _STRAY, axis=0) + _HAND]
    return np.min(lows, axis=0), np.max(highs, axis=0)
