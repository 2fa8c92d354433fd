"""What a picture has where nothing of it is known: the smoothest that its known pixels go on to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def inpainted(picture: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return a picture (H, W, C) with its unknown pixels filled; ``known`` (H, W). Where nothing is known all is 0.

    By pull and push (S. Gortler and others, "The Lumigraph", 1996, section 3.4): means of what is known, coarser and coarser, and
    back, what is still unknown taking what is coarser.
    """
    weight = known.astype(np.float64)
    return _pull_push(np.where(known[..., None], picture, 0.0), weight)


def _pull_push(colour: Floats, weight: Floats) -> Floats:
    height, width = weight.shape
    if height == width == 1:
        return colour
    rows, columns = height % 2, width % 2
    weights = np.pad(weight, ((0, rows), (0, columns)))
    sums = np.pad(colour * weight[..., None], ((0, rows), (0, columns), (0, 0)))
    coarse_weight, coarse = _sums(weights), _sums(sums)
    coarse = coarse / np.maximum(coarse_weight, 1e-12)[..., None]
    coarser = _pull_push(coarse, np.minimum(coarse_weight, 1.0))
    share = weight[..., None]
    return share * colour + (1.0 - share) * _grown(coarser)[:height, :width]


def _sums(picture: Floats) -> Floats:
    """Return the sums of 2 x 2 pixels."""
    rows = picture[0::2] + picture[1::2]
    return rows[:, 0::2] + rows[:, 1::2]


def _grown(picture: Floats) -> Floats:
    """Return twice as many pixels each way, between the old ones' middles."""
    for axis in (0, 1):
        edge = [(1, 1) if k == axis else (0, 0) for k in range(3)]
        padded = np.moveaxis(np.pad(picture, edge, mode="edge"), axis, 0)
        before, middle, after = padded[:-2], padded[1:-1], padded[2:]
        both = np.stack([0.75 * middle + 0.25 * before, 0.75 * middle + 0.25 * after], axis=1)
        picture = np.moveaxis(both.reshape(-1, *both.shape[2:]), 0, axis)
    return picture
