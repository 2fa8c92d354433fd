# SPDX-License-Identifier: GPL-3.0-or-later
"""The cast as an animator sets it: from the selection, corrected in the table, kept with the file, saved as presets."""

from __future__ import annotations

import sys

import bpy
import dressed_rigs
import numpy as np
import pytest
from conftest import MODULE
from duologue import arkit

from addon.cast import characters


def press(name: str, /, **arguments: object) -> set[str]:
    return getattr(bpy.ops.duologue, name)("EXEC_DEFAULT", **arguments)


def module(name: str):
    return sys.modules[f"{MODULE}.{name}"]


@pytest.fixture
def settings(extension, scene):
    yield scene.duologue
    maps = module("user_maps")
    for preset in maps.library().names:
        module("operators.cast_presets").presets.delete(maps.folder(), preset)


@pytest.fixture
def cast(settings):
    press("add_sample_pair")
    return settings


def performers(settings):
    return module("briefing").cast_both(settings)


def select(*objects) -> None:
    for ob in bpy.data.objects:
        ob.select_set(ob in objects)


def row(rows, name: str):
    return next(row for row in rows if row.name == name)


def stranger(scene, x: float = 0.0):
    """A character with a rig of names that say nothing, lying in no place a human has: only its table can tell."""
    data = bpy.data.armatures.new("Stranger")
    armature = bpy.data.objects.new("Stranger", data)
    scene.collection.objects.link(armature)
    armature.location.x = x
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for i in range(16):
        bone = data.edit_bones.new(f"b{i}")
        bone.head, bone.tail = (0.1 * i, 0, 0), (0.1 * i, 0, 0.1)
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


# From the selection


def test_two_selected_characters_play_from_left_to_right(settings, scene):
    left, right = (characters.build(characters.sample_file(name), scene.collection) for name in ("ben", "ada"))
    right.armature.location.x, left.armature.location.x = 1.0, -1.0
    bpy.context.view_layer.update()
    select(right.mesh, left.armature)  # any part of a character stands for it
    press("cast_selected")
    assert (settings.a.armature, settings.b.armature) == (left.armature, right.armature)
    assert settings.a.problem == settings.b.problem == ""
    assert [face.mesh for face in settings.b.faces] == [right.mesh]


def test_one_selected_character_plays_whom_you_say(settings, scene):
    made = characters.build(characters.sample_file("ada"), scene.collection)
    select(made.mesh)
    press("cast_selected", performer="B")
    assert settings.a.armature is None
    assert settings.b.armature == made.armature


def test_a_selected_mesh_that_hangs_on_nobody_becomes_a_face(cast, scene):
    data = bpy.data.meshes.new("Beard")
    data.from_pydata([(0, 0, 1.5), (0.1, 0, 1.5), (0, 0, 1.6)], [], [(0, 1, 2)])
    beard = bpy.data.objects.new("Beard", data)
    scene.collection.objects.link(beard)
    for name in ("Basis", "jawOpen", "mouthLeft"):
        beard.shape_key_add(name=name)
    select(cast.a.armature, beard)
    press("cast_selected", performer="A")
    faces = performers(cast)[0].faces
    assert [face.mesh.name for face in faces] == ["Ada", "Beard"]
    assert faces[1].match.shapes == ("jawOpen", "mouthLeft")


def test_nothing_selected_says_what_to_select(settings):
    select()
    with pytest.raises(RuntimeError, match="Select one or two characters"):
        press("cast_selected")


# The table


def test_the_table_shows_every_joint_and_shape(cast):
    names = [row.name for row in cast.a.joints]
    assert len(names) == len(set(names))
    assert {"Hips", "Spine3", "Head", "LeftHandThumb1", "RightToeBase", "LeftEye"} <= set(names)
    assert row(cast.a.joints, "LeftArm").target == "LeftArm"
    assert {row.name for row in cast.a.faces[0].rows} >= set(arkit.NAMES)
    assert "Bones: 60 of" in cast.a.counted


def test_a_corrected_bone_is_what_plays_and_the_rest_follows_the_map(cast):
    row(cast.a.joints, "LeftHandPinky3").target = ""
    row(cast.a.joints, "RightToeBase").use = False
    assert "2 corrected" in cast.a.counted
    match = performers(cast)[0].match
    assert "LeftHandPinky3" not in match.bones
    assert "RightToeBase" not in match.bones
    assert len(match.bones) == 58
    assert module("properties.mapping").corrections_of(cast.a.joints) == {"LeftHandPinky3": "", "RightToeBase": ""}


