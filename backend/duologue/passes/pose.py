"""Skeletons as DWPose draws them (arXiv 2307.15880), from joints that are known instead of guessed; what is hidden is left out.

Names, order, limbs and colours are OpenPose's (arXiv 1812.08008), as video models with pose control were trained on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.passes.camera import Camera
from duologue.passes.raster import Hits

Floats = NDArray[np.floating[Any]]

BODY: Final = (
    "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
    "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle",
    "right eye", "left eye", "right ear", "left ear",
)  # fmt: skip
FINGERS: Final = 21
"""Of a hand: the wrist, and four points from the knuckle to the tip of thumb, index, middle, ring and little finger."""

_LIMBS: Final = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
_COLOURS: Final = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
_HAND_LIMBS: Final = tuple((0 if k == 0 else 4 * f + k, 4 * f + k + 1) for f in range(5) for k in range(4))
_LIMB_LIGHT: Final = 0.6
"""Limbs are darker than joints."""

_DEEP: Final = {
    "body": np.array([0.03, *[0.25] * 13, *[0.03] * 4]),
    "hand": np.array([0.08] * FINGERS),
    "face": np.array(0.02),
}
"""Metres of one's own flesh over a joint: with more in front, it is hidden. A neck from the side lies deep, and so does an elbow
behind a forearm that points at the camera; what a trunk hides lies deeper."""
_OTHERS: Final = 0.005
"""The same of what isn't one's own."""


@dataclass(frozen=True, eq=False)
class Keypoints:
    """Of one person, world, metres, NaN for what isn't known.

    ``body`` (18, 3) in the order of ``BODY``; ``hands`` (2, 21, 3) left and right; ``face`` (n, 3), drawn as white dots.
    """

    body: Floats
    hands: Floats = field(default_factory=lambda: np.full((2, FINGERS, 3), np.nan))
    face: Floats = field(default_factory=lambda: np.zeros((0, 3)))


def draw(people: Sequence[Keypoints], hits: Hits, camera: Camera, owners: NDArray[np.uint8]) -> Floats:
    """Return the drawing (H, W, 3), 0..255, on black.

    Args:
        people: A, B, …
        hits, camera: what is seen, by which joints are hidden.
        owners: (H, W) whose it is: 1 for A.
    """
    width, height = hits.size
    canvas = np.zeros((height, width, 3))
    scale = min(width, height) / 512.0  # DWPose's sticks are four pixels thick in pictures of about that size
    seen = [
        [_seen(points, hits, camera, _DEEP[kind], owners == number) for points, kind in _groups(person)]
        for number, person in enumerate(people, start=1)
    ]
    for body, *_ in seen:
        for (a, b), colour in zip(_LIMBS, _COLOURS, strict=False):
            _stroke(canvas, body[a], body[b], max(4.0 * scale, 0.75), colour, ellipse=True)
    canvas *= _LIMB_LIGHT
    for body, *_ in seen:
        for point, colour in zip(body, _COLOURS, strict=True):
            _stroke(canvas, point, point, max(4.0 * scale, 0.75), colour)
    for _, left, right, face in seen:
        for hand in (left, right):
            for i, (a, b) in enumerate(_HAND_LIMBS):
                _stroke(canvas, hand[a], hand[b], max(1.0 * scale, 0.5), _rainbow(i / len(_HAND_LIMBS)))
            for point in hand:
                _stroke(canvas, point, point, max(4.0 * scale, 0.75) if scale > 0.75 else 0.75, (0, 0, 255))
        for point in face:
            _stroke(canvas, point, point, max(3.0 * scale, 0.5), (255, 255, 255))
    return canvas


def _groups(person: Keypoints) -> list[tuple[Floats, str]]:
    return [(person.body, "body"), (person.hands[0], "hand"), (person.hands[1], "hand"), (person.face, "face")]


def _seen(points: Floats, hits: Hits, camera: Camera, deep: Floats, own: NDArray[np.bool_]) -> Floats:
    """Return pixels (n, 2) of points (n, 3), NaN for those that are not seen."""
    pixels, depth = camera.project(points, hits.size)
    known = np.isfinite(pixels).all(axis=1) & (depth > camera.near)
    width, height = hits.size
    column, row = (np.floor(np.where(known, pixels[:, axis], 0.0)).astype(int) for axis in (0, 1))
    inside = known & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    at = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    hidden = inside & (depth - hits.depth[at] > np.where(own[at], deep, _OTHERS))
    return np.where((known & ~hidden)[:, None], pixels, np.nan)


def _stroke(
    canvas: Floats,
    start: Floats,
    end: Floats,
    radius: float,
    colour: Sequence[float] | Floats,
    *,
    ellipse: bool = False,
) -> None:
    """Draw a line with round ends, or an ellipse whose long axis it is, with smooth edges; nothing where an end is NaN."""
    if not np.isfinite((start, end)).all():
        return
    height, width = canvas.shape[:2]
    low = np.maximum(np.floor(np.minimum(start, end) - radius - 1), 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(start, end) + radius + 1), (width, height)).astype(int)
    if (high <= low).any():
        return
    rows, columns = np.mgrid[low[1] : high[1], low[0] : high[0]]
    away = np.stack([columns + 0.5, rows + 0.5], axis=-1) - start
    way = end - start
    length = float(np.hypot(*way))
    if ellipse and length > 2 * radius:
        along = (away - way / 2) @ (way / length)
        across = (away - way / 2) @ (np.array((-way[1], way[0])) / length)
        # How far outside, to first order: the implicit function over its slope.
        value = np.hypot(along / (length / 2), across / radius)
        slope = np.hypot(along / (length / 2) ** 2, across / radius**2) / np.maximum(value, 1e-9)
        outside = (value - 1.0) / np.maximum(slope, 1e-9)
    else:
        share = np.clip(away @ way / length**2, 0.0, 1.0) if length > 0 else np.zeros(away.shape[:2])
        outside = np.hypot(*np.moveaxis(away - share[..., None] * way, -1, 0)) - radius
    cover = np.clip(0.5 - outside, 0.0, 1.0)[..., None]
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[:] = part * (1.0 - cover) + np.asarray(colour, np.float64) * cover


def _rainbow(hue: float) -> Floats:
    """Return a hue 0..1 at full strength, 0..255."""
    return 255.0 * np.clip(np.abs((hue * 6.0 + np.array((0.0, 4.0, 2.0))) % 6.0 - 3.0) - 1.0, 0.0, 1.0)
