# SPDX-License-Identifier: GPL-3.0-or-later
"""Baking: what plays on a character, every n-th frame of it, as plain keys in an Action of the animator's own.

What plays is what Blender makes of the take, kept tracks and tweak layers together, before constraints: the values that the
channels have, in whatever rotation mode each bone is. So it holds on any rig that a take can play on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import bpy
import numpy as np
from numpy.typing import NDArray

from ..scene import actions, armatures, compat, touch_tracks
from ..scene.actions import Channels
from ..scene.data import animate, animation_of, keys_of
from ..scene.evaluating import without_surfaces
from ..scene.timing import stretch
from . import tweaks

if TYPE_CHECKING:
    from bpy.types import ID, Action, ActionSlot, FCurve, Object, Scene

Path = tuple[str, int]
"""A curve's data path and index."""
Values = dict[Path, NDArray[np.float32]]
"""Each curve's values (T,)."""

_BONE = re.compile(r'pose\.bones\["(.*)"\]\.(location|scale|rotation_quaternion|rotation_euler|rotation_axis_angle)')
_SIZE = {"location": 3, "scale": 3, "rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4}
_SHAPE = re.compile(r'key_blocks\["(.*)"\]\.value')


def bake(
    scene: Scene,
    datablocks: Sequence[Sequence[ID]],
    names: Sequence[str],
    frames: Sequence[int],
    *,
    on_progress: Callable[[float], None],
) -> list[Action]:
    """Write what plays on each character at ``frames`` into a new Action and let that play, in place of the takes.

    ``datablocks``: each character's armature and faces; ``names``: what the Actions are called; ``on_progress`` is told the
    share that is done. Kept takes and tweak layers are muted, not removed.
    """
    every = [datablock for group in datablocks for datablock in group]
    for datablock in every:
        actions.leave_tweak_mode(datablock)
    times = np.array(frames, np.float32) * np.float32(stretch(scene))
    values: dict[ID, Values] = {}
    mixed: dict[ID, Values] = {}
    for datablock in every:
        alone, several = _sorted_out(_layers(datablock, times))
        values[datablock] = {path: layer.evaluated(path, times) for path, layer in alone.items()}
        mixed[datablock] = {path: np.zeros(len(times), np.float32) for path in several}
    if any(mixed.values()):
        with _only_needed(every, mixed):
            _sample(scene, mixed, frames, on_progress)
    baked: list[Action] = []
    for group, name in zip(datablocks, names, strict=True):
        action = bpy.data.actions.new(name)
        action.use_fake_user = True
        for datablock in group:
            bag = compat.channelbag(action, actions.slot_for(action, datablock))
            actions.write_curves(bag, _channels(values[datablock] | mixed[datablock]), times)
            _play_instead(datablock, action)
        baked.append(action)
    return baked


def _play_instead(datablock: ID, action: Action) -> None:
    data = animate(datablock)
    layer = tweaks.track_of(datablock)
    for track in (*actions.tracks_of(datablock), *([layer] if layer else []), *touch_tracks.layers_of(datablock)):
        track.mute = True
    data.action = action
    data.action_slot = actions.find_slot(action, datablock)


@dataclass(frozen=True)
class _Layer:
    """An Action that plays: its curves, whether it replaces what is below, and how many frames later it is in its strip."""

    curves: dict[Path, FCurve]
    replaces: bool
    shift: float = 0.0

    def evaluated(self, path: Path, times: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the values of one curve at times as keys count them."""
        curve = self.curves[path]
        return np.array([curve.evaluate(time - self.shift) for time in times], np.float32)


def _layers(datablock: ID, times: NDArray[np.float32]) -> list[_Layer]:
    """Return what plays on a datablock, the topmost first."""
    data = animation_of(datablock)
    if data is None:
        return []
    layers = [_Layer(_curves(data.action, data.action_slot), data.action_blend_type == "REPLACE")]
    tracks = [track for track in data.nla_tracks if not track.mute] if data.use_nla else []
    for track in reversed(tracks):
        for strip in track.strips:
            whole = len(track.strips) == 1 and strip.frame_start <= times[0] and times[-1] <= strip.frame_end
            plain = strip.blend_type == "REPLACE" and strip.influence == 1 and not strip.use_animated_influence
            timed = strip.scale == 1 and strip.repeat == 1 and not strip.use_reverse and not strip.use_animated_time
            curves = _curves(strip.action, strip.action_slot) if not strip.mute else {}
            layers.append(_Layer(curves, whole and plain and timed, strip.frame_start - strip.action_frame_start))
    return layers


def _curves(action: Action | None, slot: ActionSlot | None) -> dict[Path, FCurve]:
    if action is None or slot is None:
        return {}
    curves = compat.channelbag(action, slot).fcurves
    return {(curve.data_path, curve.array_index): curve for curve in curves if not curve.mute}


def _sorted_out(layers: Sequence[_Layer]) -> tuple[dict[Path, _Layer], list[Path]]:
    """Return the channels that one layer alone decides, with that layer, and those that only Blender can tell."""
    alone: dict[Path, _Layer] = {}
    several: list[Path] = []
    for path in {path: None for layer in layers for path in layer.curves}:
        topmost = next(layer for layer in layers if path in layer.curves)
        if topmost.replaces:
            alone[path] = topmost
        else:
            several.append(path)
    return alone, several


def _sample(
    scene: Scene, wanted: dict[ID, Values], frames: Sequence[int], on_progress: Callable[[float], None]
) -> None:
    """Fill in the values that Blender evaluates, frame by frame."""
    before = scene.frame_current, scene.frame_subframe
    for i, frame in enumerate(frames):
        scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        for datablock, values in wanted.items():
            if values:
                _read(datablock.evaluated_get(depsgraph), values, i)
        on_progress((i + 1) / len(frames))
    scene.frame_set(before[0], subframe=before[1])


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
            value = evaluated.path_resolve(path)
            row[at] = value[index] if hasattr(value, "__len__") else value


def _channels(values: Values) -> list[Channels]:
    """Return curves as they are written: what moves one bone in a group of its name."""
    channels: list[Channels] = []
    for (path, index), row in values.items():
        bone = _BONE.fullmatch(path)
        group = bpy.utils.unescape_identifier(bone[1]) if bone else ("Face" if _SHAPE.fullmatch(path) else "Object")
        channels.append(Channels(path, row[:, None], group, index))
    return channels


def _only_needed(datablocks: Sequence[ID], mixed: dict[ID, Values]) -> AbstractContextManager[None]:
    """Have Blender evaluate no mesh whose shapes are not asked for, and no modifier."""
    keys = {datablock for datablock in datablocks if datablock.id_type == "KEY" and mixed[datablock]}
    rigs = {cast("Object", datablock) for datablock in datablocks if datablock.id_type == "OBJECT"}
    meshes = {mesh for rig in rigs for mesh in armatures.meshes_of(rig)}
    return without_surfaces(meshes, {mesh for mesh in meshes if keys_of(mesh) in keys})
