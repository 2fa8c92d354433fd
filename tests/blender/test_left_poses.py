# SPDX-License-Identifier: GPL-3.0-or-later
"""A pose that something else left on a character: the take shows as it was meant, or says what stays and clears it."""

from __future__ import annotations

import sys

import bpy
import dressed_rigs
import numpy as np
import pytest
from conftest import MODULE
from examples import box_pair, example_take
from mathutils import Quaternion, Vector
from test_cast_checks import check, findings, mend

JOINTS = ("Hips", "Head", "LeftForeArm", "RightHand", "LeftFoot")
TURN = Quaternion((0.955, 0.1, 0.2, 0.19)).normalized()


def module(name: str):
    return sys.modules[f"{MODULE}.{name}"]


@pytest.fixture
def cast(extension, scene, tmp_path):
    """Two people of boxes; A hangs under a root control, with a helper between upper arm and forearm."""
    settings = scene.duologue
    for performer, made in zip(settings.performers(), box_pair(scene, tmp_path), strict=True):
        performer.armature = made.armature
    put_under_root(settings.a.armature)
    check(settings.a)
    return settings


def put_under_root(armature) -> None:
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature.data.edit_bones
    root, helper = edit.new("root"), edit.new("helper")
    root.head, root.tail = (0, 0, 0), (0, 0.3, 0)
    edit["Hips"].parent = root
    fore = edit["LeftForeArm"]
    helper.head, helper.tail = fore.head, fore.head + Vector((0, 0.1, 0))
    fore.use_connect = False
    fore.parent, helper.parent = helper, edit["LeftArm"]
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()


def shown(settings, scene, frame: int = 12) -> dict[str, np.ndarray]:
    """Write a take, and return where Blender has A's joints in the middle of it, and how they are turned."""
    performers = module("cast.casting").cast_both(settings)
    module("takes.writer").write_take(example_take(20), performers, 1, 30.0)
    return seen(settings.a.armature, performers[0].match.bones, scene, frame)


def seen(armature, bones, scene, frame: int = 12) -> dict[str, np.ndarray]:
    scene.frame_set(frame)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    pose = module("scene.armatures").world_pose(armature, depsgraph)
    index = {bone.name: i for i, bone in enumerate(armature.pose.bones)}
    return {joint: pose[index[bones[joint]]] for joint in JOINTS}


def assert_alike(first, second, *, but: tuple[str, ...] = (), atol: float = 2e-5) -> None:
    for joint in JOINTS:
        if joint not in but:
            np.testing.assert_allclose(first[joint], second[joint], atol=atol, err_msg=joint)


def move_root(armature) -> None:
    bone = armature.pose.bones["root"]
    bone.location, bone.rotation_quaternion = (0.8, 0.3, 0.5), TURN


def turn_helper(armature) -> None:
    armature.pose.bones["helper"].rotation_quaternion = Quaternion((0, 0, 1), 0.26)


def leave_location(armature) -> None:
    armature.pose.bones["Spine1"].location = (0.05, 0.0, 0.08)


def scale_root(armature) -> None:
    armature.pose.bones["root"].scale = (1.3, 1.3, 1.3)


@pytest.mark.parametrize("left", [move_root, turn_helper])
def test_what_stays_posed_is_counted_in(cast, scene, left):
    good = shown(cast, scene)
    left(cast.a.armature)
    assert_alike(shown(cast, scene), good)


def test_a_location_left_on_a_played_bone_turns_nothing(cast, scene):
    good = shown(cast, scene)
    leave_location(cast.a.armature)
    left = shown(cast, scene)
    for joint in JOINTS:
        if joint != "LeftFoot":
            np.testing.assert_allclose(left[joint][:3, :3], good[joint][:3, :3], atol=2e-5, err_msg=joint)
    np.testing.assert_allclose(left["Hips"], good["Hips"], atol=2e-5)


def test_a_character_sized_by_its_root_stands_on_the_floor(cast, scene):
    """Its feet are where those of a character scaled as a whole are."""
    scale_root(cast.a.armature)
    by_root = shown(cast, scene)
    cast.a.armature.pose.bones["root"].scale = (1, 1, 1)
    cast.a.armature.scale = (1.3, 1.3, 1.3)
    bpy.context.view_layer.update()
    assert_alike(by_root, shown(cast, scene))


