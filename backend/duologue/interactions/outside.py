"""What of a surface is seen from outside: mouths, nostrils and the sockets of eyes are not."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array

_CELL: Final = 0.012
"""Metres: the width of what hides what lies behind it; vertices of heads are nearer to each other."""
_BEHIND: Final = 0.015
"""Metres that a point may lie behind the foremost one: ears and lips have folds."""
_FACING: Final = 0.1


def seen_from_outside(points: Array, normals: Array) -> NDArray[np.bool_]:
    """Return which points (n, 3) with unit ``normals`` (n, 3) are seen from one of 26 directions, metres.

    A finger in a mouth is in a head; the wall of the mouth, whose normals lead into it, would say otherwise.
    """
    found = np.zeros(len(points), np.bool_)
    if not len(points):
        return found
    grid = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    for way in grid[np.abs(grid).any(axis=1)]:
        ahead = way / np.linalg.norm(way)
        beside = np.cross(ahead, (0.31, 0.87, 0.38))
        beside /= np.linalg.norm(beside)
        axes = np.stack([beside, np.cross(ahead, beside)], axis=-1)
        column, row = np.floor(points @ axes / _CELL).astype(np.int64).T
        _, cell = np.unique(column * (np.ptp(row) + 1) + row, return_inverse=True)
        depth = points @ ahead
        foremost = np.full(int(cell.max(initial=0)) + 1, -np.inf)
        np.maximum.at(foremost, cell, depth)
        found |= (depth > foremost[cell] - _BEHIND) & (normals @ ahead > _FACING)
    return found
