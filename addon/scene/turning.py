# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations as the numbers that bones really have: quaternions, Euler angles of any order, angle and axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from duologue.motion import rotations
from numpy.typing import NDArray

from .actions import Channels
from .armatures import bone_path

if TYPE_CHECKING:
    from bpy.types import PoseBone


def rotation_property(bone: PoseBone) -> str:
    """Return the property that turns a bone in the mode it has."""
    mode = {"QUATERNION": "quaternion", "AXIS_ANGLE": "axis_angle"}.get(bone.rotation_mode, "euler")
    return f"rotation_{mode}"


def rotation_channels(bone: PoseBone, quaternions: NDArray[np.float64]) -> Channels:
    """Return a bone's rotation (T, 4) in whatever mode the user gave it, without jumps between frames."""
    mode, path = bone.rotation_mode, bone_path(bone, rotation_property(bone))
    if mode == "QUATERNION":
        return Channels(path, rotations.unroll_quat(quaternions), bone.name)
    if mode == "AXIS_ANGLE":
        return Channels(path, axis_angles(quaternions), bone.name)
    return Channels(path, eulers(quaternions, mode), bone.name)


def eulers(quaternions: NDArray[np.float64], order: str) -> NDArray[np.float64]:
    """Turn quaternions (T, 4) into Blender's Euler angles (T, 3), continuous over time.

    Blender's ``XYZ`` turns about X first, in fixed axes, which is our ``ZYX``. Each rotation has two triples of angles; the
    branch is changed wherever the other one is nearer to the frame before.
    """
    angles = rotations.matrix_to_euler(rotations.quat_to_matrix(quaternions), order[::-1])
    other = angles * (1.0, -1.0, 1.0) + np.pi
    stay = np.abs(_wrapped(angles[1:] - angles[:-1])).sum(axis=1)
    change = np.abs(_wrapped(other[1:] - angles[:-1])).sum(axis=1)
    # The two branches mirror each other, so whether to change does not depend on the one we are on.
    branch = np.concatenate([[0], np.cumsum(change < stay) % 2]).astype(bool)
    chosen = np.unwrap(np.where(branch[:, None], other, angles), axis=0)
    chosen -= np.round(chosen[:1] / (2 * np.pi)) * 2 * np.pi
    return chosen[:, [order[::-1].index(axis) for axis in "XYZ"]]  # Blender stores them as X, Y, Z whatever the order


def added_turns(bone: PoseBone, values: NDArray[np.float64], turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what an NLA strip that combines must add (T, 3 or 4) to a bone's ``values`` to turn it by ``turns`` (T, 4) beyond.

    Quaternions are multiplied by such a strip, other numbers are summed: of the two triples of Euler angles that make a rotation,
    and their full turns, the nearest is taken.
    """
    mode = bone.rotation_mode
    if mode == "QUATERNION":
        return rotations.unroll_quat(turns)
    wanted = rotations.quat_multiply(as_quaternions(values, mode), turns)
    if mode == "AXIS_ANGLE":
        return axis_angles(wanted) - values
    angles = eulers(wanted, mode)
    other = angles + np.pi
    middle = "XYZ".index(mode[1])
    other[:, middle] = np.pi - angles[:, middle]
    added = np.stack([_wrapped(angles - values), _wrapped(other - values)])
    nearer = np.abs(added).sum(axis=-1).argmin(axis=0)
    return added[nearer, np.arange(len(values))]


def as_quaternions(values: NDArray[np.float64], mode: str) -> NDArray[np.float64]:
    """Return the quaternions (T, 4) of what turns a bone, (T, 3 or 4) in its mode."""
    if mode == "QUATERNION":
        return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)
    if mode == "AXIS_ANGLE":
        axes = values[:, 1:] / np.maximum(np.linalg.norm(values[:, 1:], axis=-1, keepdims=True), 1e-12)
        return np.asarray(rotations.exp_to_quat(axes * values[:, :1]), np.float64)
    order = mode[::-1]
    return np.asarray(rotations.euler_to_quat(values[:, ["XYZ".index(axis) for axis in order]], order), np.float64)


def _wrapped(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return (angles + np.pi) % (2 * np.pi) - np.pi


def axis_angles(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn quaternions (T, 4) into Blender's (angle, x, y, z)."""
    vectors = rotations.unroll_exp(rotations.quat_to_exp(quaternions))
    angles = np.linalg.norm(vectors, axis=1, keepdims=True)
    axes = np.where(angles > 1e-9, vectors / np.maximum(angles, 1e-9), (0.0, 1.0, 0.0))
    return np.hstack([angles, axes])
