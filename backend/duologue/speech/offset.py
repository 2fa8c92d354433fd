"""A constant under the sound: a recorder's or sound card's DC offset, power that nobody hears. Left in, all is speech."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

LEAST: Final = 4e-3
"""-48 dB of full scale, a step of 8 bits: a smaller one comes with those, and drowns no pause."""
_MOST: Final = 0.9
"""Of the pieces, that lean to its side: rumble leans to both."""
_PIECE: Final = 0.25
"""Seconds over which it is measured: many periods of any voice."""


def without_offset(samples: NDArray[np.float32], rate: int) -> tuple[NDArray[np.float32], float]:
    """Return mono samples (n,) without their DC offset, and how much it was: the median of means over
    quarters of a second.

    One under ``LEAST`` is left, and is 0. What is taken away is a moving mean, because an offset drifts, and ends where silence
    was put in.
    """
    piece = max(1, min(len(samples), round(_PIECE * rate)))
    pieces = samples[: len(samples) // piece * piece].reshape(-1, piece)
    recorded = pieces[pieces.any(axis=1)]
    means = recorded.mean(axis=1, dtype=np.float64)
    offset = float(np.median(means)) if len(means) else 0.0
    if abs(offset) < LEAST or np.mean(means * offset > 0) < _MOST:
        return samples, 0.0
    return samples - uniform_filter1d(samples, piece, mode="reflect"), offset
