# SPDX-License-Identifier: GPL-3.0-or-later
"""The tweak layer: an NLA track above the kept take whose Action is the animator's own and is added to what lies below.

In tweak mode Blender works out, for a key that is set, by how much it differs from what the take does there, and keys that. The
layer's keys belong to the animator: nothing here ever removes one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..scene import actions, compat
from ..scene.data import animate, animation_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bpy.types import ID, Action, NlaTrack

    from ..properties import DUOLOGUE_PG_settings

_NAME = "Duologue Tweaks"


def add(datablocks: Sequence[ID], name: str, first: float, last: float) -> None:
    """Lay a tweak layer over a character's datablocks from one frame to another, unless there is one, and enter tweak mode."""
    action = next((strip.action for d in datablocks if (track := track_of(d)) for strip in track.strips), None)
    if action is None:
        action = bpy.data.actions.new(f"{name} Tweaks")
        action[actions.TWEAKS] = name
        action.use_fake_user = True
    for datablock in datablocks:
        if track_of(datablock) is None:
            _lay(datablock, action, first, last)
        enter(datablock)


def _lay(datablock: ID, action: Action, first: float, last: float) -> NlaTrack:
    data = animate(datablock)
    slot = actions.slot_for(action, datablock)
    compat.channelbag(action, slot)
    track = data.nla_tracks.new()
    track.name = _NAME
    strip = track.strips.new(_NAME, round(first), action)
    strip.action_slot = slot
    strip.use_sync_length = False
    strip.action_frame_start, strip.action_frame_end = first, last
    strip.frame_start, strip.frame_end = first, last
    strip.blend_type, strip.extrapolation = "COMBINE", "NOTHING"
    return track


def track_of(datablock: ID) -> NlaTrack | None:
    """Return a datablock's tweak layer, or None."""
    data = animation_of(datablock)
    tracks = data.nla_tracks if data is not None else ()
    return next((t for t in tracks if len(t.strips) and all(_is_layer(s.action) for s in t.strips)), None)


def _is_layer(action: Action | None) -> bool:
    return action is not None and actions.TWEAKS in action


def is_entered(datablock: ID) -> bool:
    """Return whether keys go into the tweak layer now."""
    data = animation_of(datablock)
    return data is not None and data.use_tweak_mode and _is_layer(data.action)


def are_entered(settings: DUOLOGUE_PG_settings) -> bool:
    """Return whether keys go into the tweak layer of one of the characters now."""
    return any(p.armature is not None and is_entered(p.armature) for p in settings.performers())


def enter(datablock: ID) -> None:
    """Let keys go into the tweak layer."""
    track, data = track_of(datablock), animation_of(datablock)
    if track is None or data is None or is_entered(datablock):
        return
    actions.leave_tweak_mode(datablock)
    for other in data.nla_tracks:
        other.select = other == track
        for strip in other.strips:
            strip.select = other == track
    data.nla_tracks.active = track
    data.use_tweak_mode = True


def lift_above(datablock: ID, track: NlaTrack | None) -> None:
    """Keep the tweak layer on top of a track that was made just now."""
    layer = track_of(datablock)
    if layer is None or track is None:
        return
    order = list(animate(datablock).nla_tracks)
    if order.index(layer) > order.index(track):
        return
    strip, muted = layer.strips[0], layer.mute
    action, first, last, influence = strip.action, strip.frame_start, strip.frame_end, strip.influence
    assert action is not None  # by which the layer was known
    blend, extrapolation = strip.blend_type, strip.extrapolation
    animate(datablock).nla_tracks.remove(layer)
    new = _lay(datablock, action, first, last)
    new.mute = muted
    new.strips[0].influence, new.strips[0].blend_type, new.strips[0].extrapolation = influence, blend, extrapolation


def remove_empty(datablock: ID) -> None:
    """Remove a tweak layer without keys; one with keys stays, for those are the animator's."""
    track = track_of(datablock)
    if track is None:
        return
    actions.leave_tweak_mode(datablock)
    action = track.strips[0].action
    if action is None or any(len(curve.keyframe_points) for curve in actions.curves_of(action)):
        return
    animate(datablock).nla_tracks.remove(track)
    if action.users - int(action.use_fake_user) <= 0:
        bpy.data.actions.remove(action)
