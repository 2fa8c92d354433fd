# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension under its installed name: registration, every button with its reasons, and a take over a real server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy
import pytest
from conftest import HERE, MODULE
from duologue.errors import DuologueError
from duologue.wire.local import LocalServer
from examples import write_voice
from pressing import chosen_take

REASONS = {
    # pressed in an empty scene, every button says what is missing
    "perform": "Choose an armature for A",
    "cancel": "No take is being made",
    "keep": "There is no new take",
    "clear": "No Duologue take",
    "stop_server": "Blender has started no server",
}


def press(name: str, **arguments: object) -> set[str]:
    return getattr(bpy.ops.duologue, name)("EXEC_DEFAULT", **arguments)


@pytest.fixture
def settings(extension, scene):
    return scene.duologue


@pytest.fixture
def session(extension):
    return sys.modules[f"{MODULE}.session.session"].session


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real server process that acts out the example take, and its connection file."""
    python = os.environ.get("DUOLOGUE_TEST_SERVER_PYTHON", sys.executable)
    path = os.pathsep.join([str(HERE), str(HERE.parent.parent / "backend")])
    with LocalServer.start(
        performance="performances:Acting", device="cpu", python=python, environment={"PYTHONPATH": path}
    ) as running:
        file = tmp_path_factory.mktemp("server") / "server.json"
        running.connection.save(file)
        yield file


@pytest.fixture
def ready(settings, server, tmp_path):
    """Everything chosen that a performance needs."""
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.where, preferences.file = "FILE", str(server)
    press("add_sample_pair")
    for performer, name in ((settings.a, "A"), (settings.b, "B")):
        performer.source = "FILE"
        performer.file = str(write_voice(tmp_path / f"{name}.wav", 1.5))
    settings.steps = 1
    return settings


def test_it_registers_twice_in_a_loop(extension):
    for _ in range(3):
        bpy.ops.preferences.addon_disable(module=MODULE)
        assert not hasattr(bpy.types.Scene, "duologue")
        assert not hasattr(bpy.types, "DUOLOGUE_PT_main")
        bpy.ops.preferences.addon_enable(module=MODULE)
        assert hasattr(bpy.types.Scene, "duologue")


@pytest.mark.parametrize(("name", "reason"), REASONS.items())
def test_a_grey_button_says_why(settings, name, reason):
    operator = getattr(bpy.ops.duologue, name)
    assert not operator.poll()
    with pytest.raises(RuntimeError, match=reason):
        press(name)


def test_every_button_and_field_has_a_tooltip(extension):
    for name in dir(bpy.ops.duologue):
        kind = getattr(bpy.ops.duologue, name).get_rna_type()
        assert len(kind.description) > 10, name
    module = sys.modules[f"{MODULE}.properties"]
    for cls in module.CLASSES:
        for prop in cls.bl_rna.properties:
            if prop.identifier not in {"rna_type", "name", "a", "b", "found", "problem"}:
                assert prop.description, f"{cls.__name__}.{prop.identifier}"


def test_the_sample_pair_stands_face_to_face_and_is_recognised(settings):
    press("add_sample_pair")
    assert settings.a.armature.location.x < 0 < settings.b.armature.location.x
    for performer in settings.performers():
        assert performer.problem == ""
        assert "60 bones" in performer.found
        assert "ARKit" in performer.found
    briefing = sys.modules[f"{MODULE}.briefing"]
    start = briefing.place_of(settings.a.armature)
    assert (start.x, start.z) == pytest.approx((-0.6, 0.0))
    assert start.heading == pytest.approx(briefing.sample_starts()["A"].heading, abs=1e-6)


def test_the_same_armature_twice_is_refused(ready):
    ready.b.armature = ready.a.armature
    with pytest.raises(RuntimeError, match="same armature"):
        press("perform")


def test_a_missing_sound_is_refused(ready):
    ready.a.file = "/nowhere/a.wav"
    with pytest.raises(RuntimeError, match="does not exist"):
        press("perform")


def test_a_channel_that_is_not_there_is_refused(ready):
    ready.a.channel = 2
    with pytest.raises(RuntimeError, match="has 1 channels"):
        press("perform")


def test_a_missing_connection_file_is_named(ready):
    bpy.context.preferences.addons[MODULE].preferences.file = "/nowhere/server.json"
    with pytest.raises(RuntimeError, match="connection file"):
        press("test_connection")


def test_an_unreachable_server_is_named(ready, tmp_path, session):
    import json

    preferences = bpy.context.preferences.addons[MODULE].preferences
    dead = json.loads(Path(preferences.file).read_text())
    dead |= {"endpoint": "tcp://127.0.0.1:9", "pid": 0}
    (tmp_path / "dead.json").write_text(json.dumps(dead))
    (tmp_path / "dead.json").chmod(0o600)
    preferences.file = str(tmp_path / "dead.json")
    with pytest.raises(RuntimeError, match="server"):
        press("test_connection", wait=30)
    assert session.server_state().failed
    session.close()


def test_a_performance_on_another_server_than_before_fails_by_its_own_reason(ready, tmp_path, session):
    import json

    assert press("test_connection", wait=30) == {"FINISHED"}
    preferences = bpy.context.preferences.addons[MODULE].preferences
    dead = json.loads(Path(preferences.file).read_text()) | {"endpoint": "tcp://127.0.0.1:9", "pid": 0}
    (tmp_path / "dead.json").write_text(json.dumps(dead))
    (tmp_path / "dead.json").chmod(0o600)
    preferences.file = str(tmp_path / "dead.json")
    with pytest.raises(RuntimeError, match="nothing answers"):
        press("perform", wait=30)
    assert session.state == "FAILED"
    session.close()


def test_a_connection_is_tested(ready, session):
    assert press("test_connection", wait=30) == {"FINISHED"}
    assert "Connected to tcp://" in session.server_state().text
    session.close()
    assert session.server_state().text == "Not connected"


def test_a_take_is_performed_kept_and_cleared(ready, session, scene):
    assert press("perform", wait=60) == {"FINISHED"}
    assert session.state == "DONE", session.message
    assert scene.frame_end >= 45
    take = chosen_take(ready)
    assert take.frames == 45
    for performer in ready.performers():
        mesh = next(ob for ob in performer.armature.children if ob.type == "MESH")
        action = performer.armature.animation_data.action
        assert action == mesh.data.shape_keys.animation_data.action
        assert action.frame_range[1] - action.frame_range[0] == 44
    assert not bpy.ops.duologue.cancel.poll()
    assert press("keep") == {"FINISHED"}
    assert ready.a.armature.animation_data.action is None
    assert len(ready.a.armature.animation_data.nla_tracks) == 1
    ready.seed = 5
    press("perform", wait=60)
    press("keep")
    assert [track.mute for track in ready.a.armature.animation_data.nla_tracks] == [True, False]
    assert press("clear") == {"FINISHED"}
    assert not ready.a.armature.animation_data.nla_tracks
    assert not bpy.data.actions
    session.close()


def test_a_take_streams_onto_the_characters_while_it_is_made(ready, session):
    ready.steps = 5
    before = [bone.rotation_quaternion.copy() for bone in ready.a.armature.pose.bones]
    press("perform")
    poses = []
    while session.pump():
        if session.frames_done and not bpy.data.actions:
            poses.append(tuple(ready.a.armature.pose.bones["Head"].rotation_quaternion))
            assert bpy.ops.duologue.cancel.poll()
            assert not bpy.ops.duologue.perform.poll()
        import time

        time.sleep(0.02)
    assert len(set(poses)) >= 2
    assert session.state == "DONE"
    after = [bone.rotation_quaternion for bone in ready.a.armature.pose.bones]
    assert any(a != b for a, b in zip(before, after, strict=True))
    session.close()


def test_a_cancelled_take_leaves_everything_as_it_was(ready, session):
    import time

    ready.steps = 20
    bone = ready.a.armature.pose.bones["Head"]
    bone.keyframe_insert("rotation_quaternion", frame=1)
    own = ready.a.armature.animation_data.action
    press("perform")
    while session.pump() and not session.frames_done:
        time.sleep(0.02)
    assert ready.a.armature.animation_data.action is None
    pressed = time.monotonic()
    press("cancel")
    while session.pump():
        time.sleep(0.02)
    assert time.monotonic() - pressed < 1.5
    assert session.state == "CANCELLED"
    assert ready.a.armature.animation_data.action == own
    assert not own.use_fake_user
    assert tuple(bone.rotation_quaternion) == (1.0, 0.0, 0.0, 0.0)
    session.close()


def test_switching_off_while_a_take_is_made_leaves_nothing_behind(ready, session):
    import threading
    import time

    ready.steps = 20
    press("perform")
    while session.pump() and session.state != "RUNNING":
        time.sleep(0.02)
    bpy.ops.preferences.addon_disable(module=MODULE)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("duologue")]
    bpy.ops.preferences.addon_enable(module=MODULE)


def test_a_server_is_started_and_stopped_by_blender(ready, session, monkeypatch, tmp_path):
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.where, preferences.environment = "LOCAL", str(tmp_path / "no-python")
    with pytest.raises(RuntimeError, match="has no Python"):
        press("start_server")
    preferences.environment = os.environ.get("DUOLOGUE_TEST_SERVER_PYTHON", sys.executable)
    path = os.pathsep.join([str(HERE), str(HERE.parent.parent / "backend")])
    monkeypatch.setattr(sys.modules[f"{MODULE}.session.opening"], "find_server", lambda: None)
    start = LocalServer.start
    monkeypatch.setattr(
        LocalServer,
        "start",
        lambda python, log: start(
            python=python, log=log, device="cpu", performance="performances:Acting", environment={"PYTHONPATH": path}
        ),
    )
    assert press("start_server", wait=60) == {"FINISHED"}
    assert session.owns_server
    assert not bpy.ops.duologue.start_server.poll()
    process = session._opened.server.process
    assert press("stop_server") == {"FINISHED"}
    assert process.poll() is not None
    assert not session.owns_server


def test_errors_never_come_without_a_reason(ready, monkeypatch):
    perform = sys.modules[f"{MODULE}.operators.perform"]
    monkeypatch.setattr(perform, "read_voices", lambda *_: (_ for _ in ()).throw(ZeroDivisionError("oops")))
    with pytest.raises(RuntimeError, match="A fault of Duologue: ZeroDivisionError: oops"):
        press("perform")
    monkeypatch.setattr(
        perform, "read_voices", lambda *_: (_ for _ in ()).throw(DuologueError("INTERNAL", "x", "said so"))
    )
    with pytest.raises(RuntimeError, match="said so"):
        press("perform")
