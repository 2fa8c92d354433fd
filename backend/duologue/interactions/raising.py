"""How high two hands meet above the shoulders, and where elbows hang then: as strains both arms least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from duologue.interactions.actor import UP, Array
from duologue.interactions.reach import Arm, elbow_direction, elbow_place, strain

_HEIGHTS: Final = 13
_ELBOWS: Final = (5.0, 20.0, 35.0, 50.0, 65.0)
"""Degrees outwards that are tried."""
_SHORT: Final = 0.004
"""Metres beyond an arm's reach, and beyond what…"""
_HELPED: Final = 0.03
"""…a shoulder gives that is raised, that cost as much as a joint at the limit of ease."""
_AS_EASY: Final = 1.0
"""What a height may cost more than the easiest: of those that do, the highest is taken, for that is what five are given at."""


@dataclass(frozen=True, eq=False)
class Raised:
    """An arm in K frames: its ``shoulder`` (K, 3) and the way ``outside`` (K, 3), and the hand's ``frames`` (K, 3, 3) with its
    ``wrist`` (K, 3) where it is before it is raised."""

    arm: Arm
    shoulder: Array
    outside: Array
    frames: Array
    wrist: Array

    def costs(self, heights: Array) -> Array:
        """Return what the arm is strained (H, E), raised by each of ``heights`` (H,) metres, its elbow at each of ``_ELBOWS``."""
        shape = len(heights), len(_ELBOWS), *self.wrist.shape
        wrist = np.broadcast_to(self.wrist + heights[:, None, None, None] * UP, shape)
        shoulder = np.broadcast_to(self.shoulder, shape)
        far = np.linalg.norm(wrist - shoulder, axis=-1)
        axis = (wrist - shoulder) / np.maximum(far, 1e-9)[..., None]
        swivel = np.broadcast_to(np.radians(_ELBOWS)[:, None], far.shape)
        direction = elbow_direction(axis, np.broadcast_to(self.outside, shape), swivel)
        elbow = elbow_place(shoulder, wrist, self.arm.lengths, direction)
        frames = np.broadcast_to(self.frames, (*far.shape, 3, 3))
        short = (np.maximum(far - self.arm.reach - _HELPED, 0.0) / _SHORT) ** 2
        return (strain(shoulder, elbow, wrist, frames, self.arm.hand.sign) + short).mean(axis=-1)


def easiest(arms: Sequence[Raised], room: float) -> tuple[float, tuple[float, float]]:
    """Return by how many metres two hands are raised, ``room`` at most, and how many degrees outwards each elbow hangs."""
    heights = np.linspace(0.0, max(room, 0.0), _HEIGHTS)
    first, second = (arm.costs(heights) for arm in arms)
    total = first.min(axis=1) + second.min(axis=1)
    at = int(np.flatnonzero(total <= total.min() + _AS_EASY)[-1])
    return float(heights[at]), (_ELBOWS[int(first[at].argmin())], _ELBOWS[int(second[at].argmin())])
