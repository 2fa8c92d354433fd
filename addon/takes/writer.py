# SPDX-License-Identifier: GPL-3.0-or-later
"""From a take to Actions: one a performer, with a slot for the body and one for each face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
from duologue import arkit
from duologue.motion.rotations import matrix_to_quat, quat_conjugate, quat_multiply
from duologue.motion.skeleton import Skeleton
from duologue.rigs.retarget import RetargetedPose, Retargeter
from duologue.rigs.shape_map import ShapeMatch
from duologue.take import Take, Track
from numpy.typing import NDArray

from ..cast import checks, face_checks
from ..cast.cast import Performer
from ..cast.eyes import Looks
from ..cast.faces import Face
from ..cast.posing import posed_rig
from ..scene import actions, armatures, compat, shape_keys, turning
from ..scene.actions import Channels
from ..scene.data import animation_of, armature_of, face_keys, pose_of
from .face_tuning import Tuning, tuned

if TYPE_CHECKING:
    from bpy.types import ID, Action, Key, Object

MOUTH = "Mouth"
"""The group of the curves that speak, so that a take can move the mouth only."""


def write_take(take: Take, performers: Sequence[Performer], first_frame: float, frame_rate: float) -> list[str]:
    """Write a take onto both performers, in place of what an earlier one left there.

    ``first_frame`` is where the take begins, ``frame_rate`` the scene's frames a second, which need not be the take's; both as
    keys count them (:func:`.scene.timing.key_rate`). Returns notes: what keeps something from showing, in words for the animator.

    Raises:
        DuologueError: FAILED_PRECONDITION ``character-linked``.
    """
    frames = key_frames(take, first_frame, frame_rate)
    for performer, track in zip(performers, take.tracks, strict=True):
        action = actions.new_action(f"{performer.armature.name} Duologue", performer.name)
        write_track(take.skeleton, track, performer, frames, action)
        assign(performer, action)
    return notes_on(performers)


def key_frames(take: Take, first_frame: float, frame_rate: float) -> NDArray[np.float32]:
    """Return where keys of the take's own frames lie, (T,)."""
    return (first_frame + np.arange(take.frames) * (frame_rate / take.fps)).astype(np.float32)


def notes_on(performers: Sequence[Performer]) -> list[str]:
    """Return what keeps something of a take from showing on these characters."""
    notes: list[str] = []
    for performer in performers:
        notes += checks.blockers(performer)
        if text := face_checks.no_face(performer):
            notes.append(text)
        notes += [
            f"{face.mesh.name} is linked, so its face stays still; make a library override of the mesh data too"
            for face in performer.faces
            if not face_keys(face.mesh).is_editable
        ]
    return notes


def write_track(
    skeleton: Skeleton,
    track: Track,
    performer: Performer,
    frames: NDArray[np.float32],
    action: Action,
    *,
    tuning: Tuning | None = None,
) -> None:
    """Write one performer's part into an Action, in place of what is in it. The Action stays where it is assigned, or isn't.

    Raises:
        DuologueError: FAILED_PRECONDITION ``character-linked``.
    """
    actions.require_editable([performer.armature])
    for slot in action.slots:
        compat.channelbag(action, slot).fcurves.clear()
    action[actions.FIRST] = float(frames[0])
    bpy.context.view_layer.update()  # the armature may have been moved, or made, just now
    pose = retargeter(skeleton, performer).apply(track.rotations, track.root_translation)
    body = actions.slot_for(action, performer.armature)
    channels = [*body_channels(performer, pose), *Looks(performer).channels(performer.armature, track.weights)]
    actions.write_curves(compat.channelbag(action, body), channels, frames)
    weights = tuned(track.weights, tuning or {})
    for face in editable_faces(performer):
        keys = face_keys(face.mesh)
        bag = compat.channelbag(action, actions.slot_for(action, keys))
        actions.write_curves(bag, face_channels(keys, weights, face.match), frames)


def assign(performer: Performer, action: Action) -> None:
    """Let an Action that was written for a performer play on its armature and faces, in place of an earlier take."""
    for datablock in (performer.armature, *(face_keys(face.mesh) for face in editable_faces(performer))):
        data = animation_of(datablock)
        before = data.action if data is not None else None
        actions.assign(datablock, action, actions.slot_for(action, datablock))
        if before is not None and before != action:
            actions.remove_unused(before)  # unless the list of takes or an NLA track still has it