def test_a_corrected_shape_is_what_moves(cast, scene):
    mesh = cast.a.faces[0].mesh
    mesh.shape_key_add(name="Grin")
    row(cast.a.faces[0].rows, "mouthSmileLeft").target = "Grin"
    row(cast.a.faces[0].rows, "tongueOut").use = False
    match = performers(cast)[0].faces[0].match
    assert "Grin" in match.shapes
    assert {"tongueOut", "mouthSmileLeft"}.isdisjoint(match.shapes)


@pytest.mark.parametrize(
    ("joint", "bone", "said"),
    [
        ("LeftHand", "RightHand", "both have the bone"),
        ("LeftHand", "no such bone", "no bone 'no such bone'"),
        ("LeftForeArm", "LeftShoulder", "both have the bone"),
    ],
)
def test_a_wrong_correction_is_said_at_its_row_and_keeps_perform_away(cast, joint, bone, said):
    row(cast.a.joints, joint).target = bone
    assert said in row(cast.a.joints, joint).problem
    assert said in cast.a.problem
    assert "A:" in module("briefing").what_is_missing(bpy.context, cast)
    row(cast.a.joints, joint).target = joint
    assert cast.a.problem == ""
    assert row(cast.a.joints, joint).problem == ""


def test_a_mesh_can_be_left_out(cast):
    cast.a.faces[0].use = False
    assert performers(cast)[0].faces == ()
    assert "only the body" in cast.a.found


def test_a_character_nobody_knows_can_be_mapped_by_hand(settings, scene):
    armature = stranger(scene)
    settings.a.armature = armature
    assert "no bone" in settings.a.problem or "none of" in settings.a.problem
    needed = ["Hips", "Spine", "Head"]
    needed += [side + part for side in ("Left", "Right") for part in ("Arm", "ForeArm", "UpLeg", "Leg", "Foot")]
    for i, joint in enumerate(needed):
        row(settings.a.joints, joint).target = f"b{i}"
    assert settings.a.problem == ""
    assert len(module("cast.recognition").cast_performer("A", settings.a).match.bones) == len(needed)


def test_another_character_begins_without_corrections(cast):
    row(cast.a.joints, "RightToeBase").use = False
    cast.a.armature = cast.b.armature
    assert "corrected" not in cast.a.counted


def test_renaming_the_armature_keeps_corrections(cast):
    row(cast.a.joints, "RightToeBase").use = False
    cast.a.armature.name = "Heroine"
    press("check_cast")
    assert "1 corrected" in cast.a.counted


def test_corrections_survive_saving_loading_and_appending(cast, tmp_path):
    row(cast.a.joints, "RightToeBase").use = False
    cast.a.faces[0].rows[row_index(cast.a.faces[0].rows, "cheekPuff")].use = False
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    check_corrections(bpy.context.scene.duologue)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(path) as (source, target):
        target.scenes = source.scenes
    check_corrections(target.scenes[0].duologue)


def row_index(rows, name: str) -> int:
    return [row.name for row in rows].index(name)


def check_corrections(settings) -> None:
    a = module("cast.recognition").cast_performer("A", settings.a)
    assert "RightToeBase" not in a.match.bones
    assert "cheekPuff" in a.faces[0].match.missing


def test_corrections_are_undone_and_redone(cast):
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    row(cast.a.joints, "RightToeBase").use = False
    bpy.ops.ed.undo_push(message="corrected")
    bpy.ops.ed.undo()
    assert "RightToeBase" in performers(bpy.context.scene.duologue)[0].match.bones
    bpy.ops.ed.redo()
    assert "RightToeBase" not in performers(bpy.context.scene.duologue)[0].match.bones


def test_recognise_anew_forgets_corrections(cast):
    row(cast.a.joints, "RightToeBase").use = False
    press("reset_mapping", performer="A")
    assert "corrected" not in cast.a.counted
    assert len(performers(cast)[0].match.bones) == 60


# Maps chosen by hand, and presets


