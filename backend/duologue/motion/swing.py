"""How a foot swings from one stance to the next, and how hips go over the other one meanwhile.

Places in the plane are complex numbers, as :mod:`.stances` has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from duologue.easing import smoothstep
from duologue.motion.stances import Array, Flags, Plane, Slip, Stance

_LIFT: Final = 0.045
"""Metres that it is lifted."""
_OVER: Final = 0.07
"""Metres beside the middle of the other foot that hips are meanwhile: over its sole."""
_LEAN: Final = 0.06
"""Metres that they go there at most."""


def swing(offset: Plane, turn: Array, begin: tuple[Any, ...], end: tuple[Any, ...], speed: complex) -> None:
    """Lead a foot from one offset and turn to another, in place: ``begin`` and ``end`` are (frame, offset, turn)."""
    (first, before, turned), (last, after, goal) = begin, end
    count = min(last, len(offset)) - first - 1
    length = last - first
    s = np.arange(1, count + 1, dtype=np.float64) / length
    eased = smoothstep(s)
    # Hermite's cubic: on from the speed it has, at rest at the end.
    offset[first + 1 : first + 1 + count] = before + (after - before) * eased + speed * length * (s - 2 * s**2 + s**3)
    change = (goal - turned + np.pi) % (2 * np.pi) - np.pi
    turn[first + 1 : first + 1 + count] = turned + change * eased
    if last >= len(offset):
        return
    turn[last] = turned + change


def raise_foot(lift: Array, first: int, last: int, points: Array, stands: Flags) -> None:
    """Lift a foot, in place, that is to step from frame ``first`` to ``last`` and stays down by itself."""
    inside = slice(first, last + 1)
    if last - first < 4 or not (stands[inside].all() or points[inside, :, 1].min(-1).max() < 0.02):
        return
    height = _LIFT if stands[inside].all() else 0.6 * _LIFT
    lift[inside] = height * np.sin(np.pi * np.arange(last - first + 1) / (last - first)) ** 2


def leaning(slips: Sequence[Slip], stances: Sequence[Sequence[Stance]], hips: Plane) -> Plane:
    """Return by how much (n,) ``hips`` (n,) go over the foot that stands while the other takes a step that was put in."""
    count = len(slips[0].middle)
    lean, time = np.zeros(count, complex), np.arange(count)
    for foot, own in enumerate(stances):
        for before, after in pairwise(own):
            first, last = before.last, after.first
            if not slips[foot].stands[first : last + 1].all():
                continue
            middle, half = 0.5 * (first + last), 0.5 * (last - first) + 9
            towards = slips[1 - foot].middle[int(middle)] - hips[int(middle)]
            need = min(max(abs(towards) - _OVER, 0.0), _LEAN)
            bump = smoothstep(1.4 * (1 - np.abs(time - middle) / half))
            lean += need * bump * towards / max(abs(towards), 1e-9)
    return lean
