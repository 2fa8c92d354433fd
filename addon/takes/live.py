# SPDX-License-Identifier: GPL-3.0-or-later
"""Showing a take while it is made: poses are set on the characters, nothing is keyed, all of it can be taken back.

Windows arrive about once a second. They are turned into poses soon after, all frames that wait at once, and played from there: as
fast as they were meant where the server is slower than that, faster where it is quicker, and always with the frame that is due
now, so that a slow viewport drops frames instead of falling behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue.motion.skeleton import Skeleton
from duologue.rigs.retarget import RetargetedPose
from duologue.take import Track
from duologue.units import FPS
from numpy.typing import NDArray

from ..cast.cast import Performer
from ..cast.eyes import Looks
from ..scene import actions, armatures, poses, resting, turning
from ..scene.data import animation_of, armature_of, face_keys, pose_of
from .face_tuning import Tuning, tuned
from .writer import bone_rotations, retargeter

if TYPE_CHECKING:
    from bpy.types import ID, Key, Object


class Playhead:
    """Which frame of a growing take is shown: it follows the newest one smoothly, never more than about a second behind."""

    def __init__(self) -> None:
        """Begin at the first frame."""
        self._at = 0.0

    def advance(self, seconds: float, frames: int) -> int:
        """Return the frame to show ``seconds`` after the last one, of the ``frames`` that are there."""
        behind = max(0.0, frames - 1 - self._at)
        self._at += min(seconds * max(FPS, behind), behind)
        return int(self._at)


class LivePose:
    """One performer's pose, set frame by frame. Objects are looked up by name each time: undo makes pointers invalid."""

    def __init__(self, skeleton: Skeleton, performer: Performer, tuning: Tuning) -> None:
        """Remember pose and faces as they are, and let go of the Actions that would overwrite the live pose."""
        self._name, self._rig, self._match = performer.name, performer.rig, performer.match
        self._armature = performer.armature.name
        self._faces = {face.mesh.name: face.match for face in performer.faces if face_keys(face.mesh).is_editable}
        self._tuning = tuning
        self._retargeter = retargeter(skeleton, performer)
        self._looks = Looks(performer)
        self._last: RetargetedPose | None = None
        self._windows: list[_Posed] = []
        self._waiting: list[Track] = []
        bones = pose_of(performer.armature).bones
        self._modes = {name: bones[name].rotation_mode for name in self._match.bones.values() if name in bones}
        self._before = poses.values(performer.armature)
        switches = ((s.bone, s.name, s.value) for s in self._match.rig_map.properties if s.bone in bones)
        self._switches = {(b, name): (value, bones[b][name]) for b, name, value in switches if name in bones[b]}
        meshes = [bpy.data.objects[name] for name in self._faces]
        self._shapes = {mesh.name: _shape_values(mesh) for mesh in meshes}
        self._held = {ob.name: _Held.take(_animated(ob)) for ob in (performer.armature, *meshes)}
        self._pose = poses.values(performer.armature)

    @property
    def frames(self) -> int:
        """How many frames can be shown."""
        return sum(posed.frames for posed in self._windows)

    @property
    def waiting(self) -> int:
        """How many frames have come that can't be shown yet."""
        return sum(len(track) for track in self._waiting)

    def expect(self, track: Track) -> None:
        """Take a window's frames, to be prepared and shown later."""
        self._waiting.append(track)

    def prepare(self) -> None:
        """Turn all frames that wait into poses: many at once cost little more than few."""
        if self._waiting:
            track = Track.joined(self._waiting)
            self._waiting.clear()
            self._windows.append(self._posed(track))

    def _posed(self, track: Track) -> _Posed:
        armature = self._find_armature()
        if armature is None:
            return _Posed(len(track), {}, {})
        pose = self._last = self._retargeter.apply(track.rotations, track.root_translation, after=self._last)
        bones = pose_of(armature).bones
        index = {bone.name: i for i, bone in enumerate(bones)}
        turned = bone_rotations(Performer(self._name, armature, self._rig, self._match, ()), pose)
        channels = [
            *((name, turning.rotation_channels(bones[name], turned[:, i])) for i, name in enumerate(pose.bones)),
            *(
                (name, armatures.location_channels(bones[name], pose.locations[:, i]))
                for i, name in enumerate(pose.located)
            ),
            *((channel.group, channel) for channel in self._looks.channels(armature, track.weights)),
        ]
        posed = {prop: ([], []) for prop in poses.PROPS}
        for name, channel in channels:
            rows, values = posed[channel.path.rsplit(".", 1)[1]]
            rows.append(index[name])
            values.append(channel.values)
        weights = tuned(track.weights, self._tuning)
        return _Posed(
            len(track),
            {prop: (np.array(rows), np.stack(values, 1)) for prop, (rows, values) in posed.items() if rows},
            {name: match.apply(weights) for name, match in self._faces.items()},
        )

    def show(self, frame: int) -> None:
        """Set pose and face of a frame that was added. Does nothing when the character is gone or its bones were edited."""
        armature = self._find_armature()
        for posed in self._windows:
            if frame < posed.frames:
                break
            frame -= posed.frames
        else:
            return
        if armature is None:
            return
        for prop, (rows, values) in posed.channels.items():
            self._pose[prop][rows] = values[frame]
        self._switch(armature, 0)
        _write_pose(armature, {prop: self._pose[prop] for prop in posed.channels})
        for name, values in posed.shapes.items():
            if (keys := _keys(name)) is not None:
                _write_shapes(keys, self._faces[name].shapes, values[frame])

    def restore(self) -> None:
        """Put pose, faces and Actions back as they were."""
        if (armature := self._find_armature()) is not None:
            self._switch(armature, 1)
            _write_pose(armature, self._before)
        for name, values in self._shapes.items():
            keys = _keys(name)
            if keys is not None and len(keys.key_blocks) == len(values):
                keys.key_blocks.foreach_set("value", values)
        for name, held in self._held.items():
            ob = bpy.data.objects.get(name)
            if ob is not None:
                held.give_back(_animated(ob))

    def hold(self) -> None:
        """Let go of the Actions once more, after :meth:`restore` had put everything back for a moment."""
        for name in self._held:
            ob = bpy.data.objects.get(name)
            if ob is not None:
                self._held[name] = _Held.take(_animated(ob))

    def _switch(self, armature: Object, which: int) -> None:
        """Set a rig's own switches (IK or FK) as the take needs them (0), or back (1)."""
        for (bone, name), values in self._switches.items():
            if pose_of(armature).bones[bone].get(name) != values[which]:
                pose_of(armature).bones[bone][name] = values[which]

    def _find_armature(self) -> Object | None:
        """Return the armature if it still has the bones it had; those whose rotation mode was changed would jump."""
        armature = bpy.data.objects.get(self._armature)
        if armature is None or tuple(bone.name for bone in armature_of(armature).bones) != self._rig.names:
            return None
        same = all(pose_of(armature).bones[name].rotation_mode == mode for name, mode in self._modes.items())
        return armature if same else None


