# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a character is named, and a Fix mends exactly that: on a character that performs perfectly otherwise."""

from __future__ import annotations

import sys

import bpy
import dressed_rigs
import numpy as np
import pytest
from conftest import MODULE
from duologue import arkit
from examples import box_pair, example_take


def press(name: str, /, **arguments: object) -> set[str]:
    return getattr(bpy.ops.duologue, name)("EXEC_DEFAULT", **arguments)


def module(name: str):
    return sys.modules[f"{MODULE}.{name}"]


@pytest.fixture
def cast(extension, scene, tmp_path):
    """Two people of boxes, cast."""
    settings = scene.duologue
    for performer, made in zip(settings.performers(), box_pair(scene, tmp_path), strict=True):
        performer.armature = made.armature
    return settings


def findings(performer) -> dict[str, str]:
    return {item.code: item.text for item in performer.findings}


def check(performer) -> dict[str, str]:
    press("check_cast")
    return findings(performer)


def mend(code: str, performer) -> None:
    about = next(item.about for item in performer.findings if item.code == code)
    assert press("fix_cast", performer="A", code=code, about=about) == {"FINISHED"}


def mesh_of(performer):
    return performer.faces[0].mesh


def keys_of(performer):
    return mesh_of(performer).data.shape_keys


def add_solo_track(datablock) -> None:
    action = bpy.data.actions.new("old")
    data = datablock.animation_data_create()
    track = data.nla_tracks.new()
    track.strips.new("old", 1, action)
    track.is_solo = True


def mirror(p) -> None:
    p.armature.scale = (-1.0, 1.0, 1.0)
    bpy.context.view_layer.update()


def stretch(p) -> None:
    p.armature.scale = (1.0, 1.0, 1.2)
    bpy.context.view_layer.update()


def constrain(p) -> None:
    p.armature.pose.bones["LeftHand"].constraints.new("LIMIT_ROTATION")


def connect_hips(p) -> None:
    bpy.context.view_layer.objects.active = p.armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = p.armature.data.edit_bones
    root = edit.new("root")
    root.head, root.tail = (0, 0, 0), edit["Hips"].head
    edit["Hips"].parent, edit["Hips"].use_connect = root, True
    bpy.ops.object.mode_set(mode="OBJECT")


def mix(p) -> None:
    data = p.armature.animation_data_create()
    data.action = bpy.data.actions.new("own")
    data.action_influence = 0.5


def absolute(p) -> None:
    keys_of(p).use_relative = False


def limit_slider(p) -> None:
    keys_of(p).key_blocks["jawOpen"].slider_max = 0.01


def leave_a_viseme(p) -> None:
    mesh = mesh_of(p)
    for name in ("viseme_aa", "viseme_E", "viseme_I", "viseme_O", "viseme_U", "Muscles"):
        block = mesh.shape_key_add(name=name, from_mix=False)
        block.value = 0.0 if name in ("viseme_E", "viseme_I") else 0.7
        block.data[8].co.x += 0.05


def hide_modifier(p) -> None:
    mesh_of(p).modifiers["Armature"].show_viewport = False


def unbind(p) -> None:
    mesh_of(p).modifiers.clear()


def make_tall(p) -> None:
    p.armature.scale = (100.0, 100.0, 100.0)
    bpy.context.view_layer.update()


def leave_posed(p) -> None:
    p.armature.pose.bones["Head"].scale = (1.0, 1.5, 1.0)


def play_along(p) -> None:
    action = bpy.data.actions.new("old clip")
    bone = p.armature.pose.bones["Spine1"]
    p.armature.animation_data_create().action = action
    bone.location = (0.1, 0.0, 0.0)
    bone.keyframe_insert("location", frame=1)
    module("scene.actions").push_down(p.armature)
    bpy.context.scene.frame_set(2)


def grimace_along(p) -> None:
    """A strip on a shape of the face that no take writes."""
    leave_a_viseme(p)
    keys = keys_of(p)
    for block in keys.key_blocks:
        if block.name.startswith("viseme_"):
            block.value = 0.0
    keys.animation_data_create().action = bpy.data.actions.new("old smile")
    for name in ("viseme_aa", "Muscles", "jawOpen"):
        keys.key_blocks[name].value = 0.6
        keys.key_blocks[name].keyframe_insert("value", frame=1)
    module("scene.actions").push_down(keys)
    bpy.context.scene.frame_set(2)


