"""The carried picture: the first picture's colours, carried along the surface to where it is now. No network.

What the first picture did not show is a hole: it gets its part's mean colour, and a flag. This is what a scene knows of its own
future, and the bar that a video model has to pass.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.passes.camera import Camera
from duologue.passes.contract import BACKGROUND, HAND, HEAD, PARTS
from duologue.passes.raster import Hits
from duologue.passes.reprojection import Found, View, find, find_far, labels_of
from duologue.passes.shading import as_bytes
from duologue.passes.surface import Mesh

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]


class Carrier:
    """A first picture (H, W, 3) as it is carried on; ``first``: what it shows, and by which camera."""

    def __init__(self, picture: Bytes, first: View) -> None:
        self._picture, self._first, self._pure = picture, first, first.pure
        self._means = _means(picture, first.labels)

    def carry(self, mesh: Mesh, hits: Hits, camera: Camera, first_vertices: Floats) -> tuple[Bytes, Bytes]:
        """Return the carried picture (H, W, 3) and its holes (H, W), 1 where nothing could be carried.

        Args:
            mesh: as it is now.
            hits: what is seen of it now, at pixels' centres.
            camera: that sees it now.
            first_vertices: (V, 3) where its vertices were in the first picture; NaN where it was not there.
        """
        labels, found = labels_of(mesh, hits), hits.found
        picture, hole = self._means[labels], np.ones(found.shape, np.uint8)
        corners = first_vertices[mesh.triangles[hits.triangle[found]]]
        # A pixel at an outline shows what is behind it as well: beside others it counts for less, alone it is a hole.
        there = find(corners, hits.weights[found], labels[found], self._first).weighed(self._pure)
        _fill(picture, hole, np.nonzero(found), there, self._picture)
        rows, columns = np.nonzero(~found)
        centres = np.stack([columns + 0.5, rows + 0.5], axis=-1)
        far = find_far(camera, centres, hits.size, self._first).weighed(self._pure)
        _fill(picture, hole, (rows, columns), far, self._picture)
        return as_bytes(picture), hole


def _fill(picture: Floats, hole: Bytes, where: tuple[NDArray[np.intp], ...], there: Found, source: Bytes) -> None:
    """Write what was found in ``source``, at pixels ``where``."""
    picture[where] = np.where(there.seen[:, None], there.sample(source), picture[where])
    hole[where] = ~there.seen


_ALIKE: Final = {HAND: HEAD, HEAD: HAND}
"""Parts of the same skin: a hand that comes into the picture is as dark as the face that is in it."""


def _means(picture: Bytes, labels: Bytes) -> Floats:
    """Return the mean colour (256, 3) of each label in a picture; or else of the same skin, its person, all."""
    count = np.bincount(labels.ravel(), minlength=256)
    sums = np.stack([np.bincount(labels.ravel(), picture[..., c].ravel(), 256) for c in range(3)], axis=1)
    people, parts = np.divmod(np.arange(256), len(PARTS))
    known = (parts != BACKGROUND) & (count > 0)
    means = np.empty((256, 3))
    for value in range(256):
        mine = people == people[value]
        alike = mine & (parts == _ALIKE.get(int(parts[value]), parts[value]))
        rows = next(rows for rows in (_only(value), known & alike, known & mine, count >= 0) if count[rows].any())
        means[value] = sums[rows].sum(axis=0) / count[rows].sum()
    return means


def _only(value: int) -> NDArray[np.bool_]:
    return np.arange(256) == value
