"""Where the points of one picture are in another one, and whether they are seen there: flow, and the carried picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import einsum
from duologue.passes.camera import Camera
from duologue.passes.contract import label
from duologue.passes.raster import Hits
from duologue.passes.shading import interpolate, spread
from duologue.passes.surface import Mesh

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]

_TOLERANCE: Final = 0.003
"""Metres by which a point may lie off the surface that is seen beside it: a sleeve on its arm is nearer than that to nothing."""
_EDGE: Final = 1e-3
"""Pixels by which rounding may move a point beyond the last centre."""
_STEEPEST: Final = 4.0
"""Pixels' widths of depth from one pixel to the next beyond which a surface is as good as edge-on."""


@dataclass(frozen=True, eq=False)
class View:
    """A picture that points are looked for in: its hits, its camera, and the label (H, W) of what is seen (person x 8 + part)."""

    hits: Hits
    camera: Camera
    labels: Bytes


@dataclass(frozen=True, eq=False)
class Found:
    """Where N points are: ``pixels`` (N, 2) in the other picture; ``rows`` and ``columns`` (N, 4) of the four pixels around.

    ``shares`` (N, 4): what those count for, bilinear, 0 where another surface is seen; ``whole`` (N,): seen with all four.
    """

    pixels: Floats
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    shares: Floats
    whole: NDArray[np.bool_]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Whether more than half of what is around a point is its own surface (N,)."""
        return self.shares.sum(axis=1) > 0.5

    def sample(self, picture: NDArray[Any]) -> Floats:
        """Return the values (N, c) of a picture (H, W, c) at the points, from their own surface alone."""
        total = np.maximum(self.shares.sum(axis=1, keepdims=True), 1e-9)
        return einsum("nk,nkc->nc", self.shares / total, picture[self.rows, self.columns].astype(np.float64))


def view(mesh: Mesh, hits: Hits, camera: Camera) -> View:
    """Return a picture as one to look for points in."""
    return View(hits, camera, labels_of(mesh, hits))


def labels_of(mesh: Mesh, hits: Hits) -> Bytes:
    """Return the pass ``part`` (H, W)."""
    triangle = hits.triangle[hits.found]
    return spread(label(mesh.person[triangle], mesh.part[triangle]), hits).astype(np.uint8)


def find(corners: Floats, weights: Floats, labels: Bytes, other: View) -> Found:
    """Look for points of triangles in another picture.

    A pixel there shows a point's surface where it has the point's label, and the depth that the point's own triangle would have
    in it. So what lies behind something is not seen, and no colour is mixed across an outline.

    Args:
        corners: (N, 3, 3) metres, world: the points' triangles as they are there; NaN where they are not.
        weights: (N, 3) of their corners.
        labels: (N,).
        other: where they are looked for.
    """
    camera, size = other.camera, other.hits.size
    width, height = size
    corner = camera.view(corners)
    point = einsum("nk,nkc->nc", weights, corner)
    there = np.isfinite(point).all(axis=1) & (point[:, 2] > camera.near)
    point = np.where(there[:, None], point, (0.0, 0.0, 1.0))
    pixels = camera.screen(point, size)
    place = pixels - 0.5
    inside = there.copy()
    for axis in (0, 1):  # the outermost centres count, for what stands still
        inside &= (place[:, axis] >= -_EDGE) & (place[:, axis] <= size[axis] - 1 + _EDGE)
    place = np.where(inside[:, None], np.clip(place, 0.0, np.array(size) - 1.0), 0.0)
    low = np.floor(place).astype(np.intp)
    part = place - low
    columns = np.minimum(low[:, :1] + (0, 1, 0, 1), width - 1)
    rows = np.minimum(low[:, 1:] + (0, 0, 1, 1), height - 1)
    across, down = (np.stack([1 - part[:, k], part[:, k]], axis=1) for k in (0, 1))
    shares = across[:, (0, 1, 0, 1)] * down[:, (0, 0, 1, 1)]
    reach = camera.footprint(point[:, 2], size)[:, None]
    expected = _plane_depth(corner, point, np.stack([columns + 0.5, rows + 0.5], axis=-1), camera, size)
    expected = np.clip(expected, point[:, 2:] - _STEEPEST * reach, point[:, 2:] + _STEEPEST * reach)
    same = other.labels[rows, columns] == labels[:, None]
    same &= np.abs(other.hits.depth[rows, columns] - expected) <= _TOLERANCE + reach
    same |= shares <= 1e-9  # what counts for nothing needs not be there
    return Found(pixels, rows, columns, np.where(same & inside[:, None], shares, 0.0), same.all(axis=1) & inside)


def _plane_depth(corner: Floats, point: Floats, pixels: Floats, camera: Camera, size: tuple[int, int]) -> Floats:
    """Return the depths (N, 4) of the points' own planes at pixels (N, 4, 2): where the rays through them meet the plane."""
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    begins, leads = camera.rays(pixels, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = einsum("nc,nkc->nk", normal, point[:, None] - begins)
        depth = away / einsum("nc,nkc->nk", normal, leads)
    return np.where(np.isfinite(depth), depth, point[:, 2:])


def flow(mesh: Mesh, hits: Hits, camera: Camera, following: View) -> tuple[Floats, Bytes]:
    """Return how far each pixel's point moves to the next frame (H, W, 2), pixels to the right and down; and if it is seen there.

    Where there is nothing, or nothing that goes on, both are 0.

    Args:
        mesh: with ``next_vertices``.
        hits, camera: of this frame's picture.
        following: the next frame's.
    """
    found = hits.found
    if mesh.next_vertices is None:
        return np.zeros((*found.shape, 2)), np.zeros(found.shape, np.uint8)
    triangle, weights = hits.triangle[found], hits.weights[found]
    there = find(
        mesh.next_vertices[mesh.triangles[triangle]],
        weights,
        label(mesh.person[triangle], mesh.part[triangle]),
        following,
    )
    now = camera.screen(camera.view(interpolate(mesh.vertices, mesh, hits)), hits.size)
    moved = np.where(
        np.isfinite(mesh.next_vertices[mesh.triangles[triangle]]).all(axis=(1, 2))[:, None], there.pixels - now, 0.0
    )
    return spread(moved, hits), spread(there.whole.astype(np.uint8), hits).astype(np.uint8)
