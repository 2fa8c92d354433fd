"""Ways from 0 to 1: without a jump in velocity, and without one in acceleration, as hands move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def smoothstep(s: ArrayLike) -> NDArray[np.floating[Any]]:
    """Return ``3s² - 2s³`` of ``s`` clipped to [0, 1], of any shape; its slope is 0 at both ends (Perlin's first fade curve)."""
    clipped: NDArray[np.floating[Any]] = np.clip(np.asarray(s), 0.0, 1.0)
    return clipped * clipped * (3 - 2 * clipped)


def minimum_jerk(s: ArrayLike, ends: float = 0.0) -> NDArray[np.floating[Any]]:
    """Return ``10s³ - 15s⁴ + 6s⁵`` of ``s`` clipped to [0, 1], of any shape: how a hand goes from rest to rest.

    ``ends``: how fast it is at 1, of what strikes something there, 0 to 2.5 times as fast as on average: the quintic for that.
    Source: T. Flash and N. Hogan, "The coordination of arm movements", 1985, equation 3, which has it from rest to rest.
    """
    clipped: NDArray[np.floating[Any]] = np.clip(np.asarray(s), 0.0, 1.0)
    return clipped**3 * (10 - 4 * ends - (15 - 7 * ends) * clipped + (6 - 3 * ends) * clipped * clipped)
