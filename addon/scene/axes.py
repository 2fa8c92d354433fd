# SPDX-License-Identifier: GPL-3.0-or-later
"""Duologue is Y up and faces +Z, Blender is Z up and faces -Y: (x, y, z) becomes (x, -z, y). Both are right-handed, in metres."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""(3, 3): turns our vectors into Blender's."""


def to_blender(vectors: ArrayLike) -> NDArray[Any]:
    """Turn vectors (..., 3) from our axes into Blender's."""
    return np.asarray(vectors) @ TO_BLENDER.T


def from_blender(vectors: ArrayLike) -> NDArray[Any]:
    """Turn vectors (..., 3) from Blender's axes into ours."""
    return np.asarray(vectors) @ TO_BLENDER


def frames_from_blender(matrices: ArrayLike) -> NDArray[Any]:
    """Turn placements (..., 4, 4) into our world: the world's axes change, a bone's own axes stay what they are."""
    world = np.eye(4)
    world[:3, :3] = TO_BLENDER.T
    return world @ np.asarray(matrices)
