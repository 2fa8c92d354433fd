# SPDX-License-Identifier: GPL-3.0-or-later
"""Corrective shape keys of a touch: written with their curves on an NLA track of their own, and taken away without a trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import bpy
import numpy as np
from duologue.errors import DuologueError
from duologue.interactions.contact_keys import ContactKeys
from numpy.typing import NDArray

from ..scene import actions, compat
from ..scene.actions import Channels
from ..scene.axes import to_blender
from ..scene.data import animate, animation_of, keys_of, mesh_of
from ..scene.shape_keys import shape_path

if TYPE_CHECKING:
    from bpy.types import Action, Key, Object

TOUCH = "duologue_touch"
"""Custom property of a touch's Action, and of the shape keys that it plays on: there it says what to take away again."""

_TRACK = "Duologue Touch"
_NAMES, _BASIS, _ANIMATED = "names", "basis", "animated"
_SEEN = 1e-6
"""Metres: a mesh that no key moves by more gets none."""


def require_keys(meshes: Sequence[Object]) -> None:
    """Refuse meshes that can't be given shape keys, before anything is done.

    Raises:
        DuologueError: FAILED_PRECONDITION ``mesh-linked``.
    """
    for ob in meshes:
        blocks = [block for block in (ob, mesh_of(ob), keys_of(ob)) if block is not None]
        if linked := next((block for block in blocks if not block.is_editable), None):
            library = linked.library.filepath if linked.library is not None else "another file"
            raise DuologueError(
                "FAILED_PRECONDITION",
                "mesh-linked",
                f"the mesh of {ob.name!r} is linked from {library}, and skin that gives way needs shape keys of its own: make a "
                "library override of the object and its data local (Object > Relations > Make Local > Selected Objects and Data)",
            )


def write(
    keys: ContactKeys, meshes: Sequence[tuple[Object, int]], frames: NDArray[Any], performer: str
) -> list[Action]:
    """Write a touch's shapes onto the meshes of a surface, in place of those of an earlier one, with curves over ``frames``.

    Args:
        keys: the shapes; vertices count through all meshes.
        meshes: each mesh and the surface's row of its first vertex, as ``surfaces.Surface`` has them.
        frames: (T,): where keys lie.
        performer: ``A`` or ``B``: whose skin it is.

    Raises:
        DuologueError: FAILED_PRECONDITION ``mesh-linked``; nothing has changed then.
    """
    require_keys([ob for ob, _ in meshes])
    made: list[Action] = []
    for ob, first in meshes:
        remove(ob)
        mine = (keys.vertices >= first) & (keys.vertices < first + len(mesh_of(ob).vertices))
        moving = np.flatnonzero(np.abs(keys.deltas[:, mine]).max(axis=(1, 2), initial=0.0) > _SEEN)
        if not len(moving):
            continue
        linear = np.linalg.inv(np.array(ob.matrix_world, np.float64)[:3, :3])
        deltas = to_blender(keys.deltas[np.ix_(moving, np.flatnonzero(mine))]) @ linear.T
        names = _add_keys(
            ob, [keys.names[k] for k in moving], keys.vertices[mine] - first, deltas, keys.values[:, moving]
        )
        made.append(_animate(ob, names, keys.values[:, moving], np.asarray(frames, np.float32), performer))
    return made


def remove(ob: Object) -> bool:
    """Take a touch's shape keys and curves off a mesh; everything else is as it was before. Return whether there were any."""
    block = keys_of(ob)
    if block is None or TOUCH not in block:
        return False
    told = cast("Any", block)[TOUCH]
    names, own_basis, was_animated = set(told[_NAMES]), bool(told[_BASIS]), bool(told[_ANIMATED])
    _stop(block)
    active = ob.active_shape_key_index or 0
    for name in names:
        if (key := block.key_blocks.get(name)) is not None:
            ob.shape_key_remove(key)
    if own_basis and len(block.key_blocks) == 1:
        ob.shape_key_clear()
        return True
    del cast("Any", block)[TOUCH]
    ob.active_shape_key_index = min(active, len(block.key_blocks) - 1)
    data = animation_of(block)
    if data is not None and not was_animated and data.action is None and not data.nla_tracks and not data.drivers:
        block.animation_data_clear()
    return True


def has_touch(ob: Object) -> bool:
    """Return whether a mesh has shape keys of a touch."""
    block = keys_of(ob)
    return block is not None and TOUCH in block


def _add_keys(
    ob: Object, names: Sequence[str], vertices: NDArray[Any], deltas: NDArray[Any], values: NDArray[Any]
) -> list[str]:
    """Add shape keys that move ``vertices`` (m,) by ``deltas`` (K, m, 3); return what they are called."""
    had = keys_of(ob)
    active, animated = ob.active_shape_key_index, had is not None and animation_of(had) is not None
    if had is None:
        ob.shape_key_add(name="Basis", from_mix=False)
    block = cast("Key", keys_of(ob))
    rest = np.empty(3 * len(mesh_of(ob).vertices), np.float32)
    block.reference_key.points.foreach_get("co", rest)
    made: list[str] = []
    for name, delta, value in zip(names, deltas, values.T, strict=True):
        key = ob.shape_key_add(name=name, from_mix=False)
        key.slider_min, key.slider_max = min(0.0, float(value.min())), max(1.0, float(value.max()))
        key.value = 0.0  # Blender 5.0 and later make a new one at 1
        key.relative_key = block.reference_key
        moved = rest.reshape(-1, 3).copy()
        moved[vertices] += delta.astype(np.float32)
        key.points.foreach_set("co", moved.ravel())
        made.append(key.name)
    cast("Any", block)[TOUCH] = {_NAMES: made, _BASIS: had is None, _ANIMATED: animated}
    ob.active_shape_key_index = active
    mesh_of(ob).update()
    return made


def _animate(
    ob: Object, names: Sequence[str], values: NDArray[Any], frames: NDArray[np.float32], performer: str
) -> Action:
    """Lay the values (T, K) on an NLA track of their own: at rest one frame before and after."""
    block = cast("Key", keys_of(ob))
    action = bpy.data.actions.new(f"{ob.name} Touch")
    action[TOUCH] = performer
    slot = actions.slot_for(action, block)
    step = float(frames[1] - frames[0]) if len(frames) > 1 else 1.0
    times = np.concatenate(([frames[0] - step], frames, [frames[-1] + step])).astype(np.float32)
    rested = np.pad(values, ((1, 1), (0, 0)))
    channels = [Channels(shape_path(name), rested[:, [k]], "Touch") for k, name in enumerate(names)]
    actions.write_curves(compat.channelbag(action, slot), channels, times)
    track = animate(block).nla_tracks.new()
    track.name = _TRACK
    strip = track.strips.new(_TRACK, round(float(times[0])), action)
    strip.action_slot = slot
    strip.action_frame_start, strip.action_frame_end = float(times[0]), float(times[-1])
    strip.frame_start_raw, strip.frame_end_raw = float(times[0]), float(times[-1])
    strip.extrapolation = "HOLD"  # outside of it all of them are 0
    return action


def _stop(block: Key) -> None:
    """Take a touch's tracks and Actions off shape keys."""
    data = animation_of(block)
    if data is None:
        return
    actions.leave_tweak_mode(block)
    for track in [t for t in data.nla_tracks if len(t.strips) and all(_is_touch(s.action) for s in t.strips)]:
        held = [strip.action for strip in track.strips]
        data.nla_tracks.remove(track)
        for action in held:
            if action is not None and not action.users:
                bpy.data.actions.remove(action)


def _is_touch(action: Action | None) -> bool:
    return action is not None and TOUCH in action
