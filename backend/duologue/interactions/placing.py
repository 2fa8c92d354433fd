"""How a hand lies on a place: of all ways that a pattern allows, the one that strains arm and wrist least and hits nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Pose
from duologue.interactions.eyes import in_eyes
from duologue.interactions.obstacles import fields, forearm_points, forearm_radii
from duologue.interactions.patterns import Pattern
from duologue.interactions.reach import ELBOW, Arm, elbow_direction, elbow_place, frame_between, strain
from duologue.motion.rotations import einsum, exp_to_matrix

_TURNS: Final = 9
_PINCH_TURNS: Final = 5
_TILTS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)
_ROLLS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)
_ELBOWS: Final = (-5.0, 10.0, 22.0, 35.0, 50.0, 70.0, 90.0)
_ASIDE: Final = {False: 40.0, True: 20.0}
"""Degrees away from where an elbow hangs that cost as much as a joint at the limit of ease: on another, and on the own face,
where it rests beside the chest."""
_CHECKED: Final = 800
"""Of the least strained ways, how many are looked at at most for what they hit…"""
_AT_ONCE: Final = 15
"""…so many at a time, by what they hit in one frame: from where that costs more than the best one in all, none is."""
_LEAST_ALONG: Final = 0.2
"""Cosine of the largest angle by which a pinching hand is turned onto its axis."""
_HELPED: Final = 0.07
"""Metres that shoulder and chest give to an arm that is short; what lacks beyond that is missing in the end."""
_SPARE: Final = 0.006
"""Metres that what is not meant to touch keeps off the skin: nearer than 5 mm counts as contact…"""
_SLEEVE: Final = 0.010
"""Metres by which what a forearm wears gives way: it may lie on a chest, and a wrist on a jaw."""
_HIT: Final = 0.003
"""…and metres of it that cost as much as a joint at the limit of ease."""


@dataclass(frozen=True, eq=False)
class Situation:
    """What a hand has to do with, in K frames of the contact: landmark ``frames`` (K, 3, 3) and ``centres`` (K, 3) that the
    hand's touching point goes to, both in the world; the poses of who touches and who is touched in those frames."""

    arm: Arm
    own: Pose
    other: Pose
    frames: Array
    centres: Array
    point: Array
    """(3,) the touching point, relative to the wrist in the hand's frame: along, palm, thumbwards."""
    ends: Array
    """(C, 2, 3): the capsules that are kept out, likewise."""
    radius: Array
    """(C,)."""
    whole: tuple[Array, Array]
    """(D, 2, 3) and (D,), likewise: all that eyes are kept free of."""
    span: Array | None = None
    """(3,): of a pinch, the unit way from the thumb to the finger in the hand's frame."""
    axis: Array | None = None
    """(K, 3): where that way leads in the world."""

    def at(self, rows: NDArray[np.int64]) -> Situation:
        """Return it in some of the K frames."""
        own, other = (Pose(one.character, one.turns[rows], one.heads[rows]) for one in (self.own, self.other))
        other = own if self.other is self.own else other
        axis = None if self.axis is None else self.axis[rows]
        return replace(self, own=own, other=other, frames=self.frames[rows], centres=self.centres[rows], axis=axis)

    def placed(self, hands: Array) -> Array:
        """Return the hand's frames (K, N, 3, 3) in the world for frames (N, 3, 3) in the landmark's.

        The hand of a pinch is turned on by the shortest way until thumb and finger lie on its axis.
        """
        world = self.frames[:, None] @ hands
        if self.span is None or self.axis is None:
            return world
        return frame_between(world @ self.span, np.broadcast_to(self.axis[:, None], world.shape[:-1])) @ world

    def turned_over(self, hands: Array) -> Array:
        """Return what it costs (N,) that a pinch would have to turn a hand (N, 3, 3) over to get thumb and finger onto its axis:
        then the shortest way is hardly shorter than its opposite, and the next frame may take that one."""
        if self.span is None or self.axis is None:
            return np.zeros(len(hands))
        along = einsum("knij,j,ki->kn", self.frames[:, None] @ hands, self.span, self.axis).min(axis=0)
        return (np.maximum(_LEAST_ALONG - along, 0.0) / 0.05) ** 2


