# SPDX-License-Identifier: GPL-3.0-or-later
"""A take becomes Actions, and what Blender evaluates from them is the take."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from duologue import arkit
from duologue.motion.skeleton import forward_kinematics
from examples import example_take

from addon.cast.cast import cast
from addon.rendering import shot
from addon.scene import actions, armatures, compat, turning
from addon.takes.writer import write_take

FRAMES = 40


LEGS = ("UpLeg", "Leg", "Foot", "ToeBase")


def turn_errors(performer, track, skeleton, frames, without=()) -> float:
    """The largest angle in degrees between a bone's turn as Blender has it and as forward kinematics says."""
    worst = 0.0
    rest = performer.rig.world[:3, :3] @ performer.rig.rest[:, :3, :3]
    rest = rest / np.linalg.norm(rest, axis=1, keepdims=True)
    for frame in frames:
        bpy.context.scene.frame_set(shot.FIRST_FRAME + frame)
        posed = armatures.world_pose(performer.armature, bpy.context.evaluated_depsgraph_get())[:, :3, :3]
        wanted = forward_kinematics(
            skeleton, track.rotations[frame].astype(float), track.root_translation[frame].astype(float)
        )[0]
        for joint, name in enumerate(skeleton.names):
            if name.endswith(without):
                continue
            bone = performer.rig.names.index(name)
            turned = posed[bone] @ rest[bone].T
            cosine = (np.trace(turned @ wanted[joint].T) - 1) / 2
            worst = max(worst, float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))))
    return worst


def test_bodies_do_what_the_take_says(pair):
    take = example_take(FRAMES)
    assert write_take(take, pair, shot.FIRST_FRAME, 30.0) == []
    for performer, track in zip(pair, take.tracks, strict=True):
        # A is as tall as the skeleton; where its toes would go through the floor they bend. B is taller, and bends its legs so
        # that its feet stand where they should.
        legs = ("ToeBase",) if performer.name == "A" else LEGS
        assert turn_errors(performer, track, take.skeleton, (0, 7, 23, FRAMES - 1), legs) < 0.5


def test_hips_stand_where_the_take_has_them_and_the_pair_keeps_its_distance(pair):
    take = example_take(FRAMES)
    write_take(take, pair, shot.FIRST_FRAME, 30.0)
    bpy.context.scene.frame_set(shot.FIRST_FRAME + 20)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    hips = [armatures.world_pose(p.armature, depsgraph)[p.bone_index("Hips"), :3, 3] for p in pair]
    for at, track in zip(hips, take.tracks, strict=True):
        np.testing.assert_allclose(at[[0, 2]], track.root_translation[20, [0, 2]], atol=0.01)


def test_faces_do_what_the_take_says(pair):
    take = example_take(FRAMES)
    write_take(take, pair, shot.FIRST_FRAME, 30.0)
    bpy.context.scene.frame_set(shot.FIRST_FRAME + 11)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for performer, track in zip(pair, take.tracks, strict=True):
        blocks = performer.faces[0].mesh.evaluated_get(depsgraph).data.shape_keys.key_blocks
        evaluated = [blocks[name].value for name in arkit.NAMES]
        np.testing.assert_allclose(evaluated, track.weights[11], atol=1e-5)


def test_one_action_a_performer_with_a_body_and_a_face_slot(pair):
    write_take(example_take(5), pair, shot.FIRST_FRAME, 30.0)
    assert len(bpy.data.actions) == 2
    for performer in pair:
        keys = performer.faces[0].mesh.data.shape_keys
        action = performer.armature.animation_data.action
        assert keys.animation_data.action == action
        assert sorted(slot.target_id_type for slot in action.slots) == ["KEY", "OBJECT"]
        assert keys.animation_data.action_slot.target_id_type == "KEY"


def test_a_second_take_replaces_the_first(pair):
    for seed in (1, 2, 3):
        write_take(example_take(5, seed), pair, shot.FIRST_FRAME, 30.0)
    assert len(bpy.data.actions) == 2


def test_constant_channels_are_one_key(pair):
    take = example_take(FRAMES)
    write_take(take, pair, shot.FIRST_FRAME, 30.0)
    action = pair[0].armature.animation_data.action
    curves = [c for slot in action.slots for c in compat.channelbag(action, slot).fcurves]
    assert {len(c.keyframe_points) for c in curves} <= {1, FRAMES}
    values = np.array([c.evaluate(shot.FIRST_FRAME + 3) for c in curves])
    assert np.isfinite(values).all()


