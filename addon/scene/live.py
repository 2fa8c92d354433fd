# SPDX-License-Identifier: GPL-3.0-or-later
"""Showing a take while it is made: the newest pose is set on the characters, nothing is keyed, all of it can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue.motion.skeleton import Skeleton
from duologue.rigs.retarget import RetargetedPose
from duologue.take import Track
from numpy.typing import NDArray

from . import armatures
from .cast import Performer
from .take_writer import bone_rotations, retargeter

if TYPE_CHECKING:
    from bpy.types import ID, Object

_POSE = {"location": 3, "rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4}


class LivePose:
    """One performer's pose, set frame by frame. Objects are looked up by name each time: undo makes pointers invalid."""

    def __init__(self, skeleton: Skeleton, performer: Performer) -> None:
        """Remember pose and faces as they are, and let go of the Actions that would overwrite the live pose."""
        self._name, self._rig, self._match = performer.name, performer.rig, performer.match
        self._armature = performer.armature.name
        self._faces = {face.mesh.name: face.match for face in performer.faces}
        self._retargeter = retargeter(skeleton, performer)
        self._last: RetargetedPose | None = None
        self._pose = {prop: _pose_values(performer.armature, prop) for prop in _POSE}
        self._before = {prop: values.copy() for prop, values in self._pose.items()}
        self._shapes = {face.mesh.name: _shape_values(face.mesh) for face in performer.faces}
        self._held = {
            ob.name: _Held.take(_animated(ob)) for ob in (performer.armature, *(f.mesh for f in performer.faces))
        }

    def show(self, track: Track) -> None:
        """Set pose and face of a track's last frame. Does nothing when the character is gone or its bones were edited."""
        armature = self._find_armature()
        if armature is None:
            return
        newest = track[-1:]
        pose = self._last = self._retargeter.apply(newest.rotations, newest.root_translation, after=self._last)
        bones = armature.pose.bones
        index = {bone.name: i for i, bone in enumerate(bones)}
        rotations = bone_rotations(Performer(self._name, armature, self._rig, self._match, ()), pose)
        channels = [
            *((name, armatures.rotation_channels(bones[name], rotations[:, i])) for i, name in enumerate(pose.bones)),
            *(
                (name, armatures.location_channels(bones[name], pose.locations[:, i]))
                for i, name in enumerate(pose.located)
            ),
        ]
        for name, channel in channels:
            self._pose[channel.path.rsplit(".", 1)[1]][index[name]] = channel.values[0]
        _write_pose(armature, self._pose)
        for name, match in self._faces.items():
            keys = _keys(name)
            for shape, value in zip(match.shapes, match.apply(newest.weights)[0], strict=True):
                if keys is not None and shape in keys.key_blocks:
                    keys.key_blocks[shape].value = value

    def restore(self) -> None:
        """Put pose, faces and Actions back as they were."""
        if (armature := self._find_armature()) is not None:
            _write_pose(armature, self._before)
        for name, values in self._shapes.items():
            keys = _keys(name)
            if keys is not None and len(keys.key_blocks) == len(values):
                keys.key_blocks.foreach_set("value", values)
        for name, held in self._held.items():
            ob = bpy.data.objects.get(name)
            if ob is not None:
                held.give_back(_animated(ob))

    def _find_armature(self) -> Object | None:
        armature = bpy.data.objects.get(self._armature)
        fits = armature is not None and tuple(bone.name for bone in armature.data.bones) == self._rig.names
        return armature if fits else None


@dataclass(frozen=True)
class _Held:
    """An Action that was taken off a datablock for a while, by names."""

    action: str = ""
    slot: str = ""
    fake_user: bool = False
    use_nla: bool = True

    @classmethod
    def take(cls, datablock: ID) -> _Held:
        data = datablock.animation_data
        if data is None:
            return cls()
        use_nla, data.use_nla = data.use_nla, False
        action, slot = data.action, data.action_slot
        if action is None:
            return cls(use_nla=use_nla)
        held = cls(action.name, slot.identifier if slot else "", action.use_fake_user, use_nla)
        action.use_fake_user = True  # if the file is saved now, the Action must be in it
        data.action = None
        return held

    def give_back(self, datablock: ID) -> None:
        data = datablock.animation_data
        if data is None:
            return
        data.use_nla = self.use_nla
        action = bpy.data.actions.get(self.action)
        if action is not None and data.action is None:
            data.action = action
            data.action_slot = action.slots.get(self.slot)
            action.use_fake_user = self.fake_user


def _animated(ob: Object) -> ID:
    return ob.data.shape_keys if ob.type == "MESH" else ob


def _keys(mesh: str) -> Any:
    ob = bpy.data.objects.get(mesh)
    return ob.data.shape_keys if ob is not None and ob.type == "MESH" else None


def _write_pose(armature: Object, pose: dict[str, NDArray[np.float32]]) -> None:
    for prop, values in pose.items():
        armature.pose.bones.foreach_set(prop, values.ravel())
    armature.update_tag()


def _pose_values(armature: Object, prop: str) -> NDArray[np.float32]:
    values = np.empty((len(armature.pose.bones), _POSE[prop]), np.float32)
    armature.pose.bones.foreach_get(prop, values.ravel())
    return values


def _shape_values(mesh: Object) -> NDArray[np.float32]:
    blocks = mesh.data.shape_keys.key_blocks
    values = np.empty(len(blocks), np.float32)
    blocks.foreach_get("value", values)
    return values