def datablocks_of(armature: Object) -> list[ID]:
    """Return what of a character can carry an Action here: its armature, and the shape keys of its meshes."""
    keys = [face_keys(mesh) for mesh in shape_keys.face_meshes(armature)]
    return [datablock for datablock in (armature, *keys) if datablock.is_editable]


def editable_faces(performer: Performer) -> list[Face]:
    """Return the faces that can be animated in this file."""
    return [face for face in performer.faces if face_keys(face.mesh).is_editable]


def retune_track(
    track: Track, performer: Performer, frames: NDArray[np.float32], action: Action, *, old: Tuning, new: Tuning
) -> None:
    """Write those curves of the faces anew that another tuning changes; all others stay, edited or not."""
    for face in editable_faces(performer):
        keys = face_keys(face.mesh)
        bag = compat.channelbag(action, actions.slot_for(action, keys))
        was, will = (face_channels(keys, tuned(track.weights, tuning), face.match) for tuning in (old, new))
        changed = [b for a, b in zip(was, will, strict=True) if not np.array_equal(a.values, b.values)]
        for channel in changed:
            if (curve := bag.fcurves.find(channel.path)) is not None:
                bag.fcurves.remove(curve)
        actions.write_curves(bag, changed, frames)


def face_channels(keys: Key, weights: NDArray[np.float32], match: ShapeMatch) -> list[Channels]:
    """Return the curves of a face, those of the mouth in a group of their own."""
    mouth = mouth_shapes(match)
    return [
        replace(channel, group=MOUTH if name in mouth else channel.group)
        for name, channel in zip(match.shapes, shape_keys.channels(keys, weights, match), strict=True)
    ]


def mouth_shapes(match: ShapeMatch) -> set[str]:
    """Return the shape keys of a face that jaw, lips or tongue move most."""
    speaks = np.array([name not in arkit.UPPER_FACE for name in arkit.NAMES])
    moved = np.abs(match.factors)
    mostly = (moved * speaks[:, None]).sum(axis=0) > (moved * ~speaks[:, None]).sum(axis=0)
    mostly[list(match.viseme_columns)] = True
    return {name for name, is_mouth in zip(match.shapes, mostly, strict=True) if is_mouth}


def retargeter(skeleton: Skeleton, performer: Performer) -> Retargeter:
    """Return what turns the skeleton's motion into the performer's pose, on top of what the character is left in."""
    feet = armatures.feet_of(performer.armature, performer.match.bones)
    return Retargeter(
        skeleton, posed_rig(performer), performer.match, sole=armatures.sole_height(performer.meshes, feet)
    )


def body_channels(performer: Performer, pose: RetargetedPose) -> list[Channels]:
    """Return the channels of a posed body, each bone's in the rotation mode it has."""
    bones = pose_of(performer.armature).bones
    channels = [
        Channels(armatures.bone_path(setting.bone, f'["{setting.name}"]'), np.array([[setting.value]]), setting.bone)
        for setting in performer.match.rig_map.properties
        if setting.bone in bones and setting.name in bones[setting.bone]
    ]
    rotations = bone_rotations(performer, pose)
    for i, name in enumerate(pose.bones):
        channels.append(turning.rotation_channels(bones[name], rotations[:, i]))
    for i, name in enumerate(pose.located):
        channels.append(armatures.location_channels(bones[name], pose.locations[:, i]))
    return channels


def bone_rotations(performer: Performer, pose: RetargetedPose) -> NDArray[np.float64]:
    """Return the bones' quaternions (T, M, 4), those that don't inherit their parent's rotation held against the world."""
    bones = armature_of(performer.armature).bones
    free = [i for i, name in enumerate(pose.bones) if not bones[name].use_inherit_rotation]
    if not free:
        return pose.quaternions
    quaternions = pose.quaternions.copy()
    world = performer.rig.world[:3, :3] / np.cbrt(np.linalg.det(performer.rig.world[:3, :3]))
    for i in free:
        rest = matrix_to_quat(world @ performer.rig.rest[performer.rig.names.index(pose.bones[i]), :3, :3])
        turned = quat_multiply(quat_conjugate(rest), quat_multiply(pose.world_turns[:, i], rest))
        quaternions[:, i] = turned
    return quaternions