def test_a_rig_map_can_be_chosen_by_hand(cast):
    cast.a.rig_map = "mixamo"
    match = performers(cast)[0].match
    assert match.rig_map.name == "mixamo"
    assert "Mixamo" in cast.a.found
    cast.a.rig_map = "octopus"
    assert "no rig map 'octopus'" in cast.a.problem
    cast.a.rig_map = ""
    assert performers(cast)[0].match.rig_map.name == "duologue"


def test_a_shape_map_can_be_chosen_by_hand(cast):
    cast.a.faces[0].shape_map = "generic"
    assert performers(cast)[0].faces[0].match.shape_map.name == "generic"
    cast.a.faces[0].shape_map = "octopus"
    assert "no shape map 'octopus'" in cast.a.problem


def test_a_saved_preset_is_taken_and_then_recognised(cast, scene):
    row(cast.a.joints, "LeftToeBase").use = False
    row(cast.a.faces[0].rows, "tongueOut").use = False
    press("save_preset", performer="A", name="Ada as we like her")
    assert cast.a.rig_map == "Ada as we like her"
    assert "corrected" not in cast.a.counted
    first = performers(cast)[0]
    assert "LeftToeBase" not in first.match.bones
    assert "tongueOut" in first.faces[0].match.missing
    # The same character in another scene needs no hand at all.
    again = characters.build(characters.sample_file("ada"), scene.collection)
    cast.b.armature = again.armature
    second = performers(cast)[1]
    assert second.match.rig_map.name == "Ada as we like her"
    assert dict(second.match.bones) == dict(first.match.bones)
    assert "tongueOut" in second.faces[0].match.missing


def test_a_preset_is_loaded_and_deleted(cast):
    press("save_preset", performer="A", name="Plain")
    press("reset_mapping", performer="A")
    cast.b.rig_map = "mixamo"
    press("load_preset", performer="B", name="Plain")
    assert cast.b.rig_map == "Plain"
    press("delete_preset", name="Plain")
    assert cast.a.rig_map == cast.b.rig_map == ""
    assert cast.a.problem == cast.b.problem == ""
    with pytest.raises(RuntimeError, match="no preset 'Plain'"):
        press("load_preset", performer="A", name="Plain")
    with pytest.raises(RuntimeError, match="no preset 'Plain'"):
        press("delete_preset", name="Plain")


def test_a_preset_needs_a_name_that_a_file_can_have_and_a_character(cast, settings):
    with pytest.raises(RuntimeError, match="name of a file"):
        press("save_preset", performer="A", name="../elsewhere")
    cast.a.armature = None
    with pytest.raises(RuntimeError, match="no armature"):
        press("save_preset", performer="A", name="Nobody")


# Several kinds of characters at once


def test_a_mixamo_and_a_sample_character_take_corrections_each_in_its_own_words(cast, scene):
    armature, _ = dressed_rigs.mixamo(scene)
    cast.b.armature = armature
    row(cast.b.joints, "LeftHandThumb3").target = "mixamorig:LeftHandIndex3"
    assert "both have the bone" in cast.b.problem
    row(cast.b.joints, "LeftHandIndex3").use = False
    assert cast.b.problem == ""
    assert performers(cast)[1].match.bones["LeftHandThumb3"] == "mixamorig:LeftHandIndex3"


def test_a_character_that_lies_on_its_back_knows_its_front(cast, scene):
    """FBX importers turn the armature object by 90 degrees: its own -Y points up then."""
    armature, _ = dressed_rigs.mixamo(scene)
    cast.b.armature = armature
    world = np.array(armature.matrix_world)[:3, :3]
    front = world @ np.array(cast.b.front)
    np.testing.assert_allclose(front / np.linalg.norm(front), (0, -1, 0), atol=1e-5)
    np.testing.assert_allclose(cast.a.front, (0, -1, 0), atol=1e-5)


def test_a_character_on_its_back_starts_where_it_faces(cast, scene):
    armature, _ = dressed_rigs.mixamo(scene)
    cast.b.armature = armature
    armature.location = (2.0, 0.5, 0.0)
    bpy.context.view_layer.update()
    starts = module("briefing.starts")
    for turned, heading in ((0.0, 0.0), (0.9, 0.9)):
        armature.rotation_euler.z = turned
        bpy.context.view_layer.update()
        start = starts.start_of(scene, cast.b, 1)
        assert (start.x, start.z, start.heading) == pytest.approx((2.0, -0.5, heading), abs=1e-5)
