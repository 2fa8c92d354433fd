# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a take plays, its tuned faces, the tweaks above it, and the bake: measured on what Blender evaluates."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from duologue import arkit
from mathutils import Quaternion
from pressing import chosen_take, keys_of, module, press, settings_now, shape, turned


def weight(settings, frame: int, name: str = "jawOpen") -> float:
    take = chosen_take(settings)
    return float(take.tracks[0].weights[frame - 1, arkit.INDEX[name]])


def test_body_only_leaves_the_face_to_the_animator(performed):
    entry = performed.takes[0]
    entry.show_face = "NONE"
    assert shape(performed, 30) == 0.0  # not as the last frame left it
    keys_of(performed.a.armature).key_blocks["jawOpen"].value = 0.123
    moved = turned(performed, 30)
    assert shape(performed, 30) == pytest.approx(0.123)
    press("keep")
    assert shape(performed, 20) == pytest.approx(0.123)
    np.testing.assert_allclose(turned(performed, 30), moved, atol=1e-6)
    entry.show_face = "ALL"  # nothing was lost, and it holds on the kept track too
    assert shape(performed, 20) == pytest.approx(weight(performed, 20), abs=1e-4)


def test_mouth_only_leaves_eyes_and_brows(performed):
    performed.takes[0].show_face = "MOUTH"
    for name in ("eyeBlinkLeft", "browInnerUp"):
        keys_of(performed.a.armature).key_blocks[name].value = 0.2
    for name in ("jawOpen", "mouthSmileLeft", "tongueOut"):
        assert shape(performed, 30, name) == pytest.approx(weight(performed, 30, name), abs=1e-4)
    for name in ("eyeBlinkLeft", "browInnerUp", "cheekPuff"):
        assert shape(performed, 30, name) == pytest.approx(0.2 if name != "cheekPuff" else 0.0, abs=1e-6)


def test_face_only_over_a_kept_body(performed):
    press("keep")
    body = turned(performed, 30)
    press("another_take", wait=60)
    settings = settings_now()
    settings.takes[1].show_body = False
    np.testing.assert_allclose(turned(settings, 30), body, atol=1e-6)  # the kept take's body shows through
    assert shape(settings, 30) == pytest.approx(weight(settings, 30), abs=1e-4)  # and the new one's face is above it


def test_gain_and_offset_without_the_server(performed):
    module("session.session").session.close()
    press("add_gain")
    row = performed.gains[0]
    row.shape, row.gain, row.offset = "jawOpen", 0.5, 0.1
    for frame in (5, 20, 41):
        assert shape(performed, frame) == pytest.approx(0.5 * weight(performed, frame) + 0.1, abs=1e-4)
        other = shape(performed, frame, "mouthSmileLeft")
        assert other == pytest.approx(weight(performed, frame, "mouthSmileLeft"), abs=1e-4)
    row.performer = "B"
    assert shape(performed, 20) == pytest.approx(weight(performed, 20), abs=1e-4)
    row.performer = "A"
    press("remove_gain")
    assert shape(performed, 20) == pytest.approx(weight(performed, 20), abs=1e-4)
    with pytest.raises(RuntimeError, match="No shape is tuned"):
        press("remove_gain")


def test_tuning_leaves_hand_made_keys_of_other_curves_alone(performed):
    action = performed.takes[0].action_a
    curve = next(c for c in module("scene.actions").curves_of(action) if "mouthSmileLeft" in c.data_path)
    curve.keyframe_points[19].co.y = 0.777
    curve.update()
    row = performed.gains.add()
    row.shape, row.gain = "jawOpen", 2.0
    assert shape(performed, 20, "mouthSmileLeft") == pytest.approx(0.777)
    assert shape(performed, 20) == pytest.approx(min(1.0, 2.0 * weight(performed, 20)), abs=1e-4)


def test_an_older_take_is_tuned_when_it_is_chosen(performed):
    press("another_take", wait=60)
    settings = settings_now()
    row = settings.gains.add()
    row.shape, row.gain = "jawOpen", 0.25
    settings.active_take = 0
    assert shape(settings, 20) == pytest.approx(0.25 * weight(settings, 20), abs=1e-4)


def test_tweaks_are_added_on_top_and_can_be_muted(performed, scene):
    plain = {frame: turned(performed, frame) for frame in (10, 30)}
    open_jaw = shape(performed, 30)
    assert press("tweak") == {"FINISHED"}
    armature = performed.a.armature
    assert armature.animation_data.use_tweak_mode
    np.testing.assert_allclose(turned(performed, 30), plain[30], atol=1e-6)  # an empty layer changes nothing
    scene.frame_set(30)
    bone = armature.pose.bones["LeftArm"]
    wanted = bone.rotation_quaternion @ Quaternion((0, 0, 1), 0.4)
    bone.rotation_quaternion = wanted
    bone.keyframe_insert("rotation_quaternion", frame=30)
    block = keys_of(armature).key_blocks["jawOpen"]
    block.value = open_jaw / 2
    block.keyframe_insert("value", frame=30)
    assert press("tweak") == {"FINISHED"}
    assert not armature.animation_data.use_tweak_mode
    np.testing.assert_allclose(turned(performed, 30), wanted, atol=1e-5)
    assert shape(performed, 30) == pytest.approx(open_jaw / 2, abs=1e-4)
    take = performed.takes[0].action_a
    curve = next(c for c in module("scene.actions").curves_of(take) if "LeftArm" in c.data_path)
    assert len(curve.keyframe_points) == 45  # the take below is as it was
    armature.animation_data.nla_tracks[-1].mute = True
    np.testing.assert_allclose(turned(performed, 30), plain[30], atol=1e-6)


