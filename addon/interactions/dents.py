# SPDX-License-Identifier: GPL-3.0-or-later
"""The corrective shape keys of a touch on one mesh: added, taken off without a trace, and put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import bpy
import numpy as np
from numpy.typing import NDArray

from ..scene import actions, compat, touch_tracks
from ..scene.actions import Channels
from ..scene.data import animate, animation_of, keys_of, mesh_of
from ..scene.shape_keys import shape_path
from ..scene.touch_tracks import TAKE, TOUCH

if TYPE_CHECKING:
    from bpy.types import Action, Key, NlaTrack, Object

_TRACK = "Duologue Touch"
_NAMES, _BASIS, _ANIMATED = "names", "basis", "animated"


@dataclass(frozen=True, eq=False)
class TakenOff:
    """What was taken off a mesh: each key's name, points (V, 3) and slider's range, the Action that moved them, whether muted."""

    ob: Object
    keys: tuple[tuple[str, NDArray[np.float32], float, float], ...]
    action: Action | None
    muted: bool


def add(
    ob: Object, names: Sequence[str], vertices: NDArray[Any], deltas: NDArray[Any], values: NDArray[Any]
) -> list[str]:
    """Add shape keys that move ``vertices`` (m,) by ``deltas`` (K, m, 3); return what they are called.

    ``values``: (T, K) that they will be given, for the sliders' range.
    """
    rest = _rest(ob)
    points: list[NDArray[np.float32]] = []
    for delta in deltas:
        moved = rest.copy()
        moved[vertices] += delta.astype(np.float32)
        points.append(moved)
    ranges = [(min(0.0, float(value.min())), max(1.0, float(value.max()))) for value in values.T]
    return _add(ob, [(name, moved, *span) for name, moved, span in zip(names, points, ranges, strict=True)])


def _add(ob: Object, keys: Sequence[tuple[str, NDArray[np.float32], float, float]]) -> list[str]:
    had = keys_of(ob)
    active, animated = ob.active_shape_key_index, had is not None and animation_of(had) is not None
    if had is None:
        ob.shape_key_add(name="Basis", from_mix=False)
    block = cast("Key", keys_of(ob))
    told: dict[str, Any] = {_NAMES: [], _BASIS: had is None, _ANIMATED: animated}
    try:
        for name, points, low, high in keys:
            key = ob.shape_key_add(name=name, from_mix=False)
            told[_NAMES].append(key.name)
            key.slider_min, key.slider_max = low, high
            key.value = 0.0  # Blender 5.0 and later make a new one at 1
            key.relative_key = block.reference_key
            key.points.foreach_set("co", points.ravel())
    finally:  # also half of them can be taken off again
        cast("Any", block)[TOUCH] = told
        ob.active_shape_key_index = active
        mesh_of(ob).update()
    return told[_NAMES]


def _rest(ob: Object) -> NDArray[np.float32]:
    """Return where a mesh's vertices are without any shape (V, 3)."""
    block = keys_of(ob)
    rest = np.empty(3 * len(mesh_of(ob).vertices), np.float32)
    points: Any = mesh_of(ob).vertices if block is None else block.reference_key.points
    points.foreach_get("co", rest)
    return rest.reshape(-1, 3)


def move(
    ob: Object, names: Sequence[str], values: NDArray[Any], times: NDArray[np.float32], whose: tuple[str, str]
) -> Action:
    """Lay the keys' values (T, K) at ``times`` on an NLA track of their own: at rest one frame before and after.

    ``whose``: the performer, and what the take is known by.
    """
    action = bpy.data.actions.new(f"{ob.name} Touch")
    action[TOUCH], action[TAKE] = whose
    step = float(times[1] - times[0]) if len(times) > 1 else 1.0
    around = np.concatenate(([times[0] - step], times, [times[-1] + step])).astype(np.float32)
    rested = np.pad(values, ((1, 1), (0, 0)))
    try:
        channels = [Channels(shape_path(name), rested[:, [k]], "Touch") for k, name in enumerate(names)]
        slot = actions.slot_for(action, cast("Key", keys_of(ob)))
        actions.write_curves(compat.channelbag(action, slot), channels, around)
        _lay(ob, action)
    except BaseException:
        if not tracks_of(keys_of(ob)):
            bpy.data.actions.remove(action)
        raise
    return action


