# SPDX-License-Identifier: GPL-3.0-or-later
"""From solved poses and faces to what is added to the channels that a rig really has: bones in their modes, its own shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from duologue import arkit
from duologue.interactions.actor import Pose
from duologue.motion.rotations import matrix_to_quat, quat_conjugate, quat_multiply, quat_to_exp
from numpy.typing import NDArray

from ..cast.cast import Performer
from ..cast.eyes import Looks, eye_bones
from ..cast.faces import Face
from ..scene import armatures, shape_keys, turning
from ..scene.actions import FLAT, Channels
from ..scene.data import armature_of, face_keys, pose_of

if TYPE_CHECKING:
    from bpy.types import PoseBone

Floats = NDArray[np.float64]
Weights = Mapping[str, Floats]
"""ARKit name -> (T,)."""

_GROUP: Final = "Touch"


def of_body(performer: Performer, before: Pose, after: Pose, rotations: Mapping[str, Floats]) -> list[Channels]:
    """Return what turns the bones from ``before`` to ``after``; ``rotations``: what turns each in its own mode before (T, k)."""
    names = performer.rig.names
    bones, posed = armature_of(performer.armature).bones, pose_of(performer.armature).bones
    channels: list[Channels] = []
    for bone in sorted(after.changed):
        name = names[bone]
        free = not bones[name].use_inherit_rotation
        old, new = (pose.turns[:, bone] if free else pose.local(bone) for pose in (before, after))
        turns = matrix_to_quat(np.swapaxes(old, -1, -2) @ new)
        if np.abs(quat_to_exp(turns)).max(initial=0.0) > FLAT and name in rotations:
            channels.append(_channel(posed[name], rotations[name], turns))
    return channels


def of_face(face: Face, weights: Weights, gains: Weights) -> list[Channels]:
    """Return what is added to the shapes of one mesh where ARKit's ``weights`` gain ``gains``."""
    keys = face_keys(face.mesh)
    old, new = (shape_keys.shape_values(keys, table, face.match) for table in _tables(weights, gains))
    added = {name: new[name] - old[name] for name in face.match.shapes}
    return [
        Channels(shape_keys.shape_path(name), values[:, None], _GROUP)
        for name, values in added.items()
        if np.abs(values).max(initial=0.0) > FLAT
    ]


def of_eyes(performer: Performer, weights: Weights, gains: Weights, rotations: Mapping[str, Floats]) -> list[Channels]:
    """Return what turns eyes that are bones where the looks among ARKit's ``weights`` gain ``gains``."""
    bones = eye_bones(performer)
    if not bones or not gains:
        return []
    looks, posed = Looks(performer), pose_of(performer.armature).bones
    old, new = (looks.turns(table) for table in _tables(weights, gains))
    channels: list[Channels] = []
    for joint, name in bones.items():
        turns = np.asarray(quat_multiply(quat_conjugate(old[joint]), new[joint]), np.float64)
        if np.abs(quat_to_exp(turns)).max(initial=0.0) > FLAT:
            channels.append(_channel(posed[name], rotations[name], turns))
    return channels


def busy(channels: Sequence[Channels]) -> slice | None:
    """Return the frames in which anything is added, with one more at each end; None where nothing is."""
    if not channels:
        return None
    moving = [np.abs(channel.values - _at_rest(channel)).max(axis=1) > FLAT for channel in channels]
    rows = np.flatnonzero(np.any(moving, axis=0))
    return slice(max(int(rows[0]) - 1, 0), int(rows[-1]) + 2) if len(rows) else None


def part(channel: Channels, frames: slice) -> Channels:
    """Return a stretch of a channel."""
    return replace(channel, values=channel.values[frames])


def _at_rest(channel: Channels) -> Floats:
    quaternion = channel.path.endswith("rotation_quaternion")
    return np.array([1.0, 0.0, 0.0, 0.0]) if quaternion else np.zeros(channel.values.shape[1])


def _channel(bone: PoseBone, values: Floats, turns: Floats) -> Channels:
    path = armatures.bone_path(bone, turning.rotation_property(bone))
    return Channels(path, turning.added_turns(bone, values, turns), bone.name)


def _tables(weights: Weights, gains: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return ARKit's weights (T, 52) without and with what they gain."""
    frames = len(next(iter((*gains.values(), *weights.values()))))
    table = np.zeros((frames, len(arkit.NAMES)), np.float32)
    for name, values in weights.items():
        table[:, arkit.INDEX[name]] = values
    more = table.copy()
    for name, values in gains.items():
        more[:, arkit.INDEX[name]] = np.clip(more[:, arkit.INDEX[name]] + values, 0.0, 1.0)
    return table, more
