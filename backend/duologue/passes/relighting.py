"""The relit picture: what was carried, in the light of where it is now, and its holes in the rig's own colours. No network.

The light is the first picture's (:mod:`.irradiance`). What is seen in both pictures needs neither colours nor gains:
``I' = I s(n') / s(n)``, a ratio image (Z. Liu, Y. Shan and Z. Zhang, "Expressive expression mapping with ratio images", 2001).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import einsum
from duologue.passes.camera import Camera, Size
from duologue.passes.contract import BACKGROUND
from duologue.passes.inpainting import inpainted
from duologue.passes.irradiance import Light
from duologue.passes.lighting import shadow
from duologue.passes.raster import Hits
from duologue.passes.reprojection import View, around, far_pixels, find, labels_of
from duologue.passes.shading import as_bytes, from_linear, normals, smaller, spread, to_linear
from duologue.passes.surface import Mesh

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]

_RATIOS: Final = (0.6, 1.7)
"""How much darker or brighter what was carried gets at most: a light found by a few normals may be wrong about others."""
_MIXED: Final = 0.3
"""What a pixel beside another surface counts for: too little to be carried alone, for it shows some of that as well."""


class Relighter:
    """A first picture (H, W, 3) as it goes on; ``first``: what it shows, of which ``mesh``, and by which camera."""

    def __init__(self, picture: Bytes, mesh: Mesh, first: View) -> None:
        self._picture, self._first, alone = picture, first, _alone(first.labels)
        self._weights = np.where(alone, 1.0, _MIXED)
        self._behind = inpainted(picture.astype(np.float64), alone & (first.labels == BACKGROUND))
        found = first.hits.found
        told = alone[found]
        normal = normals(mesh, first.hits, first.camera)[0] @ first.camera.axes.T

        def shadowed(towards: Floats) -> Floats:
            return shadow(mesh, first.hits, towards, normal @ towards)

        self.light = Light.of(
            picture[found][told],
            mesh.colour[first.hits.triangle[found]][told],
            normal[told],
            first.labels[found][told],
            lambda towards: shadowed(towards)[told],
        )
        self._shadow = spread(shadowed(self.light.towards), first.hits)[..., None]

    def draw(self, mesh: Mesh, hits: Hits, fine: Hits, camera: Camera, first_vertices: Floats) -> Bytes:
        """Return the relit picture (H, W, 3).

        A pixel is what is seen at its centre; where several parts or people meet in it, the mean of two samples each way.

        Args:
            mesh: as it is now.
            hits: what is seen of it now, at pixels' centres; ``fine``: at two samples a pixel each way.
            camera: that sees it now.
            first_vertices: (V, 3) where its vertices were in the first picture; NaN where they were not there.
        """
        normal = normals(mesh, hits, camera)[0] @ camera.axes.T
        dark = spread(shadow(mesh, hits, self.light.towards, normal @ self.light.towards), hits)
        picture = self._colours(mesh, first_vertices, hits, camera, dark=dark, where=np.ones(dark.shape, bool))
        labels = labels_of(mesh, fine)
        corners = np.stack([labels[row::2, column::2] for row in (0, 1) for column in (0, 1)])
        mixed = (corners != corners[0]).any(axis=0)
        finer = self._colours(mesh, first_vertices, fine, camera, dark=_twice(dark), where=_twice(mixed))
        return as_bytes(np.where(mixed[..., None], smaller(finer), picture))

    def _colours(
        self, mesh: Mesh, first_vertices: Floats, hits: Hits, camera: Camera, *, dark: Floats, where: NDArray[np.bool_]
    ) -> Floats:
        """Return colours (H, W, 3), sRGB 0..255, of what was hit at the pixels ``where``; anything elsewhere.

        ``dark`` (H, W): how much of it lies in shadow.
        """
        labels = labels_of(mesh, hits)
        picture = np.zeros((*labels.shape, 3))
        chosen = Hits(np.where(where, hits.triangle, -1), hits.weights, hits.depth)
        picture[chosen.found] = self._surface(
            mesh, first_vertices, chosen, camera, labels=labels[chosen.found], dark=dark[chosen.found]
        )
        rows, columns = np.nonzero(where & ~hits.found)
        places = np.stack([columns + 0.5, rows + 0.5], axis=-1)
        picture[rows, columns] = self._far(camera, places, hits.size)
        return picture

    def _far(self, camera: Camera, places: Floats, size: Size) -> Floats:
        """Return what is behind everybody (N, 3) at places (N, 2) of a camera's picture; beyond the first its edge goes on."""
        its_size = self._first.hits.size
        if camera.orthographic:  # nothing is far enough for it: a background stays where it is
            there = places * np.divide(its_size, size)
        else:
            there = far_pixels(camera, places, size, self._first.camera, its_size)
            there = np.where(np.isfinite(there), there, 0.0)
        rows, columns, shares, _ = around(there, its_size)
        return einsum("nk,nkc->nc", shares, self._behind[rows, columns])

    def _surface(
        self, mesh: Mesh, first_vertices: Floats, hits: Hits, camera: Camera, *, labels: Bytes, dark: Floats
    ) -> Floats:
        """Return the colours (N, 3), sRGB 0..255, of what was hit."""
        triangle, weights = hits.triangle[hits.found], hits.weights[hits.found]
        normal = normals(mesh, hits, camera)[0] @ camera.axes.T
        corners = mesh.triangles[triangle]
        there = find(first_vertices[corners], weights, labels, self._first).weighed(self._weights)
        # As it was turned then: its triangle's axes tell by how much. Normals of the whole mesh would take ten times as long.
        turned = einsum("nij,nj->ni", _axes(mesh.vertices[corners]), normal)
        before = einsum("nji,nj->ni", _axes(np.nan_to_num(first_vertices[corners])), turned)
        shade, shade_then = self.light.shade(normal, dark), self.light.shade(before, there.sample(self._shadow)[:, 0])
        carried = to_linear(there.sample(self._picture)) * np.clip(shade / shade_then, *_RATIOS)
        return from_linear(np.where(there.seen[:, None], carried, self.light.lit(mesh.colour[triangle], labels, shade)))


def _axes(corners: Floats) -> Floats:
    """Return axes (N, 3, 3), a row each, that turn with triangles (N, 3, 3): along an edge, across it, and up."""
    along, up = corners[:, 1] - corners[:, 0], np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    along, up = _unit(along), _unit(up)
    return np.stack([along, np.cross(up, along), up], axis=1)


def _alone(labels: Bytes) -> NDArray[np.bool_]:
    """Return whether a pixel (H, W) and all eight around it have one label."""
    height, width = labels.shape
    beside = np.pad(labels, 1, mode="edge")
    return np.all(
        [beside[row : row + height, column : column + width] == labels for row in range(3) for column in range(3)],
        axis=0,
    )


def _twice(picture: NDArray[Any]) -> NDArray[Any]:
    return picture.repeat(2, axis=0).repeat(2, axis=1)


def _unit(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
