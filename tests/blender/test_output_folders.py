# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder may have any name: Blender must not read its own words into it (path templates, frame numbers, ``//``)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import bpy
import pytest
from duologue.shots import blender
from duologue.shots.events import follow
from duologue.shots.perform import Outputs
from examples import example_take, write_voice

from addon.headless import parser
from addon.rendering import preview
from addon.rendering.drawing import self_command
from addon.scene.paths import as_it_is

NAMES = (
    "{}", "{blend_name}", "{{x}}", "a{", "a}", "{nope}", "50 %d %s", "a#b##", "q'\"`$&;", "ünï 日本 é", " a ", "a..", "-a",
)  # fmt: skip
ALL = "{blend_name} {} 50% ## 'q\" ünï 日本 ."

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows allows few of these")


@pytest.fixture
def empty(scene):
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.frame_end = 1
    return scene


@pytest.mark.parametrize("name", NAMES)
def test_a_video_is_written_into_a_folder_of_any_name(empty, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    preview.set_output(empty, folder / "preview.mp4", (32, 32))
    preview.render_animation(empty, lambda done, total: None)
    assert [path.name for path in folder.iterdir()] == ["preview.mp4"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_pictures_of_the_software_look_too(empty, tmp_path, monkeypatch):
    folder = tmp_path / ALL
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    pictures = preview._draw_pictures(empty, folder, lambda done, total: None)
    assert [path.name for path in folder.iterdir()] == [pictures[0].name]
    preview._show_pictures(empty, pictures)


def test_two_slashes_at_the_beginning_are_no_place_beside_the_scene(tmp_path):
    assert as_it_is(Path(f"/{tmp_path}")) == str(tmp_path)


def test_a_take_is_rendered_and_exported_whole(tmp_path):
    given = tmp_path / ALL / "in"
    given.mkdir(parents=True)
    example_take(2).save(given / "take.safetensors")
    for name in "AB":
        write_voice(given / f"{name}.wav", 2 / 30)
    out = tmp_path / ALL / "out {}"
    events = []
    arguments = ["render", str(given / "take.safetensors"), "--out", f"/{out}"]
    exports = [word for kind in ("gltf", "fbx", "usd") for word in ("--export", kind)]
    code, said = follow([*self_command(), *arguments, *exports], events.append)
    assert code == 0, (events[-1], said)
    files = events[-1]["files"]
    assert len(files) == 5
    assert sorted(path.name for path in out.iterdir()) == sorted(files)
    video = out / "preview.mp4"
    code, said = follow([*self_command(), "beside", str(video), str(video), str(out / "two.mp4")], events.append)
    assert code == 0, (events[-1], said)
    assert (out / "two.mp4").stat().st_size
    # Whoever opens the scene and presses Render writes to the same place.
    bpy.ops.wm.open_mainfile(filepath=str(out / "scene.blend"))
    video.unlink()
    bpy.context.scene.frame_end = bpy.context.scene.frame_start
    bpy.ops.render.render(animation=True)
    assert video.stat().st_size


def test_names_that_look_like_options_are_none(monkeypatch):
    given = {}
    monkeypatch.setattr(blender, "run", lambda arguments, progress: given.update(words=list(arguments)))
    outputs = Outputs(blend=Path("-b.blend"), armatures=("-a", "--out"))
    blender.render_take(
        Path("-take"), Path("-out"), outputs, print, meshes=(["-m", "-n"], []), sounds=(Path("-s"), None)
    )
    read = parser().parse_args(given["words"])
    assert (read.armature_a, read.armature_b, read.mesh_a) == ("-a", "--out", ["-m", "-n"])
    here = Path.cwd()
    assert (read.take, read.out, read.blend, read.sound_a) == tuple(
        here / n for n in ("-take", "-out", "-b.blend", "-s")
    )
