# SPDX-License-Identifier: GPL-3.0-or-later
"""``duologue render`` as people start it: a take in, a scene and a video out, and named errors for what can't work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import bpy
import pytest
from conftest import REPOSITORY
from duologue.shots.events import parse
from examples import box_pair, example_take, write_voice

from addon.headless import main

FRAMES = 4


def headless(*arguments: object, environment: dict[str, str] | None = None) -> list[dict]:
    """Run addon/headless.py in a process of its own; return its events."""
    ended = subprocess.run(
        [sys.executable, REPOSITORY / "addon" / "headless.py", "--package", REPOSITORY / "backend" / "duologue", *arguments],
        capture_output=True, text=True, timeout=170, check=False, env={**os.environ, **(environment or {})},
    )  # fmt: skip
    events = [event for line in ended.stdout.splitlines() if (event := parse(line))]
    assert events, ended.stdout + ended.stderr
    assert (ended.returncode != 0) == (events[-1]["duologue"] == "error")
    return events


def here(capsys, *arguments: object) -> list[dict]:
    """The same in this process, for what draws nothing."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    events = [event for line in capsys.readouterr().out.splitlines() if (event := parse(line))]
    assert (code != 0) == (events[-1]["duologue"] == "error")
    return events


@pytest.fixture
def take(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    example_take(FRAMES).save(folder / "take.safetensors")
    for name in "AB":
        write_voice(folder / f"{name}.wav", FRAMES / 30)
    return folder / "take.safetensors"


def probe(path) -> dict[str, str]:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not here")
    entries = "stream=codec_name,width,height,r_frame_rate,nb_frames"
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", path], capture_output=True, check=True
    )
    return {stream["codec_name"]: stream for stream in json.loads(told.stdout)["streams"]}


def check_video(path) -> None:
    streams = probe(path)
    picture = streams["h264"]
    assert (picture["width"], picture["height"], picture["r_frame_rate"]) == (1280, 720, "30/1")
    assert int(picture["nb_frames"]) == FRAMES
    assert "aac" in streams


def test_a_take_becomes_a_scene_and_a_video(take, tmp_path):
    events = headless("render", take, "--out", tmp_path / "out")
    assert events[-1] == {"duologue": "done", "files": ["scene.blend", "preview.mp4"]}
    assert not [event for event in events if event["duologue"] == "note" and "OpenGL" not in event["message"]]
    done = [event["done"] for event in events if event.get("stage") == "preview"]
    assert done[-1] == FRAMES
    check_video(tmp_path / "out" / "preview.mp4")

    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "scene.blend"), load_ui=False)
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end, scene.render.fps) == (1, FRAMES, 30)
    assert scene.camera is not None
    assert len(scene.sequence_editor.strips) == 2
    assert all(strip.sound.filepath.startswith("//") for strip in scene.sequence_editor.strips)
    assert len(bpy.data.actions) == 2


def test_without_opengl_it_says_so_and_draws_all_the_same(take, tmp_path):
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("hiding the graphics driver needs root on Linux")
    # Mesa's drivers are found by files in this folder; a folder that is not there hides them all.
    events = headless("render", take, "--out", tmp_path, environment={"__EGL_VENDOR_LIBRARY_DIRS": "/nonexistent"})
    assert any(event["duologue"] == "note" and "OpenGL" in event["message"] for event in events)
    assert events[-1]["files"] == ["scene.blend", "preview.mp4"]
    check_video(tmp_path / "preview.mp4")
    hidden = {"__EGL_VENDOR_LIBRARY_DIRS": "/nonexistent"}
    assert (
        headless("render", take, "--out", tmp_path, "--engine", "eevee", environment=hidden)[-1]["reason"]
        == "no-opengl"
    )


def user_scene(scene, tmp_path):
    box_pair(scene, tmp_path)
    path = tmp_path / "user.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def test_a_user_s_scene_is_cast_by_name_or_by_itself(capsys, scene, take, tmp_path):
    blend = user_scene(scene, tmp_path)
    before = blend.read_bytes()
    for named in ((), ("--armature-a", "Box B rig", "--armature-b", "Box A rig", "--mesh-a", "Box B")):
        here(capsys, "render", take, "--out", tmp_path / "out", "--blend", blend, "--no-preview", *named)
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "scene.blend"), load_ui=False)
        who = {action["duologue_performer"]: action.name for action in bpy.data.actions}
        assert who["A"].startswith("Box B" if named else "Box A")
    assert blend.read_bytes() == before


def test_a_robot_without_hands_is_framed_all_the_same(capsys, scene, take, tmp_path):
    for box in box_pair(scene, tmp_path):
        for side in ("Left", "Right"):
            box.armature.data.bones[f"{side}Hand"].name = f"stub.{side[0]}"
    path = tmp_path / "robots.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    here(capsys, "render", take, "--out", tmp_path / "out", "--blend", path, "--no-preview")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "scene.blend"), load_ui=False)
    assert bpy.context.scene.camera is not None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--armature-a", "Nobody"), "armature-not-found"),
        (("--mesh-a", "Nothing"), "mesh-not-found"),
        (("--blend", "/nowhere.blend"), "blend-not-found"),
        (("--sound-a", "/nowhere.wav"), "sound-not-found"),
    ],
)
def test_what_is_not_there_is_named(capsys, scene, take, tmp_path, arguments, reason):
    blend = user_scene(scene, tmp_path)
    events = here(capsys, "render", take, "--out", tmp_path / "out", "--blend", blend, "--no-preview", *arguments)
    assert events[-1]["reason"] == reason


def test_a_third_armature_makes_the_cast_unclear(capsys, scene, take, tmp_path):
    box_pair(scene, tmp_path)
    other = bpy.data.objects.new("Prop", bpy.data.armatures.new("Prop"))
    scene.collection.objects.link(other)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "user.blend"))
    events = here(capsys, "render", take, "--out", tmp_path / "out", "--blend", tmp_path / "user.blend", "--no-preview")
    assert events[-1]["reason"] == "cast-unclear"
    assert "Prop" in events[-1]["message"]
    named = ("--armature-a", "Box A rig", "--armature-b", "Box B rig")
    blend = tmp_path / "user.blend"
    here(capsys, "render", take, "--out", tmp_path / "out", "--blend", blend, "--no-preview", *named)
    assert (tmp_path / "out" / "scene.blend").is_file()


def test_a_file_that_is_no_take_is_named(capsys, tmp_path):
    (tmp_path / "take.safetensors").write_bytes(b"no take")
    assert here(capsys, "render", tmp_path / "take.safetensors", "--out", tmp_path)[-1]["reason"] == "tensors-malformed"
