"""What a hand on its way keeps clear of, with its forearm: heads and trunks, as their meshes are, and others' arms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from duologue.interactions.actor import Array, Character, Pose
from duologue.interactions.field import BodyField, head_field, trunk_field
from duologue.interactions.reach import Arm
from duologue.interactions.upper_arms import in_arms
from duologue.motion.rotations import einsum

FOREARM_AT: Final = (0.05, 0.3, 0.55, 0.8, 0.95)
"""Of the way from elbow to wrist, where a forearm is looked at."""
_NEAR_IT: Final = 0.12
"""Of the forearm's length, on either side of a ball what it stands for…"""
_ENOUGH: Final = 6
"""…if that is so many vertices, else as thick as…"""
_USUAL_FOREARM: Final = 0.036
"""…metres, sleeve included."""
_WINDOW: Final = 6
"""Frames before and after in which a hand makes way."""


def fields(pose: Pose) -> tuple[BodyField, BodyField]:
    """Return what of a body hands and forearms keep clear of: its head and its trunk."""
    return head_field(pose.character), trunk_field(pose.character)


def forearm_points(elbow: Array, wrist: Array) -> Array:
    """Return the middles (..., n, 3) of the balls that a forearm is made of, given both its ends (..., 3)."""
    return np.stack([elbow + share * (wrist - elbow) for share in FOREARM_AT], axis=-2)


@lru_cache(maxsize=16)
def forearm_radii(character: Character, side: str) -> Array:
    """Return the radii (n,) of those balls, sleeve included, as thick as the mesh is there: nine in ten of its vertices."""
    elbow, wrist = character.rest_point(side + "ForeArm"), character.rest_point(side + "Hand")
    under = character.under
    bones = np.setdiff1d(under[character.joint[side + "ForeArm"]], under[character.joint[side + "Hand"]])
    points = character.mesh.vertices[character.mesh.weight_of(bones) > 0.5]
    line = wrist - elbow
    along = (points - elbow) @ line / (line @ line)
    away = np.linalg.norm(points - elbow - along[:, None] * line, axis=1)
    near = [away[np.abs(along - share) < _NEAR_IT] for share in FOREARM_AT]
    return np.array([float(np.quantile(one, 0.9)) if len(one) >= _ENOUGH else _USUAL_FOREARM for one in near])


def arm_points(pose: Pose, arm: Arm) -> tuple[Array, Array]:
    """Return balls along the hand's capsules and, last, the forearm: places (T, n, 3) and radii (n,)."""
    a, b, radius = arm.hand.capsules(pose)
    hand = np.concatenate([a, (a + b) / 2, b], axis=1)
    side = arm.hand.side
    forearm = forearm_points(pose.joint(side + "ForeArm"), pose.joint(side + "Hand"))
    return np.concatenate([hand, forearm], axis=1), np.concatenate(
        [np.tile(radius, 3), forearm_radii(pose.character, side)]
    )


def arm_depths(own: Pose, others: Sequence[Pose], arm: Arm) -> Array:
    """Return how deep (T, O, n) the balls of hand and forearm are in each of the O heads and trunks; negative outside."""
    points, radius = arm_points(own, arm)
    return np.stack([radius - field.at(pose, points) for pose in others for field in fields(pose)], axis=1)


def way_clear(own: Pose, others: Sequence[Pose], arm: Arm, free: Array, allowed: Array) -> Array:
    """Return how the wrist has to move (T, 3) for the hand to keep clear while it is under way.

    Args:
        own: who touches, with the arm as it is so far.
        others: everybody there, ``own`` included.
        arm: the touching one.
        free: (T,) 1 where the hand may go another way, 0 where it is in contact.
        allowed: (T, O, n) of :func:`arm_depths`, how deep each ball may be: as it is in the take, where the hand sets out.
    """
    need, _ = in_the_way(own, others, arm, allowed)
    return _spread(need * free[:, None]) * _edge(free)[:, None]


def in_the_way(own: Pose, others: Sequence[Pose], arm: Arm, allowed: Array) -> tuple[Array, Array]:
    """Return how the wrist has to move (T, 3) to be out of everything that hand and forearm are in, and how deep (T,) they are in
    what they are deepest in; the arguments are those of :func:`way_clear`."""
    depth = arm_depths(own, others, arm) - np.maximum(allowed, 0.0)
    # A forearm swings about its elbow: near the elbow the wrist would have to go far for little.
    depth[..., -len(FOREARM_AT) :] *= np.array(FOREARM_AT)
    points, radius = arm_points(own, arm)
    rows = np.arange(len(depth))
    found: list[tuple[Array, Array]] = []
    for column, (pose, field) in enumerate([(one, field) for one in others for field in fields(one)]):
        ball = depth[:, column].argmax(axis=-1)
        deep = depth[rows, column, ball]
        if (deep > 0).any():
            found.append((deep, field.outwards(pose, points[rows, ball][:, None])[:, 0]))
    for pose in others:
        if pose is own:
            continue
        into, out = in_arms(pose, points, radius)
        into[..., -len(FOREARM_AT) :] *= np.array(FOREARM_AT)
        ball = into.argmax(axis=-1)
        found.append((into[rows, ball], out[rows, ball]))
    need, deepest = np.zeros((len(depth), 3)), np.zeros(len(depth))
    for deep, out in found:  # between a head and a shoulder the way leads out of both
        deepest = np.maximum(deepest, deep)
        need = need + np.maximum(deep - einsum("ti,ti->t", need, out), 0.0)[:, None] * out
    return need, deepest


def _spread(need: Array) -> Array:
    """Return needs (T, 3) that begin before and end after each of them, smoothly, and are nowhere smaller along it."""
    if not need.any():
        return need
    window = np.hanning(2 * _WINDOW + 3)[1:-1]
    size = np.linalg.norm(need, axis=1)
    padded = np.pad(size, _WINDOW)
    wide = np.lib.stride_tricks.sliding_window_view(padded, 2 * _WINDOW + 1)
    envelope = (wide * window).max(axis=1)
    direction = np.stack([np.convolve(need[:, k], window, "same") for k in range(3)], axis=-1)
    direction = direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    return envelope[:, None] * direction


def _edge(free: Array) -> Array:
    """Return 1 while the hand is free, going to 0 towards the contact within a few frames."""
    window = np.hanning(7)[1:-1]
    return np.minimum(np.convolve(np.pad(free, 2, mode="edge"), window / window.sum(), "valid"), free)
