"""What of a character can be touched from outside, and points spread evenly over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from duologue.interactions.actor import Array, Character
from duologue.interactions.dense_skin import middles
from duologue.interactions.give_way import known_skin
from duologue.passes.camera import Camera
from duologue.passes.raster import rasterise
from duologue.rigs.skinned import SkinnedMesh

Indices = NDArray[np.int64]

STEP: Final = 0.0025
"""Metres between the points that areas are made of."""
_MOST: Final = 12
_PIXELS: Final = 640
"""Across a head that is looked at from outside: half a millimetre."""


@lru_cache(maxsize=8)
def outer_face(character: Character) -> Indices:
    """Return the triangles (f, 3) of a head's skin that are seen from outside, as indices of the mesh's vertices.

    Mouth, nostrils and the sockets of eyes are left out: through a cheek a fingertip comes out in a mouth, and would be outside
    again.
    """
    skin = known_skin(character)
    corners = skin.rest[skin.triangles]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middle = 0.5 * (skin.rest.min(axis=0) + skin.rest.max(axis=0))
    size = float(np.linalg.norm(skin.rest - middle, axis=1).max())
    seen = np.zeros(len(skin.triangles), np.bool_)
    for way in _directions():
        camera = replace(
            Camera.looking(middle + 2 * size * way, middle), focal=(1 / size, 1 / size), orthographic=True, far=4 * size
        )
        hits = rasterise(skin.rest, skin.triangles.astype(np.int32), camera, (_PIXELS, _PIXELS))
        found = np.unique(hits.triangle[hits.found])
        seen[found[facing[found] @ way > 0]] = True
    return skin.vertices[skin.triangles[seen]]


def _directions() -> Array:
    """Return the 26 directions (26, 3) to the corners, edges and sides of a cube, a little off the vertical."""
    grid = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    ways = grid[np.abs(grid).any(axis=1)] + (0.01, 0.0, 0.02)
    return ways / np.linalg.norm(ways, axis=1, keepdims=True)


def trunk(character: Character) -> Indices:
    """Return the triangles (f, 3) of trunk, shoulders and what is worn there."""
    triangles = character.mesh.triangles
    return triangles[(character.trunk_weight[triangles] > 0.5).all(axis=1)]


def moved_by(mesh: SkinnedMesh, bones: NDArray[np.integer[Any]]) -> Indices:
    """Return the triangles (f, 3) whose corners those bones move mostly."""
    return mesh.triangles[(mesh.weight_of(bones)[mesh.triangles] > 0.5).all(axis=1)]


def near(vertices: Array, triangles: Indices, points: Array, reach: float) -> NDArray[np.bool_]:
    """Return which triangles (f, 3) of vertices (n, 3) may be within ``reach`` metres of any of some points (p, 3), whatever
    their size: trunks are cut into triangles of up to 12 cm."""
    corners = vertices[triangles]
    middles = corners.mean(axis=1)
    sizes = np.linalg.norm(corners - middles[:, None], axis=-1).max(axis=1, initial=0.0)
    bound = reach + float(sizes.max(initial=0.0))
    return KDTree(points).query(middles, distance_upper_bound=bound)[0] < reach + sizes


@dataclass(frozen=True, eq=False)
class Points:
    """S points over triangles: in those of ``corners`` (S, 3) at ``shares`` (S, 3), each for ``area`` (S,) square metres."""

    corners: Indices
    shares: Array
    area: Array

    def at(self, vertices: Array) -> Array:
        """Return where they are (S, 3), vertices being at (V, 3)."""
        return (self.shares[..., None] * vertices[self.corners]).sum(axis=1)


def spread_over(vertices: Array, triangles: Indices, step: float = STEP) -> Points:
    """Cut triangles (f, 3) into parts no longer than ``step``, and return the middles of the parts."""
    corners = vertices[triangles]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(axis=1, initial=0.0)
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=-1)
    counts = np.clip(np.ceil(longest / step), 1, _MOST).astype(np.int64)
    parts: list[tuple[Indices, Array, Array]] = []
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        shares = middles(int(count))
        parts.append(
            (
                np.repeat(triangles[rows], len(shares), axis=0),
                np.tile(shares, (len(rows), 1)),
                np.repeat(area[rows] / len(shares), len(shares)),
            )
        )
    if not parts:
        return Points(np.zeros((0, 3), np.int64), np.zeros((0, 3)), np.zeros(0))
    corner, share, size = zip(*parts, strict=True)
    return Points(np.concatenate(corner), np.concatenate(share), np.concatenate(size))