@pytest.mark.parametrize("mode", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE"])
def test_rotation_modes_are_respected_and_left_as_they_are(pair, mode):
    for bone in pair[0].armature.pose.bones:
        bone.rotation_mode = mode
    take = example_take(FRAMES)
    write_take(take, pair, shot.FIRST_FRAME, 30.0)
    assert {bone.rotation_mode for bone in pair[0].armature.pose.bones} == {mode}
    assert turn_errors(pair[0], take.tracks[0], take.skeleton, (5, 31)) < 0.5


def test_eulers_run_on_without_jumps_just_as_blender_s_own():
    from mathutils import Euler, Quaternion

    random = np.random.default_rng(0)
    quaternions = np.cumsum(random.normal(size=(500, 4)) * 0.05, axis=0) + 1.0
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    for order in ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"):
        ours = turning.eulers(quaternions, order)
        theirs = [Quaternion(quaternions[0]).to_euler(order)]
        for quaternion in quaternions[1:]:
            theirs.append(Quaternion(quaternion).to_euler(order, theirs[-1]))
        back = np.array([Euler(angles, order).to_quaternion() for angles in ours])
        np.testing.assert_allclose(np.abs((back * quaternions).sum(axis=1)), 1.0, atol=1e-6)
        # The two may begin on different ones of a rotation's two triples; from there on they move by the same amounts.
        np.testing.assert_allclose(np.abs(np.diff(ours, axis=0)), np.abs(np.diff(np.array(theirs), axis=0)), atol=1e-4)


def test_bones_that_do_not_inherit_rotation(pair):
    for name in ("Neck", "LeftForeArm", "RightLeg"):
        pair[0].armature.data.bones[name].use_inherit_rotation = False
    take = example_take(FRAMES)
    write_take(take, pair, shot.FIRST_FRAME, 30.0)
    assert turn_errors(pair[0], take.tracks[0], take.skeleton, (5, 31)) < 0.5


def test_an_object_that_is_moved_turned_and_scaled_performs_where_the_take_has_it(pair, scene):
    armature = pair[0].armature
    armature.location, armature.scale = (3.0, -2.0, 0.0), (0.5, 0.5, 0.5)
    armature.rotation_euler = (0.0, 0.0, 2.0)
    bpy.context.view_layer.update()
    moved = cast("A", armature)
    take = example_take(FRAMES)
    write_take(take, (moved, pair[1]), shot.FIRST_FRAME, 30.0)
    scene.frame_set(shot.FIRST_FRAME + 9)
    at = armatures.world_pose(armature, bpy.context.evaluated_depsgraph_get())[moved.bone_index("Hips"), :3, 3]
    np.testing.assert_allclose(at[[0, 2]], take.tracks[0].root_translation[9, [0, 2]], atol=0.01)
    assert armature.location[:] == (3.0, -2.0, 0.0)


def test_a_user_s_own_action_is_put_aside_not_lost(pair):
    armature = pair[0].armature
    armature.pose.bones["Head"].keyframe_insert("rotation_quaternion", frame=1)
    own = armature.animation_data.action
    write_take(example_take(5), pair, shot.FIRST_FRAME, 30.0)
    tracks = armature.animation_data.nla_tracks
    assert [track.strips[0].action for track in tracks] == [own]
    assert tracks[0].mute
    assert actions.is_ours(armature.animation_data.action)


def test_a_kept_face_still_moves(pair, scene):
    """Blender gives a shape-key strip no slot and one frame unless told: the face would stay still."""
    take = example_take(FRAMES)
    write_take(take, pair, shot.FIRST_FRAME, 30.0)
    keys = pair[0].faces[0].mesh.data.shape_keys
    assert actions.push_down(keys) is not None
    assert keys.animation_data.action is None
    for frame in (3, 30):
        scene.frame_set(shot.FIRST_FRAME + frame)
        evaluated = keys.evaluated_get(bpy.context.evaluated_depsgraph_get()).key_blocks["jawOpen"].value
        assert evaluated == pytest.approx(take.tracks[0].weights[frame, arkit.INDEX["jawOpen"]], abs=1e-4)


def test_clear_removes_what_is_ours_and_nothing_else(pair):
    armature = pair[0].armature
    armature.pose.bones["Head"].keyframe_insert("rotation_quaternion", frame=1)
    own = armature.animation_data.action
    write_take(example_take(5), pair, shot.FIRST_FRAME, 30.0)
    datablocks = [b for p in pair for b in (p.armature, p.faces[0].mesh.data.shape_keys)]
    assert actions.remove(datablocks) == 2
    assert list(bpy.data.actions) == [own]
    assert armature.animation_data.action == own  # back in its place
    assert not armature.animation_data.nla_tracks


def test_a_scene_of_24_frames_a_second_plays_it_in_the_same_time(pair, scene):
    take = example_take(FRAMES)
    write_take(take, pair, shot.FIRST_FRAME, 24.0)
    start, end = pair[0].armature.animation_data.action.frame_range
    assert end - start == pytest.approx((FRAMES - 1) * 24 / 30)


def test_what_hides_a_take_is_named(pair):
    write_take(example_take(5), pair, shot.FIRST_FRAME, 30.0)
    pair[0].armature.data.pose_position = "REST"
    mesh = pair[1].faces[0].mesh
    mesh.data.shape_keys.key_blocks["jawOpen"].mute = True
    mesh.data.shape_keys.key_blocks["eyeBlinkLeft"].driver_add("value")
    pair[1].armature.pose.bones["LeftHand"].constraints.new("LIMIT_ROTATION")
    notes = " / ".join(write_take(example_take(5), pair, shot.FIRST_FRAME, 30.0))
    for word in ("rest position", "jawOpen", "muted", "eyeBlinkLeft", "drivers", "LeftHand", "constraints"):
        assert word in notes


def test_the_file_grows_by_its_curves_only(pair, scene, tmp_path):
    def size() -> int:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"), compress=False, copy=True)
        return (tmp_path / "scene.blend").stat().st_size

    before = size()
    write_take(example_take(600), pair, shot.FIRST_FRAME, 30.0)
    keys = 0
    for action in bpy.data.actions:
        for slot in action.slots:
            keys += sum(len(curve.keyframe_points) for curve in compat.channelbag(action, slot).fcurves)
    # A BezTriple is 72 bytes; curves, groups, slots and block headers add a little.
    assert size() - before < 1.1 * 72 * keys + 400_000
