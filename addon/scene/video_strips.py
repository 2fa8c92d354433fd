# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos that are made in the scene, as strips of pictures in its video sequencer: they grow while pictures come.

Each picture stands for as many frames as lie between two of them, so a clip of every second frame plays at the scene's pace.
What a video was made with is kept in the strip's custom properties.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import bpy

from . import compat
from .data import image_strip
from .paths import as_it_is
from .touch_strips import home_of

if TYPE_CHECKING:
    from bpy.types import Scene, Strip

MARK: Final = "duologue_video"
"""Custom property of a strip: which video it is, counted from 1."""
ABOUT: Final = "duologue_video_settings"
"""Custom property of a strip: what it was made with, JSON."""


def lay(scene: Scene, name: str, first: int, picture: Path) -> Strip:
    """Put a strip for a video on the timeline, above all that is there, with its first picture."""
    editor = compat.editor_of(home_of(scene))
    channel = 1 + max((strip.channel for strip in editor.strips), default=0)
    strip = editor.strips.new_image(name, as_it_is(picture), channel, first, fit_method="FIT")
    strip[MARK] = 1 + max((number_of(other) for other in every(scene)), default=0)
    return strip


def every(scene: Scene) -> list[Strip]:
    """Return the strips of all videos, the newest last."""
    editor = home_of(scene).sequence_editor
    return sorted((strip for strip in editor.strips if MARK in strip), key=number_of) if editor is not None else []


def number_of(strip: Strip) -> int:
    """Return which video a strip shows; 0 for one that shows none."""
    return int(cast("int", strip.get(MARK, 0)))


def find(scene: Scene, number: int) -> Strip | None:
    """Return a video's strip, unless it was removed."""
    return next((strip for strip in every(scene) if number_of(strip) == number), None)


def of_folder(scene: Scene, folder: Path) -> Strip | None:
    """Return the strip of the video in a folder."""
    return next((strip for strip in every(scene) if folder_of(strip) == folder), None)


def chosen(scene: Scene) -> Strip | None:
    """Return the video's strip that is active in the sequencer, else the newest."""
    strips = every(scene)
    editor = home_of(scene).sequence_editor
    active = editor.active_strip if editor is not None else None
    return active if active in strips else strips[-1] if strips else None


def folder_of(strip: Strip) -> Path:
    """Return the folder that a video's strip shows pictures of, the one above them."""
    return Path(bpy.path.abspath(image_strip(strip).directory)).parent


def fill(strip: Strip, pictures: Sequence[Path], each: int) -> None:
    """Let a strip show these pictures, one after the other, each for so many frames; a strip of some of them grows."""
    elements = image_strip(strip).elements
    names = [picture.name for picture in pictures for _ in range(each)]
    for name in names[len(elements) :]:
        elements.append(name)
    while len(elements) > max(len(names), 1):
        elements.pop(len(elements) - 1)


def put(strip: Strip, first: int) -> None:
    """Let a strip begin at a frame."""
    compat.move_strip(strip, first - round(compat.strip_range(strip)[0]))


def refresh(strip: Strip) -> None:
    """Have a strip's pictures read anew: files were written over."""
    anything: Any = strip
    anything.invalidate_cache(type="RAW")


def keep(strip: Strip, about: Mapping[str, Any]) -> None:
    """Keep with a strip what its video was made with."""
    strip[ABOUT] = json.dumps(about)


def about(strip: Strip) -> dict[str, Any]:
    """Return what a strip's video was made with; nothing where that was tampered with."""
    try:
        found = json.loads(cast("str", strip.get(ABOUT, "{}")))
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