def test_a_later_take_is_kept_under_the_tweaks(performed):
    press("tweak")
    press("tweak")
    press("another_take", wait=60)
    press("keep")
    settings = settings_now()
    names = [track.name for track in settings.a.armature.animation_data.nla_tracks]
    assert names[-1] == "Duologue Tweaks"
    assert len(names) == 3
    press("tweak")
    assert len(settings.a.armature.animation_data.nla_tracks) == 3  # the layer that is there is used


def test_clear_removes_an_empty_tweak_layer_but_never_keys(performed, scene):
    press("tweak")
    scene.frame_set(30)
    performed.a.armature.pose.bones["Head"].keyframe_insert("rotation_quaternion", frame=30)
    press("tweak")
    press("clear")
    settings = settings_now()
    assert [a.name for a in bpy.data.actions] == [f"{settings.a.armature.name} Tweaks"]
    assert [t.name for t in settings.a.armature.animation_data.nla_tracks] == ["Duologue Tweaks"]
    assert not settings.b.armature.animation_data.nla_tracks
    assert not bpy.data.images


def test_a_bake_is_what_played_every_third_frame(performed):
    frames = (1, 4, 28, 43, 45)
    before = {frame: (turned(performed, frame), shape(performed, frame)) for frame in frames}
    assert press("bake", step=3) == {"FINISHED"}
    action = performed.a.armature.animation_data.action
    assert action.name == f"{performed.a.armature.name} Take 1 Baked"
    assert not module("scene.actions").is_ours(action)
    times = {p.co.x for c in module("scene.actions").curves_of(action) for p in c.keyframe_points}
    assert times == {*range(1, 46, 3), 45}
    for frame, (bone, jaw) in before.items():
        np.testing.assert_allclose(turned(performed, frame), bone, atol=1e-5)
        assert shape(performed, frame) == pytest.approx(jaw, abs=1e-5)
    press("clear")  # the bake is the animator's
    assert action in list(bpy.data.actions)
    assert settings_now().a.armature.animation_data.action == action


def test_a_bake_of_tweaks_on_a_kept_take_in_euler_mode(performed, scene):
    armature = performed.a.armature
    for bone in armature.pose.bones:
        bone.rotation_mode = "YZX"
    press("write_take")
    press("tweak")
    scene.frame_set(20)
    bone = armature.pose.bones["LeftArm"]
    bone.rotation_euler.x += 0.3
    bone.keyframe_insert("rotation_euler", frame=20)
    press("tweak")

    def angles(frame):
        scene.frame_set(frame)
        evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        return np.array(evaluated.pose.bones["LeftArm"].rotation_euler)

    before = {frame: (angles(frame), shape(performed, frame)) for frame in (3, 20, 40)}
    assert press("bake", step=1) == {"FINISHED"}
    assert all(track.mute for track in armature.animation_data.nla_tracks)
    for frame, (turn, jaw) in before.items():
        np.testing.assert_allclose(angles(frame), turn, atol=1e-5)
        assert shape(performed, frame) == pytest.approx(jaw, abs=1e-5)


def test_keep_never_touches_the_animator_s_tracks(performed):
    data = performed.a.armature.animation_data
    own = bpy.data.actions.new("Mine")
    track = data.nla_tracks.new()
    track.name = "Mine"
    track.strips.new("Mine", 1, own)
    press("keep")
    press("another_take", wait=60)
    press("keep")
    data = settings_now().a.armature.animation_data
    assert [(t.name.split()[-1], t.mute) for t in data.nla_tracks] == [("Mine", False), ("1", True), ("2", False)]
    press("clear")
    assert [t.name for t in settings_now().a.armature.animation_data.nla_tracks] == ["Mine"]
    assert bpy.data.actions.get("Mine") is not None


def test_what_can_not_be_done_yet_says_why(ready_to_perform):
    for name, reason in {
        "keep": "There is no new take",
        "tweak": "no take yet",
        "bake": "no take yet",
        "another_take": "no take yet",
        "run_again": "no take yet",
        "remake": "no take yet",
        "play_take": "no take yet",
        "write_take": "no take yet",
        "compare_takes": "no take yet",
    }.items():
        with pytest.raises(RuntimeError, match=reason):
            press(name)
