# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample character's body on the rigs that users have: one with Mixamo's names and an FBX importer's axes, and Rigify's own."""

from __future__ import annotations

import math

import bpy
from mathutils import Vector

from addon.cast import characters

FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")
_MIXAMO_TRUNK = {
    "Hips": "Hips",
    "Spine": "Spine",
    "Spine1": "Spine1",
    "Spine3": "Spine2",
    "Neck": "Neck",
    "Head": "Head",
}
_MERGED = {"Spine2": "Spine1", "Neck1": "Neck"}


def mixamo(scene, sample: str = "ben", prefix: str = "mixamorig:"):
    """Return armature and mesh: three spine bones, one neck bone, no palm bones; in centimetres, scaled down and turned up."""
    character = characters.build(characters.sample_file(sample), scene.collection)
    old = character.armature.data.bones
    kept = {bone.name: _MIXAMO_TRUNK.get(bone.name, bone.name) for bone in old if bone.name not in _MERGED}
    kept = {ours: theirs for ours, theirs in kept.items() if not ours[:-1].endswith("Hand") or ours.endswith("Hand")}
    kept = {ours: theirs for ours, theirs in kept.items() if not any(ours.endswith(f"Hand{f}") for f in FINGERS)}
    armature = bpy.data.objects.new("Armature", bpy.data.armatures.new("Armature"))
    scene.collection.objects.link(armature)
    armature.rotation_euler, armature.scale = (math.radians(90), 0, 0), (0.01, 0.01, 0.01)
    bpy.context.view_layer.update()
    lay = armature.matrix_world.inverted()
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for number, (ours, theirs) in enumerate(kept.items()):
        bone = armature.data.edit_bones.new(prefix + theirs)
        bone.head, bone.tail = lay @ old[ours].head_local, lay @ old[ours].tail_local
        bone.roll = 0.7 * (number % 5 - 2)
    for ours, theirs in kept.items():
        above = old[ours].parent
        while above is not None and above.name not in kept:
            above = above.parent
        if above is not None:
            armature.data.edit_bones[prefix + theirs].parent = armature.data.edit_bones[prefix + kept[above.name]]
    bpy.ops.object.mode_set(mode="OBJECT")
    wear(character, armature, {b.name: prefix + kept.get(_nearest(b, kept), "Hips") for b in old})
    return armature, character.mesh


def _nearest(bone, kept) -> str:
    if bone.name in _MERGED:
        return {"Spine2": "Spine1", "Neck1": "Neck"}[bone.name]
    while bone.name not in kept:
        bone = bone.parent
    return bone.name


def wear(character, armature, groups) -> None:
    """Bind the sample's mesh to another armature: each vertex group's weights go to the bone that stands for it."""
    mesh = character.mesh
    names = [group.name for group in mesh.vertex_groups]
    weights = [[(names[g.group], g.weight) for g in v.groups] for v in mesh.data.vertices]
    mesh.vertex_groups.clear()
    made = {}
    for vertex, held in enumerate(weights):
        place = mesh.data.vertices[vertex].co
        for name, weight in held:
            bone = groups[name](place) if callable(groups[name]) else groups[name]
            if bone not in made:
                made[bone] = mesh.vertex_groups.new(name=bone)
            made[bone].add([vertex], weight, "ADD")
    world = mesh.matrix_world.copy()
    mesh.parent = armature
    mesh.matrix_parent_inverse = armature.matrix_world.inverted()
    mesh.matrix_world = world
    mesh.modifiers["Armature"].object = armature
    old = character.armature
    data = old.data
    bpy.data.objects.remove(old)
    bpy.data.armatures.remove(data)
    bpy.context.view_layer.update()


_SPINE = ("Hips", "Spine1", "Spine2", "Spine3", "Neck", "Neck1", "Head")
_LIMBS = {
    "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand", "thigh": "UpLeg", "shin": "Leg", "foot": "Foot", "toe": "ToeBase",
    "shoulder": "Shoulder",
}  # fmt: skip


