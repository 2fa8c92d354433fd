# SPDX-License-Identifier: GPL-3.0-or-later
"""Our passes against what Cycles itself says of a scene: the people's outlines, depth and flow."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from duologue.brief.interactions import Interaction
from duologue.files.atomic import replacing
from duologue.passes import Painter
from duologue.passes.contract import PARTS
from duologue.passes.options import Span
from duologue.take import Take
from numpy.typing import NDArray

from ..cast.cast import Performer
from ..interactions import solving
from ..scene import compat, passes
from ..scene.data import mesh_of
from ..takes.writer import write_take
from . import exr
from .passes import Request, Studio
from .shot import FIRST_FRAME, add_sample_pair

Pass = NDArray[np.float32]

_SIZE = (256, 256)


def compare(take: Path, interaction: Interaction, seconds: float, out: Path, emit: Callable[..., None]) -> list[str]:
    """Let the sample characters play a take and touch, and write how near our passes of one moment are to Cycles' own.

    Raises:
        DuologueError: what ``Take.load`` and ``solving.at_once`` raise.
    """
    emit("progress", stage="passes", done=0, total=1)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = 30
    played = Take.load(take)
    pair = add_sample_pair(scene)
    write_take(played, pair, FIRST_FRAME, 30.0)
    solving.at_once(scene, pair, solving.Asked((interaction,), FIRST_FRAME, played.frames))
    _add_camera(scene)
    frame = FIRST_FRAME + round(seconds * 30)
    figures = against_cycles(scene, pair, frame, _SIZE)
    with replacing(out) as temporary:
        temporary.write_text(json.dumps(figures), encoding="utf-8")
    emit("progress", stage="passes", done=1, total=1)
    return [out.name]


def _add_camera(scene: Any) -> None:
    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    camera.location, camera.rotation_euler = (0.0, -2.2, 1.35), (np.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera


def against_cycles(scene: Any, pair: Sequence[Performer], frame: int, size: tuple[int, int]) -> dict[str, float]:
    """Return ``part_iou`` of the worse of both people, ``depth_mm`` that 99.9 % and ``flow_error_px`` that 99 % are within."""
    studio = Studio(scene, pair, Request(Path(), Span(frame, frame), size))
    with passes.staying(scene), passes.as_rendered(scene):
        now, after = studio.moment(frame), studio.moment(frame + 1)
    ours = Painter(size, now, None, ("part", "depth", "flow", "visible")).draw(now, after)
    with tempfile.TemporaryDirectory() as folder:
        truth = cycles(scene, pair, frame, size, Path(folder) / "truth.exr")
    return differences(ours, truth)


def differences(ours: dict[str, NDArray[Any]], truth: dict[str, Pass]) -> dict[str, float]:
    """Return how far our passes of a frame are from Cycles'; see :func:`against_cycles`."""
    person = ours["part"] // len(PARTS)
    overlaps = [
        float(
            ((person == k) & (truth["Object Index"] == k)).sum() / ((person == k) | (truth["Object Index"] == k)).sum()
        )
        for k in (1, 2)
    ]
    both = np.isfinite(ours["depth"]) & (truth["Depth"] < 1e5) & (person == truth["Object Index"])
    # Cycles' vector to the next frame: to the left and up.
    theirs = np.stack([-truth["Vector.Z"], truth["Vector.W"]], axis=-1)
    seen = (ours["visible"] > 0) & (person > 0) & both
    error = np.linalg.norm(ours["flow"].astype(float) - theirs, axis=-1)[seen]
    return {
        "part_iou": min(overlaps),
        "depth_mm": 1000 * float(np.percentile(np.abs(ours["depth"] - truth["Depth"])[both & (person > 0)], 99.9)),
        "flow_error_px": float(np.percentile(error, 99)),
        "largest_flow_px": float(np.linalg.norm(theirs[seen], axis=-1).max()),
    }


def cycles(scene: Any, pair: Sequence[Performer], frame: int, size: tuple[int, int], path: Path) -> dict[str, Pass]:
    """Render Cycles' own passes, one sample in the middle of each pixel."""
    render = scene.render
    scene.frame_set(frame)
    render.engine, scene.cycles.samples = "CYCLES", 1
    scene.cycles.device, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = "CPU", False, False
    scene.cycles.pixel_filter_type, scene.cycles.filter_width, scene.cycles.max_bounces = "BLACKMAN_HARRIS", 0.01, 0
    layer = bpy.context.view_layer
    layer.use_pass_z = layer.use_pass_vector = layer.use_pass_object_index = layer.use_pass_material_index = True
    for number, performer in enumerate(pair, start=1):
        for mesh in performer.meshes:
            mesh.pass_index = number
            for i, material in enumerate(mesh_of(mesh).materials, start=1):
                if material is not None:
                    material.pass_index = i
    render.resolution_x, render.resolution_y, render.resolution_percentage = *size, 100
    compat.choose_layers(scene)
    render.use_file_extension, render.filepath = False, str(path)
    bpy.ops.render.render(write_still=True)
    names = {"Depth": "Z", "Object Index": "X", "IndexOB": "X", "Material Index": "X", "IndexMA": "X"}
    found: dict[str, Pass] = {}
    for full, values in exr.read(path).items():
        *_, of, channel = full.split(".")
        found[of if of in names else f"{of}.{channel}"] = values
    for old, new in (("IndexOB", "Object Index"), ("IndexMA", "Material Index")):
        if old in found:
            found.setdefault(new, found[old])
    return found
