# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that are no person of 1.75 m that stands upright on bare feet: what is said of them, and how they stand."""

from __future__ import annotations

import sys

import bpy
import numpy as np
import pytest
from conftest import MODULE
from duologue import arkit
from examples import box_pair, example_take
from mathutils import Matrix
from test_cast_checks import check, findings, mend, mesh_of


def module(name: str):
    return sys.modules[f"{MODULE}.{name}"]


@pytest.fixture
def cast(extension, scene, tmp_path):
    """Two people of boxes, cast."""
    settings = scene.duologue
    for performer, made in zip(settings.performers(), box_pair(scene, tmp_path), strict=True):
        performer.armature = made.armature
    return settings


def pose_rest(armature, bone: str, turn: Matrix) -> None:
    """Turn a bone and what hangs on it in the rest pose, mesh included."""
    posed = armature.pose.bones[bone]
    posed.matrix_basis = posed.bone.matrix_local.inverted() @ _about(posed, turn) @ posed.bone.matrix_local
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.armature_apply()
    bpy.ops.object.mode_set(mode="OBJECT")


def _about(bone, turn: Matrix) -> Matrix:
    place = Matrix.Translation(bone.bone.head_local)
    return place @ turn @ place.inverted()


# Size -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "factor"), [(100, "0.01"), (0.01, "100"), (39.37, "0.0254"), (10, "0.1")])
def test_people_in_other_units_are_named_and_scaled(cast, scale, factor):
    armature, mesh = cast.a.armature, mesh_of(cast.a)
    rest = np.array([mesh.matrix_world @ v.co for v in mesh.data.vertices])
    armature.scale = (scale,) * 3
    bpy.context.view_layer.update()
    assert f"scaled by {factor} it" in check(cast.a)["size"]
    mend("size", cast.a)
    assert "size" not in findings(cast.a)
    now = np.array([mesh.matrix_world @ v.co for v in mesh.data.vertices])
    np.testing.assert_allclose(now, rest, rtol=0.02)


def test_a_mesh_that_only_the_modifier_ties_is_scaled_too(cast):
    armature, mesh = cast.a.armature, mesh_of(cast.a)
    world = mesh.matrix_world.copy()
    mesh.parent = None
    mesh.matrix_world = world
    rest = np.array([mesh.matrix_world @ v.co for v in mesh.data.vertices])
    armature.scale = (100, 100, 100)
    mesh.matrix_world = Matrix.Scale(100, 4) @ mesh.matrix_world
    bpy.context.view_layer.update()
    check(cast.a)
    mend("size", cast.a)
    now = np.array([mesh.matrix_world @ v.co for v in mesh.data.vertices])
    np.testing.assert_allclose(now, rest, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5])
def test_children_and_giants_are_nobodys_business(cast, scale):
    cast.a.armature.scale = (scale,) * 3
    bpy.context.view_layer.update()
    assert "size" not in check(cast.a)


def test_the_parent_that_is_scaled_unevenly_is_the_one_that_is_named(cast, scene):
    empty = bpy.data.objects.new("Stretched", None)
    scene.collection.objects.link(empty)
    cast.a.armature.parent = empty
    empty.scale = (1.0, 1.0, 1.3)
    bpy.context.view_layer.update()
    assert "Stretched is scaled unevenly" in check(cast.a)["scale"]
    assert "'Stretched', the parent of" in cast.a.problem
    mend("scale", cast.a)
    assert cast.a.problem == ""


# Shape ----------------------------------------------------------------------------------------------------------------


def test_a_trunk_that_leans_at_rest_is_named(cast):
    assert "leaning" not in check(cast.a)
    pose_rest(cast.a.armature, "Spine", Matrix.Rotation(np.radians(-41), 4, "X"))
    said = check(cast.a)["leaning"]
    assert "leans by 3" in said or "leans by 4" in said


def test_a_body_that_lies_is_named(cast):
    pose_rest(cast.a.armature, "Hips", Matrix.Rotation(np.radians(90), 4, "X"))
    assert "does not stand upright" in check(cast.a)["rest-pose"]


def test_a_cat_is_no_person(extension, scene):
    import addon_utils

    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_cat_metarig_add()
    scene.duologue.a.armature = bpy.context.object
    assert "four legs" in scene.duologue.a.problem


# Ground ---------------------------------------------------------------------------------------------------------------


def box(name: str, low: tuple[float, float, float], high: tuple[float, float, float]):
    corners = [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    data = bpy.data.meshes.new(name)
    data.from_pydata(corners, [], [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6)])
    ob = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(ob)
    return ob


