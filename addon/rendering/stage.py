# SPDX-License-Identifier: GPL-3.0-or-later
"""A small stage for the sample characters: a seamless backdrop, three lights and the camera. Made once, moved on a second run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, cast

import bpy
import numpy as np

from ..scene import compat
from ..scene.axes import to_blender
from . import camera

if TYPE_CHECKING:
    from bpy.types import Camera, Collection, Image, Material, Object, Scene, SunLight

COLLECTION: Final = "Duologue Stage"

_FLOOR: Final = (0.30, 0.235, 0.175)
_HORIZON: Final = (0.27, 0.30, 0.29)
_TOP: Final = (0.045, 0.105, 0.140)
"""Linear RGB from the floor up: warm where the eye rests, dark and cool behind the heads, so that faces stand out."""

_WIDTH: Final = 14.0
_BEND: Final = 1.6  # radius of the curve between floor and wall, metres
_HEIGHT: Final = 5.0

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


def set_camera(scene: Scene, placement: camera.Placement) -> Object:
    """Put the stage's camera where ``placement`` says and make it the scene's."""
    ob = _object("Duologue Camera", lambda: bpy.data.cameras.new("Duologue Camera"), collection(scene))
    lens = cast("Camera", ob.data)
    lens.sensor_width, lens.lens = camera.SENSOR * 1000, camera.LENS * 1000
    ob.location = to_blender(placement.position).tolist()
    ob.rotation_euler = (math.pi / 2, 0.0, placement.azimuth)
    scene.camera = ob
    return ob


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
        background.inputs["Color"].default_value = (0.20, 0.22, 0.25, 1.0)
    world.color = _TOP


def set_backdrop(scene: Scene, centre: tuple[float, float], azimuth: float, room: float) -> Object:
    """Sweep a floor and a wall behind the pair: ``centre`` (x, z) ours, ``room`` metres from there to where the wall rises."""
    backdrop = _object("Duologue Backdrop", lambda: _sweep_mesh(room), collection(scene))
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


def _sweep_mesh(room: float) -> Any:
    """A profile (floor, quarter circle, wall) drawn out sideways; V runs along it, for the gradient."""
    angles = np.linspace(0.0, math.pi / 2, 13)
    profile = np.array(
        [
            (-12.0, 0.0),
            *zip(room + _BEND * np.sin(angles), _BEND * (1 - np.cos(angles)), strict=True),
            (room + _BEND, _BEND + _HEIGHT),
        ]
    )
    n = len(profile)
    # In the object's own axes the camera stands at -Y.
    sides = np.array([-_WIDTH, _WIDTH])
    vertices = [(x, depth, height) for depth, height in profile for x in sides]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(n - 1)]
    mesh = bpy.data.meshes.new("Duologue Backdrop")
    mesh.from_pydata(vertices, [], faces)
    shade = np.interp(profile[:, 1], [0.0, _BEND, _BEND + _HEIGHT], [0.02, 0.45, 0.98])
    shade[0] = 0.0
    layer: Any = mesh.uv_layers.new(name="Gradient")
    loops = np.array([v for face in faces for v in face]) // 2
    layer.data.foreach_set("uv", np.column_stack([np.full(len(loops), 0.5), shade[loops]]).astype(np.float32).ravel())
    mesh.shade_smooth()
    mesh.materials.append(_backdrop_material())
    return mesh


def _backdrop_material() -> Material:
    material = bpy.data.materials.new("Duologue Backdrop")
    color: Any = (*_HORIZON, 1.0)
    material.diffuse_color = color
    material.roughness = 1.0
    tree = compat.node_tree(material)
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = 1.0
    shader.inputs["Specular IOR Level"].default_value = 0.0
    image = tree.nodes.new("ShaderNodeTexImage")
    image.image = _gradient()
    image.extension = "EXTEND"
    tree.links.new(image.outputs["Color"], shader.inputs["Base Color"])
    tree.nodes.active = image  # the one that Workbench shows
    return material


def _gradient() -> Image:
    """A column of pixels from floor to top, packed into the file."""
    height = 256
    stops = np.array([_FLOOR, _HORIZON, _TOP, np.multiply(_TOP, 0.8)])
    at = np.linspace(0.0, 1.0, height)
    linear = np.column_stack([np.interp(at, [0.0, 0.12, 0.6, 1.0], stops[:, k]) for k in range(3)])
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    pixels = np.ones((height, 4, 4), np.float32)
    pixels[..., :3] = srgb[:, None]
    image = bpy.data.images.new("Duologue Backdrop", 4, height)
    image.pixels.foreach_set(cast("Any", pixels.ravel()))
    image.pack()
    return image
