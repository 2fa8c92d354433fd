# SPDX-License-Identifier: GPL-3.0-or-later
"""Touches as strips of the video sequencer, beside the speech: dragged they move, stretched they last longer.

Markers in pairs could be dragged apart, and NLA strips hold what was solved already. Colour strips have two handles, a name and a
colour, and lie under the sound that they go with. They are muted: neither renders nor playback know of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import bpy

from . import compat

if TYPE_CHECKING:
    from bpy.types import Scene, Strip

MARK: Final = "duologue_touch_event"
"""Custom property of a strip: what its touch is known by, whatever the strip is called."""

_COLOURS: Final = {"A": (0.9, 0.45, 0.15), "B": (0.2, 0.5, 0.9)}
_OFF: Final = (0.35, 0.35, 0.35)


def lay(scene: Scene, key: str, first: int, last: int) -> Strip:
    """Put a strip for a touch on the timeline, from its first frame to that at which the hand lets go."""
    voices = home_of(scene)
    editor = compat.editor_of(voices)
    strip = compat.new_colour(editor, "Touch", _free_channel(voices, first, last), first, max(last, first + 1))
    strip[MARK], strip.mute = key, True
    return strip


def find(scene: Scene, key: str) -> Strip | None:
    """Return a touch's strip, if it has one."""
    if not key:
        return None
    for home in {scene, home_of(scene)}:
        editor = home.sequence_editor
        for strip in editor.strips if editor is not None else ():
            if strip.get(MARK) == key:
                return strip
    return None


def home_of(scene: Scene) -> Scene:
    """Return the scene whose strips go with this one: since Blender 5.0 that may be another."""
    return compat.sequencer_scene(bpy.context) if bpy.context.scene == scene else scene


def span(strip: Strip) -> tuple[int, int]:
    """Return at which frames a touch begins and ends."""
    first, last = compat.strip_range(strip)
    return round(first), round(last)


def set_span(strip: Strip, first: int, last: int) -> None:
    """Move and stretch a strip."""
    compat.set_strip_range(strip, first, last)


def show(strip: Strip, name: str, performer: str, *, enabled: bool) -> None:
    """Name a strip after its touch and give it its performer's colour."""
    coloured: Any = strip
    strip.name, coloured.color = name, _COLOURS[performer] if enabled else _OFF


def remove(scene: Scene, key: str) -> None:
    """Take a touch's strip off the timeline."""
    strip = find(scene, key)
    if strip is not None:
        for home in {scene, home_of(scene)}:
            editor = home.sequence_editor
            if editor is not None and strip in list(editor.strips):
                editor.strips.remove(strip)
                return


def move_unselected(scene: Scene, frames: int) -> None:
    """Move all touches' strips that nobody holds: those that are selected went along with what was dragged."""
    editor = home_of(scene).sequence_editor
    for strip in editor.strips if editor is not None else ():
        if MARK in strip and not strip.select:
            first, last = span(strip)
            set_span(strip, first + frames, last + frames)


def _free_channel(scene: Scene, first: int, last: int) -> int:
    """Return the channel of the other touches where there is room, else the lowest above everything there."""
    strips = list(compat.editor_of(scene).strips)
    for channel in sorted({strip.channel for strip in strips if MARK in strip}):
        spans = [compat.strip_range(strip) for strip in strips if strip.channel == channel]
        if all(end <= first or begin >= last for begin, end in spans):
            return channel
    return 1 + max((strip.channel for strip in strips), default=0)