@dataclass(frozen=True)
class _Posed:
    """A window as the bones and shape keys take it: per property the rows of its bones and values (T, rows, k)."""

    frames: int
    channels: dict[str, tuple[NDArray[np.intp], NDArray[Any]]]
    shapes: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class _Held:
    """An Action that was taken off a datablock for a while, by names."""

    action: str = ""
    slot: str = ""
    fake_user: bool = False
    use_nla: bool = True

    @classmethod
    def take(cls, datablock: ID) -> _Held:
        data = animation_of(datablock)
        if data is None:
            return cls()
        actions.leave_tweak_mode(datablock)
        own = [*actions.own_curves(datablock), *(curve for _, curve in poses.strip_curves(datablock))]
        use_nla, data.use_nla = data.use_nla, False
        action, slot = data.action, data.action_slot
        held = cls(use_nla=use_nla)
        if action is not None:
            held = cls(action.name, slot.identifier if slot else "", action.use_fake_user, use_nla)
            action.use_fake_user = True  # if the file is saved now, the Action must be in it
            data.action = None
        resting.rest_pose(datablock, own)
        return held

    def give_back(self, datablock: ID) -> None:
        data = animation_of(datablock)
        if data is None:
            return
        data.use_nla = self.use_nla
        action = bpy.data.actions.get(self.action)
        if action is not None and data.action is None:
            data.action = action
            data.action_slot = action.slots.get(self.slot)
            action.use_fake_user = self.fake_user


def _animated(ob: Object) -> ID:
    return face_keys(ob) if ob.type == "MESH" else ob


def _keys(mesh: str) -> Any:
    ob = bpy.data.objects.get(mesh)
    return face_keys(ob) if ob is not None and ob.type == "MESH" else None


def _write_shapes(keys: Key, shapes: Sequence[str], values: NDArray[Any]) -> None:
    blocks = keys.key_blocks
    for shape, value in zip(shapes, values, strict=True):
        if shape in blocks:
            blocks[shape].value = value


def _write_pose(armature: Object, pose: dict[str, NDArray[np.float32]]) -> None:
    for prop, values in pose.items():
        pose_of(armature).bones.foreach_set(prop, values.ravel())
    armature.update_tag()


def _shape_values(mesh: Object) -> NDArray[np.float32]:
    blocks = face_keys(mesh).key_blocks
    values = np.empty(len(blocks), np.float32)
    blocks.foreach_get("value", values)
    return values
