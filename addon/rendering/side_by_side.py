# SPDX-License-Identifier: GPL-3.0-or-later
"""Two videos as one, side by side with the left one's sound: what people compare takes by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import bpy
from duologue.errors import DuologueError
from duologue.units import FPS

from ..scene import compat
from ..scene.paths import as_it_is
from . import laying, preview

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
        laying.lay(scene, path, channel, 1, (side * SIZE[0] / 4, 0.0, SIZE[0] / 2, SIZE[1]))
        for channel, (path, side) in enumerate(((left, -1), (right, 1)), start=2)
    ]
    sound = editor.strips.new_sound("Sound", as_it_is(left), 1, 1)
    scene.frame_start = 1
    scene.frame_end = max(map(compat.strip_length, strips))
    compat.set_strip_length(sound, min(compat.strip_length(sound), scene.frame_end))
    for strip in strips:
        compat.set_strip_length(strip, scene.frame_end)  # beyond its end a strip holds its last picture
    scene.render.use_sequencer = True
    preview.render_animation(scene, lambda done, total: emit("progress", stage="beside", done=done, total=total))
