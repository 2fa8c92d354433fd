"""Sets a body that hovers over the floor, or sinks into it, down on its feet; as a stream, with no delay."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from duologue.motion.contact import Soles
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.motion.smoothing import Tally

Array = NDArray[np.float64]

_MEMORY: Final = 60
"""Frames in which somebody who stands or walks has surely had a foot on the floor."""

_STANDING: Final = 0.2
"""Share of those frames in which the lower foot surely stands: walkers have more, and single bad frames don't count."""

_LARGEST: Final = 0.12
"""Metres. Feet that are farther off the floor are so on purpose: on a bar stool, up a ladder."""

_SLOW: Final = np.exp(-1.0 / 15.0)
"""Pole of the filter that keeps the correction from showing: it follows within a second."""


class Grounding:
    """Estimates where each performer's floor is from where their lower foot keeps coming down, and moves it to 0."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton, self._soles = skeleton, Soles.of(skeleton)
        self._past: Array | None = None
        self._shift: Array | None = None
        self.settled = Tally()

    def push(self, root: Array, turns: Array) -> Array:
        """Take roots (n, 2, 3) and exponential maps (n, 2, J, 3); return the roots, heights corrected."""
        if not len(root):
            return root
        points = self._soles.place(*forward_kinematics(self._skeleton, turns, root))
        lowest = np.asarray(points[..., 1].min(axis=(-2, -1)), np.float64)
        past = np.repeat(lowest[:1], _MEMORY - 1, axis=0) if self._past is None else self._past
        heights = np.concatenate([past, lowest])
        self._past = heights[-(_MEMORY - 1) :]
        floor = np.partition(sliding_window_view(heights, _MEMORY, axis=0), int(_STANDING * _MEMORY), axis=-1)
        wanted = np.asarray(floor[..., int(_STANDING * _MEMORY)], np.float64)
        wanted = np.where(np.abs(wanted) < _LARGEST, wanted, 0.0)
        shift = wanted[0] if self._shift is None else self._shift
        shifts = np.empty_like(wanted)
        for t, step in enumerate(wanted):  # a recursion: frame t needs frame t - 1
            shift = _SLOW * shift + (1.0 - _SLOW) * step
            shifts[t] = shift
        self._shift = shift
        self.settled.add(np.abs(shifts))
        return root - shifts[..., None] * np.array([0.0, 1.0, 0.0])