def share_the_mesh(p) -> None:
    """What Alt-D makes: another character with the same mesh."""
    armature, mesh = p.armature.copy(), mesh_of(p).copy()
    for ob in (armature, mesh):
        bpy.context.scene.collection.objects.link(ob)
    mesh.parent, mesh.modifiers["Armature"].object = armature, armature


MENDABLE = {
    "rest-position": (lambda p: setattr(p.armature.data, "pose_position", "REST"), "rest position"),
    "solo": (lambda p: add_solo_track(p.armature), "solo NLA track"),
    "face-solo": (lambda p: add_solo_track(keys_of(p)), "solo NLA track on its shape keys"),
    "influence": (mix, "mixes its Action"),
    "constraints": (constrain, "constraints on LeftHand"),
    "drivers": (lambda p: p.armature.pose.bones["Head"].driver_add("rotation_quaternion"), "drivers on Head"),
    "driven": (lambda p: keys_of(p).key_blocks["jawOpen"].driver_add("value"), "jawOpen have drivers"),
    "muted": (lambda p: setattr(keys_of(p).key_blocks["eyeBlinkLeft"], "mute", True), "eyeBlinkLeft are muted"),
    "pinned": (lambda p: setattr(mesh_of(p), "show_only_shape_key", True), "single shape key"),
    "absolute": (absolute, "absolute"),
    "slider": (limit_slider, "sliders of jawOpen end before 1"),
    "stray": (leave_a_viseme, "viseme_aa, viseme_O, viseme_U are not at 0"),
    "scale": (stretch, "scaled unevenly"),
    "size": (make_tall, "m tall; scaled by 0.01 it would be 1.7"),
    "pose": (leave_posed, "Head were left posed"),
    "nla": (play_along, "NLA tracks old clip move Spine1"),
    "face-nla": (grimace_along, "NLA tracks old smile move viseme_aa together"),
    "shared-face": (share_the_mesh, "share one mesh"),
    "hips-connected": (connect_hips, "bone Hips is connected"),
    "modifier-hidden": (hide_modifier, "switched off in the viewport"),
    "unbound": (unbind, "no Armature modifier"),
}


def test_a_good_character_has_nothing_wrong(cast):
    for performer in cast.performers():
        assert [item.text for item in performer.findings if item.severity != "INFO"] == []


@pytest.mark.parametrize("code", MENDABLE)
def test_a_fault_is_named_and_mended_and_nothing_else_is_changed(cast, code):
    fault, said = MENDABLE[code]
    assert code not in check(cast.a)
    others = set(findings(cast.a))
    fault(cast.a)
    found = check(cast.a)
    assert said in found[code]
    assert cast.a.armature.name in found[code] or mesh_of(cast.a).name in found[code]
    mend(code, cast.a)
    assert code not in findings(cast.a)
    assert set(findings(cast.a)) <= others | {"fingers", "rest-pose"}
    assert cast.a.problem == ""


def test_every_fix_has_a_test():
    assert set(module("cast.fixes").FIXES) == set(MENDABLE)


@pytest.mark.parametrize("code", ["rest-position", "solo", "face-solo", "driven", "muted", "pinned", "absolute", "slider",
                                  "hips-connected", "nla", "face-nla", "modifier-hidden", "unbound", "influence",
                                  "constraints"])  # fmt: skip
def test_what_was_mended_lets_the_take_show(cast, scene, code):
    """The fault is real: Blender shows another pose or face with it, and the right one after Fix."""
    good = shown(cast, scene)
    MENDABLE[code][0](cast.a)
    if code == "constraints":
        limit = cast.a.armature.pose.bones["LeftHand"].constraints[0]
        limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True
    if code == "driven":
        keys_of(cast.a).animation_data.drivers[0].driver.expression = "0.0"
    if code == "muted":
        keys_of(cast.a).key_blocks["jawOpen"].mute = True
    if code == "slider":
        for block in keys_of(cast.a).key_blocks[1:]:
            block.slider_max = 0.01
    check(cast.a)
    # A solo track or a mixed Action only matters with the take in place.
    if code != "influence":
        assert not np.allclose(shown(cast, scene), good, atol=1e-4)
    mend(code, cast.a)
    np.testing.assert_allclose(shown(cast, scene), good, atol=1e-4)


