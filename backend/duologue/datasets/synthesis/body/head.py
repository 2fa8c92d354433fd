"""Heads of composed performers: where they point, turning them to the partner's face, and nods (posed, not captured)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from duologue.datasets.synthesis.body.pieces import Array, Motion
from duologue.motion.rotations import exp_to_quat, quat_multiply, quat_rotate
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

LEVEL: Final = float(np.radians(-4.0))
"""Pitch of a head that looks at nothing: the mean of Rocketbox's standing women."""

_TRUNK: Final = ("Spine", "Spine1", "Spine2", "Spine3", "Neck", "Neck1", "Head")
_NECK: Final = (("Neck", 0.3), ("Neck1", 0.25), ("Head", 0.45))
_TURNING: Final = (("Spine3", 0.15), ("Neck", 0.2), ("Neck1", 0.25), ("Head", 0.4))
_FURTHEST: Final = 1.22
"""Radians to the side of the chest's heading that a head turns."""
_EYES: Final = np.array([0.0, 0.08, 0.08])
"""From the head's joint, metres."""


def head_pose(motion: Motion, skeleton: Skeleton) -> tuple[Array, Array]:
    """Return where the head points and where its eyes are, (T, 3), in the heading frame over the root on the floor."""
    turn = motion.rotations[:, 0]
    at = np.stack([np.zeros(len(motion)), motion.height, np.zeros(len(motion))], axis=-1)
    for joint in skeleton.indices(*_TRUNK):
        at = at + quat_rotate(turn, skeleton.offsets[joint])
        turn = quat_multiply(turn, motion.rotations[:, joint])
    return np.asarray(quat_rotate(turn, np.array([0.0, 0.0, 1.0])), np.float64), at + quat_rotate(turn, _EYES)


def head_pitch(motion: Motion, skeleton: Skeleton) -> Array:
    """Return how far the head looks up (T,), radians; down is negative."""
    return np.arcsin(np.clip(head_pose(motion, skeleton)[0][:, 1], -1, 1))


def pitched(motion: Motion, skeleton: Skeleton, up: Array | float) -> Motion:
    """Return the motion with the head pitched up by ``up`` (T,) or one angle, radians, about its own ears."""
    angles = np.broadcast_to(np.asarray(up, np.float64), (len(motion),))
    rotations = motion.rotations.copy()
    for name, share in _NECK:
        joint, zero = skeleton.index(name), np.zeros(len(motion))
        turn = exp_to_quat(np.stack([-share * angles, zero, zero], axis=-1))
        rotations[:, joint] = quat_multiply(rotations[:, joint], turn)
    return replace(motion, rotations=rotations)


def look(
    motion: Motion, path: Array, partner_eyes: Array, wanted: Array, skeleton: Skeleton, *, head: float = 0.0
) -> Motion:
    """Turn the head to the partner's face as far as ``wanted`` (T,) from 0 to 1 says, else level it.

    ``path`` (T, 3): x, z, heading; ``partner_eyes`` (T, 3) in the world; ``head``: radians up, a mood's. The turn goes to 70
    degrees. Captured movements of the head that are quicker than about half a second stay.
    """
    forward, eyes = head_pose(motion, skeleton)
    own = world_of(eyes, path)
    away = partner_eyes - own
    bearing = np.arctan2(away[:, 0], away[:, 2]) - path[:, 2]
    bearing = (bearing + np.pi) % (2 * np.pi) - np.pi
    # Someone behind is not looked at over the shoulder for long: the wish fades beyond what a neck allows.
    wanted = wanted * np.clip(2.6 - np.abs(bearing), 0, 1)
    slow = gaussian_filter1d(forward, 8.0, axis=0, mode="nearest")
    turn = np.clip(bearing, -_FURTHEST, _FURTHEST) - np.arctan2(slow[:, 0], slow[:, 2])
    turn = gaussian_filter1d(np.clip(turn, -1.4, 1.4) * wanted, 3.0, mode="nearest")
    rise = np.clip(np.arctan2(away[:, 1], np.maximum(np.hypot(away[:, 0], away[:, 2]), 0.3)), -0.6, 0.5)
    target = wanted * rise + (1 - wanted) * LEVEL + head
    # Where nobody is looked at, half of a slow captured movement (at a seat, at the hands) stays.
    up = (target - np.arctan2(slow[:, 1], np.hypot(slow[:, 0], slow[:, 2]))) * (0.5 + 0.5 * wanted)
    rotations = motion.rotations.copy()
    for name, share in _TURNING:
        joint, zero = skeleton.index(name), np.zeros(len(motion))
        yaw = exp_to_quat(np.stack([zero, share * turn, zero], axis=-1))
        rotations[:, joint] = quat_multiply(yaw, rotations[:, joint])
    turned = replace(motion, rotations=rotations)
    return pitched(turned, skeleton, gaussian_filter1d(up, 3.0, mode="nearest"))


def world_of(points: Array, path: Array) -> Array:
    """Bring points (T, 3) from the heading frame into the world along a root path (T, 3) of x, z, heading."""
    sine, cosine = np.sin(path[:, 2]), np.cos(path[:, 2])
    x = path[:, 0] + cosine * points[:, 0] + sine * points[:, 2]
    z = path[:, 1] + cosine * points[:, 2] - sine * points[:, 0]
    return np.stack([x, points[:, 1], z], axis=-1)


def glances(share: Array, rng: np.random.Generator) -> Array:
    """Draw when to look at the partner: (T,) from 0 to 1, in stretches of 0.8 to 4 s, in the ``share`` (T,) of time."""
    wanted = np.zeros(len(share))
    at = 0
    while at < len(share):
        length = int(FPS * rng.uniform(0.8, 4.0))
        wanted[at : at + length] = float(rng.random() < share[at : at + length].mean())
        at += length
    return gaussian_filter1d(wanted, 4.0, mode="nearest")


def nod(motion: Motion, skeleton: Skeleton, frames: list[tuple[int, float, int]]) -> Motion:
    """Dip the head: ``frames`` of (the lowest frame, radians, frames long), all at once."""
    down = np.zeros(len(motion))
    for frame, angle, width in frames:
        first = frame - width // 2
        low, high = max(0, first), min(len(motion), first + width)
        if high - low >= 2:
            down[low:high] += angle * np.sin(np.pi * (np.arange(low, high) - first + 0.5) / width) ** 2
    return pitched(motion, skeleton, -down)
