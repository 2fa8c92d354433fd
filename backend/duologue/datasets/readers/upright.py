"""Which way is up in files that don't say so: along the trunks of people who stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.bvh import BvhClip
from duologue.motion.rotations import exp_to_matrix, matrix_to_exp
from duologue.motion.skeleton import Skeleton, forward_kinematics

Array = NDArray[np.float64]
Axis = tuple[int, int]
"""Its number, and its sign."""

UP: Final[Axis] = (1, 1)
"""Ours: +Y."""
TURNS: Final[Mapping[Axis, Array]] = {
    (1, 1): np.eye(3),
    (1, -1): np.diag([1.0, -1.0, -1.0]),
    (2, 1): np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    (2, -1): np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    (0, 1): np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    (0, -1): np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
}
"""Which rotation makes an axis +Y."""
_SURE: Final = 0.7
"""Cosine of the angle between a mean trunk and an axis up to which that axis is taken for up: people bow, and lie down."""
_ENOUGH: Final = 300
"""Frames by which it is told."""
_ON_FLOOR: Final = 0.25
"""Of the hips' height by which whatever is lowest may lie off 0 of who stands: who lies has a trunk along another axis too, but
no feet at 0 of it."""


def axis_name(axis: Axis) -> str:
    """Return how an axis is written: ``+Z``."""
    return f"{'+' if axis[1] > 0 else '-'}{'XYZ'[axis[0]]}"


def axis_of(trunk: Array) -> Axis | None:
    """Return the axis along which trunks (T, 3), from the hips up, stand on the average; None where it is none."""
    mean = (trunk / np.linalg.norm(trunk, axis=-1, keepdims=True)).mean(0)
    axis = int(np.abs(mean).argmax())
    return (axis, int(np.sign(mean[axis]))) if abs(mean[axis]) > _SURE else None


def up_of(clip: BvhClip, joints: Mapping[str, str]) -> Axis:
    """Return which way is up in a clip, its ``joints`` named after ours: +Y unless it stands along another axis, on its 0."""
    ends = [clip.skeleton.index(joint) for bone in ("Hips", "Neck") for joint, name in joints.items() if name == bone]
    if len(ends) != 2:
        return UP
    every = slice(None, None, max(1, clip.frames // _ENOUGH))
    moved = None if clip.translations is None else clip.translations[every]
    _, positions = forward_kinematics(clip.skeleton, clip.rotations[every], clip.root_translation[every], moved)
    up = axis_of(np.asarray(positions[:, ends[1]] - positions[:, ends[0]], np.float64))
    if up is None or up == UP:
        return UP
    heights = up[1] * positions[..., up[0]]
    hips, lowest = float(np.median(heights[:, ends[0]])), float(np.median(heights.min(axis=1)))
    return up if hips > 0 and abs(lowest) < _ON_FLOOR * hips else UP


def upright(clip: BvhClip, joints: Mapping[str, str]) -> BvhClip:
    """Return a clip with Y up: turned as a whole where its rest pose lies along the same axis, else its world alone."""
    up = up_of(clip, joints)
    if up == UP:
        return clip
    turn, tree = TURNS[up], clip.skeleton
    root = clip.root_translation @ turn.T
    hips, neck = (
        tree.index(next(joint for joint, name in joints.items() if name == bone)) for bone in ("Hips", "Neck")
    )
    if axis_of((tree.rest_positions[neck] - tree.rest_positions[hips])[None]) != up:
        rotations = clip.rotations.copy()
        rotations[:, 0] = matrix_to_exp(turn @ exp_to_matrix(rotations[:, 0]))
        return replace(clip, rotations=rotations, root_translation=root)
    ends = tuple((joint, tuple(turn @ np.array(offset))) for joint, offset in tree.ends)
    turned = Skeleton(tree.names, tree.parents, tree.offsets @ turn.T, ends)
    moved = None if clip.translations is None else clip.translations @ turn.T
    # R M Rᵀ turns about the axis R v as M does about v.
    return replace(clip, skeleton=turned, rotations=clip.rotations @ turn.T, root_translation=root, translations=moved)