def test_a_strip_over_a_kept_take_s_face_is_named(cast, scene):
    shown(cast, scene)
    keys, actions = keys_of(cast.a), module("scene.actions")
    actions.push_down(keys)
    assert "face-nla" not in check(cast.a)
    keys.animation_data.action = bpy.data.actions.new("on top")
    keys.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
    actions.push_down(keys)
    assert "NLA tracks on top move jawOpen together" in check(cast.a)["face-nla"]
    mend("face-nla", cast.a)
    assert "face-nla" not in findings(cast.a)


def shown(settings, scene) -> np.ndarray:
    """Where Blender shows the vertices of A's body in the middle of a take."""
    writer = module("takes.writer")
    writer.write_take(example_take(20), module("briefing").cast_both(settings), 1, 30.0)
    scene.frame_set(12)
    mesh = mesh_of(settings.a).evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(mesh.data.vertices), np.float32)
    mesh.data.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3) @ np.array(mesh.matrix_world)[:3, :3].T + np.array(mesh.matrix_world)[:3, 3]


def test_mirrored_is_said_and_mended(cast):
    mirror(cast.a)
    assert "mirrored" in check(cast.a)["scale"]
    assert "scale" in cast.a.problem
    mend("scale", cast.a)
    assert cast.a.problem == ""


def test_applying_the_scale_keeps_the_body_where_it_was(cast, scene):
    stretch(cast.a)
    mesh = mesh_of(cast.a)
    before = np.array([mesh.matrix_world @ v.co for v in mesh.data.vertices])
    check(cast.a)
    mend("scale", cast.a)
    after = np.array([mesh.matrix_world @ v.co for v in mesh.data.vertices])
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert tuple(cast.a.armature.scale) == tuple(mesh.scale) == (1.0, 1.0, 1.0)
    take = example_take(5)
    assert module("takes.writer").write_take(take, module("briefing").cast_both(cast), 1, 30.0) == []


def test_a_shared_mesh_is_not_scaled_behind_the_other_one_s_back(cast, scene):
    other = bpy.data.objects.new("Other", mesh_of(cast.a).data)
    scene.collection.objects.link(other)
    stretch(cast.a)
    check(cast.a)
    with pytest.raises(RuntimeError, match="single-user"):
        press("fix_cast", performer="A", code="scale", about=cast.a.armature.name)
    assert cast.a.armature.scale[2] == pytest.approx(1.2)


def test_a_fix_is_undone(cast):
    bpy.context.preferences.edit.use_global_undo = True
    keys_of(cast.a).key_blocks["jawOpen"].mute = True
    check(cast.a)
    name = mesh_of(cast.a).name
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.duologue.fix_cast("EXEC_DEFAULT", True, performer="A", code="muted", about=name)
    assert not bpy.data.objects[name].data.shape_keys.key_blocks["jawOpen"].mute
    bpy.ops.ed.undo()
    assert bpy.data.objects[name].data.shape_keys.key_blocks["jawOpen"].mute


def test_what_has_gone_in_the_meantime_is_not_mended_twice(cast):
    keys_of(cast.a).key_blocks["jawOpen"].mute = True
    check(cast.a)
    keys_of(cast.a).key_blocks["jawOpen"].mute = False
    assert press("fix_cast", performer="A", code="muted", about=mesh_of(cast.a).name) == {"FINISHED"}
    assert "muted" not in findings(cast.a)


def test_what_cannot_be_mended_says_so(cast):
    cast.a.armature.constraints.new("LIMIT_LOCATION")
    assert "on top of the take" in check(cast.a)["moved"]
    with pytest.raises(RuntimeError, match="by hand"):
        press("fix_cast", performer="A", code="moved", about=cast.a.armature.name)


def test_missing_fingers_are_counted_and_do_not_stop_anyone(cast):
    bpy.context.view_layer.objects.active = cast.a.armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = cast.a.armature.data.edit_bones
    for name in [name for name in edit.keys() if name.startswith("LeftHandRing")]:  # noqa: SIM118 - names are needed
        edit.remove(edit[name])
    bpy.ops.object.mode_set(mode="OBJECT")
    text = check(cast.a)["fingers"]
    assert "Ring1" in text
    assert "left hand" in text
    assert cast.a.problem == ""


def test_a_rest_pose_that_nobody_stands_in_is_named(cast):
    armature = cast.a.armature
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature.data.edit_bones
    arm = edit["LeftArm"]
    for bone in (arm, *arm.children_recursive):
        for end in ("head", "tail"):
            x, y, z = getattr(bone, end) - edit["LeftShoulder"].tail
            setattr(bone, end, edit["LeftShoulder"].tail + type(arm.head)((z, y, x)))
    bpy.ops.object.mode_set(mode="OBJECT")
    assert "arm rests" in check(cast.a)["rest-pose"]


