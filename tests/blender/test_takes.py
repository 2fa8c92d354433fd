# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of takes: made, switched, compared, made again in whole and in part, saved, appended, undone and removed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from duologue.take import Take
from duologue.units import FPS
from examples import write_voice
from pressing import actions_of, chosen_take, keys_of, module, press, settings_now, shape, turned


@pytest.fixture
def two(performed):
    """Two takes of one brief; the second plays."""
    assert press("another_take", wait=60) == {"FINISHED"}
    return performed


def test_a_finished_take_is_in_the_list_with_all_that_made_it(performed):
    (entry,) = performed.takes
    assert (entry.name, entry.seed, entry.frames, entry.complete) == ("Take 1", 0, 45, True)
    assert entry.seconds == pytest.approx(1.5)
    brief = module("takes.store").load_brief(entry)
    assert brief.relationship == performed.relationship
    assert [about["source"] for about in json.loads(entry.speech)] == [performed.a.file, performed.b.file]
    take = chosen_take(performed)
    assert take.digest() == entry.digest
    assert take.provenance["brief"] == brief.digest(module("takes.store").load_speech(entry))
    assert actions_of(performed) == [entry.action_a, entry.action_a, entry.action_b, entry.action_b]
    assert entry.action_a.use_fake_user
    assert performed.active_take == 0


def test_another_take_has_another_seed_and_leaves_the_first_alone(two):
    assert [entry.name for entry in two.takes] == ["Take 1", "Take 2"]
    assert [entry.seed for entry in two.takes] == [0, 1]
    assert two.takes[0].brief.replace('"seed": 0', "") == two.takes[1].brief.replace('"seed": 1', "")
    assert len(bpy.data.actions) == 4
    assert actions_of(two)[0] == two.takes[1].action_a
    two.active_take = 0
    press("another_take", wait=60)
    assert two.takes[2].seed == 2  # 1 is taken
    assert "Take 1" in two.takes[2].origin


def test_run_again_makes_the_same_take_bit_for_bit_whatever_the_panel_says_now(performed, tmp_path):
    performed.relationship, performed.seed = "teacher / student", 9
    performed.a.file = "/nowhere/else.wav"
    assert press("run_again", wait=60) == {"FINISHED"}
    first, again = performed.takes
    assert again.digest == first.digest
    assert again.seed == 0


def test_run_again_without_the_kept_speech_takes_the_scene_s_if_it_is_the_same(performed):
    folder = module("takes.store").folder()
    for file in folder.glob("speech-*"):
        file.unlink()
    press("run_again", wait=60)
    assert performed.takes[1].digest == performed.takes[0].digest
    for file in folder.glob("speech-*"):
        file.unlink()
    performed.a.file = performed.b.file
    write_voice(Path(performed.b.file), 1.4)
    with pytest.raises(RuntimeError, match="is other speech; choose the same strips or files"):
        press("run_again", wait=60)


def test_a_click_in_the_list_puts_a_take_on_the_characters_and_deletes_nothing(two):
    second = turned(two, 30)
    two.active_take = 0
    assert actions_of(two) == [two.takes[0].action_a] * 2 + [two.takes[0].action_b] * 2
    assert np.abs(turned(two, 30) - second).max() > 1e-3
    assert len(bpy.data.actions) == 4
    two.active_take = 1
    np.testing.assert_allclose(turned(two, 30), second, atol=1e-6)


def test_compare_switches_to_and_fro(two):
    assert press("compare_takes") == {"FINISHED"}
    assert two.active_take == 0
    press("compare_takes")
    assert two.active_take == 1


def test_compare_with_nothing_to_compare_says_so(performed):
    with pytest.raises(RuntimeError, match="Only one take was looked at"):
        press("compare_takes")


def test_keep_switch_and_compare_kept_takes(two):
    press("keep")
    two.active_take = 0
    press("keep")
    data = two.a.armature.animation_data
    assert data.action is None
    assert [(t.strips[0].action, t.mute) for t in data.nla_tracks] == [
        (two.takes[1].action_a, True),
        (two.takes[0].action_a, False),
    ]
    first = turned(two, 30)
    two.active_take = 1  # a click plays its track and mutes the other
    assert [t.mute for t in data.nla_tracks] == [False, True]
    assert np.abs(turned(two, 30) - first).max() > 1e-3
    assert [t.mute for t in keys_of(two.a.armature).animation_data.nla_tracks] == [False, True]


