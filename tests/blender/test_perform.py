# SPDX-License-Identifier: GPL-3.0-or-later
"""A take in the making: shown as it comes, cancelled, interrupted, saved and undone under; and parts of a take made again."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import HERE, MODULE
from duologue.take import Take
from pressing import chosen_take, module, press, settings_now

sys.path.insert(0, str(HERE.parent / "service"))


@pytest.fixture
def session(extension):
    return module("session.session").session


def pump_until(session, condition, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"too slow: {session.state} {session.message}"
        session.pump()
        time.sleep(0.01)


@pytest.fixture
def line(ready_to_perform, acting, tmp_path):
    """The server behind a line that can be cut."""
    from duologue.service.proxy import Proxy

    known = json.loads(Path(acting).read_text())
    with Proxy(int(known["endpoint"].rpartition(":")[2])) as proxy:
        file = tmp_path / "proxied.json"
        file.write_text(json.dumps(known | {"endpoint": f"tcp://127.0.0.1:{proxy.port}"}))
        file.chmod(0o600)
        bpy.context.preferences.addons[MODULE].preferences.file = str(file)
        yield proxy
        module("session.session").session.close()


# Shown as it comes ----------------------------------------------------------------------------------------------------


def test_what_is_shown_follows_the_newest_frame_and_never_runs_ahead(extension):
    playhead = module("takes.live").Playhead()
    assert playhead.advance(1.0, 0) == 0
    shown = [playhead.advance(1 / 30, 30) for _ in range(60)]  # a second has come: it is played in a second
    assert shown[:3] == [1, 2, 3]
    assert max(shown) == 29
    steps = np.diff([playhead.advance(1 / 30, 30 + 10 * i) for i in range(200)])  # ten times as fast as it is meant
    assert steps.max() <= 11
    assert steps[-1] >= 9  # it keeps up with the server
    assert playhead.advance(1.0, 40_000) >= 29_000  # and after a freeze most is dropped at once


def test_the_characters_show_frames_of_the_take(ready_to_perform, session):
    ready_to_perform.steps = 5
    press("perform")
    shown = set()
    while session.pump():
        if (seen := session.shown()) is not None:
            skeleton, (a, _) = seen
            assert len(a) == 1
            bone = ready_to_perform.a.armature.pose.bones["LeftForeArm"]
            shown.add((a.rotations[0, skeleton.index("LeftForeArm")].tobytes(), tuple(bone.rotation_quaternion)))
        time.sleep(0.02)
    assert session.shown() is None
    assert len(shown) > 10
    assert len({turn for turn, _ in shown}) == len({pose for _, pose in shown}) == len(shown)  # a pose a frame


def test_saving_meanwhile_saves_the_characters_as_they_were(ready_to_perform, session, tmp_path):
    armature = ready_to_perform.a.armature
    armature.pose.bones["Head"].keyframe_insert("rotation_quaternion", frame=1)
    own = armature.animation_data.action.name
    ready_to_perform.steps = 5
    press("perform")
    pump_until(session, lambda: session.shown() is not None)
    assert armature.animation_data.action is None
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "meanwhile.blend"))
    assert armature.animation_data.action is None  # and it goes on
    pump_until(session, lambda: not session.busy)
    assert len(settings_now().takes) == 1
    shutil.copy(
        tmp_path / "meanwhile.blend", tmp_path / "copy.blend"
    )  # Blender appends nothing from the file it has open
    with bpy.data.libraries.load(str(tmp_path / "copy.blend")) as (_, here):
        here.objects = [armature.name]
    (saved,) = here.objects
    assert saved.animation_data.action.name.startswith(own)
    assert tuple(saved.pose.bones["LeftForeArm"].rotation_quaternion) == (1.0, 0.0, 0.0, 0.0)


def test_opening_another_file_meanwhile_ends_it_and_touches_nothing_there(ready_to_perform, session, tmp_path):
    ready_to_perform.steps = 5
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "before.blend"))
    press("perform")
    pump_until(session, lambda: session.frames_done > 0)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "before.blend"))  # with a scene and characters of the same names
    pump_until(session, lambda: not session.busy)
    assert session.state == "CANCELLED"
    assert not settings_now().takes
    assert not bpy.data.actions
    assert not bpy.app.handlers.save_pre


def test_undo_meanwhile_does_no_harm(ready_to_perform, session):
    ready_to_perform.steps = 5
    bpy.ops.ed.undo_push(message="before")
    settings_now().a.armature.location.x -= 0.1
    bpy.ops.ed.undo_push(message="moved")
    press("perform")
    pump_until(session, lambda: session.shown() is not None)
    bpy.ops.ed.undo()
    pump_until(session, lambda: not session.busy)
    assert session.state == "DONE", session.message
    (entry,) = settings_now().takes
    assert settings_now().a.armature.animation_data.action == entry.action_a


def test_a_character_deleted_meanwhile_is_told_and_the_take_is_not_lost(ready_to_perform, session):
    ready_to_perform.steps = 5
    press("perform")
    pump_until(session, lambda: session.frames_done > 0)
    bpy.data.objects.remove(settings_now().b.armature)
    pump_until(session, lambda: not session.busy)
    assert session.state == "FAILED"
    assert "no armature is chosen for B" in session.message
    (entry,) = settings_now().takes
    assert chosen_take(settings_now()).digest() == entry.digest


# Cancelled and interrupted --------------------------------------------------------------------------------------------


def test_cancel_is_quick(ready_to_perform, session):
    ready_to_perform.steps = 20
    press("perform")
    pump_until(session, lambda: session.state == "RUNNING")
    began = time.monotonic()
    press("cancel")
    pump_until(session, lambda: not session.busy)
    assert time.monotonic() - began < 1.0
    assert session.state == "CANCELLED"
    assert not ready_to_perform.takes  # nothing had come


def test_cancel_is_as_quick_when_the_line_is_down(line, ready_to_perform, session):
    ready_to_perform.steps = 5
    press("perform")
    pump_until(session, lambda: session.frames_done > 0)
    line.frozen.set()
    line.cut()
    began = time.monotonic()
    press("cancel")
    pump_until(session, lambda: not session.busy)
    assert time.monotonic() - began < 1.0 + 1.5  # the partial take is written too, on a busy machine
    assert session.state == "CANCELLED"
    assert [entry.complete for entry in ready_to_perform.takes] == [False]
    line.frozen.clear()
    assert press("perform", wait=60) == {"FINISHED"}  # the same client, once the line is back
    assert [entry.complete for entry in ready_to_perform.takes] == [False, True]


def test_cancel_while_connecting(ready_to_perform, session):
    known = json.loads(Path(bpy.context.preferences.addons[MODULE].preferences.file).read_text())
    dead = Path(bpy.context.preferences.addons[MODULE].preferences.file).with_name("silent.json")
    dead.write_text(json.dumps(known | {"endpoint": "tcp://127.0.0.1:9", "pid": 0}))
    dead.chmod(0o600)
    bpy.context.preferences.addons[MODULE].preferences.file = str(dead)
    press("perform")
    session.pump()
    began = time.monotonic()
    press("cancel")
    assert session.state == "CANCELLED"
    assert time.monotonic() - began < 0.5
    session.close()
    assert time.monotonic() - began < 2.0  # closing does not wait for a server that never answers


def test_a_broken_line_is_mended_and_the_take_is_whole(line, ready_to_perform, session):
    ready_to_perform.steps = 3
    press("perform")
    pump_until(session, lambda: session.frames_done > 0)
    line.cut()
    pump_until(session, lambda: not session.busy, 40)
    assert session.state == "DONE", session.message
    assert ready_to_perform.takes[0].complete


# Parts made again -----------------------------------------------------------------------------------------------------


def remade(settings) -> tuple[Take, Take]:
    """The first take and what came of re-making a part of it."""
    store = module("takes.store")
    settings.active_take = 0
    assert press("remake", wait=60) == {"FINISHED"}
    settings = settings_now()
    return store.load_take(settings.takes[0]), chosen_take(settings)


def test_a_stretch_is_made_again_and_the_rest_stays_bit_for_bit(performed):
    performed.remake.span, performed.remake.start, performed.remake.stop = "FRAMES", 16, 25
    before, after = remade(performed)
    kept = np.r_[0:15, 25:45]
    for old, new in zip(before.tracks, after.tracks, strict=True):
        for name in ("rotations", "root_translation", "weights"):
            assert getattr(old, name)[kept].tobytes() == getattr(new, name)[kept].tobytes()
        assert np.abs(old.rotations[15:25] - new.rotations[15:25]).max() > 1e-3
    entry = settings_now().takes[1]
    assert entry.origin == "Take 1, re-made: 0.5 to 0.8 s"
    assert after.provenance["remade"]["start"] == pytest.approx(0.5)
    assert entry.seed == 1


@pytest.mark.parametrize(("performers", "part"), [("B", "ALL"), ("BOTH", "FACES"), ("A", "BODIES")])
def test_one_performer_or_only_faces_or_bodies(performed, performers, part):
    performed.remake.performers, performed.remake.part = performers, part
    before, after = remade(performed)
    for name, old, new in zip("AB", before.tracks, after.tracks, strict=True):
        chosen = performers in ("BOTH", name)
        assert (old.rotations.tobytes() == new.rotations.tobytes()) == (not chosen or part == "FACES")
        assert (old.weights.tobytes() == new.weights.tobytes()) == (not chosen or part == "BODIES")


def test_a_part_can_follow_the_panel_s_brief(performed):
    performed.a.emotion, performed.seed = "joy", 5
    performed.remake.asked = "PANEL"
    _, after = remade(performed)
    assert after.provenance["seed"] == 5
    entry = settings_now().takes[1]
    assert module("takes.store").load_brief(entry).a.emotion[0][1] == "joy"


def test_outdated_is_told_by_the_fingerprint(performed):
    briefing = module("briefing")
    context = bpy.context
    assert performed.takes[0].fingerprint == briefing.fingerprint(context, performed)
    performed.a.emotion = "joy"
    assert performed.takes[0].fingerprint != briefing.fingerprint(context, performed)
    performed.a.emotion = "calmness"
    assert performed.takes[0].fingerprint == briefing.fingerprint(context, performed)
