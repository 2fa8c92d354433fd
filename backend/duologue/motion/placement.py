"""Where two performers stand to each other: distance, bearings, whether one faces the other and where their eyes would meet."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import einsum

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


def partner_from_head(positions: Float, head: Float) -> NDArray[np.float32]:
    """Return where the other's face is as seen from each head, (2, n, 2): degrees to the right and up from straight ahead.

    ``positions``: (2, n, 3) of the head joints, Y up; ``head``: (2, n, 3, 3) their world rotations (+Z is forward, +X the left
    hand). Eyes sit at the same place in both heads, nearly, so joint to joint is as good as eye to eye.
    """
    x, y, z = np.moveaxis(einsum("pnij,pni->pnj", head, positions[::-1] - positions), -1, 0)
    right, up = np.arctan2(-x, z), np.arctan2(y, np.hypot(x, z))
    return np.degrees(np.stack([right, up], axis=-1)).astype(np.float32)
