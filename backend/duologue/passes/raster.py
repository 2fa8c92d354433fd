"""What is seen at each pixel's centre: which triangle, where on it and how deep. A z-buffer over arrays.

With numba (the extra ``video``) the same search is compiled: the same triangles, about six times as fast (:mod:`.compiled`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import einsum
from duologue.passes.camera import Camera, Size

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
Search = Callable[[NDArray[np.float64], NDArray[np.float64], Indices, int, int], Indices]

_CHUNK: Final = 4_000_000
"""Pixels of triangles' boxes that are looked at together: 200 MB."""


@dataclass(frozen=True, eq=False)
class Hits:
    """``triangle`` (H, W), -1 where there is none; ``weights`` (H, W, 3) of its corners; ``depth`` (H, W) metres, or inf."""

    triangle: Indices
    weights: NDArray[np.float64]
    depth: NDArray[np.float64]

    @property
    def size(self) -> Size:
        """Width and height."""
        return self.triangle.shape[1], self.triangle.shape[0]

    @property
    def found(self) -> NDArray[np.bool_]:
        """Where anything is seen (H, W)."""
        return self.triangle >= 0


def rasterise(
    vertices: Floats, triangles: Indices, camera: Camera, size: Size, *, search: Search | None = None
) -> Hits:
    """Find the nearest triangle at each pixel's centre; both of its sides are seen.

    Args:
        vertices: (V, 3) metres, world.
        triangles: (F, 3).
        camera: whose picture it is.
        size: width and height, pixels.
        search: :func:`search_arrays` or its compiled twin; by default the faster one that is there.
    """
    width, height = size
    drawn = _in_front(camera.view(vertices), triangles, camera)
    screen = camera.screen(drawn.seen, size)
    # Depth itself is not linear across a picture with perspective, its inverse is: the nearest has the greatest key.
    keys = -drawn.seen[:, 2] if camera.orthographic else 1.0 / drawn.seen[:, 2]
    winners = (search or fastest())(
        np.ascontiguousarray(screen),  # else numba compiles once a layout
        np.ascontiguousarray(keys),
        np.ascontiguousarray(drawn.triangles),
        width,
        height,
    )
    found = np.flatnonzero(winners >= 0)
    weights, depth = np.zeros((height * width, 3)), np.full(height * width, np.inf)
    triangle = np.full(height * width, -1, np.int32)
    if len(found):
        chosen = winners[found]
        corners = drawn.triangles[chosen]
        centres = np.stack([found % width + 0.5, found // width + 0.5], axis=1)
        key, true = _at(screen[corners], keys[corners], centres, orthographic=camera.orthographic)
        deep = -key if camera.orthographic else 1.0 / key
        weights[found], triangle[found] = drawn.of_source(chosen, true)
        depth[found] = deep
        beyond = found[deep > camera.far]
        weights[beyond], depth[beyond], triangle[beyond] = 0.0, np.inf, -1
    shape = (height, width)
    return Hits(triangle.reshape(shape), weights.reshape(*shape, 3), depth.reshape(shape))


def _at(
    screen: Floats, keys: Floats, centres: Floats, *, orthographic: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the key (N,) and the weights of the corners (N, 3) on the triangles, not in the picture, at pixel centres."""
    away = screen - centres[:, None]
    x, y = away[..., 0], away[..., 1]
    edges = np.stack([x[:, i] * y[:, j] - x[:, j] * y[:, i] for i, j in ((1, 2), (2, 0), (0, 1))], axis=1)
    flat = np.clip(edges / edges.sum(axis=1, keepdims=True), 0.0, 1.0)
    flat /= flat.sum(axis=1, keepdims=True)
    key = einsum("nk,nk->n", flat, keys)
    return key, flat if orthographic else flat * keys / key[:, None]


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Triangles (n, 3) over points in camera space (m, 3), none of them behind the near plane.

    The first ``len(source)`` are whole ones, ``source`` says which. The others were cut: ``owner`` (c,) says from which, and
    ``shares`` (c, 3, 3) the weights of their corners there.
    """

    seen: NDArray[np.float64]
    triangles: Indices
    source: NDArray[np.intp]
    owner: NDArray[np.intp]
    shares: NDArray[np.float64]

    def of_source(self, chosen: Indices, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], Indices]:
        """Return weights (N, 3) and triangles (N,) of the mesh, for those of what was drawn."""
        cut = chosen >= len(self.source)
        result = np.empty(len(chosen), np.int32)
        result[~cut] = self.source[chosen[~cut]]
        if cut.any():
            piece = chosen[cut] - len(self.source)
            result[cut] = self.owner[piece]
            weights = weights.copy()
            weights[cut] = einsum("nk,nkl->nl", weights[cut], self.shares[piece])
        return weights, result


def _in_front(seen: Floats, triangles: Indices, camera: Camera) -> _Drawn:
    """Leave out what is behind the near plane, and cut what crosses it."""
    beyond, near = seen[:, 2] > camera.near, seen[:, 2] <= camera.far
    if beyond.all() and near.all():
        return _Drawn(seen, triangles, np.arange(len(triangles)), np.zeros(0, np.intp), np.zeros((0, 3, 3)))
    count = beyond[triangles].sum(axis=1)
    whole = np.flatnonzero((count == 3) & near[triangles].any(axis=1))
    cut = np.flatnonzero((count == 1) | (count == 2))
    kept = np.where(beyond[:, None], seen, (0.0, 0.0, camera.near))  # those behind belong to no triangle any more
    if not len(cut):
        return _Drawn(kept, triangles[whole], whole, cut, np.zeros((0, 3, 3)))
    owner, shares = _cut(seen[triangles[cut]], camera.near)
    pieces = einsum("nij,njk->nik", shares, seen[triangles[cut[owner]]])
    pieces[..., 2] = np.maximum(pieces[..., 2], camera.near)
    more = (len(seen) + np.arange(3 * len(pieces))).reshape(-1, 3).astype(np.int32)
    points = np.concatenate([kept, pieces.reshape(-1, 3)])
    return _Drawn(points, np.concatenate([triangles[whole], more]), whole, cut[owner], shares)


def _cut(corners: Floats, near: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Cut triangles (n, 3, 3) in camera space at a depth, of which each has corners on both sides (Sutherland, Hodgman 1974).

    Returns for each piece that lies beyond it which triangle it is of (c,), and the weights of its corners there (c, 3, 3).
    """
    beyond = corners[..., 2] > near
    # Turn each so that the corner that is alone on its side comes first.
    single = np.where(beyond.sum(axis=1) == 1, beyond.argmax(axis=1), (~beyond).argmax(axis=1))
    order = (single[:, None] + np.arange(3)) % 3
    rows = np.arange(len(corners))
    turned, unit = corners[rows[:, None], order], np.eye(3)[order]
    share = (near - turned[:, :1, 2]) / (turned[:, 1:, 2] - turned[:, :1, 2])
    ends = unit[:, :1] + share[..., None] * (
        unit[:, 1:] - unit[:, :1]
    )  # on both sides of the first corner, at the plane
    one = beyond[rows, single]
    tips = np.concatenate([unit[one, :1], ends[one]], axis=1)
    first = np.stack([ends[~one, 0], unit[~one, 1], unit[~one, 2]], axis=1)
    second = np.stack([ends[~one, 0], unit[~one, 2], ends[~one, 1]], axis=1)
    return np.concatenate([rows[one], rows[~one], rows[~one]]), np.concatenate([tips, first, second])


@cache
def fastest() -> Search:
    """Return the compiled search where numba is installed, else :func:`search_arrays`."""
    if find_spec("numba") is None:
        return search_arrays
    from duologue.passes.compiled import search_compiled

    return search_compiled


def search_arrays(
    screen: NDArray[np.float64], keys: NDArray[np.float64], triangles: Indices, width: int, height: int
) -> Indices:
    """Return which triangle (H x W,) is nearest at each pixel's centre, -1 where there is none; of equals the first one.

    Every pixel in the box of every triangle is tried at once (Pineda, "A Parallel Algorithm for Polygon Rasterization", 1988:
    a point is inside where all three edge functions have the sign of the area).

    Args:
        screen: (V, 2) pixels.
        keys: (V,), greater is nearer, linear in the picture.
        triangles: (F, 3).
        width, height: of the picture.
    """
    x, y = (np.take(screen[:, axis], triangles.T) for axis in (0, 1))
    some, left, top, across, count = _boxes(x, y, width, height)
    corners = (*x[:, some], *y[:, some], *np.take(keys, triangles[some].T))
    best = np.full(width * height, -np.inf)
    kept: list[tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]] = []
    ends, start = np.cumsum(count), 0
    while start < len(some):
        before = ends[start - 1] if start else 0
        part = slice(start, max(start + 1, int(np.searchsorted(ends, before + _CHUNK, side="right"))))
        of = np.repeat(np.arange(part.start, min(part.stop, len(some))), count[part])
        nth = np.arange(len(of)) - (ends[of] - count[of] - before)
        column, row = left[of] + nth % across[of], top[of] + nth // across[of]
        key, hit = _keys(tuple(corner[of] for corner in corners), column + 0.5, row + 0.5)
        pixel, triangle = (row * width + column)[hit], some[of[hit]]
        near = key >= best[pixel]
        pixel, key, triangle = pixel[near], key[near], triangle[near]
        np.maximum.at(best, pixel, key)
        kept.append((pixel, key, triangle))
        start = part.stop
    winners = np.full(width * height, -1, np.int32)
    for pixel, key, triangle in reversed(kept):  # the first of equals is written last, and stays
        won = key == best[pixel]
        winners[pixel[won][::-1]] = triangle[won][::-1]
    return winners


def _boxes(x: Floats, y: Floats, width: int, height: int) -> tuple[NDArray[np.intp], ...]:
    """Return the triangles in whose box a pixel's centre lies (n,); of each the first column and row, columns and pixels.

    ``x``, ``y``: (3, F) of their corners.
    """
    (left, right), (top, bottom) = (
        (
            np.maximum(np.ceil(np.minimum(np.minimum(a, b), c) - 0.5), 0.0),
            np.minimum(np.floor(np.maximum(np.maximum(a, b), c) - 0.5), limit - 1.0),
        )
        for (a, b, c), limit in ((x, width), (y, height))
    )
    some = np.flatnonzero((left <= right) & (top <= bottom))
    first, last, high, low = (side[some].astype(np.intp) for side in (left, right, top, bottom))
    across = last - first + 1
    return some, first, high, across, across * (low - high + 1)


def _keys(
    corners: tuple[NDArray[np.float64], ...], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return which points (n,) lie in their triangles, and the keys of those; ``corners``: x, y and keys, three of each."""
    ax, bx, cx, ay, by, cy, ka, kb, kc = corners
    e0 = (bx - x) * (cy - y) - (cx - x) * (by - y)
    e1 = (cx - x) * (ay - y) - (ax - x) * (cy - y)
    e2 = (ax - x) * (by - y) - (bx - x) * (ay - y)
    area = e0 + e1 + e2
    hit = (((e0 >= 0) & (e1 >= 0) & (e2 >= 0)) | ((e0 <= 0) & (e1 <= 0) & (e2 <= 0))) & (area != 0)
    e0, e1, e2, area, ka, kb, kc = (value[hit] for value in (e0, e1, e2, area, ka, kb, kc))
    key = (e0 * ka + e1 * kb + e2 * kc) / area
    least, most = np.minimum(np.minimum(ka, kb), kc), np.maximum(np.maximum(ka, kb), kc)
    return np.minimum(np.maximum(key, least), most), hit
