# SPDX-License-Identifier: GPL-3.0-or-later
"""The touch layer: an NLA track above what plays whose curves are added to it, and which leaves no trace when it is taken away.

What drove the datablock directly is pushed down below it, for Blender evaluates that last; taking the layer away puts it back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import bpy
import numpy as np
from duologue.motion.rotations import quat_multiply
from numpy.typing import NDArray

from ..scene import actions, compat, touch_tracks
from ..scene.actions import Channels
from ..scene.data import animate, animation_of
from ..scene.touch_tracks import LAYER, TAKE, TOUCH

if TYPE_CHECKING:
    from bpy.types import ID, NlaTrack
else:
    ID = bpy.types.ID

_TRACK = "Duologue Touch Layer"
_IDENTITY = (1.0, 0.0, 0.0, 0.0)


Put = Callable[[ID, Sequence[Channels], NDArray[Any], str, str], None]
"""Lays a layer, see :func:`_lay`."""


@contextmanager
def replacing(datablocks: Iterable[ID]) -> Iterator[Put]:
    """Let layers be put on datablocks in place of those that are there: all of it, or with any error nothing."""
    every = list(dict.fromkeys(datablocks))
    old = {datablock: [track.strips[0].action for track in touch_tracks.layers_of(datablock)] for datablock in every}

    def put(datablock: ID, added: Sequence[Channels], frames: NDArray[Any], performer: str, take: str) -> None:
        _lay(datablock, added, frames, performer, take)

    try:
        yield put
    except BaseException:
        for datablock in every:
            for track in [t for t in touch_tracks.layers_of(datablock) if t.strips[0].action not in old[datablock]]:
                _drop(datablock, track, whole=not old[datablock])
        raise
    for datablock in every:
        tracks = touch_tracks.layers_of(datablock)
        for track in [t for t in tracks if t.strips[0].action in old[datablock]]:
            _drop(datablock, track, whole=len(tracks) == len(old[datablock]))


def _lay(datablock: ID, added: Sequence[Channels], frames: NDArray[Any], performer: str, take: str) -> None:
    """Lay curves over a datablock that are added to what plays on it; nothing is added before and after ``frames``.

    Args:
        datablock: an armature, or the shape keys of a mesh.
        added: what is added (T, k) to each property; quaternions are put after what is there.
        frames: (T,) where keys lie.
        performer: ``A`` or ``B``: whose it is.
        take: what the take that it was solved for is known by.
    """
    told = _told_before(datablock)
    actions.leave_tweak_mode(datablock)
    stood = told["values"]
    told["values"] = alone = {**stood, **_not_animated(datablock, {channel.path for channel in added} - set(stood))}
    told["pushed"] = told["pushed"] or _push_down(datablock)
    action = bpy.data.actions.new(f"{datablock.name} Touch Layer")
    action[TOUCH], action[TAKE], action[LAYER] = performer, take, json.dumps(told)
    slot = actions.slot_for(action, datablock)
    times, channels = _padded(frames, [_based(datablock, channel, alone) for channel in added])
    actions.write_curves(
        compat.channelbag(action, slot), channels, times
    )  # first: a strip's range is held to its Action's
    track = animate(datablock).nla_tracks.new()
    track.name = _TRACK
    strip = track.strips.new(_TRACK, round(float(times[0])), action)
    strip.action_slot = slot
    strip.use_sync_length = False
    strip.action_frame_end = float(times[-1])  # first: the start is held to it
    strip.action_frame_start = float(times[0])
    strip.frame_start_raw, strip.frame_end_raw = float(times[0]), float(times[-1])
    strip.blend_type, strip.extrapolation = "COMBINE", "HOLD"  # outside of it nothing is added


def _told_before(datablock: ID) -> dict[str, Any]:
    """Return what there is to put back: as an earlier layer says, which goes away, or nothing yet."""
    tracks = touch_tracks.layers_of(datablock)
    if tracks and tracks[0].strips[0].action is not None:
        return json.loads(tracks[0].strips[0].action[LAYER])
    return {"pushed": "", "animated": animation_of(datablock) is not None, "values": {}}


def remove(datablock: ID) -> bool:
    """Take a touch layer off a datablock; everything else is as it was before. Return whether there was one."""
    tracks = touch_tracks.layers_of(datablock)
    for track in reversed(tracks):
        _drop(datablock, track, whole=True)
    return bool(tracks)


def _drop(datablock: ID, track: NlaTrack, *, whole: bool) -> None:
    """Remove one layer; ``whole``: no other takes its place, and what it stood on is put back."""
    data, action = animate(datablock), track.strips[0].action
    assert action is not None  # by which the layer was known
    actions.leave_tweak_mode(datablock)
    told: dict[str, Any] = json.loads(action[LAYER])
    data.nla_tracks.remove(track)
    if not action.users:
        bpy.data.actions.remove(action)
    left = touch_tracks.layers_of(datablock)
    kept = _told_before(datablock)["values"] if left else {}
    _put_back(datablock, {path: value for path, value in told["values"].items() if path not in kept})
    if whole:
        _lift(datablock, told["pushed"])
        if not told["animated"] and data.action is None and not data.nla_tracks and not data.drivers:
            _clear_animation(datablock)
    datablock.update_tag()


def take_of(track: NlaTrack) -> str:
    """Return what the take is known by that a touch was solved for."""
    action = track.strips[0].action
    return str(action.get(TAKE, "")) if action is not None else ""


def _clear_animation(datablock: Any) -> None:
    datablock.animation_data_clear()


def _not_animated(datablock: ID, paths: set[str]) -> dict[str, Any]:
    """Return what those properties stand at that nothing else animates: a strip starts from the default there."""
    data = animation_of(datablock)
    known: set[str] = set()
    if data is not None:
        if data.action is not None and data.action_slot is not None:
            known |= {curve.data_path for curve in compat.channelbag(data.action, data.action_slot).fcurves}
        layers = touch_tracks.layers_of(datablock)
        for track in data.nla_tracks if data.use_nla else ():
            for strip in track.strips if not track.mute and track not in layers else ():
                if strip.action is not None and strip.action_slot is not None and not strip.mute:
                    known |= {curve.data_path for curve in compat.channelbag(strip.action, strip.action_slot).fcurves}
    found: dict[str, Any] = {}
    for path in sorted(paths - known):
        value = cast("Any", datablock.path_resolve(path))
        found[path] = list(value) if hasattr(value, "__len__") else value
    return found


def _based(datablock: ID, channel: Channels, alone: dict[str, Any]) -> Channels:
    """Return a channel as a strip that combines has it: numbers count from their property's default (1 for shape keys since
    Blender 5.0), and from what a property stands at where nothing below the layer animates it."""
    quaternion = channel.path.endswith("rotation_quaternion")
    if channel.path in alone:
        stands = np.atleast_1d(np.asarray(alone[channel.path], np.float64))
        whole = np.broadcast_to(stands, channel.values.shape)
        values = quat_multiply(whole, channel.values) if quaternion else channel.values + whole
    else:
        values = channel.values if quaternion else channel.values + _default(datablock, channel.path)
    return replace(channel, values=values)


def _default(datablock: ID, path: str) -> NDArray[np.float64]:
    """Return a property's default, (k,)."""
    owner, _, prop = path.rpartition(".")
    known: Any = cast("Any", datablock.path_resolve(owner)).bl_rna.properties[prop]
    return np.atleast_1d(np.array(known.default_array if known.is_array else known.default, np.float64))


