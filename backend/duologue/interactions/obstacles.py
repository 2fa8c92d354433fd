"""What a hand on its way keeps clear of: heads, exactly enough, and trunks, as capsules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from duologue.interactions.actor import Array, Pose
from duologue.interactions.field import HeadField
from duologue.interactions.reach import Arm
from duologue.motion.capsules import ADULT
from duologue.motion.rotations import einsum

TRUNK: Final = 0.115
"""Metres: the radius of abdomen and chest in an adult of ``ADULT`` metres, as ``motion.capsules`` has it."""
FOREARM: Final = 0.036
"""Metres, sleeve included."""
_FOREARM_AT: Final = (0.15, 0.4, 0.65, 0.9)
_WINDOW: Final = 6
"""Frames before and after in which a hand makes way."""


def trunk_lines(pose: Pose) -> tuple[Array, Array]:
    """Return a body's trunk as lines (T, C, 2, 3) from the hips to the neck, and their radii (C,)."""
    chain = [pose.character.joint["Hips"], *pose.character.spine()]
    radius = TRUNK * pose.character.height / ADULT
    points = pose.heads[:, chain]
    return np.stack([points[:, :-1], points[:, 1:]], axis=2), np.full(len(chain) - 1, radius)


def in_trunk(pose: Pose, points: Array, radius: Array) -> tuple[Array, Array]:
    """Return how deep (T, n) balls at ``points`` (T, n, 3) are in a trunk, negative outside, and the way out (T, n, 3)."""
    lines, radii = trunk_lines(pose)
    start, line = lines[:, None, :, 0], lines[:, None, :, 1] - lines[:, None, :, 0]
    away = points[:, :, None] - start
    along = einsum("tnci,tci->tnc", away, line[:, 0]) / np.maximum((line**2).sum(axis=-1), 1e-9)
    across = away - np.clip(along, 0.0, 1.0)[..., None] * line
    distance = np.sqrt(einsum("tnci,tnci->tnc", across, across))
    depth = radius[:, None] + radii - distance
    worst = depth.argmax(axis=-1)[..., None]
    out = np.take_along_axis(across, worst[..., None], 2)[:, :, 0]
    return np.take_along_axis(depth, worst, 2)[..., 0], out / np.maximum(
        np.linalg.norm(out, axis=-1, keepdims=True), 1e-9
    )


def in_head(pose: Pose, points: Array, radius: Array) -> tuple[Array, Array]:
    """Return how deep (T, n) balls are in a head, negative outside, and the way out (T, n, 3) of those that are ever inside."""
    field = HeadField.of(pose.character)
    depth, out = radius - field.at(pose, points), np.zeros(points.shape)
    inside = (depth > 0).any(axis=0)
    out[:, inside] = field.outwards(pose, points[:, inside])
    return depth, out


def arm_points(pose: Pose, arm: Arm, kept: Sequence[int]) -> tuple[Array, Array]:
    """Return balls along the forearm and along the hand's capsules ``kept``: places (T, n, 3) and radii (n,)."""
    a, b, radius = arm.hand.capsules(pose)
    rows = list(kept)
    hand = np.concatenate([a[:, rows], (a[:, rows] + b[:, rows]) / 2, b[:, rows]], axis=1)
    elbow, wrist = pose.joint(arm.hand.side + "ForeArm"), pose.joint(arm.hand.side + "Hand")
    forearm = np.stack([elbow + share * (wrist - elbow) for share in _FOREARM_AT], axis=1)
    return np.concatenate([hand, forearm], axis=1), np.concatenate(
        [np.tile(radius[rows], 3), np.full(len(_FOREARM_AT), FOREARM)]
    )


def way_clear(own: Pose, others: Sequence[Pose], arm: Arm, free: Array) -> Array:
    """Return how the wrist has to move (T, 3) for the hand to keep clear while it is under way.

    Args:
        own: who touches, with the arm as it is so far.
        others: everybody there, ``own`` included.
        arm: the touching one.
        free: (T,) 1 where the hand may go another way, 0 where it is in contact.
    """
    points, radius = arm_points(own, arm, range(len(arm.hand.names)))
    need = np.zeros((len(points), 3))
    deepest = np.zeros(len(points))
    for pose in others:
        for depth, out in (in_head(pose, points, radius), in_trunk(pose, points, radius)):
            # A forearm swings about its elbow: near the elbow the wrist would have to go far for little.
            depth[:, -len(_FOREARM_AT) :] *= np.array(_FOREARM_AT)
            worst = depth.argmax(axis=1)
            rows = np.arange(len(points))
            more = np.maximum(depth[rows, worst], 0.0) > deepest
            need = np.where(more[:, None], depth[rows, worst, None] * out[rows, worst], need)
            deepest = np.where(more, depth[rows, worst], deepest)
    return _spread(need * free[:, None]) * _edge(free)[:, None]


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
