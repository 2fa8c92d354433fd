"""How varied bodies move: Shannon's entropy of how fast their joints turn (InterAct, arXiv 2509.05747, its statistics).

The paper says: of the angular velocities of the 20 fastest joints, in 100 bins. It prints neither the bins' range nor over what
is pooled: here 0 to 10 rad/s, what is faster in the last bin, of each performer's sequence by itself. In bits, so 6.64 at most.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from duologue.datasets.statistics.placed import Array, Body
from duologue.motion.rotations import exp_to_matrix
from duologue.units import FPS

JOINTS: Final = 20
BINS: Final = np.linspace(0.0, 10.0, 101)
"""Radians a second."""
_LEAST: Final = FPS
"""Frames of a sequence whose entropy says something."""


def angular_speeds(rotations: Array) -> Array:
    """Return how fast joints turn against their parents, (T - 1, J) rad/s, of exponential maps (T, J, 3).

    ω = |log(R_t⁻¹ R_{t+1})| fps, by the chord |R_t - R_{t+1}| = 2 √2 sin(|log …| / 2): exact where little turns.
    """
    turns = exp_to_matrix(rotations)
    difference = turns[1:] - turns[:-1]
    sine = np.sqrt((difference**2).sum((-2, -1)) / 8)
    return np.asarray(2 * np.arcsin(np.clip(sine, 0.0, 1.0)) * FPS, np.float64)


def bits(speeds: Array) -> float:
    """Return H = -Σ p log2 p of speeds (any shape) in ``BINS``."""
    counts, _ = np.histogram(np.clip(speeds, BINS[0], BINS[-1]), BINS)
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum())


def body_entropy(body: Body) -> float | None:
    """Return the entropy of the joints that are fastest on the average; None of less than a second that was measured."""
    both = body.known[1:].all(1) & body.known[:-1].all(1)
    if both.sum() < _LEAST:
        return None
    speeds = angular_speeds(body.rotations)[both]
    fastest = np.argsort(speeds.mean(0))[-JOINTS:]
    return bits(speeds[:, fastest])
