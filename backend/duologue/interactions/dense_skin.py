"""Skin as points near enough to each other, however large its triangles are: what lies between vertices is skin as well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array
from duologue.motion.rotations import cross, einsum
from duologue.rigs.skinned import vertex_normals

Indices = NDArray[np.int64]


class DenseSkin:
    """n vertices, and S points within the triangles whose sides are longer than ``finest`` metres at rest."""

    def __init__(self, rest: Array, triangles: Indices, finest: float) -> None:
        """Cut the large ones of triangles (f, 3), of vertices ``rest`` (n, 3), into parts no longer than ``finest``."""
        self.triangles = triangles
        longest = np.linalg.norm(rest[triangles] - rest[np.roll(triangles, 1, axis=1)], axis=-1).max(
            axis=1, initial=0.0
        )
        counts = np.ceil(longest / finest).astype(np.int64)
        parts = [(np.flatnonzero(counts == count), middles(int(count))) for count in np.unique(counts[counts > 1])]
        self.within = np.concatenate([np.zeros(0, np.int64), *(np.repeat(rows, len(of)) for rows, of in parts)])
        self.shares = np.concatenate([np.zeros((0, 3)), *(np.tile(of, (len(rows), 1)) for rows, of in parts)])

    def posed(self, vertices: Array) -> tuple[Array, Array]:
        """Return where all its points are and their unit normals, both (..., n + S, 3), vertices being at (..., n, 3).

        Of a point within a triangle the normal is the triangle's own: over a plane that is how high one is.
        """
        normals = vertex_normals(vertices, self.triangles)
        if not len(self.within):
            return vertices, normals
        corners = vertices[..., self.triangles[self.within], :]
        facing = cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])
        facing = facing / np.maximum(np.linalg.norm(facing, axis=-1, keepdims=True), 1e-12)
        points = einsum("sk,...skx->...sx", self.shares, corners)
        return np.concatenate([vertices, points], axis=-2), np.concatenate([normals, facing], axis=-2)


def middles(count: int) -> Array:
    """Return the shares (count^2, 3) of the middles of a triangle's parts, its sides cut into ``count``."""
    upward = [(i + 1 / 3, j + 1 / 3) for i in range(count) for j in range(count - i)]
    downward = [(i + 2 / 3, j + 2 / 3) for i in range(count - 1) for j in range(count - 1 - i)]
    two = np.array(upward + downward) / count
    return np.column_stack((two, 1.0 - two.sum(axis=1)))
