"""The way of a hand to its place and back: as it is usually, made way for what it would go through, or another one round that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from duologue.interactions.actor import Array, Pose
from duologue.interactions.contact import Goal
from duologue.interactions.elbows import MOST, away, elbow_aside, over_place
from duologue.interactions.event import CLEARANCE
from duologue.interactions.obstacles import arm_depths, in_the_way, way_clear
from duologue.interactions.reach import Arm
from duologue.interactions.touching import Reaching, apply

ROUNDS: Final = 3
"""Of solving, measuring and correcting."""
_CLEAR: Final = 0.004
"""Metres that a hand may be in something on its way before others are tried."""
_DETOURS: Final = ((0.0, 0.0, 0.0), (1.5, 0.0, 0.0), (1.0, 0.0, 0.1), (1.0, 0.1, 0.0), (2.5, 0.0, 0.1), (2.5, 0.1, 0.0))
"""What is added to a hand's way: its clearance over the place so many times more, and metres of its bow to the arm's side and
before the body. The first that is clear is taken, else the clearest."""


def reach_out(reaching: Reaching, pose: Pose, everybody: Sequence[Pose], goal: Goal, time: Array) -> None:
    """Reach the place in ``pose``, and keep off what the hand would go through on the way there and back."""
    start, best, least = pose.copy(), pose, np.inf
    for detour in _DETOURS:
        tried = start.copy()
        others = [tried if one is pose else one for one in everybody]
        left = _reach(reaching, tried, others, goal, time, push=_aside(reaching, start, goal, time, detour))
        if left < least:
            best, least = tried, left
        if least < _CLEAR:
            break
    pose.turns, pose.heads, pose.changed = best.turns, best.heads, best.changed


def _aside(reaching: Reaching, pose: Pose, goal: Goal, time: Array, detour: tuple[float, float, float]) -> Array:
    """Return how far (T, 3) the wrist goes beside its usual way, nowhere at both ends and in contact."""
    gone = reaching.phases.reach(time)[:, None]
    over, outside, ahead = detour
    bow = outside * reaching.arm.outside(pose) + ahead * (pose.turn_of(pose.character.chest) @ pose.character.ahead)
    higher = over * reaching.phases.clearance(time)[:, None] * goal.frames[..., 2]
    return np.asarray(gone * higher + 4 * gone * (1.0 - gone) * bow)


def _reach(reaching: Reaching, pose: Pose, everybody: Sequence[Pose], goal: Goal, time: Array, *, push: Array) -> float:
    """Reach the place by a way that is pushed aside (T, 3), and further where something is in it; return how deep, in metres, the
    hand is in something all the same."""
    arm: Arm = reaching.arm
    free = 1.0 - np.clip(1.0 - reaching.phases.clearance(time) / (0.5 * CLEARANCE), 0.0, 1.0)
    # …and elbows, from nothing to nothing.
    way = away(reaching.phases.reach(time)) * free
    aside = np.zeros(len(time))
    start, gone = pose.copy(), reaching.phases.reach(time)
    over = over_place(gone)
    # Hanging arms touch their trunk: what the take has is left, and no more of it the farther the hand is on its way.
    before = [start if one is pose else one for one in everybody]
    allowed = (1.0 - gone)[:, None, None] * arm_depths(start, before, arm)
    free = free * (gone > 0)
    for round_ in range(ROUNDS):
        pose.turns, pose.heads, pose.changed = start.turns.copy(), start.heads.copy(), set(start.changed)
        apply(reaching, pose, goal, time, push)
        arm.swing(pose, aside, over)
        further = np.minimum(elbow_aside(pose, everybody, arm, allowed, way), MOST - aside)
        if further.any():
            arm.swing(pose, further, over)
            aside = aside + further
        more = way_clear(pose, everybody, arm, free, allowed)
        if round_ == ROUNDS - 1 or np.abs(more).max(initial=0.0) < 0.002:
            break
        push = push + more
    _, deepest = in_the_way(pose, everybody, arm, allowed)
    return float((deepest * (free > 0.9)).max(initial=0.0))
