# SPDX-License-Identifier: GPL-3.0-or-later
"""A contact sheet of skin that gives way, for docs/pictures: `python -m tools.characters.skin_pictures`.

Needs the `blender` extra (bpy) and pillow. Fingers are bare capsules here: what is to be seen is the skin, without them and with.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
from duologue.datasets.synthesis.characters.fields import Array
from duologue.interactions.contact_keys import contact_keys
from duologue.interactions.indentation import Capsules
from duologue.interactions.landmarks import Landmark, find_landmark
from duologue.interactions.press import press
from duologue.interactions.surface import skin_of
from mathutils import Vector
from PIL import Image

from addon.cast import characters
from addon.cast.cast import cast
from addon.interactions import keys
from addon.interactions.surfaces import surface_of
from addon.scene.axes import to_blender
from tools.characters.pictures import PICTURES
from tools.characters.studio import Studio, View, sheet

RADIUS = 0.0078
FRAMES, SHOWN = 20, 11
SIZE = (300, 300)
POKES = (("cheek", "Left", 0.006), ("nose", "", 0.004), ("lips", "", 0.004))


def fingers(place: Landmark, kind: str, depth: float) -> Array:
    """Return lines (K, 2, 3) of capsules that touch a landmark, `depth` metres deep."""
    out, up, normal = place.frame.T
    if kind == "poke":
        return _finger(place.centre + normal * (RADIUS - depth), 0.85 * normal - 0.52 * up)
    if kind == "pinch":
        sides = [0.75 * normal + side * 0.66 * out for side in (-1.0, 1.0)]
        spots = [place.centre + side * 0.011 * out for side in (-1.0, 1.0)]
        return np.concatenate([_finger(at + n * (RADIUS - depth), n) for at, n in zip(spots, sides, strict=True)])
    spots = [place.centre + side * 0.009 * out + normal * (RADIUS - depth) for side in (-1.0, 1.0)]
    return np.concatenate([_finger(at, 0.3 * normal - 0.95 * up) for at in spots])


def _finger(tip: Array, along: Array) -> Array:
    along = along / np.linalg.norm(along)
    joints = [tip, tip + 0.024 * along, tip + 0.054 * along]
    return np.array([joints[:2], joints[1:]])


def shots(name: str) -> Iterator[Image.Image]:
    """Yield pictures of one character: each touch without the fingers, then with them."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    studio = Studio(scene)
    armature = characters.build(characters.sample_file(name), scene.collection).armature
    bpy.context.view_layer.update()
    surface = surface_of(cast("A", armature))
    skin = skin_of(surface.character)
    posed = np.repeat(skin.rest[None], FRAMES, axis=0)
    still = np.tile(np.eye(3), (FRAMES, len(skin.rest), 1, 1))
    lift = np.interp(np.arange(FRAMES), [0, 5, 8, 12, 15], [0.03, 0.006, 0.0, 0.0, 0.03])[:, None, None, None]
    wanted = [(*poke, "poke") for poke in POKES] + [
        ("cheek", "Left", 0.004, "pinch"),
        ("cheek", "Left", 0.003, "stroke"),
    ]
    for place, side, depth, kind in wanted:
        landmark = find_landmark(surface.character, place, side)
        lines = fingers(landmark, kind, depth)
        _, _, normal = landmark.frame.T
        capsules = Capsules(lines[None] + lift * normal, np.full(len(lines), RADIUS))
        touch = contact_keys([press(skin, posed, lambda near: still[:, near], capsules, 30.0)])
        keys.write(touch, surface.meshes, 1 + np.arange(FRAMES, dtype=np.float32), "A")
        scene.frame_set(1 + SHOWN)
        azimuth = math.degrees(math.atan2(normal[0], normal[2]))
        view = View(landmark.centre, 0.30, azimuth - 40 if side else 28, 6, 90)
        yield studio.shot(view, SIZE, f"{place}: {kind}, {depth * 1000:.0f} mm, {len(touch)} keys")
        drawn = [_capsule(line) for line in lines]
        yield studio.shot(view, SIZE)
        for ob in drawn:
            bpy.data.objects.remove(ob)


def _capsule(line: Array) -> bpy.types.Object:
    """Draw a capsule as a thick line with round ends."""
    curve = bpy.data.curves.new("finger", "CURVE")
    curve.dimensions, curve.bevel_depth, curve.bevel_resolution = "3D", RADIUS, 6
    material = bpy.data.materials.new("finger")
    colour: Any = (0.3, 0.5, 0.8, 1.0)
    material.diffuse_color = colour
    curve.materials.append(material)
    start, end = (Vector(to_blender(point).tolist()) for point in line)
    around = [(*_round(k, start, start - end), _taper(k)) for k in range(5)] + [(*end, 1.0)]
    spline = curve.splines.new("POLY")
    spline.points.add(len(around) - 1)
    for point, (x, y, z, radius) in zip(spline.points, around, strict=True):
        point.co, point.radius = (x, y, z, 1.0), radius
    ob = bpy.data.objects.new("finger", curve)
    bpy.context.scene.collection.objects.link(ob)
    return ob


def _round(k: int, end: Vector, outward: Vector) -> Vector:
    """Return the k-th of five points from a ball's pole to its middle."""
    return end + outward.normalized() * RADIUS * math.cos(math.pi / 2 * k / 4)


def _taper(k: int) -> float:
    return max(math.sin(math.pi / 2 * k / 4), 0.02)


def main() -> None:
    """Draw both characters, two touches a row."""
    sheet([image for name in characters.SAMPLES for image in shots(name)], 4, PICTURES / "skin.png")


if __name__ == "__main__":
    main()
