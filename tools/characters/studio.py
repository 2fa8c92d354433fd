# SPDX-License-Identifier: GPL-3.0-or-later
"""A Workbench scene to draw characters in, and sheets of what was drawn. Needs the `blender` extra (bpy) and pillow."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from duologue.datasets.synthesis.characters import fields
from mathutils import Vector
from PIL import Image, ImageDraw

from addon.scene.paths import as_output

LARGEST = 400_000
"""Bytes of a sheet that a repository may hold."""


@dataclass(frozen=True)
class View:
    """From where a camera looks at a point: our axes, metres, degrees; ``azimuth`` 0 is +Z, 90 is +X; ``lens`` in millimetres."""

    centre: fields.Vector
    distance: float
    azimuth: float
    elevation: float
    lens: float

    @property
    def eye(self) -> fields.Array:
        """Where the camera is (3,)."""
        azimuth, elevation = math.radians(self.azimuth), math.radians(self.elevation)
        level = math.cos(elevation)
        towards = np.array([math.sin(azimuth) * level, math.sin(elevation), math.cos(azimuth) * level])
        return np.asarray(self.centre, float) + self.distance * towards


class Studio:
    """A scene that is lit and has a camera. What stands in it is its caller's."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        look: Any = (
            scene  # the stubs say that a scene may lack these, and don't know the names that Blender registers late
        )
        look.render.engine = "BLENDER_WORKBENCH"
        look.view_settings.view_transform = "Standard"
        look.display.render_aa = "8"
        shading = look.display.shading
        shading.light, shading.color_type = "STUDIO", "MATERIAL"
        shading.show_cavity, shading.cavity_type = True, "WORLD"
        scene.world = bpy.data.worlds.new("studio")
        scene.world.color = (0.23, 0.25, 0.28)
        self.scene = scene
        self._lens = bpy.data.cameras.new("camera")
        self._lens.clip_start = 0.01
        self._camera = bpy.data.objects.new("camera", self._lens)
        scene.camera = self._camera
        scene.collection.objects.link(self._camera)

    def hurry(self) -> None:
        """Draw with coarser edges from now on, for hundreds of frames."""
        look: Any = self.scene
        look.display.render_aa = "FXAA"

    def shot(self, view: View, size: tuple[int, int], label: str = "") -> Image.Image:
        """Return a picture of ``size`` pixels, with a label in its corner."""
        self._look(view, size)
        render = self.scene.render
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder, "shot.png")
            render.filepath = as_output(picture)
            bpy.ops.render.render(write_still=True)
            image = Image.open(picture).convert("RGB")
        if label:
            ImageDraw.Draw(image).text((5, 4), label, fill=(255, 255, 255))
        return image

    def film(self, view: View, size: tuple[int, int], frames: range, start: Path) -> None:
        """Draw some of the scene's frames into files: ``start`` and the frame's number, four digits."""
        self._look(view, size)
        scene = self.scene
        scene.frame_start, scene.frame_end, scene.frame_step = frames.start, frames.stop - 1, frames.step
        scene.render.filepath = as_output(start)
        bpy.ops.render.render(animation=True)

    def _look(self, view: View, size: tuple[int, int]) -> None:
        """Put the camera in its place."""
        aim = np.asarray(view.centre, float)
        eye_b, aim_b = (Vector((v[0], -v[2], v[1])) for v in (view.eye, aim))
        self._camera.location, self._lens.lens = eye_b, view.lens
        self._camera.rotation_euler = (aim_b - eye_b).to_track_quat("-Z", "Y").to_euler()
        render = self.scene.render
        render.resolution_x, render.resolution_y = size


def sheet(images: Sequence[Image.Image], columns: int, path: Path) -> None:
    """Tile images and save as a palette PNG, which keeps a sheet small enough for a repository."""
    width, height = images[0].size
    rows = -(-len(images) // columns)
    out = Image.new("RGB", (width * columns, height * rows), (137, 142, 149))
    for i, image in enumerate(images):
        out.paste(image, ((i % columns) * width, (i // columns) * height))
    path.parent.mkdir(parents=True, exist_ok=True)
    for colours in (256, 176, 120, 80):
        reduced = out.quantize(colours, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
        reduced.save(path, optimize=True)
        if path.stat().st_size < LARGEST:
            break
    print(f"{path.name}: {path.stat().st_size // 1000} kB")
