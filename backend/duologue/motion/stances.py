"""What a foot slips by, the stances that it is held in without slipping, and where there is room for a step.

In the plane a place is the complex number z + i x, so that a heading is an angle and a rigid motion is p -> r p + b with |r| = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.contact import ContactRule

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Plane = NDArray[np.complex128]

RULE: Final = ContactRule(0.035, 0.30, 0.06, 0.45)
"""What counts as standing: wider than where contacts are measured, as a foot that slips is to be caught."""
TOLERANCE: Final = (0.045, np.radians(12.0))
"""Metres and radians that a stance is held away from where the body wants the foot before it steps."""
STEP: Final = 13
"""Frames of a step that is put in."""
_SHUFFLE: Final = 5
"""Frames off the floor that are no step, where the foot never came up."""


@dataclass(frozen=True)
class Stance:
    """Frames ``first`` to ``last`` of one foot that stands: held where ``turn`` and ``shift`` put its unslipped way."""

    first: int
    last: int
    turn: float
    pivot: complex
    place: complex


@dataclass(frozen=True, eq=False)
class Slip:
    """One foot along n frames: where its ``middle`` is (n,), and where it would be had it not slipped in ``unslipped`` (n,),
    turned by ``turned`` (n,); whether it ``stands`` (n,)."""

    middle: Plane
    unslipped: Plane
    turned: Array
    stands: Flags

    def fitted(self, first: int, last: int, until: int) -> Stance:
        """Return the stance ``[first, last]`` that keeps, up to frame ``until``, nearest to where the body wants the foot."""
        span = slice(first, min(last, until) + 1)
        return Stance(
            first,
            last,
            -float(self.turned[span].mean()),
            complex(self.unslipped[span].mean()),
            complex(self.middle[span].mean()),
        )

    def going_on(self, last: int, offset: complex, turn: float) -> Stance:
        """Return the stance that goes on from frame 0, where it was held ``offset`` and ``turn`` away."""
        return Stance(
            0, last, turn - float(self.turned[0]), complex(self.unslipped[0]), complex(self.middle[0]) + offset
        )

    def held(self, stance: Stance) -> tuple[Plane, Array]:
        """Return by how much (n,) the foot is moved and turned to be held, counted within the stance."""
        span = slice(stance.first, stance.last + 1)
        place = stance.place + np.exp(1j * stance.turn) * (self.unslipped[span] - stance.pivot)
        return place - self.middle[span], self.turned[span] + stance.turn


def slip_of(points: Array, bears: Flags) -> Slip:
    """Return one foot's slip: heel and ball (n, 2, 3), and which of them bear (n, 2)."""
    plane = points[..., 2] + 1j * points[..., 0]
    stands = _no_shuffles(bears.any(-1), points[..., 1].min(-1))
    both = stands[1:] & stands[:-1]
    weight = (bears[1:] & bears[:-1]).astype(float)
    weight = np.where(weight.any(-1, keepdims=True), weight, 1.0)
    weight /= weight.sum(-1, keepdims=True)
    along = plane[:, 1] - plane[:, 0]
    turn = np.where(both, np.angle(along[1:] / along[:-1]), 0.0)
    before, now = (plane[:-1] * weight).sum(-1), (plane[1:] * weight).sum(-1)
    move = np.where(both, now - np.exp(1j * turn) * before, 0.0)
    turned: Array = np.append(0.0, np.cumsum(np.negative(turn)))
    # The inverse of each frame's rigid motion, one after the other.
    moved = np.append(0.0, np.cumsum(np.negative(np.exp(1j * turned[1:]) * move)))
    middle = plane.mean(-1)
    return Slip(middle, np.exp(1j * turned) * middle + moved, turned, stands)


def _no_shuffles(stands: Flags, height: Array) -> Flags:
    """Return who stands (n,), short breaks in which the sole stays down (n,) left out."""
    whole = stands.copy()
    for first, last in runs(~stands):
        inside = first > 0 and last < len(stands) - 1
        if inside and last - first < _SHUFFLE and height[first : last + 1].max() < RULE.grip_height:
            whole[first : last + 1] = True
    return whole


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Return the stretches ``[first, last]`` in which flags (n,) are set."""
    edges = np.flatnonzero(np.diff(np.pad(flags, 1).astype(np.int8)))
    return [(int(first), int(last) - 1) for first, last in edges.reshape(-1, 2)]


def too_far(slip: Slip, stances: Sequence[Stance], begin: int, patience: Array) -> tuple[int, int]:
    """Return the first frame in which a stance from ``begin`` on is held too far off, and which; (never, -1) if none is."""
    for index in range(begin, len(stances)):
        stance = stances[index]
        offset, turn = slip.held(stance)
        bound = patience[stance.first : stance.last + 1]
        far = np.flatnonzero((np.abs(offset) > TOLERANCE[0] * bound) | (np.abs(turn) > TOLERANCE[1] * bound))
        if len(far):
            return stance.first + int(far[0]), index
    return 1 << 30, -1


def room_for_step(stands: Flags, foot: int, earliest: int, last: int) -> int | None:
    """Return the first frame from ``earliest`` on in which there is room for a step of a foot before ``last``, the other standing
    all the while; ``stands`` (n, 2)."""
    if last - 3 - STEP < earliest:
        return None
    other = (
        np.convolve(~stands[:, 1 - foot], np.ones(STEP + 3), "full")[STEP + 1 :] > 0
    )  # stands from k - 1 to k + STEP + 1
    good = np.flatnonzero(~other[earliest : last - 3 - STEP + 1])
    return earliest + int(good[0]) if len(good) else None