@dataclass(frozen=True, eq=False)
class Placement:
    """``hand`` (3, 3): the hand's frame in the landmark's; ``elbow``: degrees outwards; ``cost``; ``short``: metres that the arm
    lacks at most, 0 where it reaches; ``deepest``: metres that something of the hand would be inside a head or trunk, at most."""

    hand: Array
    elbow: float
    cost: float
    short: float
    deepest: float


def place(pattern: Pattern, situation: Situation, most: float = np.inf) -> Placement:
    """Choose how the hand lies; where nothing costs less than ``most``, somehow."""
    chirality = -situation.arm.hand.sign * float(np.sign(np.linalg.det(situation.frames[0])))
    hands, free = candidates(pattern, chirality)
    shoulder = situation.own.joint(situation.arm.hand.side + "Arm")
    outside = situation.arm.outside(situation.own)
    world = situation.placed(hands)  # K, N, 3, 3
    wrist = situation.centres[:, None] - world @ situation.point
    away = wrist - shoulder[:, None]
    far = np.linalg.norm(away, axis=-1)
    short = np.maximum(far - situation.arm.reach, 0.0)
    axis = away / np.maximum(far, 1e-9)[..., None]
    aside = _ASIDE[situation.own is situation.other]
    costs: list[Array] = []
    for elbow in _ELBOWS:
        direction = elbow_direction(
            axis, np.broadcast_to(outside[:, None], axis.shape), np.radians(np.full(far.shape, elbow))
        )
        at = elbow_place(np.broadcast_to(shoulder[:, None], wrist.shape), wrist, situation.arm.lengths, direction)
        effort = strain(shoulder[:, None], at, wrist, world, situation.arm.hand.sign)
        costs.append(0.5 * (effort.mean(axis=0) + effort.max(axis=0)) + ((elbow - ELBOW) / aside) ** 2)
    free = free + situation.turned_over(hands)
    lacking = short.max(axis=0)
    lacks = (lacking / 0.01) ** 2 + (np.maximum(lacking - _HELPED, 0.0) / 0.005) ** 2
    total = np.array(costs) + free + lacks  # E, N
    order = np.argsort(total, axis=None)[:_CHECKED]
    order = order[: max(int((total.ravel()[order] < most).sum()), 1)]
    # What a way hits in one frame is the least that it hits in all of them.
    elbows, chosen = np.unravel_index(order, total.shape)
    one = np.array([len(wrist) // 2])
    least = total[elbows, chosen] + _hit(
        _depths(situation.at(one), world[one][:, chosen], wrist[one][:, chosen], elbows)
    )
    order, least = order[np.argsort(least)], np.sort(least)
    best: Placement | None = None
    for first in range(0, len(order), _AT_ONCE):
        if best is not None and least[first] >= min(best.cost, most):
            break
        elbows, chosen = np.unravel_index(order[first : first + _AT_ONCE], total.shape)
        depth = _depths(situation, world[:, chosen], wrist[:, chosen], elbows)
        cost = total[elbows, chosen] + _hit(depth)
        at = int(cost.argmin())
        if best is None or cost[at] < best.cost:
            best = Placement(
                hands[chosen[at]],
                float(_ELBOWS[elbows[at]]),
                float(cost[at]),
                float(short[:, chosen[at]].max()),
                float(max(depth[at], 0.0)),
            )
    assert best is not None
    return best


def _hit(depth: Array) -> Array:
    """Return what it costs (N,) that something that is not meant to touch is so deep (N,), or nearly touches."""
    return (np.maximum(depth + _SPARE, 0.0) / _HIT) ** 2


@lru_cache(maxsize=64)
def candidates(pattern: Pattern, chirality: float) -> tuple[Array, Array]:
    """Return hand frames (N, 3, 3) in the landmark's frame, and what each costs (N,) for not being the pattern's own.

    ``chirality``: 1 where along, palm and thumb are a right-handed system in the landmark's frame, else -1. Left hands are
    mirrored right ones, and so are the landmarks of one of the sides.
    """
    base = base_frame(pattern)
    normal = np.array([0.0, 0.0, 1.0])
    # Thumb and finger on their axis leave a pinching hand one turn, that about it.
    turns, rolls = (_PINCH_TURNS, (0.0,)) if pattern.family == "pinch" else (_TURNS, _ROLLS)
    ways = np.array(list(product(np.linspace(-1, 1, turns), _TILTS, rolls)), np.float64)
    turn, tilt, roll = ways.T[..., None]
    spun = exp_to_matrix(turn * pattern.swing * normal) @ base
    # About the axis across the hand that raises the fingers off the skin, of a hand that lies on its side another; then about
    # its length.
    across = 1 + int(np.abs(np.cross(normal, base[:, 0]) @ base[:, 1:]).argmax())
    tilted = exp_to_matrix(tilt * pattern.tilt * spun[..., across]) @ spun
    frames = exp_to_matrix(roll * pattern.roll * tilted[..., 0]) @ tilted * np.array([1.0, 1.0, chirality])
    return np.asarray(frames), ways**2 @ np.array([0.6, 0.5, 0.4])


def base_frame(pattern: Pattern) -> Array:
    """Return the hand's first two axes and their cross product (3, 3): fingers along, the palm as the pattern has it, else as
    near to the skin as can be."""
    along = pattern.along
    palm = np.array([0.0, 0.0, -1.0]) if pattern.palm is None else pattern.palm
    palm = palm - (palm @ along) * along
    if np.linalg.norm(palm) < 0.1:  # straight onto the skin: the palm faces down
        palm = np.array([0.0, -1.0, 0.0]) + along[1] * along
    palm = palm / np.linalg.norm(palm)
    return np.stack([along, palm, np.cross(along, palm)], axis=-1)


def _depths(situation: Situation, world: Array, wrist: Array, elbows: NDArray[np.intp]) -> Array:
    """Return how deep (N,) capsules of the hand, and the forearm, are in a head or a trunk, metres; negative where
    all are outside."""
    count = len(elbows)
    middle = situation.ends.mean(axis=1)
    points = np.concatenate([situation.ends[:, 0], middle, situation.ends[:, 1]])
    radius = np.tile(situation.radius, 3)
    placed = wrist[:, :, None] + einsum("knij,cj->knci", world, points)
    shoulder = situation.own.joint(situation.arm.hand.side + "Arm")[:, None]
    axis = wrist - shoulder
    axis = axis / np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-9)
    outside = np.broadcast_to(situation.arm.outside(situation.own)[:, None], axis.shape)
    swivel = np.broadcast_to(np.radians(np.array(_ELBOWS)[elbows]), axis.shape[:2])
    elbow = elbow_place(
        np.broadcast_to(shoulder, wrist.shape), wrist, situation.arm.lengths, elbow_direction(axis, outside, swivel)
    )
    placed = np.concatenate([placed, forearm_points(elbow, wrist)], axis=2)
    sleeve = forearm_radii(situation.own.character, situation.arm.hand.side) - _SLEEVE - _SPARE
    radius = np.concatenate([radius, sleeve])
    deepest = np.full(count, -np.inf)
    for pose in {id(situation.own): situation.own, id(situation.other): situation.other}.values():
        flat = placed.reshape(len(placed), -1, 3)
        for field in fields(pose):
            distance = field.at(pose, flat).reshape(placed.shape[:-1])
            deepest = np.maximum(deepest, (radius - distance).max(axis=(0, 2)))
    ends, radius = situation.whole
    points = np.concatenate([ends[:, 0], ends.mean(axis=1), ends[:, 1]])
    placed = wrist[:, :, None] + einsum("knij,cj->knci", world, points)
    into = in_eyes(situation.other, placed.reshape(len(placed), -1, 3), np.tile(radius, 3 * count))
    return np.maximum(deepest, into.reshape(placed.shape[:-1]).max(axis=(0, 2)))
