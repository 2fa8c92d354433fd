"""The one way from 0 to 1 without a jump in position or velocity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def smoothstep(s: ArrayLike) -> NDArray[np.floating[Any]]:
    """Return ``3s² - 2s³`` of ``s`` clipped to [0, 1], of any shape; its slope is 0 at both ends (Perlin's first fade curve)."""
    clipped: NDArray[np.floating[Any]] = np.clip(np.asarray(s), 0.0, 1.0)
    return clipped * clipped * (3 - 2 * clipped)
