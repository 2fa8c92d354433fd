"""People for cameras to look at: where they are given, how they move made up, all in metres, Y up."""

from __future__ import annotations

import numpy as np
from duologue.staging.camera import Sight


def two_people(turn: float = 90.0, apart: float = 1.2, frames: int = 5, taller: float = 0.0) -> Sight:
    """A at -X and B at +X; both look ``turn`` degrees away from the front (+Z), towards each other. Every fifth frame."""
    heads = np.zeros((2, frames, 3))
    heads[:, :, 0] = [[-apart / 2], [apart / 2]]
    heads[:, :, 1] = [[1.6], [1.6 + taller]]
    angle = np.radians(turn)
    forward = np.zeros((2, frames, 3))
    forward[:] = [[[np.sin(angle), 0, np.cos(angle)]], [[-np.sin(angle), 0, np.cos(angle)]]]
    hips = heads - (0, 0.65, 0)
    reach = np.array([0, 0, 0.3])
    hands = np.stack([hips + reach, hips - reach], axis=2)
    return Sight(heads, forward, hands, hips, np.arange(frames) * 5)