def _padded(frames: NDArray[Any], channels: Sequence[Channels]) -> tuple[NDArray[np.float32], list[Channels]]:
    """Begin and end a frame earlier and later, with what the first and the last key have."""
    times = np.asarray(frames, np.float64)
    step = float(times[1] - times[0]) if len(times) > 1 else 1.0
    around = np.concatenate(([times[0] - step], times, [times[-1] + step])).astype(np.float32)
    rows = np.r_[0, np.arange(len(times)), len(times) - 1]
    return around, [replace(one, values=one.values[rows]) for one in channels]


def _push_down(datablock: ID) -> str:
    """Move what drives a datablock to an NLA track below the layer; return the track's name, or nothing."""
    data = animate(datablock)
    if data.action is None:
        return ""
    ours = actions.is_ours(data.action)
    blend, influence, beyond = data.action_blend_type, data.action_influence, data.action_extrapolation
    track = actions.push_down(datablock)
    if track is None:
        return ""
    if not ours:
        strip = track.strips[0]
        strip.blend_type, strip.influence, strip.extrapolation = blend, influence, beyond
    return track.name


def _lift(datablock: ID, name: str) -> None:
    """Let what was pushed down drive a datablock again, unless something else does by now, or plays above it: a tweak layer that
    came later would be lost under it."""
    data = animate(datablock)
    track = data.nla_tracks.get(name) if name else None
    if track is None or data.action is not None or len(track.strips) != 1:
        return
    touches, tracks = touch_tracks.tracks_of(datablock), list(data.nla_tracks)
    if any(other not in touches for other in tracks[tracks.index(track) + 1 :]):
        return
    action, slot = track.strips[0].action, track.strips[0].action_slot
    data.nla_tracks.remove(track)
    data.action = action
    if slot is not None:
        data.action_slot = slot


def _put_back(datablock: ID, values: dict[str, Any]) -> None:
    for path, value in values.items():
        owner, _, prop = path.rpartition(".")
        try:
            setattr(datablock.path_resolve(owner), prop, value)
        except ValueError:  # the bone or shape is gone
            continue
