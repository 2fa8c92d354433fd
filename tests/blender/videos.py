# SPDX-License-Identifier: GPL-3.0-or-later
"""Two people in front of a camera whose video is asked for, and what is looked at of it."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import numpy as np
from duologue.passes import png
from duologue.passes.sources import StoredPasses
from examples import box_pair, example_take
from test_passes import add_camera

from addon.takes.writer import write_take

SIZE = (64, 48)


def ask(scene, tmp_path: Path):
    """Cast two people of boxes who move, seen by a camera; five pictures of every second frame are asked for."""
    pair = box_pair(scene, tmp_path)
    write_take(example_take(30), pair, 1, 30)
    settings = scene.duologue
    settings.a.armature, settings.b.armature = (performer.armature for performer in pair)
    add_camera(scene)
    bpy.ops.object.light_add(type="SUN", rotation=(1.0, 0.2, 0.0))
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    video = settings.video
    video.range, video.first, video.frames, video.step = "FRAMES", 3, 5, 2
    video.width, video.height = SIZE
    video.folder = str(tmp_path / "video")
    return video


def pictures(folder: Path, count: int = 5) -> np.ndarray:
    return np.stack([png.read(folder / f"{index:04}.png") for index in range(1, count + 1)])


def read(root: Path, name: str) -> np.ndarray:
    """A pass of a video, all frames."""
    passes = StoredPasses.open(root / "passes")
    return passes.read(name, 0, passes.frames)


def strips(scene) -> list:
    return [strip for strip in scene.sequence_editor.strips if "duologue_video" in strip]


def kept(strip) -> dict:
    return json.loads(strip["duologue_video_settings"])