def _lay(ob: Object, action: Action) -> NlaTrack:
    block = cast("Key", keys_of(ob))
    first, last = action.frame_range
    track = animate(block).nla_tracks.new()
    track.name = _TRACK
    strip = track.strips.new(_TRACK, round(first), action)
    strip.action_slot = actions.slot_for(action, block)
    strip.action_frame_start, strip.action_frame_end = first, last
    strip.frame_start_raw, strip.frame_end_raw = first, last
    strip.extrapolation = "HOLD"  # outside of it all of them are 0
    return track


def tracks_of(block: Key | None) -> list[NlaTrack]:
    """Return the NLA tracks that move a touch's shape keys."""
    if block is None:
        return []
    layers = touch_tracks.layers_of(block)
    return [track for track in touch_tracks.tracks_of(block) if track not in layers]


def rest(ob: Object) -> None:
    """Let a touch's shape keys be 0, as they are where nothing moves them: a muted track leaves them where they stood."""
    block = keys_of(ob)
    if block is not None and TOUCH in block:
        for name in cast("Any", block)[TOUCH][_NAMES]:
            if (key := block.key_blocks.get(name)) is not None:
                key.value = 0.0


def take_off(ob: Object) -> TakenOff | None:
    """Take a touch's shape keys and curves off a mesh; everything else is as before them. Return what :func:`put_back` needs.

    Their Action is left over: remove it with :func:`discard`.
    """
    block = keys_of(ob)
    if block is None or TOUCH not in block:
        return None
    told = cast("Any", block)[TOUCH]
    names, own_basis, was_animated = set(told[_NAMES]), bool(told[_BASIS]), bool(told[_ANIMATED])
    action, muted = _stop(block)
    active = ob.active_shape_key_index or 0
    taken: list[tuple[str, NDArray[np.float32], float, float]] = []
    for key in [key for key in block.key_blocks if key.name in names]:
        points = np.empty(3 * len(mesh_of(ob).vertices), np.float32)
        key.points.foreach_get("co", points)
        taken.append((key.name, points.reshape(-1, 3), key.slider_min, key.slider_max))
        ob.shape_key_remove(key)
    held = TakenOff(ob, tuple(taken), action, muted)
    if own_basis and len(block.key_blocks) == 1:
        ob.shape_key_clear()
        return held
    del cast("Any", block)[TOUCH]
    ob.active_shape_key_index = min(active, len(block.key_blocks) - 1)
    data = animation_of(block)
    if data is not None and not was_animated and data.action is None and not data.nla_tracks and not data.drivers:
        block.animation_data_clear()
    return held


def put_back(taken: TakenOff) -> None:
    """Put a touch back onto the mesh that it was taken off."""
    _add(taken.ob, taken.keys)
    if taken.action is not None:
        _lay(taken.ob, taken.action).mute = taken.muted


def discard(taken: TakenOff | None) -> None:
    """Remove the Action of a touch that was taken off."""
    if taken is not None and taken.action is not None and not taken.action.users:
        bpy.data.actions.remove(taken.action)


def _stop(block: Key) -> tuple[Action | None, bool]:
    """Take a touch's tracks off shape keys; return their Action, and whether they were muted."""
    data, tracks = animation_of(block), tracks_of(block)
    if data is None or not tracks:
        return None, False
    actions.leave_tweak_mode(block)
    action, muted = tracks[0].strips[0].action, tracks[0].mute
    for track in tracks:
        data.nla_tracks.remove(track)
    return action, muted
