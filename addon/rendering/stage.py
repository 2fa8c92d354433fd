# SPDX-License-Identifier: GPL-3.0-or-later
"""A small stage for the sample characters: a set and three lights. Made once, moved on a second run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, cast

import bpy

from ..scene import compat
from ..scene.axes import to_blender
from . import room

if TYPE_CHECKING:
    from bpy.types import Collection, Object, Scene, SunLight

COLLECTION: Final = "Duologue Stage"

_AMBIENT: Final = (0.20, 0.22, 0.25)

_LIGHTS: Final = (
    # name, azimuth from the camera, elevation (degrees), strength (W/m2), colour
    ("Key", -38.0, 42.0, 2.6, (1.0, 0.94, 0.86)),
    ("Fill", 50.0, 20.0, 0.9, (0.82, 0.90, 1.0)),
    ("Rim", 160.0, 50.0, 1.6, (1.0, 0.97, 0.92)),
)


def collection(scene: Scene) -> Collection:
    """Return the stage's collection, made and linked if it is not there."""
    stage = bpy.data.collections.get(COLLECTION) or bpy.data.collections.new(COLLECTION)
    if stage.name not in scene.collection.children:
        scene.collection.children.link(stage)
    return stage


def set_lights(scene: Scene, azimuth: float) -> None:
    """Put three suns around the pair, seen from the camera's side: they need no distance and cast clean shadows."""
    for name, around, elevation, strength, color in _LIGHTS:
        lamp = _object(
            f"Duologue {name}", lambda name=name: bpy.data.lights.new(f"Duologue {name}", "SUN"), collection(scene)
        )
        sun = cast("SunLight", lamp.data)
        sun.energy, sun.color, sun.angle = strength, color, math.radians(4.0)
        lamp.location = (0.0, 0.0, 4.0)
        # A sun shines along its own -Z: lift it to the elevation, then turn it around.
        lamp.rotation_euler = (math.radians(90.0 - elevation), 0.0, azimuth + math.radians(around))
    world = scene.world or bpy.data.worlds.new("Duologue World")
    scene.world = world
    background = next((node for node in compat.node_tree(world).nodes if node.type == "BACKGROUND"), None)
    if background is not None:
        background.inputs["Color"].default_value = (*_AMBIENT, 1.0)
    world.color = (0.03, 0.04, 0.045)


def set_backdrop(
    scene: Scene, centre: tuple[float, float], azimuth: float, room_behind: float, room_beside: float
) -> Object:
    """Build the set around the pair: ``centre`` (x, z) ours, and metres from there to the wall behind and those beside."""
    backdrop = _object("Duologue Backdrop", lambda: room.build(room_behind, room_beside), collection(scene))
    backdrop.location = to_blender((centre[0], 0.0, centre[1])).tolist()
    backdrop.rotation_euler = (0.0, 0.0, azimuth)
    backdrop.hide_select = True
    return backdrop


def _object(name: str, make: Any, into: Collection) -> Object:
    """Return the stage's object of that name, or a new one around the data that ``make`` gives."""
    if (present := into.objects.get(name)) is not None:
        return present
    ob = bpy.data.objects.new(name, make())
    into.objects.link(ob)
    return ob