def weighted(ob, armature, bone: str) -> None:
    ob.vertex_groups.new(name=bone).add(range(len(ob.data.vertices)), 1.0, "REPLACE")
    ob.parent = armature
    ob.modifiers.new("Armature", "ARMATURE").object = armature


def staff(armature) -> None:
    weighted(box("Staff", (0.8, -0.02, -0.4), (0.84, 0.02, 1.8)), armature, "LeftHand")


def plinth(armature) -> None:
    ob = box("Plinth", (-0.4, -0.4, -0.3), (0.4, 0.4, 0.0))
    ob.parent = armature


def cloak(armature) -> None:
    weighted(box("Cloak", (-0.3, 0.1, -0.2), (0.3, 0.2, 1.4)), armature, "Spine3")


def hips_of(settings, scene) -> np.ndarray:
    performers = module("cast.casting").cast_both(settings)
    module("takes.writer").write_take(example_take(20), performers, 1, 30.0)
    scene.frame_set(12)
    pose = module("scene.armatures").world_pose(settings.a.armature, bpy.context.evaluated_depsgraph_get())
    return pose[performers[0].bone_index("Hips"), :3, 3]


@pytest.mark.parametrize("thing", [staff, plinth, cloak])
def test_nobody_is_lifted_by_what_hangs_lower_than_the_feet(cast, scene, thing):
    good = hips_of(cast, scene)
    thing(cast.a.armature)
    np.testing.assert_allclose(hips_of(cast, scene), good, atol=1e-5)


def test_thick_soles_still_count(cast, scene):
    """Boots that reach lower than the floor do lift their wearer, whether weighted or hung on the foot's bone."""
    good = hips_of(cast, scene)
    weighted(box("Boot", (0.05, -0.2, -0.1), (0.2, 0.1, 0.1)), cast.a.armature, "LeftFoot")
    np.testing.assert_allclose(hips_of(cast, scene)[1] - good[1], 0.1, atol=0.005)
    bpy.data.objects.remove(bpy.data.objects["Boot"])
    skate = box("Skate", (0.05, -0.2, -0.2), (0.2, 0.1, 0.1))
    world = skate.matrix_world.copy()
    skate.parent, skate.parent_type, skate.parent_bone = cast.a.armature, "BONE", "LeftFoot"
    bpy.context.view_layer.update()
    skate.matrix_world = world
    bpy.context.view_layer.update()
    np.testing.assert_allclose(hips_of(cast, scene)[1] - good[1], 0.2, atol=0.005)


# Faces ----------------------------------------------------------------------------------------------------------------


def test_eyes_that_carry_every_key_and_do_not_move_are_nobodys_business(cast):
    """Ready Player Me gives each eye all 52 keys; they stay as they are where the head opens the mouth."""
    eye = box("EyeLeft", (0.02, -0.12, 1.6), (0.05, -0.1, 1.63))
    weighted(eye, cast.a.armature, "Head")
    eye.shape_key_add(name="Basis", from_mix=False)
    for name in arkit.NAMES:
        key = eye.shape_key_add(name=name, from_mix=False)
        key.value = 0.0
        if name.startswith("eyeLook"):
            key.data[0].co.x += 0.01
    found = check(cast.a)
    assert "EyeLeft" in [face.name for face in cast.a.faces if face.use]
    assert "weak" not in found


def test_two_that_share_a_face_are_told_apart(cast, scene):
    mesh = mesh_of(cast.a)
    armature = cast.b.armature
    other = mesh_of(cast.b)
    other.data = mesh.data
    found = check(cast.b)
    assert mesh.name in found["shared-face"]
    assert other.name in found["shared-face"]
    performers = module("cast.casting").cast_both(cast)
    notes = module("takes.writer").write_take(example_take(5), performers, 1, 30.0)
    assert any("share one mesh" in note for note in notes)
    about = next(item.about for item in cast.b.findings if item.code == "shared-face")
    bpy.ops.duologue.fix_cast("EXEC_DEFAULT", performer="B", code="shared-face", about=about)
    assert "shared-face" not in findings(cast.b)
    assert other.data != mesh.data
    assert other.data.shape_keys != mesh.data.shape_keys
    performers = module("cast.casting").cast_both(cast)
    assert module("takes.writer").write_take(example_take(5), performers, 1, 30.0) == []
    assert armature.animation_data.action != cast.a.armature.animation_data.action


def test_a_copy_of_the_mesh_that_hangs_on_nobody_is_nobodys_business(cast, scene):
    scene.collection.objects.link(bpy.data.objects.new("Statue", mesh_of(cast.a).data))
    assert "shared-face" not in check(cast.a)