def test_removing_a_take_leaves_the_others(two):
    press("keep")
    press("remove_take")
    assert [entry.name for entry in two.takes] == ["Take 1"]
    assert len(bpy.data.actions) == 2
    assert not two.a.armature.animation_data.nla_tracks
    assert actions_of(two)[0] == two.takes[0].action_a  # the one that is left plays
    press("remove_take")
    assert not two.takes
    assert not bpy.data.actions
    with pytest.raises(RuntimeError, match="no take yet"):
        press("remove_take")


def test_the_animator_s_own_action_comes_back_when_the_takes_are_gone(ready_to_perform):
    armature = ready_to_perform.a.armature
    armature.pose.bones["Head"].keyframe_insert("rotation_quaternion", frame=1)
    own = armature.animation_data.action
    press("perform", wait=60)
    press("another_take", wait=60)
    press("keep")
    assert [t.strips[0].action for t in armature.animation_data.nla_tracks if t.name.startswith("[")] == [own]
    assert press("clear") == {"FINISHED"}
    assert armature.animation_data.action == own
    assert not armature.animation_data.nla_tracks
    assert list(bpy.data.actions) == [own]
    np.testing.assert_allclose(turned(ready_to_perform, 30), (1, 0, 0, 0))  # what only the takes moved is at rest again
    assert shape(ready_to_perform, 30) == 0.0


def test_a_take_that_is_not_on_the_characters_any_more_is_put_back(performed):
    own = bpy.data.actions.new("Mine")
    performed.a.armature.animation_data.action = own
    press("play_take")
    assert performed.a.armature.animation_data.action == performed.takes[0].action_a
    stashed = performed.a.armature.animation_data.nla_tracks[0]
    assert (stashed.strips[0].action, stashed.mute) == (own, True)


def test_other_characters_play_a_take_after_recasting(performed, tmp_path):
    """The take goes through the rig map of whoever is cast now."""
    from examples import write_character

    first = performed.takes[0].action_a
    characters, scene = module("cast.characters"), bpy.context.scene
    character = characters.build(write_character(tmp_path / "tall.safetensors", 1.9, "Tall"), scene.collection)
    bpy.context.view_layer.update()
    performed.a.armature = character.armature
    press("play_take")
    entry = performed.takes[0]
    assert character.armature.animation_data.action == entry.action_a != first
    assert entry.armature_a == character.armature


def test_writing_anew_follows_a_changed_rotation_mode(performed):
    before = turned(performed, 20)
    bone = performed.a.armature.pose.bones["LeftArm"]
    bone.rotation_mode = "XYZ"
    press("write_take")
    bpy.context.scene.frame_set(20)
    evaluated = performed.a.armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones["LeftArm"]
    assert abs(np.dot(np.array(evaluated.rotation_euler.to_quaternion()), before)) == pytest.approx(1, abs=1e-5)


def test_a_take_whose_file_is_gone_still_plays_and_says_what_can_not_be_done(performed):
    store = module("takes.store")
    (store.folder() / performed.takes[0].file).unlink()
    press("play_take")
    with pytest.raises(RuntimeError, match="not on this computer"):
        press("write_take")
    row = performed.gains.add()
    row.gain = 0.5
    assert "not on this computer" in performed.take_problem
    press("run_again", wait=60)
    assert performed.takes[1].digest == performed.takes[0].digest


def test_undo_and_redo_after_every_button(two, tmp_path):
    def state():
        settings = settings_now()
        data = settings.a.armature.animation_data
        return (
            [entry.name for entry in settings.takes],
            settings.active_take,
            data.action.name if data.action else "",
            [(track.name, track.mute) for track in data.nla_tracks],
            sorted(action.name for action in bpy.data.actions),
        )

    bpy.ops.ed.undo_push(message="before")
    for name in ("compare_takes", "keep", "tweak", "play_take", "bake", "write_take", "remove_take", "clear"):
        before = state()
        assert press(name) == {"FINISHED"}, name
        after = state()
        assert bpy.ops.ed.undo() == {"FINISHED"}
        assert state() == before, name
        assert bpy.ops.ed.redo() == {"FINISHED"}
        assert state() == after, name


def test_undo_takes_back_a_whole_take(performed):
    press("another_take", wait=60)
    bpy.ops.ed.undo()
    settings = settings_now()
    assert [entry.name for entry in settings.takes] == ["Take 1"]
    assert settings.a.armature.animation_data.action == settings.takes[0].action_a
    bpy.ops.ed.redo()
    assert len(settings_now().takes) == 2


def test_takes_survive_saving_and_loading(two, tmp_path):
    two.takes[0].notes = "the shrug"
    press("keep")
    frame = turned(two, 30)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    settings = settings_now()
    assert [entry.name for entry in settings.takes] == ["Take 1", "Take 2"]
    assert settings.takes[0].notes == "the shrug"
    np.testing.assert_allclose(turned(settings, 30), frame, atol=1e-6)
    settings.active_take = 0
    assert settings.a.armature.animation_data.action == settings.takes[0].action_a
    press("run_again", wait=60)
    assert settings_now().takes[2].digest == settings_now().takes[0].digest


