# SPDX-License-Identifier: GPL-3.0-or-later
"""The cameras of a take as objects, and the cuts between them as markers, to be moved and removed as any others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

import bpy
import numpy as np
from duologue.labels import PERFORMERS
from duologue.staging import camera
from duologue.staging.setups import Setup
from duologue.units import FPS

from ..scene import actions, compat
from ..scene.actions import Channels
from ..scene.axes import to_blender
from ..scene.data import animate
from ..scene.timing import frame_rate, stretch

if TYPE_CHECKING:
    from bpy.types import Camera, Collection, Object, Scene

COLLECTION: Final = "Duologue Cameras"
VIEW: Final = "duologue_view"
"""Custom property of such a camera: what it sees, "wide" or "close A"."""
_BEFORE: Final = "duologue_before"
"""Custom property of such a camera: the animator's own, which was the scene's before."""

_TITLES: Final = {"wide": "Wide", "two": "Two", "over": "Over", "close": "Close"}


def set_cameras(scene: Scene, setups: Sequence[Setup], first_frame: int, *, cuts: bool = True) -> list[Object]:
    """Make a camera for each setup, in place of those of an earlier run, and the first shot's the scene's.

    ``cuts``: a marker at each shot's first frame that makes its camera the scene's from there on.
    """
    remove(scene)
    into = _collection(scene)
    made = [_camera(scene, setup, into, first_frame) for setup in setups]
    if scene.camera is not None:
        for ob in made:
            ob[_BEFORE] = scene.camera
    shots = [(shot, ob) for setup, ob in zip(setups, made, strict=True) for shot in setup.shots]
    for shot, ob in sorted(shots, key=lambda pair: pair[0].start) if cuts else []:
        marker = scene.timeline_markers.new(
            ob.name.removeprefix("Duologue "), frame=_frame(scene, shot.start, first_frame)
        )
        marker.camera = ob
    if shots:
        scene.camera = min(shots, key=lambda pair: pair[0].start)[1]
    return made


def remove(scene: Scene) -> int:
    """Remove the cameras of an earlier run, and the markers of their cuts; return how many cameras there were.

    The animator's own camera becomes the scene's again.
    """
    ours = [ob for ob in scene.objects if ob.get(VIEW) is not None]
    before = next((own for ob in ours if (own := ob.get(_BEFORE)) is not None), None)
    if scene.camera in ours:
        scene.camera = before if before is not None and before.name in scene.objects else None
    for marker in [m for m in scene.timeline_markers if m.camera in ours]:
        scene.timeline_markers.remove(marker)
    for ob in ours:
        data, moves = cast("Camera", ob.data), ob.animation_data
        action = moves.action if moves is not None else None
        bpy.data.objects.remove(ob)
        if not data.users:  # a linked copy of the animator's has it too
            bpy.data.cameras.remove(data)
        if action is not None and not action.users:
            bpy.data.actions.remove(action)
    collection = bpy.data.collections.get(COLLECTION)
    if collection is not None and not len(collection.all_objects) and not len(collection.children):
        bpy.data.collections.remove(collection)
    return len(ours)


def view_of(scene: Scene, view: str) -> Object | None:
    """Return the camera that sees ``view``, or None."""
    return next((ob for ob in scene.objects if ob.type == "CAMERA" and ob.get(VIEW) == view), None)


def _collection(scene: Scene) -> Collection:
    collection = bpy.data.collections.get(COLLECTION) or bpy.data.collections.new(COLLECTION)
    if collection.name not in scene.collection.children:
        scene.collection.children.link(collection)
    return collection


def _camera(scene: Scene, setup: Setup, into: Collection, first_frame: int) -> Object:
    whose = f" {PERFORMERS[setup.subject]}" if setup.subject >= 0 else ""
    name = f"Duologue {_TITLES[setup.size]}{whose}"
    lens = bpy.data.cameras.new(name)
    first = setup.places[0]
    lens.sensor_width, lens.lens = camera.SENSOR * 1000, first.lens * 1000
    lens.clip_start = 0.05
    ob = bpy.data.objects.new(name, lens)
    ob[VIEW] = f"{setup.size}{whose}"
    into.objects.link(ob)
    ob.location = to_blender(first.position).tolist()
    ob.rotation_euler = (math.pi / 2 - first.tilt, 0.0, first.azimuth)
    if len(setup.places) > 1:
        _move(scene, ob, setup, first_frame)
    return ob


def _move(scene: Scene, ob: Object, setup: Setup, first_frame: int) -> None:
    """Key where a camera goes that follows somebody, and how it turns."""
    rate = frame_rate(scene)
    frames = np.array([first_frame + frame * rate / FPS for frame in setup.frames], np.float32) * np.float32(
        stretch(scene)
    )
    action = bpy.data.actions.new(ob.name)
    data = animate(ob)
    data.action = action
    data.action_slot = actions.slot_for(action, ob)
    azimuths = np.unwrap([place.azimuth for place in setup.places])
    tilts = [math.pi / 2 - place.tilt for place in setup.places]
    turns = np.column_stack([tilts, np.zeros(len(frames)), azimuths])
    channels = [
        Channels("location", to_blender(np.array([place.position for place in setup.places])), "Location"),
        Channels("rotation_euler", turns, "Rotation"),
    ]
    bag = compat.channelbag(action, actions.slot_for(action, ob))
    actions.write_curves(bag, channels, frames)
    for curve in bag.fcurves:
        for point in curve.keyframe_points:
            point.interpolation = "BEZIER"
            point.handle_left_type = point.handle_right_type = "AUTO_CLAMPED"
        curve.update()


def _frame(scene: Scene, frame: int, first_frame: int) -> int:
    """Return the first whole frame of the scene that belongs to a shot that begins at ``frame`` of the take."""
    return first_frame + math.ceil(frame * frame_rate(scene) / FPS - 1e-6)
