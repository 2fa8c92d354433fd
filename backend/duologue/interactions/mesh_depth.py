"""How deep the hand's own vertices are in the skin that they touch, measured on both meshes."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Character, Pose
from duologue.interactions.dense_skin import DenseSkin
from duologue.interactions.outside import seen_from_outside
from duologue.interactions.patterns import FACE
from duologue.interactions.rest_skin import RestSkin
from duologue.rigs.skinned import vertex_normals

_ASIDE: Final = 0.012
"""Metres beside a vertex of the skin beyond which it says nothing of what is over it…"""
_FINEST: Final = 0.015
"""Metres between the points of the skin: trunks are cut into triangles of 2 to 12 cm."""
_UNDER: Final = 0.7
"""…or of what is under it: of the depth, for what is deep inside is far from every vertex."""
_FAR: Final = 0.04
"""Metres from the points beyond which no skin is looked at."""


class SkinPatch:
    """The skin round a few places of a head or a trunk, as n points: its vertices and others between them."""

    def __init__(self, character: Character, landmark: str, places: Array, reach: float, *, covered: bool) -> None:
        """Take the skin within ``reach`` metres of ``places`` (S, 3), all at rest; where it is ``covered``, what covers it too.

        Hair beside the place is no reason for a palm to stay off a cheek: fingers go into it.
        """
        surface = RestSkin.of(character, landmark)
        chosen = surface.triangles if covered else surface.triangles[surface.is_skin]
        used = _outside(surface, covered) if landmark in FACE else np.unique(chosen)
        self.character = character
        away = np.full(len(character.mesh.vertices), np.inf)
        away[used] = np.linalg.norm(character.mesh.vertices[used, None] - places, axis=-1).min(axis=1)
        # Of what is cut large, a triangle reaches in from afar.
        near = np.isfinite(away[chosen]).all(axis=1) & (away[chosen] < reach).any(axis=1)
        self.vertices, local = np.unique(chosen[near], return_inverse=True)
        triangles = local.reshape(-1, 3).astype(np.int64)
        self.dense = DenseSkin(character.mesh.vertices[self.vertices], triangles, _FINEST)

    def posed(self, pose: Pose, weights: dict[str, Array]) -> tuple[Array, Array]:
        """Return where its points are in each frame, and their normals, both (T, n, 3)."""
        return self.dense.posed(self.character.mesh.pose(pose.skinning(), weights, self.vertices))


@lru_cache(maxsize=16)
def _outside(surface: RestSkin, covered: bool) -> NDArray[np.int64]:
    """Return the vertices of a head's skin that are seen from outside; where it is ``covered``, of what covers it too."""
    used = np.unique(surface.triangles if covered else surface.triangles[surface.is_skin])
    points = surface.character.mesh.vertices
    return used[seen_from_outside(points[used], vertex_normals(points, surface.triangles)[used])]


def depths(points: Array, skin: Array, normals: Array) -> Array:
    """Return how deep (h,) points (h, 3) are under the skin (n, 3) with unit ``normals`` (n, 3); -inf far from it.

    The height over the plane through the nearest vertex: within a tenth of a millimetre on skin with edges of 3 to 6 mm.
    """
    if not len(points):
        return np.zeros(0)
    low, high = points.min(axis=0) - _FAR, points.max(axis=0) + _FAR
    beside = ((skin > low) & (skin < high)).all(axis=1)
    if not beside.any():
        return np.full(len(points), -np.inf)
    skin, normals = skin[beside], normals[beside]
    nearest = ((skin**2).sum(axis=1) - 2 * points @ skin.T).argmin(axis=1)
    away = points - skin[nearest]
    height = (away * normals[nearest]).sum(axis=1)
    aside = np.linalg.norm(away - height[:, None] * normals[nearest], axis=1)
    return np.where(aside < np.maximum(_ASIDE, -_UNDER * height), -height, -np.inf)