def test_a_scene_with_takes_is_appended_whole(two, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(tmp_path / "scene.blend")) as (there, here):
        here.scenes = there.scenes
    bpy.context.window.scene = here.scenes[0]
    settings = settings_now()
    assert [entry.name for entry in settings.takes] == ["Take 1", "Take 2"]
    settings.active_take = 0
    assert settings.a.armature.animation_data.action == settings.takes[0].action_a
    assert press("clear") == {"FINISHED"}
    assert not bpy.data.actions


def test_a_linked_character_is_named_and_an_override_can_play(performed, tmp_path):
    library = tmp_path / "cast.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    file = performed.a.file, performed.b.file
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(library), link=True) as (there, here):
        here.collections = [name for name in there.collections if name.startswith("Duologue ")]
    scene = bpy.context.scene
    for collection in here.collections:
        scene.collection.children.link(collection)
    settings = settings_now()
    armatures = sorted((ob for ob in scene.objects if ob.type == "ARMATURE"), key=lambda ob: ob.name)
    for performer, armature, sound in zip(settings.performers(), armatures, file, strict=True):
        performer.armature, performer.source, performer.file = armature, "FILE", sound
    with pytest.raises(RuntimeError, match="library override"):
        press("perform", wait=60)
    overrides = [c.override_hierarchy_create(scene, bpy.context.view_layer) for c in here.collections]
    armatures = sorted((ob for c in overrides for ob in c.all_objects if ob.type == "ARMATURE"), key=lambda ob: ob.name)
    assert len(armatures) == 2
    for performer, armature in zip(settings.performers(), armatures, strict=True):
        assert armature.is_editable
        performer.armature = armature
    press("perform", wait=60)
    assert armatures[0].animation_data.action == settings.takes[0].action_a


def test_the_file_grows_by_its_curves_only(ready_to_perform, tmp_path):
    def size() -> int:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "size.blend"), compress=False, copy=True)
        return (tmp_path / "size.blend").stat().st_size

    before = size()
    press("perform", wait=60)
    keys = sum(len(c.keyframe_points) for a in bpy.data.actions for c in module("scene.actions").curves_of(a))
    assert size() - before < 1.1 * 72 * keys + 400_000


def test_a_take_cut_off_is_kept_as_far_as_it_came(ready_to_perform, scene):
    session = module("session.session").session
    ready_to_perform.steps = 5
    press("perform")
    while session.pump() and session.frames_done < 15:
        time.sleep(0.02)
    press("cancel")
    while session.pump():
        time.sleep(0.02)
    assert session.state == "CANCELLED"
    (entry,) = ready_to_perform.takes
    assert not entry.complete
    assert 15 <= entry.frames < 45
    assert actions_of(ready_to_perform) == [None] * 4  # the characters are as they were before
    ready_to_perform.active_take = 0
    assert actions_of(ready_to_perform)[0] == entry.action_a
    assert Take.load(module("takes.store").folder() / entry.file).frames == entry.frames
    assert entry.action_a.frame_range[1] == entry.frames
    with pytest.raises(RuntimeError, match="cut off before its end"):
        press("remake", wait=60)


def test_frames_of_a_range_are_seconds_of_the_take_in_any_frame_rate(performed, scene):
    remake = module("operators.remake")
    entry = performed.takes[0]
    performed.remake.span, performed.remake.start, performed.remake.stop = "FRAMES", 16, 30
    part = remake.part_of(scene, entry)
    assert (part.start, part.stop) == (pytest.approx(0.5), pytest.approx(1.0))
    assert part.performers == ("A", "B")
    performed.remake.performers, performed.remake.part = "B", "FACES"
    part = remake.part_of(scene, entry)
    assert (part.performers, part.bodies, part.faces) == (("B",), False, True)
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, -20, 10
    performed.remake.span = "PREVIEW"
    assert remake.part_of(scene, entry).start == 0.0
    assert remake.part_of(scene, entry).stop == pytest.approx(10 / FPS)
    performed.remake.span, performed.remake.start, performed.remake.stop = "FRAMES", 100, 200
    with pytest.raises(RuntimeError, match="have nothing of 'Take 1', which lies at 1 to 45"):
        press("remake")


def test_remake_needs_a_preview_range_where_it_is_asked_for(performed, scene):
    performed.remake.span = "PREVIEW"
    scene.use_preview_range = False
    with pytest.raises(RuntimeError, match="no preview range"):
        press("remake")
