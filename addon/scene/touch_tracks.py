# SPDX-License-Identifier: GPL-3.0-or-later
"""NLA tracks of touches: layers above what plays, and the curves of skin that gives way. What marks them, and finding them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .data import animation_of

if TYPE_CHECKING:
    from bpy.types import ID, NlaTrack

TOUCH = "duologue_touch"
"""Custom property of a touch's Actions (``A`` or ``B``), and of the shape keys that one plays on."""

LAYER = "duologue_touch_layer"
"""And of those that are added to what plays below, as JSON: what to put back when it is taken away."""

TAKE = "duologue_touch_take"
"""And what the take is known by that it was solved for."""


def tracks_of(datablock: ID) -> list[NlaTrack]:
    """Return a datablock's NLA tracks that hold nothing but touches."""
    return _tracks_marked(datablock, TOUCH)


def layers_of(datablock: ID) -> list[NlaTrack]:
    """Return a datablock's touch layers: NLA tracks whose Action is added to what plays below."""
    return _tracks_marked(datablock, LAYER)


def _tracks_marked(datablock: ID, mark: str) -> list[NlaTrack]:
    data = animation_of(datablock)
    tracks = data.nla_tracks if data is not None else ()
    held = [(track, [strip.action for strip in track.strips]) for track in tracks]
    return [track for track, laid in held if laid and all(action is not None and mark in action for action in laid)]