def keyed(armature, action: str) -> None:
    """An Action of the user's that moves the root on and on, and bends what no take plays."""
    data = armature.animation_data_create()
    data.action = bpy.data.actions.new(action)
    bone = armature.pose.bones["root"]
    for frame, z in ((1, 0.1), (40, 2.0)):
        bone.location = (0.0, z, 0.2)
        bone.keyframe_insert("location", frame=frame)


def test_an_imported_clips_own_pose_is_put_aside_with_it(cast, scene):
    good = shown(cast, scene)
    armature = cast.a.armature
    bpy.ops.duologue.clear("EXEC_DEFAULT")
    armature.animation_data.action = None
    keyed(armature, "walk cycle")
    scene.frame_set(30)
    before = armature.pose.bones["root"].location.copy()
    assert before.length > 1
    assert_alike(shown(cast, scene), good)
    assert armature.pose.bones["root"].location.length == 0
    assert "pose" not in check(cast.a)
    module("scene.actions").remove([armature])  # and it is back, pose and all
    scene.frame_set(30)
    np.testing.assert_allclose(armature.pose.bones["root"].location, before, atol=1e-6)


def strip_of(armature):
    keyed(armature, "pushed down")
    track = module("scene.actions").push_down(armature)
    track.name = "old"
    return track


def test_an_nla_strip_under_the_take_is_named_and_muted(cast, scene):
    good = shown(cast, scene)
    armature = cast.a.armature
    armature.animation_data.action = None
    strip_of(armature)
    scene.frame_set(12)
    found = check(cast.a)
    assert "old" in found["nla"]
    assert "root" in found["nla"]
    assert "pose-counted" not in found
    assert not np.allclose(shown(cast, scene)["Hips"], good["Hips"], atol=0.05)
    notes = module("takes.writer").notes_on(module("cast.casting").cast_both(cast))
    assert any("old" in note for note in notes)
    mend("nla", cast.a)
    assert "nla" not in findings(cast.a)
    assert_alike(shown(cast, scene), good)


def test_a_strip_that_moves_the_object_is_named(cast):
    armature = cast.a.armature
    armature.animation_data_create().action = bpy.data.actions.new("slides")
    for frame, x in ((1, 0.0), (40, 2.0)):
        armature.location.x = x
        armature.keyframe_insert("location", frame=frame)
    assert "nla" not in check(cast.a)  # an Action is put aside
    module("scene.actions").push_down(armature)
    assert armature.name in check(cast.a)["nla"].replace(f"{armature.name}: ", "")
    mend("nla", cast.a)
    assert "nla" not in findings(cast.a)


def test_a_muted_strip_a_take_and_a_tweak_are_nobodys_business(cast, scene):
    track = strip_of(cast.a.armature)
    track.mute = True
    assert "nla" not in check(cast.a)
    shown(cast, scene)
    tweaks = module("takes.tweaks")
    tweaks.add([cast.a.armature], "A", 1, 20)
    cast.a.armature.pose.bones["root"].location = (0.1, 0, 0)
    cast.a.armature.pose.bones["root"].keyframe_insert("location", frame=12)
    module("scene.actions").leave_tweak_mode(cast.a.armature)
    assert "nla" not in check(cast.a)


def test_a_tweak_of_the_root_stays_on_top_of_a_take_that_is_written_anew(cast, scene):
    good = shown(cast, scene)
    armature = cast.a.armature
    tweaks = module("takes.tweaks")
    module("scene.actions").push_down(armature)
    tweaks.add([armature], "A", 1, 20)
    for frame in (1, 20):
        armature.pose.bones["root"].location = (0.5, 0, 0)
        armature.pose.bones["root"].keyframe_insert("location", frame=frame)
    module("scene.actions").leave_tweak_mode(armature)
    scene.frame_set(12)
    assert armature.pose.bones["root"].location.x == pytest.approx(0.5)
    performers = module("cast.casting").cast_both(cast)
    module("takes.writer").write_take(example_take(20), performers, 1, 30.0)
    tweaked = seen(armature, performers[0].match.bones, scene)
    np.testing.assert_allclose(np.linalg.norm((tweaked["Hips"] - good["Hips"])[:3, 3]), 0.5, atol=1e-4)
    assert not {"pose", "pose-counted", "nla"} & set(check(cast.a))


