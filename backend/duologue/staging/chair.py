"""A plain chair of wood and cloth, built to measure: our own design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.staging.seats import Seat

Float = NDArray[np.floating[Any]]

WOOD, CLOTH = 0, 1
COLOURS: Final = ((0.16, 0.082, 0.040), (0.115, 0.19, 0.17))
"""Linear RGB of the two materials, in their order."""

_LEG: Final = 0.034
_FRAME: Final = 0.05
_CUSHION: Final = 0.045
_BOARD: Final = 0.022
_SPLAY: Final = 0.03
"""How far a leg's foot stands out from its top, metres."""

_CORNERS: Final[NDArray[np.float64]] = np.array(
    [(x, y, z) for y in (0, 1) for x, z in ((0, 0), (1, 0), (1, 1), (0, 1))], float
)
_SIDES: Final = np.array([(0, 1, 2, 3), (7, 6, 5, 4), (0, 4, 5, 1), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 4, 0)])


@dataclass(frozen=True)
class Mesh:
    """``vertices`` (V, 3) metres, Y up, about the point on the floor that the hips are above, front along +Z; ``faces`` (F, 4), a
    front seen against the clock; ``materials`` (F,): ``WOOD`` or ``CLOTH``."""

    vertices: Float
    faces: NDArray[np.int_]
    materials: NDArray[np.int_]


def build(seat: Seat) -> Mesh:
    """Return the chair for a seat: the cushion's top at its height, nothing before or behind what the seat says."""
    half, top = seat.width / 2, seat.height
    wooden = top - _CUSHION
    parts = [
        _box((-half, wooden, -seat.back), (half, top, seat.front - 0.01), CLOTH, inset=0.012),
        _box((-half, wooden - _FRAME, -seat.back), (half, wooden, seat.front), WOOD),
    ]
    inner = half - _LEG
    for x in (-inner, inner):
        for z, splay in ((seat.front - _LEG, _SPLAY), (-seat.back - _LEG / 2, -_SPLAY)):
            parts.append(_leg(x, z, wooden - _FRAME / 2, np.sign(x) * _SPLAY, splay))
    behind = -seat.back - _BOARD
    lean = 0.25 * (seat.rest - top)
    for x in (-inner, inner):
        parts.append(_post(x, behind, wooden - _FRAME, seat.rest, lean))
    for span in ((0.30, 0.52), (0.74, 1.0)):
        parts.append(_rail(inner, behind, (top, seat.rest), lean, span))
    return _joined(parts)


Part = tuple[Float, int]


def _box(low: tuple[float, float, float], high: tuple[float, float, float], material: int, inset: float = 0.0) -> Part:
    """A box; ``inset`` draws its top in, as a cushion's edge is round."""
    corners = np.array(low, float) + _CORNERS * np.subtract(high, low)
    if inset:
        middle = corners.mean(axis=0)
        corners[4:, [0, 2]] -= np.sign(corners[4:, [0, 2]] - middle[[0, 2]]) * inset
    return corners, material


def _leg(x: float, z: float, top: float, out: float, along: float) -> Part:
    """A leg that tapers to the floor and stands out a little."""
    corners, _ = _box((x - _LEG / 2, 0.0, z - _LEG / 2), (x + _LEG / 2, top, z + _LEG / 2), WOOD)
    foot = np.array([x, 0.0, z])
    corners[:4] = foot + (corners[:4] - foot) * (0.65, 1.0, 0.65) + (out, 0.0, along)
    return corners, WOOD


def _post(x: float, z: float, low: float, high: float, lean: float) -> Part:
    corners, _ = _box((x - _LEG / 2, low, z - _BOARD), (x + _LEG / 2, high, z + _BOARD / 2), WOOD)
    corners[4:, 2] -= lean
    return corners, WOOD


Span = tuple[float, float]


def _rail(half: float, z: float, rest: Span, lean: float, span: Span) -> Part:
    """A board of the backrest between two shares of its height."""
    bottom, top = (rest[0] + share * (rest[1] - rest[0]) for share in span)
    corners, _ = _box((-half, bottom, z - _BOARD), (half, top, z), WOOD)
    corners[:, 2] -= lean * np.repeat(span, 4)
    return corners, WOOD


def _joined(parts: list[Part]) -> Mesh:
    vertices = np.concatenate([corners for corners, _ in parts])
    faces = np.concatenate([_SIDES + 8 * i for i in range(len(parts))])
    return Mesh(vertices, faces, np.repeat([material for _, material in parts], 6))
