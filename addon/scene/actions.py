# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing Actions: whole curves at once, one Action a performer, one slot a datablock.

One ``keyframe_insert`` a frame and channel is what makes other add-ons take minutes; here a curve is one array.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import compat

if TYPE_CHECKING:
    from bpy.types import ID, Action, ActionChannelbag, ActionSlot, NlaTrack

OURS = "duologue_performer"
"""Custom property that marks what Duologue made ("A" or "B"), so that Clear removes exactly that."""

FLAT = 1e-6
"""A channel that moves less than this (radians, metres or weight) is constant and gets one key."""

_LINEAR = 1  # bpy.types.Keyframe.interpolation: CONSTANT 0, LINEAR 1, BEZIER 2


@dataclass(frozen=True)
class Channels:
    """One property's curves: ``values`` (T, k) for its k components, or (T, 1) for a single number."""

    path: str
    values: NDArray[Any]
    group: str


def write_curves(bag: ActionChannelbag, channels: Iterable[Channels], frames: NDArray[np.float32]) -> int:
    """Write each property's curves at ``frames`` (T,); constant components get one key. Return how many curves there are."""
    count = 0
    for channel in channels:
        values = np.asarray(channel.values, np.float32)
        flat = np.ptp(values, axis=0) < FLAT
        for index in range(values.shape[1]):
            keys = slice(0, 1) if flat[index] else slice(None)
            _write_curve(bag, channel, index, frames[keys], values[keys, index])
            count += 1
    return count


def _write_curve(
    bag: ActionChannelbag, channel: Channels, index: int, frames: NDArray[np.float32], values: NDArray[np.float32]
) -> None:
    curve = compat.new_curve(bag, channel.path, index, channel.group)
    points = curve.keyframe_points
    points.add(len(frames))
    points.foreach_set("co", np.column_stack([frames, values]).ravel())
    points.foreach_set("interpolation", np.full(len(frames), _LINEAR, np.int32))
    curve.update()


def new_action(name: str, performer: str) -> Action:
    """Make an empty Action that is marked as ours and survives without a user until it is cleared."""
    action = bpy.data.actions.new(name)
    action[OURS] = performer
    action.use_fake_user = True
    return action


def slot_for(action: Action, datablock: ID) -> ActionSlot:
    """Return the slot of ``action`` for an object or a shape-key datablock, made if it is not there.

    It carries the datablock's own name, by which Blender finds it again when the Action is assigned by hand.
    """
    kind = datablock.id_type
    for slot in action.slots:
        if slot.target_id_type == kind and slot.name_display == datablock.name:
            return slot
    return action.slots.new(kind, datablock.name)


def is_ours(action: Action | None) -> bool:
    """Return whether Duologue made this Action."""
    return action is not None and OURS in action


def has_ours(datablock: ID) -> bool:
    """Return whether a datablock carries a take of ours, assigned or on an NLA track."""
    data = datablock.animation_data
    if data is None:
        return False
    return is_ours(data.action) or any(is_ours(strip.action) for track in data.nla_tracks for strip in track.strips)


def assign(datablock: ID, action: Action, slot: ActionSlot) -> None:
    """Make ``action`` the one that drives ``datablock``; a user's own Action is put aside on a muted NLA track, not lost.

    The view layer must have been updated since the armature was made: setting a slot on an armature without a pose crashes
    Blender 4.5 to 5.2.
    """
    data = datablock.animation_data or datablock.animation_data_create()
    if data.use_tweak_mode:
        data.use_tweak_mode = False
    if data.action is not None and data.action != action and not is_ours(data.action):
        stash(datablock)
    data.action = action
    data.action_slot = slot


def stash(datablock: ID) -> None:
    """Move a datablock's Action to an NLA track of its own that is muted, as Blender's own Stash button does."""
    track = push_down(datablock)
    if track is not None:
        track.name = f"[Stash] {track.name}"
        track.mute = track.lock = True


def push_down(datablock: ID) -> NlaTrack | None:
    """Move a datablock's Action to a new NLA track and return that, or None where there is no Action.

    A shape-key strip left to itself may get no slot and a range of one frame: then the face would stay still.
    """
    data = datablock.animation_data
    if data is None or data.action is None:
        return None
    action, slot = data.action, data.action_slot
    start, end = action.frame_range
    track = data.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, round(start), action)
    if slot is not None:
        strip.action_slot = slot
    strip.action_frame_start, strip.action_frame_end = start, end
    strip.extrapolation = "HOLD_FORWARD"
    data.action = None
    return track


def remove(datablocks: Iterable[ID], performer: str | None = None) -> int:
    """Remove our Actions from these datablocks, their NLA tracks included; everything else stays. Return how many there were."""
    removed: set[Action] = set()
    for datablock in datablocks:
        data = datablock.animation_data
        if data is None:
            continue
        if is_ours(data.action) and performer in (None, data.action[OURS]):
            removed.add(data.action)
            data.action = None
        for track in list(data.nla_tracks):
            ours = {strip.action for strip in track.strips if is_ours(strip.action)}
            if ours and len(ours) == len(track.strips):
                removed |= ours
                data.nla_tracks.remove(track)
    count = len(removed)
    for action in removed:
        if action.users - int(action.use_fake_user) <= 0:
            bpy.data.actions.remove(action)
    return count
