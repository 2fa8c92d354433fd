"""Changing the sample rate, by soxr's high-quality setting."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray


def resample(samples: NDArray[np.float32], rate: int, target: int) -> NDArray[np.float32]:
    """Return mono ``samples`` (n,) at ``target`` samples a second: (ceil(n * target / rate),)."""
    count = -(-len(samples) * target // rate)
    if rate != target:
        samples = np.asarray(soxr.resample(samples, rate, target, quality="HQ"), np.float32)
    # soxr's length may differ by one; what follows counts on it.
    return np.pad(samples[:count], (0, max(0, count - len(samples))))
