# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as a video by Blender's own FFmpeg, for where there is no PyAV: inside an installed Blender."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue.files.atomic import replacing
from duologue.passes import png
from numpy.typing import NDArray

from ..scene import compat
from ..scene.data import image_strip
from ..scene.paths import as_it_is
from . import preview

if TYPE_CHECKING:
    from bpy.types import Scene


def write_video(path: Path, pictures: Iterable[NDArray[np.uint8]], fps: float) -> None:
    """Write an MP4 of pictures (H, W, 3) in a scene of its own; a :data:`duologue.passes.video.WriteVideo`.

    Raises:
        DuologueError: what :func:`duologue.files.atomic.replacing` raises.
    """
    with tempfile.TemporaryDirectory(prefix="duologue-") as temporary, replacing(path) as video:
        files: list[Path] = []
        size = (0, 0)
        for i, picture in enumerate(pictures, start=1):
            files.append(Path(temporary, f"{i:06}.png"))
            png.write(files[-1], picture)
            size = picture.shape[1], picture.shape[0]
        scene = bpy.data.scenes.new("Duologue Film")
        try:
            _lay(scene, files, size, fps)
            preview.set_output(scene, video, size)
            compat.view_plainly(scene)
            scene.render.use_sequencer = True
            scene.render.dither_intensity = 0.0
            ffmpeg: Any = scene.render.ffmpeg
            ffmpeg.constant_rate_factor, ffmpeg.audio_codec = "PERC_LOSSLESS", "NONE"
            preview.render_animation(scene, lambda done, total: None)
        finally:
            bpy.data.scenes.remove(scene)


def _lay(scene: Scene, files: list[Path], size: tuple[int, int], fps: float) -> None:
    rate = Fraction(fps).limit_denominator(1001)
    scene.render.fps, scene.render.fps_base = rate.numerator, float(rate.denominator)
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.frame_start, scene.frame_end = 1, len(files)
    strip = compat.editor_of(scene).strips.new_image("Pictures", as_it_is(files[0]), 1, 1, fit_method="ORIGINAL")
    for file in files[1:]:
        image_strip(strip).elements.append(file.name)
    compat.set_strip_length(strip, len(files))
