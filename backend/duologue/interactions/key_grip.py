"""A thumb that is laid onto a place: before the side of the index finger, as in a key grip, or before its tip, as in a pinch."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np

from duologue.interactions.actor import Array
from duologue.interactions.hand import Hand
from duologue.interactions.hand_shapes import HandShape, hand_shapes

_LEAST: Final = np.array([-10.0, 5.0, -20.0])
_MOST: Final = np.array([60.0, 60.0, 50.0])
"""Degrees by which a thumb's joints are bent, by which it is away from the hand, and opposed: about the AAOS tables'."""
_BENT: Final = (0.4, 1.0, 0.8)
"""How much each of its joints is of what the thumb is bent."""
_COARSE: Final = 5
"""Values of each of the three that are tried at first…"""
_STEPS: Final = (6.0, 3.0, 1.5)
"""…and degrees by which they are then changed, from coarse to fine."""
_EASE: Final = 2e-5
"""Metres that a degree away from the middle is worth: of thumbs that get there the easiest one."""
_ACROSS: Final = np.array([0.72, 0.0, -0.69])
"""Unit, in the hand's frame, from a pinching thumb's tip to the index finger's: as much across the hand as along it, so that it
hangs below what is pinched from both sides, not before it."""
_APART: Final = (0.070, 0.016)
"""Metres between the middles of both tips, open and closed."""


def thumb_to(hand: Hand, shape: HandShape, place: Array) -> HandShape:
    """Return the shape with the middle of its thumb's tip at ``place``, or as near as it gets.

    Args:
        hand: which it is.
        shape: what its other fingers do.
        place: (3,) metres from the wrist, in the hand's frame.
    """
    tip = hand.tip("Thumb")

    def off(pose: Array) -> float:
        ends = hand.shaped(_with_thumb(shape, pose))[1]
        away = float(np.linalg.norm(hand.frame.T @ ends[tip, 1] - place))
        return away + _EASE * float(np.abs(pose - 0.5 * (_LEAST + _MOST)).sum())

    grid = [np.linspace(low, high, _COARSE) for low, high in zip(_LEAST, _MOST, strict=True)]
    best = min((np.array(pose) for pose in product(*grid)), key=off)
    for step in _STEPS:
        around = [np.clip(best + more, _LEAST, _MOST) for more in product((-step, 0.0, step), repeat=3)]
        best = min(around, key=off)
    return _with_thumb(shape, best)


@lru_cache(maxsize=32)
def pinch_across(hand: Hand, name: str) -> tuple[HandShape, HandShape]:
    """Return the shape of that ``name`` and its closed one with the thumb laid before the tip of the index finger, or as near to
    there as it gets: where a rig's thumb rests differs by more than a pinch is wide."""
    opened, closed = (
        thumb_to(hand, shape, hand.frame.T @ hand.shaped(shape)[1][hand.tip("Index"), 1] - apart * _ACROSS)
        for shape, apart in zip((hand_shapes()[name], hand_shapes()[f"{name}-closed"]), _APART, strict=True)
    )
    return opened, closed


def _with_thumb(shape: HandShape, pose: Array) -> HandShape:
    bend, abduct, oppose = pose.tolist()
    first, second, third = (share * bend for share in _BENT)
    return replace(shape, bends={**shape.bends, "Thumb": (first, second, third)}, abduct=abduct, oppose=oppose)
