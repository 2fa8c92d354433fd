# SPDX-License-Identifier: GPL-3.0-or-later
"""Baking: what plays on a character, every n-th frame of it, as plain keys in an Action of the animator's own.

What plays is what Blender makes of the take, kept tracks and tweak layers together, before constraints: the values that the
channels have, in whatever rotation mode each bone is. So it holds on any rig that a take can play on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import actions, compat, tweaks
from .actions import Channels

if TYPE_CHECKING:
    from bpy.types import ID, Action, FCurve, NlaTrack, Object, Scene

Values = dict[tuple[str, int], NDArray[np.float32]]
"""By path and index of a curve: its values (T,)."""

_BONE = re.compile(r'pose\.bones\["(.*)"\]\.(location|scale|rotation_quaternion|rotation_euler|rotation_axis_angle)')
_SIZE = {"location": 3, "scale": 3, "rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4}
_SHAPE = re.compile(r'key_blocks\["(.*)"\]\.value')


def bake(
    scene: Scene,
    datablocks: Sequence[ID],
    meshes: Sequence[Object],
    name: str,
    frames: Sequence[int],
    *,
    told: Callable[[float], None],
) -> Action:
    """Write what plays on a character at ``frames`` into a new Action and let that play, in place of the takes.

    ``datablocks``: its armature and faces; ``meshes``: whose modifiers need not be worked out meanwhile; ``told`` hears of the
    share that is done. Kept takes and tweak layers are muted, not removed.
    """
    single = [_only_layer(datablock) for datablock in datablocks]
    times = np.array(frames, np.float32)
    if all(layer is not None for layer in single):
        found = [_evaluated(layer, times) for layer in single if layer is not None]
    else:
        with _at_rest(meshes):
            found = _sampled(scene, datablocks, frames, told)
    action = bpy.data.actions.new(name)
    action.use_fake_user = True
    for datablock, values in zip(datablocks, found, strict=True):
        bag = compat.channelbag(action, actions.slot_for(action, datablock))
        actions.write_curves(bag, _channels(values), times)
    for datablock in datablocks:
        actions.leave_tweak_mode(datablock)
        data = datablock.animation_data or datablock.animation_data_create()
        for track in _layers(datablock):
            track.mute = True
        data.action = action
        data.action_slot = actions.find_slot(action, datablock)
    return action


def _layers(datablock: ID) -> list[NlaTrack]:
    """Return the NLA tracks of ours that play."""
    layer = tweaks.track_of(datablock)
    return [track for track in (*actions.tracks_of(datablock), *([layer] if layer else [])) if not track.mute]


def _only_layer(datablock: ID) -> list[FCurve] | None:
    """Return the curves that alone decide what plays, or None where several layers do: then only Blender can tell."""
    data = datablock.animation_data
    if data is None:
        return []
    playing = [track for track in data.nla_tracks if not track.mute and len(track.strips)] if data.use_nla else []
    if data.use_tweak_mode or len(playing) + (data.action is not None) > 1:
        return None
    if data.action is not None:
        action, slot = data.action, data.action_slot
    elif playing and len(playing[0].strips) == 1:
        strip = playing[0].strips[0]
        if strip.frame_start != strip.action_frame_start or strip.influence < 1 or strip.scale != 1:
            return None
        action, slot = strip.action, strip.action_slot
    else:
        return None if playing else []
    return [curve for curve in compat.channelbag(action, slot).fcurves if not curve.mute] if slot is not None else []


def _evaluated(curves: Sequence[FCurve], times: NDArray[np.float32]) -> Values:
    """Return the values of curves, each at every time."""
    return {
        (curve.data_path, curve.array_index): np.array([curve.evaluate(t) for t in times], np.float32)
        for curve in curves
    }


def _sampled(
    scene: Scene, datablocks: Sequence[ID], frames: Sequence[int], told: Callable[[float], None]
) -> list[Values]:
    """Return the values that Blender evaluates, frame by frame."""
    paths = [_animated(datablock) for datablock in datablocks]
    seen: list[Values] = [{path: np.zeros(len(frames), np.float32) for path in found} for found in paths]
    before = scene.frame_current, scene.frame_subframe
    for i, frame in enumerate(frames):
        scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        for datablock, values in zip(datablocks, seen, strict=True):
            _read(datablock.evaluated_get(depsgraph), values, i)
        told((i + 1) / len(frames))
    scene.frame_set(before[0], subframe=before[1])
    return seen


def _animated(datablock: ID) -> list[tuple[str, int]]:
    """Return path and index of every channel that some layer moves."""
    data = datablock.animation_data
    if data is None:
        return []
    pairs = [(data.action, data.action_slot)] if data.action is not None else []
    pairs += [(s.action, s.action_slot) for track in data.nla_tracks if not track.mute for s in track.strips]
    found: dict[tuple[str, int], None] = {}
    for action, slot in pairs:
        if action is not None and slot is not None:
            curves = compat.channelbag(action, slot).fcurves
            found |= {(curve.data_path, curve.array_index): None for curve in curves if not curve.mute}
    # Several turns of one bone may be keyed by layers; those of its own rotation mode count.
    return list(found)


def _read(evaluated: Any, values: Values, at: int) -> None:
    """Read one frame's values: bones and shapes all at once, whatever else is animated one by one."""
    tables: dict[str, NDArray[np.float32]] = {}
    for (path, index), row in values.items():
        if bone := _BONE.fullmatch(path):
            name, prop = bpy.utils.unescape_identifier(bone[1]), bone[2]
            if prop not in tables:
                tables[prop] = np.empty((len(evaluated.pose.bones), _SIZE[prop]), np.float32)
                evaluated.pose.bones.foreach_get(prop, tables[prop].ravel())
            place = evaluated.pose.bones.find(name)
            row[at] = tables[prop][place, index] if place >= 0 else 0.0
        elif shape := _SHAPE.fullmatch(path):
            block = evaluated.key_blocks.get(bpy.utils.unescape_identifier(shape[1]))
            row[at] = block.value if block is not None else 0.0
        else:
            found = evaluated.path_resolve(path)
            row[at] = found[index] if hasattr(found, "__len__") else found


def _channels(values: Values) -> list[Channels]:
    """Return curves as they are written: what moves one bone in a group of its name."""
    made: list[Channels] = []
    for (path, index), row in values.items():
        bone = _BONE.fullmatch(path)
        group = bpy.utils.unescape_identifier(bone[1]) if bone else ("Face" if _SHAPE.fullmatch(path) else "Object")
        made.append(Channels(path, row[:, None], group, index))
    return made


@contextmanager
def _at_rest(meshes: Sequence[Object]) -> Iterator[None]:
    """Switch the meshes' modifiers off: only the channels are read, and skinning takes most of a frame's time."""
    shown = [modifier for mesh in meshes for modifier in mesh.modifiers if modifier.show_viewport]
    for modifier in shown:
        modifier.show_viewport = False
    try:
        yield
    finally:
        for modifier in shown:
            modifier.show_viewport = True
