# SPDX-License-Identifier: GPL-3.0-or-later
"""From a take to Actions: one a performer, with a slot for the body and one for each face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import bpy
import numpy as np
from duologue.motion.rotations import matrix_to_quat, quat_conjugate, quat_multiply
from duologue.motion.skeleton import Skeleton
from duologue.rigs.retarget import RetargetedPose, Retargeter
from duologue.take import Take, Track
from numpy.typing import NDArray

from . import actions, armatures, compat, shape_keys
from .actions import Channels
from .cast import Performer

if TYPE_CHECKING:
    from bpy.types import Action


def write_take(take: Take, performers: Sequence[Performer], first_frame: float, frame_rate: float) -> list[str]:
    """Write a take onto both performers, in place of what an earlier one left there.

    ``first_frame`` is where the take begins; ``frame_rate`` the scene's frames a second, which need not be the take's. Returns
    notes: what keeps something from showing, in words for the animator.
    """
    bpy.context.view_layer.update()  # an armature without a pose crashes Blender when it gets a slot
    frames = (first_frame + np.arange(take.frames) * (frame_rate / take.fps)).astype(np.float32)
    notes: list[str] = []
    for performer, track in zip(performers, take.tracks, strict=True):
        write_track(take.skeleton, track, performer, frames)
        notes += blockers(performer)
        if not performer.faces:
            notes.append(f"{performer.armature.name} has no mesh with facial shape keys: only its body moves")
    return notes


def write_track(skeleton: Skeleton, track: Track, performer: Performer, frames: NDArray[np.float32]) -> Action:
    """Write one performer's part as an Action and assign it to armature and faces."""
    pose = retargeter(skeleton, performer).apply(track.rotations, track.root_translation)
    faces = [face.mesh.data.shape_keys for face in performer.faces]
    _remove_unkept(performer, [performer.armature, *faces])
    action = actions.new_action(f"{performer.armature.name} Duologue", performer.name)
    body = actions.slot_for(action, performer.armature)
    actions.write_curves(compat.channelbag(action, body), body_channels(performer, pose), frames)
    actions.assign(performer.armature, action, body)
    for keys, face in zip(faces, performer.faces, strict=True):
        slot = actions.slot_for(action, keys)
        curves = shape_keys.channels(keys, track.weights, face.match)
        actions.write_curves(compat.channelbag(action, slot), curves, frames)
        actions.assign(keys, action, slot)
    return action


def retargeter(skeleton: Skeleton, performer: Performer) -> Retargeter:
    """Return what turns the skeleton's motion into the performer's pose."""
    rig = performer.rig
    return Retargeter(
        skeleton,
        rig.names,
        rig.parents,
        rig.rest,
        performer.match,
        world=rig.world,
        sole=armatures.sole_height(performer.meshes),
        fixed=armatures.connected(performer.armature),
    )


def body_channels(performer: Performer, pose: RetargetedPose) -> list[Channels]:
    """Return the channels of a posed body, each bone's in the rotation mode it has."""
    bones = performer.armature.pose.bones
    channels = [
        Channels(armatures.bone_path(setting.bone, f'["{setting.name}"]'), np.array([[setting.value]]), setting.bone)
        for setting in performer.match.rig_map.properties
        if setting.bone in bones and setting.name in bones[setting.bone]
    ]
    rotations = bone_rotations(performer, pose)
    for i, name in enumerate(pose.bones):
        channels.append(armatures.rotation_channels(bones[name], rotations[:, i]))
    for i, name in enumerate(pose.located):
        channels.append(armatures.location_channels(bones[name], pose.locations[:, i]))
    return channels


def bone_rotations(performer: Performer, pose: RetargetedPose) -> NDArray[np.float64]:
    """Return the bones' quaternions (T, M, 4), those that don't inherit their parent's rotation held against the world."""
    bones = performer.armature.data.bones
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


def blockers(performer: Performer) -> list[str]:
    """Return what would keep a written take from showing on this performer."""
    found = armatures.blockers(performer.armature, list(performer.match.bones.values()))
    for face in performer.faces:
        found += shape_keys.blockers(face.mesh, face.match.shapes)
    return found


def _remove_unkept(performer: Performer, datablocks: Sequence[bpy.types.ID]) -> None:
    """Remove what an earlier take left on this performer; takes that were kept lie on NLA tracks and stay."""
    for datablock in datablocks:
        data = datablock.animation_data
        if data is not None and actions.is_ours(data.action):
            action, data.action = data.action, None
            if action.users - int(action.use_fake_user) <= 0:
                bpy.data.actions.remove(action)
