# SPDX-License-Identifier: GPL-3.0-or-later
"""Two videos as one, side by side with the left one's sound: what people compare takes by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy
from duologue.errors import DuologueError
from duologue.units import FPS

from ..scene import compat
from ..scene.data import movie_strip
from ..scene.paths import as_it_is
from . import preview

if TYPE_CHECKING:
    from bpy.types import Scene, Strip

SIZE: Final = (1920, 540)
"""Two pictures of half HD, which fit a screen."""


def join(left: Path, right: Path, video: Path, emit: Callable[..., None]) -> None:
    """Write ``video``: ``left`` and ``right`` in step, as long as the longer one, whose last picture the shorter one holds.

    Both say the same, so only the left one's sound is kept. Blender's sequencer draws it: no OpenGL is needed.

    Raises:
        DuologueError: NOT_FOUND ``video-not-found``; DATA_LOSS ``video-unreadable``.
    """
    for path in (left, right):
        if not path.is_file():
            raise DuologueError("NOT_FOUND", "video-not-found", f"{path} does not exist; render the take first")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = FPS, 1.0
    preview.set_output(scene, video, SIZE)
    compat.view_plainly(scene)
    editor = compat.editor_of(scene)
    strips = [
        _lay(scene, path, channel, side) for channel, (path, side) in enumerate(((left, -1), (right, 1)), start=2)
    ]
    sound = editor.strips.new_sound("Sound", as_it_is(left), 1, 1)
    scene.frame_start = 1
    scene.frame_end = max(map(compat.strip_length, strips))
    compat.set_strip_length(sound, min(compat.strip_length(sound), scene.frame_end))
    for strip in strips:
        compat.set_strip_length(strip, scene.frame_end)  # beyond its end a strip holds its last picture
    scene.render.use_sequencer = True
    preview.render_animation(scene, lambda done, total: emit("progress", stage="beside", done=done, total=total))


def _lay(scene: Scene, path: Path, channel: int, side: int) -> Strip:
    """Lay a video into one half of the picture, as large as it fits: ``side`` -1 for the left one, 1 for the right."""
    try:
        strip = compat.editor_of(scene).strips.new_movie(path.stem, as_it_is(path), channel, 1, fit_method="ORIGINAL")
    except RuntimeError as error:
        raise DuologueError("DATA_LOSS", "video-unreadable", f"Blender can't read {path}: {error}") from error
    width, height = _size(strip)
    scale = min(SIZE[0] / 2 / width, SIZE[1] / height)
    transform: Any = movie_strip(strip).transform
    transform.scale_x = transform.scale_y = scale
    transform.offset_x = side * SIZE[0] / 4
    strip.blend_type = "ALPHA_OVER"
    return strip


def _size(strip: Strip) -> Sequence[int]:
    element = movie_strip(strip).elements[0]
    if not element.orig_width or not element.orig_height:
        raise DuologueError("DATA_LOSS", "video-unreadable", f"{movie_strip(strip).filepath} holds no picture")
    return element.orig_width, element.orig_height