def test_a_face_too_weak_to_speak_is_named(cast):
    keys = keys_of(cast.a)
    basis = [point.co.copy() for point in keys.key_blocks["Basis"].data]
    for point, rest in zip(keys.key_blocks["jawOpen"].data, basis, strict=True):
        point.co = rest.lerp(point.co, 0.05)
    assert "only 2.5 mm" in check(cast.a)["weak"]


def test_faces_and_eyes_that_are_not_there_are_named(cast):
    mesh = mesh_of(cast.a)
    for name in [name for name in arkit.NAMES if name.startswith("eyeLook")]:
        mesh.shape_key_remove(mesh.data.shape_keys.key_blocks[name])
    found = check(cast.a)
    assert "eyes stay still" in found["eyes"]
    assert "8 of 52" in found["shapes-missing"]
    mesh.shape_key_clear()
    assert "only its body moves" in check(cast.a)["no-face"]


def test_a_linked_character_is_named(cast, scene, tmp_path):
    """Linked without a library override nothing of it can be animated."""
    path = str(tmp_path / "library.blend")
    armature, _ = dressed_rigs.mixamo(scene)
    name = armature.name
    bpy.data.libraries.write(path, {armature})
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(path, link=True) as (_, target):
        target.objects = [name]
    bpy.context.scene.collection.objects.link(target.objects[0])
    settings = bpy.context.scene.duologue
    settings.a.armature = target.objects[0]
    assert "linked" in findings(settings.a)["linked"]


def test_nobody_to_check_says_so(extension, scene):
    with pytest.raises(RuntimeError, match="Choose an armature first"):
        press("check_cast")


def test_names_that_contradict_the_toes_are_said(cast):
    bones = cast.a.armature.data.bones
    for name in [bone.name for bone in bones if bone.name.startswith("Left")]:
        right = name.replace("Left", "Right")
        bones[name].name, bones[right].name = "swapped", name
        bones["swapped"].name = right
    assert "backwards" in check(cast.a)["doubt-sides"]
    assert not any(code.startswith("doubt") for code in findings(cast.b))


def test_only_bones_that_move_a_mesh_are_weighted(cast):
    """By weights above 0, or as a mesh's parent: others are no end of a body whose names say nothing."""
    armature = cast.a.armature
    names = {bone.name for bone in armature.data.bones}
    mesh = mesh_of(cast.a)
    mesh.vertex_groups.remove(mesh.vertex_groups["LeftHand"])
    mesh.vertex_groups["RightHand"].add(list(range(len(mesh.data.vertices))), 0.0, "REPLACE")
    weighted = module("scene.armatures").weighted_bones(armature)
    assert names - weighted == {"LeftHand", "RightHand"}
    hook = bpy.data.objects.new("hook", bpy.data.meshes.new("hook"))
    bpy.context.scene.collection.objects.link(hook)
    hook.parent, hook.parent_type, hook.parent_bone = armature, "BONE", "LeftHand"
    assert names - module("scene.armatures").weighted_bones(armature) == {"RightHand"}


def test_an_animal_is_refused_in_the_panel(cast):
    """Lying on its belly with its legs down, the box person stands like Rigify's cat, whose bones are called like a person's."""
    armature = cast.a.armature
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in armature.data.edit_bones:
        limb = next(
            (b for b in (bone, *bone.parent_recursive) if b.name.endswith(("Arm", "UpLeg")) and "Fore" not in b.name),
            None,
        )
        if limb is None:
            bone.head, bone.tail = ((p.x, -p.z, 1.0) for p in (bone.head.copy(), bone.tail.copy()))
    for side in ("Left", "Right"):
        for limb, along in (("Arm", -1.4), ("UpLeg", -0.9)):
            chain = [armature.data.edit_bones[side + limb], *armature.data.edit_bones[side + limb].children_recursive]
            x = 0.15 if side == "Left" else -0.15
            for i, bone in enumerate(chain):
                bone.head, bone.tail = (x, along, 1.0 - 0.05 * i), (x, along, 0.96 - 0.05 * i)
    bpy.ops.object.mode_set(mode="OBJECT")
    press("check_cast")
    assert "four legs" in cast.a.problem
