"""Where two performers stand to each other: distance, bearings, and whether one faces the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FACING_HALF_ANGLE = np.radians(45.0)
"""A partner within this angle of straight ahead is faced. People in conversation turn their chest up to about 45° away
(Kendon's F-formations), more than that and they share a view rather than each other."""

Float = NDArray[np.floating[Any]]


def bearing_to_partner(positions: Float, forward: Float) -> Float:
    """Return the signed angle (2, n) in radians from each performer's forward direction to the other performer.

    ``positions``: (2, n, 3) and ``forward``: (2, n, 3), world, Y up; heights are ignored. Positive is towards the left hand.
    Two performers on one spot have bearing 0.
    """
    towards = positions[::-1] - positions
    cross = forward[..., 2] * towards[..., 0] - forward[..., 0] * towards[..., 2]
    dot = forward[..., 0] * towards[..., 0] + forward[..., 2] * towards[..., 2]
    return np.arctan2(cross, dot)


def faces_partner(positions: Float, chest: Float) -> NDArray[np.bool_]:
    """Return whether each performer's chest is turned to the other, (2, n).

    ``positions``: (2, n, 3) of the chests; ``chest``: (2, n, 3, 3) their world rotations (+Z is forward).
    """
    return np.abs(bearing_to_partner(positions, chest[..., :, 2])) <= FACING_HALF_ANGLE
