# SPDX-License-Identifier: GPL-3.0-or-later
"""Two ways between strips and takes: a strip that is moved takes its take along, and strips come to a take that was moved."""

from __future__ import annotations

import os
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from duologue.errors import DuologueError
from examples import add_box_pair, example_take, write_voice
from scripting import installed, last_frame, press

from addon.scene import compat, sequencer


@pytest.fixture
def settings(extension, scene, tmp_path):
    """Two people with a take, made from two strips that begin at frame 11."""
    chosen = scene.duologue
    add_box_pair(scene, tmp_path)
    chosen.first_frame = 11
    for name, performer in zip("AB", chosen.performers(), strict=True):
        performer.source, performer.file = "FILE", str(write_voice(tmp_path / f"{name}.wav", 3.0))
    press("lay_strips")
    perform(chosen)
    return chosen


def perform(chosen) -> None:
    """What Perform does with a take, without a server."""
    briefing = installed("briefing")
    briefing.read_speech(bpy.context, chosen)
    take = example_take(60)
    installed("takes.writer").write_take(take, briefing.cast_both(chosen), chosen.first_frame, 30.0)
    bpy.context.view_layer.update()


def strip_of(performer) -> bpy.types.Strip:
    return bpy.context.scene.sequence_editor.strips[performer.strip]


def move(performer, frames: int) -> None:
    compat.move_strip(strip_of(performer), frames)
    bpy.context.view_layer.update()


def begins(performer) -> float:
    return performer.armature.animation_data.action.frame_range[0]


def action_keys(performer) -> np.ndarray:
    actions = installed("scene.actions")
    rows = []
    for curve in actions.curves_of(performer.armature.animation_data.action):
        for key in curve.keyframe_points:
            rows.append((*key.co, *key.handle_left, *key.handle_right))
    return np.array(rows)


def test_files_become_strips_and_speak_from_there(settings):
    assert [performer.source for performer in settings.performers()] == ["STRIP", "STRIP"]
    assert {compat.strip_range(strip_of(performer))[0] for performer in settings.performers()} == {11}
    assert settings.a.strip != settings.b.strip
    with pytest.raises(RuntimeError, match="Choose a sound file"):
        press("lay_strips")


def test_a_take_goes_with_both_strips_and_so_does_what_is_timed_from_it(settings, scene):
    scene.timeline_markers.new("A: sit", frame=41)
    scene.timeline_markers.new("Shot 2", frame=41)
    press("add_target", performer="B", kind="GAZE")
    stamp = installed("briefing").fingerprint(bpy.context, settings)
    before, start = action_keys(settings.a), settings.b.targets[0].start
    scene.frame_set(31)
    pose = tuple(settings.a.armature.pose.bones["Head"].rotation_quaternion)
    for performer in settings.performers():
        compat.move_strip(strip_of(performer), 25)
    bpy.context.view_layer.update()
    np.testing.assert_allclose(action_keys(settings.a), before + np.tile((25, 0), 3), atol=1e-4)
    assert begins(settings.b) == 36
    assert settings.first_frame == 36
    assert sorted((marker.name, marker.frame) for marker in scene.timeline_markers) == [("A: sit", 66), ("Shot 2", 41)]
    assert settings.b.targets[0].start == start + 25
    assert installed("briefing").fingerprint(bpy.context, settings) == stamp
    scene.frame_set(56)
    assert tuple(settings.a.armature.pose.bones["Head"].rotation_quaternion) == pytest.approx(pose, abs=1e-4)
    face = next(ob for ob in settings.a.armature.children if ob.type == "MESH").data.shape_keys
    assert face.animation_data.action == settings.a.armature.animation_data.action


def test_one_strip_takes_one_performer_along_and_makes_the_take_outdated(settings):
    stamp = installed("briefing").fingerprint(bpy.context, settings)
    move(settings.a, -4)
    assert (begins(settings.a), begins(settings.b), settings.first_frame) == (7, 11, 11)
    assert installed("briefing").fingerprint(bpy.context, settings) != stamp
    move(settings.b, -4)
    assert (begins(settings.a), begins(settings.b), settings.first_frame) == (7, 7, 7)
    assert installed("briefing").fingerprint(bpy.context, settings) == stamp


