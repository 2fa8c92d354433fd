# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos laid into parts of one picture, by Blender's sequencer: no OpenGL is needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duologue.errors import DuologueError

from ..scene import compat
from ..scene.data import movie_strip
from ..scene.paths import as_it_is

if TYPE_CHECKING:
    from bpy.types import Scene, Strip

Part = tuple[float, float, float, float]
"""Where in a picture: the middle, right and up of the picture's own in pixels, and the width and height that are to be filled."""


def lay(scene: Scene, path: Path, channel: int, frame: int, part: Part) -> Strip:
    """Lay a video into a part of the picture, as large as it fits, from ``frame`` on.

    Raises:
        DuologueError: DATA_LOSS ``video-unreadable``.
    """
    try:
        strip = compat.editor_of(scene).strips.new_movie(
            path.stem, as_it_is(path), channel, frame, fit_method="ORIGINAL"
        )
    except RuntimeError as error:
        raise DuologueError("DATA_LOSS", "video-unreadable", f"Blender can't read {path}: {error}") from error
    width, height = _size(strip)
    right, up, wide, high = part
    transform: Any = movie_strip(strip).transform
    transform.scale_x = transform.scale_y = min(wide / width, high / height)
    transform.offset_x, transform.offset_y = right, up
    strip.blend_type = "ALPHA_OVER"
    return strip


def _size(strip: Strip) -> Sequence[int]:
    element = movie_strip(strip).elements[0]
    if not element.orig_width or not element.orig_height:
        raise DuologueError("DATA_LOSS", "video-unreadable", f"{movie_strip(strip).filepath} holds no picture")
    return element.orig_width, element.orig_height
