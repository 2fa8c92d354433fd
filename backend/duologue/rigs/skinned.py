"""A character's surface as arrays: triangles, skin weights, shapes; posed by linear blend skinning where there is no Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.motion.rotations import Floats, cross, einsum

Array = NDArray[np.float64]

_FEW: Final = 12
"""Bones up to which their matrices are blended by one product, and not bone by bone: of a head there are a few."""


@dataclass(frozen=True, eq=False)
class SkinnedMesh:
    """All meshes of one character as one: V vertices, F triangles, at most k bones a vertex. Our axes, metres.

    Raises:
        DuologueError: INVALID_ARGUMENT ``surface-shape`` for arrays that don't fit, ``surface-not-finite`` for NaN.
    """

    vertices: Array
    """(V, 3): the rest pose, where the armature stands."""
    triangles: NDArray[np.int64]
    """(F, 3): indices of vertices, counter-clockwise from outside."""
    bones: NDArray[np.int64]
    """(V, k): the armature's bones that move each vertex."""
    weights: Array
    """(V, k): how much, summing to 1."""
    shapes: Mapping[str, tuple[NDArray[np.int64], Array]] = field(
        default_factory=dict[str, tuple[NDArray[np.int64], Array]]
    )
    """Shape -> the vertices (n,) that it moves and by how much (n, 3) at weight 1. ARKit's names where they are mapped."""
    material: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(F,): indices into ``materials``; empty: all of one."""
    materials: tuple[str, ...] = ("",)
    piece: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(V,): which of the character's objects each vertex belongs to; empty: all to one."""
    softness: Array = field(default_factory=lambda: np.zeros(0))
    """(V,): the vertex group ``duologue_softness`` in [0, 1], where a user has painted one; else empty."""
    name: str = ""

    def __post_init__(self) -> None:
        count, faces = len(self.vertices), len(self.triangles)
        lengths = ((self.bones, count), (self.weights, count), (self.material, faces), (self.piece, count))
        fits = self.vertices.shape == (count, 3) and self.triangles.shape == (faces, 3)
        if not fits or self.bones.shape != self.weights.shape or any(len(a) not in {0, n} for a, n in lengths):
            raise invalid("surface-shape", f"the arrays of {self.name or 'the surface'} don't fit its {count} vertices")
        moving = (self.vertices, self.weights, *(delta for _, delta in self.shapes.values()))
        if not all(np.isfinite(array).all() for array in moving):
            raise invalid("surface-not-finite", f"{self.name or 'the surface'} holds NaN; mend or leave out that mesh")

    def weight_of(self, bones: NDArray[np.integer[Any]]) -> Array:
        """Return how much (V,) of each vertex those bones move together."""
        return np.where(np.isin(self.bones, bones), self.weights, 0.0).sum(axis=1)

    @cached_property
    def vertex_material(self) -> NDArray[np.int64]:
        """(V,): the material of one triangle at each vertex; -1 where a vertex has none."""
        found = np.full(len(self.vertices), -1, np.int64)
        if len(self.material):
            found[self.triangles.ravel()] = np.repeat(self.material, 3)
        else:
            found[self.triangles.ravel()] = 0
        return found

    def pose(
        self,
        skinning: Floats,
        shape_weights: Mapping[str, Floats] | None = None,
        vertices: NDArray[np.integer[Any]] | None = None,
    ) -> Array:
        """Return where vertices are (T, n, 3) over T frames.

        Args:
            skinning: (T, B, 3 or 4, 4): where each bone stands times the inverse of where it rests.
            shape_weights: shape -> its weight (T,) in each frame; shapes that are not named rest.
            vertices: indices (n,); all by default.
        """
        chosen = np.arange(len(self.vertices)) if vertices is None else np.asarray(vertices)
        rest = self.shaped(shape_weights or {}, chosen, len(skinning))
        if len(self._moving(chosen)) <= _FEW:
            matrices = self.blended(skinning, chosen)
            return einsum("tnij,tnj->tni", matrices[..., :3], rest) + matrices[..., 3]
        placed = np.zeros((len(skinning), len(chosen), 3))
        for column in range(self.bones.shape[1]):
            weight = self.weights[chosen, column]
            at = np.flatnonzero(weight > 0)
            if len(at):
                matrices = skinning[:, self.bones[chosen[at], column], :3]
                moved = einsum("tnij,tnj->tni", matrices[..., :3], rest[:, at]) + matrices[..., 3]
                placed[:, at] += weight[at, None] * moved
        return placed

    def blended(self, skinning: Floats, vertices: NDArray[np.integer[Any]]) -> Array:
        """Return the matrices (T, n, 3, 4) that take vertices (n,) to where they are: their bones', blended.

        ``skinning``: (T, B, 3 or 4, 4), as :meth:`pose` has it.
        """
        used = self._moving(vertices)
        share = np.zeros((len(vertices), len(used)))
        for column in range(self.bones.shape[1]):
            weight = self.weights[vertices, column]
            at = np.flatnonzero(weight > 0)
            share[at, np.searchsorted(used, self.bones[vertices[at], column])] += weight[at]
        matrices = np.asarray(skinning[:, used, :3], np.float64)
        return (share @ matrices.reshape(*matrices.shape[:2], 12)).reshape(len(skinning), len(vertices), 3, 4)

    def _moving(self, vertices: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Return the bones that move some of these vertices."""
        return np.unique(self.bones[vertices][self.weights[vertices] > 0])

    def shaped(self, shape_weights: Mapping[str, Floats], vertices: NDArray[np.integer[Any]], frames: int) -> Array:
        """Return the vertices (n,) with shapes on them, unposed: (T, n, 3)."""
        rest = np.repeat(self.vertices[vertices][None], frames, axis=0)
        place = np.full(len(self.vertices), -1)
        place[vertices] = np.arange(len(vertices))
        for name, weights in shape_weights.items():
            if name in self.shapes and np.any(weights):
                index, delta = self.shapes[name]
                at = place[index]
                rest[:, at[at >= 0]] += np.asarray(weights)[:, None, None] * delta[at >= 0]
        return rest


def triangulate(polygons: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the triangles (F, 3) of polygons (P, k) padded with -1, as fans, and the polygon (F,) each comes from."""
    fans = [polygons[:, [0, i, i + 1]] for i in range(1, polygons.shape[1] - 1)]
    triangles = np.concatenate(fans).astype(np.int64)
    origin = np.tile(np.arange(len(polygons)), len(fans))
    whole = (triangles >= 0).all(axis=1)
    order = np.argsort(origin[whole], kind="stable")
    return triangles[whole][order], origin[whole][order]


def vertex_normals(vertices: Floats, triangles: NDArray[np.integer[Any]]) -> Array:
    """Return unit normals (..., V, 3) of vertices (..., V, 3): the mean of the triangles' at each, by area."""
    a, b, c = (vertices[..., triangles[:, k], :] for k in range(3))
    across = cross(b - a, c - a)
    normals = np.zeros(vertices.shape)
    flat, rows = normals.reshape(-1, *normals.shape[-2:]), across.reshape(-1, *across.shape[-2:])
    corners = triangles.T.ravel()
    for frame, row in zip(flat, rows, strict=True):
        for i in range(3):
            frame[:, i] = np.bincount(corners, np.tile(row[:, i], 3), frame.shape[0])
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return normals / np.maximum(length, 1e-12)
