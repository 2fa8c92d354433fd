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
from duologue.errors import DuologueError
from numpy.typing import NDArray

from . import compat, resting
from .data import animate, animation_of

if TYPE_CHECKING:
    from bpy.types import ID, Action, ActionChannelbag, ActionSlot, FCurve, NlaTrack

OURS = "duologue_performer"
"""Custom property that marks what Duologue made ("A" or "B"), so that Clear removes exactly that."""

FIRST = "duologue_first_frame"
"""Custom property of such an Action: the frame of its curves at which the take begins. Whoever moves the curves moves it too."""

FLAT = 1e-6
"""A channel that moves less than this (radians, metres or weight) is constant and gets one key."""

TWEAKS = "duologue_tweaks"
"""Custom property of a tweak layer's Action: the animator's own keys, laid over a take on purpose."""

_STASH = "[Duologue Stash] "
"""Begins the name of the muted NLA track that holds a user's own Action while a take plays."""

_LINEAR = 1  # bpy.types.Keyframe.interpolation: CONSTANT 0, LINEAR 1, BEZIER 2


@dataclass(frozen=True)
class Channels:
    """One property's curves: ``values`` (T, k) for its k components, or (T, 1) for a single number."""

    path: str
    values: NDArray[Any]
    group: str
    first: int = 0
    """The index of the first component."""


def write_curves(bag: ActionChannelbag, channels: Iterable[Channels], frames: NDArray[np.float32]) -> int:
    """Write each property's curves at ``frames`` (T,); constant components get one key. Return how many curves there are."""
    count = 0
    for channel in channels:
        values = np.asarray(channel.values, np.float32)
        flat = np.ptp(values, axis=0) < FLAT
        for index in range(values.shape[1]):
            keys = slice(0, 1) if flat[index] else slice(None)
            _write_curve(bag, channel, channel.first + index, frames[keys], values[keys, index])
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
    return _slot_by_name(action, datablock) or action.slots.new(datablock.id_type, datablock.name)


def find_slot(action: Action, datablock: ID) -> ActionSlot | None:
    """Return the slot that drives a datablock, also when it was renamed since: by its name, else the only one of its kind."""
    same = [slot for slot in action.slots if slot.target_id_type == datablock.id_type]
    return _slot_by_name(action, datablock) or (same[0] if len(same) == 1 else None)


def _slot_by_name(action: Action, datablock: ID) -> ActionSlot | None:
    kind = datablock.id_type
    return next((s for s in action.slots if s.target_id_type == kind and s.name_display == datablock.name), None)


def bag_of(action: Action | None, datablock: ID) -> ActionChannelbag | None:
    """Return an Action's curves for a datablock, or None where it has none for it."""
    slot = find_slot(action, datablock) if action is not None else None
    return compat.channelbag(action, slot) if action is not None and slot is not None else None


def curves_of(action: Action) -> list[FCurve]:
    """Return every curve of an Action, of all its slots."""
    return [curve for slot in action.slots for curve in compat.channelbag(action, slot).fcurves]


def is_ours(action: Action | None) -> bool:
    """Return whether Duologue made this Action."""
    return action is not None and OURS in action


def has_ours(datablock: ID) -> bool:
    """Return whether a datablock carries a take of ours, assigned or on an NLA track."""
    data = animation_of(datablock)
    if data is None:
        return False
    return is_ours(data.action) or any(is_ours(strip.action) for track in data.nla_tracks for strip in track.strips)


def require_editable(datablocks: Iterable[ID]) -> None:
    """Refuse what comes from another file and can't be animated in this one.

    Raises:
        DuologueError: FAILED_PRECONDITION ``character-linked``.
    """
    for datablock in datablocks:
        if not datablock.is_editable:
            library = datablock.library.filepath if datablock.library is not None else ""
            raise DuologueError(
                "FAILED_PRECONDITION",
                "character-linked",
                f"{datablock.name!r} is linked from {library} and can't be animated here; make a library "
                "override of the character (Object > Library Override > Make), or append it instead",
            )


def assign(datablock: ID, action: Action, slot: ActionSlot) -> None:
    """Make ``action`` the one that drives ``datablock``; a user's own Action is put aside on a muted NLA track, not lost.

    The view layer must have been updated since the armature was made: setting a slot on an armature without a pose crashes
    Blender 4.5 to 5.2.
    """
    data = animate(datablock)
    leave_tweak_mode(datablock)
    if data.action is not None and data.action != action and not is_ours(data.action):
        stash(datablock)
    data.action = action
    data.action_slot = slot