def test_a_take_that_arrives_after_its_strips_were_moved_is_brought_there(settings):
    briefing = installed("briefing")
    briefing.read_speech(bpy.context, settings)
    asked_for = settings.first_frame
    for performer in settings.performers():
        compat.move_strip(strip_of(performer), 30)
    bpy.context.view_layer.update()
    installed("takes.writer").write_take(example_take(60), briefing.cast_both(settings), asked_for, 30.0)
    bpy.context.view_layer.update()
    assert (begins(settings.a), begins(settings.b), settings.first_frame) == (41, 41, 41)


def test_nothing_follows_when_it_is_switched_off(settings):
    settings.follow_strips = False
    move(settings.a, 10)
    assert begins(settings.a) == 11
    settings.follow_strips = True
    bpy.context.view_layer.update()
    move(settings.a, 1)
    assert begins(settings.a) == 22


def test_undo_and_redo_keep_take_and_strip_together(settings):
    bpy.ops.ed.undo_push(message="before")
    for performer in settings.performers():
        compat.move_strip(strip_of(performer), 25)
    bpy.ops.ed.undo_push(message="moved")  # as a click does: before anything could follow
    bpy.context.view_layer.update()
    assert begins(bpy.context.scene.duologue.a) == 36
    for press_it, frame in ((bpy.ops.ed.undo, 11), (bpy.ops.ed.redo, 36), (bpy.ops.ed.undo, 11), (bpy.ops.ed.redo, 36)):
        press_it()
        bpy.context.view_layer.update()
        again = bpy.context.scene.duologue
        assert (begins(again.a), begins(again.b), again.first_frame) == (frame, frame, frame)
        assert compat.strip_content(strip_of(again.a)) == frame


def test_a_kept_take_follows_on_its_tracks(settings):
    press("keep")
    body = settings.a.armature.animation_data.nla_tracks[0].strips[0]
    face = next(ob for ob in settings.a.armature.children if ob.type == "MESH").data.shape_keys
    moved = face.animation_data.nla_tracks[0].strips[0]
    length = body.frame_end - body.frame_start
    for frames in (40, -15):
        for performer in settings.performers():
            compat.move_strip(strip_of(performer), frames)
        bpy.context.view_layer.update()
    for strip in (body, moved):
        assert (strip.frame_start, strip.frame_end - strip.frame_start) == (36, length)


def test_a_renamed_strip_is_still_theirs(settings):
    strip_of(settings.a).name = "Anna, good one"
    bpy.context.view_layer.update()
    assert settings.a.strip == "Anna, good one"
    move(settings.a, 5)
    assert begins(settings.a) == 16


def split(strip, frame: int) -> None:
    """Cut a strip as an animator does."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = bpy.context.scene
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        for other in bpy.context.scene.sequence_editor.strips:
            other.select = other == strip
        bpy.ops.sequencer.split(frame=frame, type="SOFT", side="BOTH")


@pytest.fixture
def with_window(extension, tmp_path):
    """A file with a screen, in which strips can be cut by Blender's own operator."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps = 30
    chosen = scene.duologue
    add_box_pair(scene, tmp_path)
    for name, performer in zip("AB", chosen.performers(), strict=True):
        performer.source, performer.file = "FILE", str(write_voice(tmp_path / f"{name}.wav", 3.0))
    press("lay_strips")
    return chosen


