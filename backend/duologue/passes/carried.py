"""The carried picture: the first picture's colours, carried along the surface to where it is now. No network.

What the first picture did not show is a hole: it gets its part's mean colour, and a flag. This is what a scene knows of its own
future, and the bar that a video model has to pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duologue.passes.camera import Camera
from duologue.passes.contract import BACKGROUND, PARTS
from duologue.passes.raster import Hits
from duologue.passes.reprojection import View, find, labels_of
from duologue.passes.shading import as_bytes
from duologue.passes.surface import Mesh

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]


class Carrier:
    """A first picture (H, W, 3) as it is carried on; ``first``: what it shows, and by which camera."""

    def __init__(self, picture: Bytes, first: View) -> None:
        self._picture, self._first = picture, first
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
        there = find(corners, hits.weights[found], labels[found], self._first)
        seen = there.seen
        picture[found] = np.where(seen[:, None], there.sample(self._picture), picture[found])
        hole[found] = ~seen
        # Behind everything is nothing to carry; a camera that stands still sees the same there.
        still = (labels == BACKGROUND) & (self._first.labels == BACKGROUND) & _same(camera, self._first.camera)
        picture[still], hole[still] = self._picture[still], 0
        return as_bytes(picture), hole


def _means(picture: Bytes, labels: Bytes) -> Floats:
    """Return the mean colour (256, 3) of each label in a picture; of what isn't seen there, its person's, else of all."""
    count = np.bincount(labels.ravel(), minlength=256)
    sums = np.stack([np.bincount(labels.ravel(), picture[..., c].ravel(), 256) for c in range(3)], axis=1)
    people = np.arange(256) // len(PARTS)
    known = np.arange(256) % len(PARTS) != BACKGROUND
    whole = sums.sum(axis=0) / max(int(count.sum()), 1)
    means = np.empty((256, 3))
    for value in range(256):
        mine = (people == people[value]) & known & (count > 0)
        usual = sums[mine].sum(axis=0) / count[mine].sum() if mine.any() else whole
        means[value] = sums[value] / count[value] if count[value] else usual
    return means


def _same(camera: Camera, other: Camera) -> bool:
    mine, theirs = (np.r_[np.ravel(one.position), np.ravel(one.axes), one.focal, one.offset] for one in (camera, other))
    return camera.orthographic == other.orthographic and bool(np.allclose(mine, theirs, atol=1e-6))
