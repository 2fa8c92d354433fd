"""Where the points of one picture are in another one, and whether they are seen there: flow, and the carried picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import einsum
from duologue.passes.camera import Camera, Size
from duologue.passes.contract import BACKGROUND, label
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

    @property
    def pure(self) -> Floats:
        """How far each pixel's colour (H, W) is its own surface's alone: its label's share of it and its four neighbours."""
        beside = np.pad(self.labels, 1, mode="edge")
        neighbours = (beside[1:-1, :-2], beside[1:-1, 2:], beside[:-2, 1:-1], beside[2:, 1:-1])
        return np.mean([np.ones_like(self.labels, bool), *(one == self.labels for one in neighbours)], axis=0)


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

    def weighed(self, weights: Floats) -> Found:
        """Return it with pixels counting for as much as they are worth, ``weights`` (H, W)."""
        return replace(self, shares=self.shares * weights[self.rows, self.columns])

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
    corner = camera.view(corners)
    point = einsum("nk,nkc->nc", weights, corner)
    there = np.isfinite(point).all(axis=1) & (point[:, 2] > camera.near)
    point = np.where(there[:, None], point, (0.0, 0.0, 1.0))
    pixels = camera.screen(point, size)
    rows, columns, shares, inside = around(pixels, size)
    inside &= there
    reach = camera.footprint(point[:, 2], size)[:, None]
    expected = _plane_depth(corner, point, np.stack([columns + 0.5, rows + 0.5], axis=-1), camera, size)
    expected = np.clip(expected, point[:, 2:] - _STEEPEST * reach, point[:, 2:] + _STEEPEST * reach)
    same = other.labels[rows, columns] == labels[:, None]
    same &= np.abs(other.hits.depth[rows, columns] - expected) <= _TOLERANCE + reach
    same |= shares <= 1e-9  # what counts for nothing needs not be there
    return Found(pixels, rows, columns, np.where(same & inside[:, None], shares, 0.0), same.all(axis=1) & inside)


def find_far(camera: Camera, pixels: Floats, size: Size, other: View) -> Found:
    """Look in another picture for what is behind everybody, so far away that only the camera's turn counts.

    ``pixels`` (N, 2): places in the camera's own picture, of ``size``.

    Nothing is far enough for an orthographic camera: there a background stays only where the camera does.
    """
    its_size = other.hits.size
    if camera.orthographic:
        there = np.full(len(pixels), same_camera(camera, other.camera))
        pixels = pixels * np.divide(its_size, size)
    else:
        pixels = far_pixels(camera, pixels, size, other.camera, its_size)
        there = np.isfinite(pixels).all(axis=-1)
        pixels = np.where(there[:, None], pixels, -1.0)
    around_rows, around_columns, shares, inside = around(pixels, its_size)
    same = (other.labels[around_rows, around_columns] == BACKGROUND) | (shares <= 1e-9)
    inside &= there
    return Found(
        pixels, around_rows, around_columns, np.where(same & inside[:, None], shares, 0.0), same.all(axis=1) & inside
    )


def far_pixels(camera: Camera, pixels: Floats, size: Size, other: Camera, its_size: Size) -> Floats:
    """Return where in another camera's picture (N, 2) is what a camera shows at pixels (N, 2), were it infinitely far away.

    NaN behind the other one. Sizes: width and height of the two pictures.
    """
    _, leads = camera.rays(pixels, size)
    ahead = np.array((1.0, 1.0, -1.0))  # rays count depth forwards, axes backwards
    seen = (leads * ahead) @ camera.axes.T @ other.axes * ahead
    return other.screen(np.where(seen[:, 2:] > 0, seen, np.nan), its_size)


def same_camera(camera: Camera, other: Camera) -> bool:
    """Return whether two cameras see the same of the same world."""
    mine, theirs = (np.r_[np.ravel(one.position), np.ravel(one.axes), one.focal, one.offset] for one in (camera, other))
    return camera.orthographic == other.orthographic and bool(np.allclose(mine, theirs, atol=1e-6))


def around(pixels: Floats, size: Size) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats, NDArray[np.bool_]]:
    """Return rows and columns (N, 4) of the four centres round places (N, 2), their bilinear shares (N, 4), and if all are there.

    The outermost centres count, for what stands still; a place beyond them is taken to be at the nearest.
    """
    limit = np.array(size) - 1.0
    place = pixels - 0.5
    inside = ((place >= -_EDGE) & (place <= limit + _EDGE)).all(axis=-1)
    place = np.clip(place, 0.0, limit)
    low = np.floor(place).astype(np.intp)
    part = place - low
    columns = np.minimum(low[:, :1] + (0, 1, 0, 1), size[0] - 1)
    rows = np.minimum(low[:, 1:] + (0, 0, 1, 1), size[1] - 1)
    across, down = (np.stack([1 - part[:, k], part[:, k]], axis=1) for k in (0, 1))
    return rows, columns, across[:, (0, 1, 0, 1)] * down[:, (0, 0, 1, 1)], inside


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
