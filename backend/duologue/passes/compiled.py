"""The search of :mod:`.raster`, compiled by numba: the same sums in the same order, so the same triangles, bit for bit."""

# pyright: basic
# What it imports is typed loosely or not at all.

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


# Neither fast mathematics, which would round otherwise than numpy, nor a cache on disk, which numba pickles.
@numba.njit(nogil=True)
def _search(screen: Any, keys: Any, triangles: Any, width: int, height: int) -> Any:
    best = np.full(width * height, -np.inf)
    winners = np.full(width * height, -1, np.int32)
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        left = max(np.ceil(min(ax, bx, cx) - 0.5), 0.0)
        right = min(np.floor(max(ax, bx, cx) - 0.5), width - 1.0)
        top = max(np.ceil(min(ay, by, cy) - 0.5), 0.0)
        bottom = min(np.floor(max(ay, by, cy) - 0.5), height - 1.0)
        if not (left <= right and top <= bottom):
            continue
        ka, kb, kc = keys[a], keys[b], keys[c]
        least, most = min(ka, kb, kc), max(ka, kb, kc)
        for row in range(int(top), int(bottom) + 1):
            y = row + 0.5
            for column in range(int(left), int(right) + 1):
                x = column + 0.5
                e0 = (bx - x) * (cy - y) - (cx - x) * (by - y)
                e1 = (cx - x) * (ay - y) - (ax - x) * (cy - y)
                e2 = (ax - x) * (by - y) - (bx - x) * (ay - y)
                area = e0 + e1 + e2
                if area == 0.0:
                    continue
                if not ((e0 >= 0 and e1 >= 0 and e2 >= 0) or (e0 <= 0 and e1 <= 0 and e2 <= 0)):
                    continue
                key = min(max((e0 * ka + e1 * kb + e2 * kc) / area, least), most)
                at = row * width + column
                if key > best[at]:
                    best[at] = key
                    winners[at] = f
    return winners


def search_compiled(
    screen: NDArray[np.float64], keys: NDArray[np.float64], triangles: NDArray[np.int32], width: int, height: int
) -> NDArray[np.int32]:
    """Do what :func:`.raster.search_arrays` does, which is its oracle."""
    return _search(screen, keys, triangles, width, height)
