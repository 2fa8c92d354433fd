# SPDX-License-Identifier: GPL-3.0-or-later
"""What mends a finding of ``checks.py``. Each changes only what its button says, and one Ctrl-Z takes it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from duologue.errors import DuologueError
from mathutils import Matrix

from ..scene import armatures, poses, resting, shape_keys
from ..scene.data import animate, armature_of, bend, face_keys, mesh_of, pose_of

if TYPE_CHECKING:
    from bpy.types import ID, Object


@dataclass(frozen=True)
class Fix:
    """``label``: the button's text; ``mend(object, names)`` does it."""

    label: str
    mend: Callable[[Object, Sequence[str]], None]


def _pose_position(armature: Object, _: Sequence[str]) -> None:
    armature_of(armature).pose_position = "POSE"


def _unsolo(armature: Object, _: Sequence[str]) -> None:
    for track in animate(armature).nla_tracks:
        track.is_solo = False


def _unsolo_face(mesh: Object, _: Sequence[str]) -> None:
    for track in animate(face_keys(mesh)).nla_tracks:
        track.is_solo = False


def _replace_fully(armature: Object, _: Sequence[str]) -> None:
    animate(armature).action_influence = 1.0
    animate(armature).action_blend_type = "REPLACE"


def _mute_constraints(armature: Object, bones: Sequence[str]) -> None:
    for name in bones:
        for constraint in pose_of(armature).bones[name].constraints:
            constraint.mute = True


def _mute_drivers(armature: Object, bones: Sequence[str]) -> None:
    for curve in animate(armature).drivers:
        if armatures.bone_of(curve.data_path) in bones:
            curve.mute = True


def _mute_shape_drivers(mesh: Object, names: Sequence[str]) -> None:
    keys = face_keys(mesh)
    paths = {shape_keys.shape_path(name) for name in names}
    for curve in animate(keys).drivers:
        if curve.data_path in paths:
            curve.mute = True


def _apply_scale(armature: Object, _: Sequence[str]) -> None:
    """Apply the scale of an armature, or of what it is parented to, and of the meshes that hang on it, in object mode."""
    objects = [armature, *(child for child in armature.children_recursive if child.type in {"MESH", "ARMATURE"})]
    objects += [mesh for mesh in armatures.meshes_of(armature) if mesh not in objects]
    if shared := [ob.name for ob in objects if ob.data is not None and ob.data.users > 1]:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "data-shared",
            f"{', '.join(shared[:3])} share their data with other objects; make it single-user first "
            "(Object > Relations > Make Single User > Object & Data)",
        )
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    # The parent first: its children keep their place in the world, and take what is left into scales of their own.
    for group in ([armature], objects[1:]):
        if group:
            with bpy.context.temp_override(
                active_object=group[0], object=group[0], selected_objects=group, selected_editable_objects=group
            ):
                bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    bpy.context.view_layer.update()


def _disconnect(armature: Object, bones: Sequence[str]) -> None:
    """Connectedness can only be changed in edit mode."""
    layer = bpy.context.view_layer
    before, mode = layer.objects.active, bpy.context.mode
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name in bones:
        armature_of(armature).edit_bones[name].use_connect = False
    bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = before


def _unmute(mesh: Object, names: Sequence[str]) -> None:
    for name in names:
        face_keys(mesh).key_blocks[name].mute = False


def _unpin(mesh: Object, _: Sequence[str]) -> None:
    mesh.show_only_shape_key = False


def _relative(mesh: Object, _: Sequence[str]) -> None:
    face_keys(mesh).use_relative = True


def _to_zero(mesh: Object, names: Sequence[str]) -> None:
    for name in names:
        face_keys(mesh).key_blocks[name].value = 0.0


def _raise_sliders(mesh: Object, names: Sequence[str]) -> None:
    for name in names:
        block = face_keys(mesh).key_blocks[name]
        block.slider_max = max(1.0, block.slider_max)
        block.slider_min = min(0.0, block.slider_min)


def _show_modifier(mesh: Object, _: Sequence[str]) -> None:
    for modifier in mesh.modifiers:
        if modifier.type == "ARMATURE":
            modifier.show_viewport = True


def _bind(mesh: Object, _: Sequence[str]) -> None:
    """Give a weighted child of an armature the modifier it lacks."""
    if mesh.parent is not None:
        bend(mesh, mesh.parent)


def _scale_by(armature: Object, names: Sequence[str]) -> None:
    """Scale the character as a whole about where its armature stands; meshes that it doesn't carry go along."""
    bound = armatures.meshes_of(armature)
    loose = [mesh for mesh in bound if armature not in _parents(mesh) and not set(bound) & set(_parents(mesh))]
    origin = Matrix.Translation(armature.matrix_world.to_translation()[:])
    scaled = origin @ Matrix.Scale(float(names[0]), 4) @ origin.inverted()
    for ob in (armature, *loose):
        ob.matrix_world = scaled @ ob.matrix_world
    bpy.context.view_layer.update()


def _parents(ob: Object) -> list[Object]:
    found: list[Object] = []
    while ob.parent is not None:
        ob = ob.parent
        found.append(ob)
    return found


def _clear_pose(armature: Object, bones: Sequence[str]) -> None:
    poses.clear(armature, bones)


def _mute_tracks(datablock: ID, names: Sequence[str]) -> None:
    """Mute NLA tracks, and put to rest what they moved."""
    curves = [curve for track, curve in poses.strip_curves(datablock) if track.name in names]
    for track in animate(datablock).nla_tracks:
        if track.name in names:
            track.mute = True
    resting.rest_pose(datablock, curves)


def _mute_face_tracks(mesh: Object, names: Sequence[str]) -> None:
    _mute_tracks(face_keys(mesh), names)


def _make_single_user(mesh: Object, _: Sequence[str]) -> None:
    mesh.data = mesh_of(mesh).copy()


FIXES = {
    "rest-position": Fix("Show the Pose", _pose_position),
    "solo": Fix("Switch Solo Off", _unsolo),
    "face-solo": Fix("Switch Solo Off", _unsolo_face),
    "influence": Fix("Replace Fully", _replace_fully),
    "constraints": Fix("Mute Constraints", _mute_constraints),
    "drivers": Fix("Mute Drivers", _mute_drivers),
    "driven": Fix("Mute Drivers", _mute_shape_drivers),
    "scale": Fix("Apply Scale", _apply_scale),
    "size": Fix("Scale to a Person's Size", _scale_by),
    "pose": Fix("Clear Pose", _clear_pose),
    "nla": Fix("Mute Tracks", _mute_tracks),
    "face-nla": Fix("Mute Tracks", _mute_face_tracks),
    "shared-face": Fix("Make Single User", _make_single_user),
    "hips-connected": Fix("Disconnect", _disconnect),
    "muted": Fix("Unmute", _unmute),
    "pinned": Fix("Unpin", _unpin),
    "absolute": Fix("Make Relative", _relative),
    "stray": Fix("Set to 0", _to_zero),
    "slider": Fix("Raise Sliders to 1", _raise_sliders),
    "modifier-hidden": Fix("Show Modifier", _show_modifier),
    "unbound": Fix("Add Modifier", _bind),
}
"""Findings that can be mended safely, by their code."""