def test_a_moved_root_is_said_and_needs_nothing(cast):
    assert "pose-counted" not in check(cast.a)
    move_root(cast.a.armature)
    found = check(cast.a)
    assert "root" in found["pose-counted"]
    assert "pose" not in found


def test_what_is_no_part_of_a_take_is_named_and_cleared(cast, scene):
    """A jaw left open, a scale that is not even: nothing counts them in."""
    armature = cast.a.armature
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    jaw = armature.data.edit_bones.new("jaw")
    jaw.head, jaw.tail = armature.data.edit_bones["Head"].head, armature.data.edit_bones["Head"].tail
    jaw.parent = armature.data.edit_bones["Head"]
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.pose.bones["jaw"].rotation_quaternion = TURN
    armature.pose.bones["LeftArm"].scale = (1.0, 1.4, 1.0)
    found = check(cast.a)
    assert "jaw" in found["pose"]
    assert "LeftArm" in found["pose"]
    mend("pose", cast.a)
    assert "pose" not in findings(cast.a)
    assert tuple(armature.pose.bones["LeftArm"].scale) == (1, 1, 1)
    assert armature.pose.bones["jaw"].matrix_basis.is_identity


def test_a_control_without_any_effect_is_nobodys_business(cast):
    armature = cast.a.armature
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    pole = armature.data.edit_bones.new("pole")
    pole.head, pole.tail, pole.use_deform = (1, 0, 0), (1, 0, 0.2), False
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.pose.bones["pole"].location = (1, 0, 0)
    assert not {"pose", "pose-counted"} & set(check(cast.a))
    tie = armature.pose.bones["helper"].constraints.new("COPY_LOCATION")
    tie.target, tie.subtarget = armature, "pole"
    assert "pole" in check(cast.a)["pose"]


def test_a_start_is_where_the_root_has_been_put(cast, scene):
    start = module("briefing.starts").start_of
    cast.a.start.source = "CHARACTER"
    before = start(scene, cast.a, 1)
    cast.a.armature.pose.bones["root"].location = (0.8, 0.0, 0.0)
    check(cast.a)
    after = start(scene, cast.a, 1)
    assert np.hypot(after.x - before.x, after.z - before.z) == pytest.approx(0.8, abs=1e-4)


def test_the_live_pose_stands_where_the_take_will(cast, scene):
    good = shown(cast, scene)
    armature = cast.a.armature
    bpy.ops.duologue.clear("EXEC_DEFAULT")
    armature.animation_data.action = None
    keyed(armature, "walk cycle")
    scene.frame_set(30)
    before = armature.pose.bones["root"].location.copy()
    performer = module("cast.casting").cast_both(cast)[0]
    take = example_take(20)
    live = module("takes.live").LivePose(take.skeleton, performer, {})
    live.expect(take.tracks[0])
    live.prepare()
    live.show(11)
    bpy.context.view_layer.update()
    pose = module("scene.armatures").world_pose(armature, bpy.context.evaluated_depsgraph_get())
    index = performer.rig.names.index(performer.match.bones["Hips"])
    np.testing.assert_allclose(pose[index], good["Hips"], atol=2e-5)
    live.restore()
    np.testing.assert_allclose(armature.pose.bones["root"].location, before, atol=1e-6)
    assert armature.animation_data.action.name == "walk cycle"


def test_a_rigify_root_moved_aside_carries_nothing(extension, scene):
    armature, _ = dressed_rigs.rigify(scene)
    other, _ = dressed_rigs.mixamo(scene, "ada")
    scene.duologue.a.armature, scene.duologue.b.armature = armature, other
    good = shown(scene.duologue, scene)
    root = armature.pose.bones["root"]
    root.location, root.rotation_mode, root.rotation_quaternion = (1.0, 0.4, 0.2), "QUATERNION", TURN
    bpy.context.view_layer.update()
    assert_alike(shown(scene.duologue, scene), good, atol=2e-4)
    assert "root" in check(scene.duologue.a)["pose-counted"]
    armature.pose.bones["chest"].rotation_mode = "QUATERNION"
    armature.pose.bones["chest"].rotation_quaternion = TURN
    bpy.context.view_layer.update()
    assert "chest" in check(scene.duologue.a)["pose"]