def test_a_strip_that_was_cut_stays_one_voice(with_window):
    briefing, scene = installed("briefing"), bpy.context.scene
    voice, _ = briefing.read_speech(bpy.context, with_window)
    whole, rate = voice.samples, voice.rate
    split(strip_of(with_window.a), 31)
    assert len(sequencer.pieces(scene, "A", with_window.a.strip)) == 2
    cut, _ = briefing.read_speech(bpy.context, with_window)
    np.testing.assert_array_equal(cut.samples, whole)
    perform(with_window)
    late = sequencer.pieces(scene, "A", with_window.a.strip)[1]
    compat.move_strip(late, 30)  # a pause of a second after the first
    bpy.context.view_layer.update()
    paused = briefing.read_speech(bpy.context, with_window)[0].samples
    np.testing.assert_array_equal(paused[:rate], whole[:rate])
    assert not paused[rate : 2 * rate].any()
    np.testing.assert_array_equal(paused[2 * rate : 4 * rate], whole[rate:])
    move(with_window.a, 3)  # cut apart, there is no one place that the take could follow to
    assert begins(with_window.a) == 1
    late.mute = True
    half, _ = briefing.read_speech(bpy.context, with_window)
    assert not half.samples[rate + rate // 5 :].any()


def test_strips_dragged_in_the_sequencer_take_the_take_along_and_undo_brings_all_back(with_window):
    perform(with_window)
    window = bpy.context.window_manager.windows[0]
    split(strip_of(with_window.a), 9999)  # cuts nothing: it opens the sequencer
    area = window.screen.areas[0]
    region = next(region for region in area.regions if region.type == "WINDOW")
    bpy.ops.ed.undo_push(message="before")
    with bpy.context.temp_override(window=window, area=area, region=region):
        for strip in bpy.context.scene.sequence_editor.strips:
            strip.select = True
        assert bpy.ops.transform.seq_slide(value=(18, 0)) == {
            "FINISHED"
        }  # with True, the bpy module crashes on its own
    bpy.ops.ed.undo_push(message="moved")
    bpy.context.view_layer.update()
    chosen = bpy.context.scene.duologue
    assert (begins(chosen.a), begins(chosen.b), chosen.first_frame) == (19, 19, 19)
    bpy.ops.ed.undo()
    bpy.context.view_layer.update()
    chosen = bpy.context.scene.duologue
    assert compat.strip_content(strip_of(chosen.a)) == 1
    assert (begins(chosen.a), begins(chosen.b), chosen.first_frame) == (1, 1, 1)


def test_a_kept_takes_tweaks_go_with_it(settings):
    press("keep")
    armature = settings.a.armature
    tweaks = installed("takes.tweaks")
    tweaks.add([armature], "A", 11, 70)
    installed("scene.actions").leave_tweak_mode(armature)
    layer = tweaks.track_of(armature).strips[0]
    move(settings.a, 7)
    assert (layer.frame_start, layer.frame_end) == (18, 77)


@pytest.mark.parametrize("what", ["mute", "channel", "meta", "retimed", "gone", "picture"])
def test_a_strip_that_cant_speak_is_said_clearly(with_window, what):
    scene = bpy.context.scene
    editor, strip = scene.sequence_editor, strip_of(with_window.a)
    if what == "mute":
        strip.mute, why = True, "is muted"
    elif what == "channel":
        editor.channels[strip.channel].mute, why = True, "is muted"
    elif what == "meta":
        meta = editor.strips.new_meta("Both", 10, 1)
        strip.move_to_meta(meta)
        why = "lies in the meta strip “Both”"
    elif what == "retimed":
        window = bpy.context.window_manager.windows[0]
        split(strip_of(with_window.b), 31)
        area = window.screen.areas[0]
        region = next(region for region in area.regions if region.type == "WINDOW")
        with bpy.context.temp_override(window=window, area=area, region=region):
            for other in editor.strips:
                other.select = other == strip
            editor.active_strip = strip
            bpy.ops.sequencer.retiming_segment_speed_set(speed=200)
        why = "is retimed"
    elif what == "gone":
        editor.strips.remove(strip)
        why = "There is no strip"
    else:
        editor.strips.new_effect("Text", "COLOR", 9, 1, **last_frame(1, 20))
        with_window.a.strip, why = "Text", None
        assert len(sequencer.pieces(scene, "A", "Text")) == 0 or "A" in strip[sequencer.VOICE]
    problem = installed("briefing.missing").speech_problem(bpy.context, "A", with_window.a)
    if why is None:
        assert "is not a sound strip" in problem
        return
    assert why in problem
    with pytest.raises(DuologueError, match=why) as caught:
        installed("briefing").read_speech(bpy.context, with_window)
    assert caught.value.field == "Performer A, Speech"


def test_each_takes_a_channel_of_one_strip(extension, scene, tmp_path):
    import wave

    left, right = np.sin(np.arange(16000)), np.cos(np.arange(16000))
    with wave.open(str(tmp_path / "both.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((np.column_stack([left, right]) * 20000).astype("<i2").tobytes())
    chosen = scene.duologue
    for performer, channel in zip(chosen.performers(), (1, 2), strict=True):
        performer.source, performer.file, performer.channel = "FILE", str(tmp_path / "both.wav"), channel
    press("lay_strips")
    assert len(scene.sequence_editor.strips) == 1
    a, b = installed("briefing").read_speech(bpy.context, chosen)
    np.testing.assert_allclose(a.samples, left * 20000 / 32768, atol=1e-4)
    np.testing.assert_allclose(b.samples, right * 20000 / 32768, atol=1e-4)
    chosen.b.channel = 3
    with pytest.raises(DuologueError, match="has 2 channels") as caught:
        installed("briefing").read_speech(bpy.context, chosen)
    assert caught.value.field == "Performer B, Speech"


def test_a_packed_sound_is_read_though_its_file_is_gone(extension, scene, tmp_path):
    chosen = scene.duologue
    chosen.a.source, chosen.b.source = "STRIP", "FILE"
    voice = write_voice(tmp_path / "a.wav", 1.0)
    chosen.b.file = str(write_voice(tmp_path / "b.wav", 1.0))
    chosen.a.strip = sequencer.lay_speech(scene, "A", voice, 1, 1).name
    whole, _ = installed("briefing").read_speech(bpy.context, chosen)
    bpy.data.sounds[0].pack()
    Path(voice).unlink()
    packed, _ = installed("briefing").read_speech(bpy.context, chosen)
    np.testing.assert_array_equal(packed.samples, whole.samples)


def test_the_take_begins_with_the_speech(settings):
    settings.follow_strips = False
    move(settings.a, 20)
    move(settings.b, 9)
    assert press("begin_with_speech") == {"FINISHED"}
    assert settings.first_frame == 20


def test_speech_that_ends_before_the_take_is_said(settings):
    settings.first_frame = 500
    with pytest.raises(DuologueError, match="ends before the take's first frame 500"):
        installed("briefing").read_speech(bpy.context, settings)


def test_strips_come_to_a_take_that_was_moved(settings):
    with pytest.raises(RuntimeError, match="The take is where its strips are"):
        press("align_strips")
    for performer in settings.performers():
        installed("takes.follow").shift_action(performer.armature.animation_data.action, 12)
    bpy.context.view_layer.update()
    assert begins(settings.a) == 23  # moved by hand, it stays
    assert press("align_strips") == {"FINISHED"}
    bpy.context.view_layer.update()
    assert [compat.strip_content(strip_of(performer)) for performer in settings.performers()] == [23, 23]
    assert (begins(settings.a), begins(settings.b)) == (23, 23)
    assert not bpy.ops.duologue.align_strips.poll()
    press("keep")
    for performer in settings.performers():
        for datablock in (performer.armature,):
            strip = datablock.animation_data.nla_tracks[0].strips[0]
            strip.frame_start, strip.frame_end = strip.frame_start - 3, strip.frame_end - 3
    assert press("align_strips") == {"FINISHED"}
    assert compat.strip_content(strip_of(settings.b)) == 20


def test_watching_costs_next_to_nothing(settings):
    follow = installed("takes.follow").is_behind
    assert not follow(bpy.context)
    costs = []
    for _ in range(30):
        started = time.process_time()
        for _ in range(100):
            follow(bpy.context)
        costs.append((time.process_time() - started) / 100)
    print(f"follow: {min(costs) * 1e6:.1f} us")
    assert min(costs) < 50e-6 * float(os.environ.get("DUOLOGUE_SLOWNESS", "1"))
    started = time.process_time()
    for performer in settings.performers():
        compat.move_strip(strip_of(performer), 1)
    bpy.context.view_layer.update()
    print(f"bringing a take of 2 s along: {(time.process_time() - started) * 1e3:.1f} ms")
