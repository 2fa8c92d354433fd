# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest picture of a video in Blender's image editor, and what shows pictures drawn anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy

from ..scene.paths import as_it_is

if TYPE_CHECKING:
    from bpy.types import Image

_MARK: Final = "duologue_video_preview"


def put(picture: Path) -> Image:
    """Show a picture of a file in place of the one before."""
    image = image_of()
    if image is None:
        image = bpy.data.images.load(as_it_is(picture))
        image.name, image[_MARK] = "Duologue Video", True
    else:
        image.filepath = as_it_is(picture)
        image.reload()
    return image


def image_of() -> Image | None:
    """Return the image that shows the newest picture, once there was one."""
    return next((image for image in bpy.data.images if _MARK in image), None)


def show(image: Image) -> bool:
    """Show it in an image editor that is open; return whether there is one."""
    for area in _areas("IMAGE_EDITOR"):
        space: Any = area.spaces.active
        space.image = image
        return True
    return False


def redraw() -> None:
    """Have everything drawn anew that shows pictures of a video; viewports don't."""
    for kind in ("IMAGE_EDITOR", "SEQUENCE_EDITOR"):
        for area in _areas(kind):
            area.tag_redraw()


def _areas(kind: str) -> list[Any]:
    windows = bpy.context.window_manager.windows
    return [area for window in windows for area in window.screen.areas if area.type == kind]