def rigify(scene, sample: str = "ben"):
    """Return a generated Rigify rig fitted to a sample's body, and the mesh on its DEF bones."""
    import addon_utils

    addon_utils.enable("rigify", default_set=True)
    character = characters.build(characters.sample_file(sample), scene.collection)
    bpy.context.view_layer.update()
    joints = {bone.name: (bone.head_local.copy(), bone.tail_local.copy()) for bone in character.armature.data.bones}
    for side in ("Left", "Right"):  # Rigify wants to see which way elbows and knees bend
        for upper, lower, back in (("Arm", "ForeArm", 0.004), ("UpLeg", "Leg", -0.004)):
            joints[side + upper][1].y = joints[side + lower][0].y = joints[side + lower][0].y + back
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.object.mode_set(mode="EDIT")
    edit = metarig.data.edit_bones
    for bone in [*edit["face"].children_recursive, edit["face"]]:
        edit.remove(bone)
    for i, joint in enumerate(_SPINE):
        bone = edit["spine" if i == 0 else f"spine.{i:03}"]
        bone.head = joints[joint][0]
        bone.tail = joints[_SPINE[i + 1]][0] if i + 1 < len(_SPINE) else joints[joint][1]
    for side, s in (("Left", "L"), ("Right", "R")):
        for rig_name, joint in _LIMBS.items():
            edit[f"{rig_name}.{s}"].head, edit[f"{rig_name}.{s}"].tail = joints[side + joint]
        edit[f"foot.{s}"].tail = joints[side + "ToeBase"][0]
        foot = joints[side + "Foot"][0]
        heel = edit[f"heel.02.{s}"]
        heel.head, heel.tail = (foot.x - 0.04, foot.y + 0.06, 0.0), (foot.x + 0.04, foot.y + 0.06, 0.0)
        for number, finger in enumerate(FINGERS):
            name = "thumb" if finger == "Thumb" else f"f_{finger.lower()}"
            for i in (1, 2, 3):
                edit[f"{name}.0{i}.{s}"].head, edit[f"{name}.0{i}.{s}"].tail = joints[f"{side}Hand{finger}{i}"]
            if number:
                palm = edit[f"palm.0{number}.{s}"]
                knuckle = joints[f"{side}Hand{finger}1"][0]
                palm.head, palm.tail = joints[side + "Hand"][0].lerp(knuckle, 0.2), knuckle
        for name in (f"pelvis.{s}", f"breast.{s}"):
            edit.remove(edit[name])
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.pose.rigify_generate()
    armature = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o not in {metarig, character.armature})
    bpy.data.objects.remove(metarig)
    wear(character, armature, _deform_bones(joints))
    return armature, character.mesh


def _deform_bones(joints):
    groups = {"Hips": "DEF-spine", "Spine": "DEF-spine"}
    groups |= {joint: f"DEF-spine.{i:03}" for i, joint in enumerate(_SPINE) if i}
    for side, s in (("Left", "L"), ("Right", "R")):
        for rig_name, joint in _LIMBS.items():
            groups[side + joint] = f"DEF-{rig_name}.{s}"
            if rig_name in ("upper_arm", "forearm", "thigh", "shin"):
                groups[side + joint] = _halves(f"DEF-{rig_name}.{s}", *joints[side + joint])
        for finger in FINGERS:
            name = "thumb" if finger == "Thumb" else f"f_{finger.lower()}"
            groups |= {f"{side}Hand{finger}{i}": f"DEF-{name}.0{i}.{s}" for i in (1, 2, 3)}
            groups[f"{side}Hand{finger}"] = f"DEF-hand.{s}"
    return groups


def _halves(bone: str, head: Vector, tail: Vector):
    """Rigify bends and twists a limb in two halves."""
    way = tail - head
    return lambda place: bone if (place - head).dot(way) < way.length_squared / 2 else f"{bone}.001"


DEFORM = {
    "Hips": "DEF-spine", "Head": "DEF-spine.006",
    **{side + joint: f"DEF-{name}.{side[0]}" for side in ("Left", "Right") for name, joint in _LIMBS.items()},
    **{f"{side}Hand{f}{i}": f"DEF-{'thumb' if f == 'Thumb' else 'f_' + f.lower()}.0{i}.{side[0]}"
       for side in ("Left", "Right") for f in FINGERS for i in (1, 2, 3)},
}  # fmt: skip
"""Which bones deform a Rigify body: none of those that are written."""
