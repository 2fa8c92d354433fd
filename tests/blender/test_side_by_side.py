# SPDX-License-Identifier: GPL-3.0-or-later
"""Two videos become one: each in its half, in step, the shorter one waiting, with sound."""

from __future__ import annotations

import json
import shutil
import subprocess

import bpy
import numpy as np
import pytest
from duologue.shots.events import parse
from examples import write_voice
from scripting import last_frame

from addon.headless import main
from addon.rendering import preview
from addon.rendering import side_by_side as beside

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def plain_video(path, colour, frames, sound):
    """A video of one colour, as a preview is made."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start, scene.frame_end = 30, 1, frames
    scene.view_settings.view_transform = "Standard"
    preview.set_output(scene, path, (320, 180))
    strips = scene.sequence_editor_create().strips
    strip = strips.new_effect("Colour", "COLOR", 1, 1, **last_frame(1, frames))
    strip.color = colour
    strips.new_sound("Sound", str(sound), 2, 1)
    scene.render.use_sequencer = True
    preview.render_animation(scene, lambda done, total: None)
    return path


def test_each_has_its_half_and_the_shorter_one_waits(tmp_path, capsys):
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        pytest.skip("ffmpeg is not here")
    voice = write_voice(tmp_path / "voice.wav", 0.4)
    left = plain_video(tmp_path / "left.mp4", RED, 12, voice)
    right = plain_video(tmp_path / "right.mp4", BLUE, 6, voice)
    both = tmp_path / "both.mp4"
    capsys.readouterr()
    assert main(["beside", str(left), str(right), str(both)]) == 0
    events = [event for line in capsys.readouterr().out.splitlines() if (event := parse(line))]
    assert events[-1] == {"duologue": "done", "files": ["both.mp4"]}

    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height,nb_frames", "-of", "json", both],
        capture_output=True, check=True,
    )  # fmt: skip
    streams = {stream["codec_name"]: stream for stream in json.loads(told.stdout)["streams"]}
    assert (streams["h264"]["width"], streams["h264"]["height"], streams["h264"]["nb_frames"]) == (*beside.SIZE, "12")
    assert "aac" in streams
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", both, "-vf", "scale=64:18", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    pictures = np.frombuffer(raw.stdout, np.uint8).reshape(12, 18, 64, 3)
    for picture in pictures[[0, 4, 11]]:
        assert picture[9, 8].argmax() == picture[9, 24].argmax() == 0
        assert picture[9, 40].argmax() == picture[9, 56].argmax() == 2
        assert picture[9, [8, 24, 40, 56]].max(-1).min() > 200


def test_what_is_missing_is_named(tmp_path, capsys):
    assert main(["beside", str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4"), str(tmp_path / "c.mp4")]) == 3
    assert '"video-not-found"' in capsys.readouterr().out