def leave_tweak_mode(datablock: ID) -> None:
    """End the editing of a strip, during which Blender lets nobody change the Action."""
    data = animation_of(datablock)
    if data is not None and data.use_tweak_mode:
        data.use_tweak_mode = False


def own_curves(datablock: ID) -> list[FCurve]:
    """Return the curves of the Action that a take would put aside: the user's own."""
    data = animation_of(datablock)
    action, slot = (data.action, data.action_slot) if data is not None else (None, None)
    if action is None or slot is None or is_ours(action) or TWEAKS in action:
        return []
    return list(compat.channelbag(action, slot).fcurves)


def stash(datablock: ID) -> None:
    """Move a user's Action to an NLA track of its own that is muted, as Blender's own Stash button does; once is enough.

    What it moved goes to rest: a take doesn't stand on whatever frame of it was shown last.
    """
    curves = own_curves(datablock)
    _put_aside(datablock)
    resting.rest_pose(datablock, curves)


def _put_aside(datablock: ID) -> None:
    data = animate(datablock)
    if data.action is not None and _stash_of(datablock, data.action) is not None:
        data.action = None
        return
    track = push_down(datablock)
    if track is not None:
        track.name = f"{_STASH}{track.name}"
        track.mute = track.lock = True


def unstash(datablock: ID) -> None:
    """Give a datablock that has no Action the one back that was put aside last."""
    data = animation_of(datablock)
    if data is None or data.action is not None:
        return
    stashed = [track for track in data.nla_tracks if _is_stash(track)]
    if not stashed:
        return
    strip = stashed[-1].strips[0]
    action, slot = strip.action, strip.action_slot
    data.nla_tracks.remove(stashed[-1])
    data.action = action
    if slot is not None:
        data.action_slot = slot


def _is_stash(track: NlaTrack) -> bool:
    return track.name.startswith(_STASH) and track.mute and len(track.strips) == 1


def _stash_of(datablock: ID, action: Action) -> NlaTrack | None:
    tracks = animate(datablock).nla_tracks
    return next((t for t in tracks if _is_stash(t) and t.strips[0].action == action), None)


def push_down(datablock: ID) -> NlaTrack | None:
    """Move a datablock's Action to a new NLA track and return that, or None where there is no Action.

    A shape-key strip left to itself may get no slot and a range of one frame: then the face would stay still.
    """
    data = animation_of(datablock)
    if data is None or data.action is None:
        return None
    leave_tweak_mode(datablock)
    action, slot = data.action, data.action_slot
    start, end = action.frame_range
    track = data.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, round(start), action)
    if slot is not None:
        strip.action_slot = slot
    strip.action_frame_start, strip.action_frame_end = start, end
    if start != round(start):  # a strip is made at a whole frame; keys need not lie there
        strip.frame_start_raw, strip.frame_end_raw = start, end
    strip.extrapolation = "HOLD_FORWARD"
    data.action = None
    return track


def tracks_of(datablock: ID, action: Action | None = None) -> list[NlaTrack]:
    """Return the NLA tracks that hold nothing but takes of ours, or nothing but this one."""
    data = animation_of(datablock)
    tracks: list[NlaTrack] = []
    for track in data.nla_tracks if data is not None else ():
        held = {strip.action for strip in track.strips}
        if held and (held == {action} if action is not None else all(is_ours(one) for one in held)):
            tracks.append(track)
    return tracks


def detach(datablock: ID, action: Action | None = None) -> set[Action]:
    """Take a take of ours, or all of them, off a datablock, its NLA tracks included. Return the Actions that were on it."""
    data = animation_of(datablock)
    if data is None:
        return set()
    taken: set[Action] = set()
    leave_tweak_mode(datablock)
    if data.action is not None and is_ours(data.action) and action in (None, data.action):
        taken.add(data.action)
        data.action = None
    for track in tracks_of(datablock, action):
        taken |= {strip.action for strip in track.strips if strip.action is not None}
        data.nla_tracks.remove(track)
    for one in taken:
        bag = bag_of(one, datablock)
        resting.rest(datablock, bag.fcurves if bag is not None else ())
    return taken


def remove(datablocks: Iterable[ID]) -> int:
    """Remove our Actions from these datablocks, their NLA tracks included; everything else stays. Return how many there were.

    The Action of the user's that a take put aside is back in its place afterwards.
    """
    removed: set[Action] = set()
    for datablock in datablocks:
        removed |= detach(datablock)
        unstash(datablock)
    for action in removed:
        remove_unused(action)
    return len(removed)


def remove_unused(action: Action) -> None:
    """Remove an Action of ours that nothing uses any more."""
    if is_ours(action) and action.users - int(action.use_fake_user) <= 0:
        bpy.data.actions.remove(action)
