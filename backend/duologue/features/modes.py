"""How far a moment belongs to each action mode: standing, walking, sitting are three scales of motion, and people pass between.

A standing person's sway is a hundredth of a walker's step. Features that are standardised over both together hide it from
whatever learns from them; standardised by mode, each has a scale of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from duologue.units import FPS

Array = TypeVar("Array")
"""numpy's arrays or torch's tensors."""

SMOOTHING: Final = 10.0
"""Frames: the deviation of the Gaussian by which one mode's scale passes into the next one's."""
SEAT: Final = "sit"
LEAD: Final = 10
"""Frames by which sitting begins earlier and ends later than its label says: whoever is labelled so has their hips on the seat
already, or still, and all of sitting down lies before it."""
SETTLED: Final = int(1.5 * FPS)
"""Frames from a change of action after which a mode is all there is."""


def mode_weights(actions: NDArray[np.integer], modes: Sequence[str]) -> NDArray[np.float32]:
    """Return how far each frame belongs to each of ``modes``, (..., T, M), rows summing to one, of actions (..., T), indices into
    them."""
    shares = (np.asarray(actions)[..., None] == np.arange(len(modes))).astype(np.float32)
    if SEAT in modes:
        seat = modes.index(SEAT)
        seated = maximum_filter1d(shares[..., seat], 2 * LEAD + 1, axis=-1, mode="nearest")
        shares *= (1 - seated)[..., None]
        shares[..., seat] = seated
    return np.asarray(gaussian_filter1d(shares, SMOOTHING, axis=-2, mode="nearest"), np.float32)


def settled(actions: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return the frames (..., T) that are at least ``SETTLED`` frames away from any change of action."""
    same = np.diff(actions, axis=-1, prepend=actions[..., :1]) == 0
    # A change lies between two frames, and both of them are at it.
    same[..., :-1] &= same[..., 1:]
    return minimum_filter1d(same.astype(np.uint8), 2 * SETTLED + 1, axis=-1, mode="nearest").astype(bool)


def mixture(weights: Array, mean: Array, std: Array) -> tuple[Array, Array]:
    """Return mean and deviation (..., C) of a mixture of modes by ``weights`` (..., M) with ``mean`` and ``std`` (M, C).

    Numpy or torch alike. The spread between the modes' means is part of the deviation, so that a sitting height is nothing
    unheard of half-way from standing.
    """
    middle = weights @ mean  # type: ignore[operator]
    variance = weights @ std**2  # type: ignore[operator]
    for mode in range(len(mean)):  # type: ignore[arg-type]
        variance = variance + weights[..., mode : mode + 1] * (mean[mode] - middle) ** 2  # type: ignore[index]
    return middle, variance**0.5
