# SPDX-License-Identifier: GPL-3.0-or-later
"""Chairs where seated performers' hips come down, in a collection of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import bpy
import numpy as np
from duologue.labels import PERFORMERS
from duologue.staging import chair, seats
from duologue.staging.camera import Sight
from duologue.staging.seats import Seat
from duologue.take import Take

from ..cast.cast import Performer
from ..scene import compat
from ..scene.axes import to_blender
from . import seeing

if TYPE_CHECKING:
    from bpy.types import Collection, Material, Mesh, Object, Scene

COLLECTION: Final = "Duologue Seats"
SEAT: Final = "duologue_seat"
"""Custom property of such a chair: whose it is."""

_LOOKS: Final = 5
"""How many moments of a sitting the chair is measured at."""


def set_seats(
    scene: Scene, take: Take, performers: Sequence[Performer], sight: Sight, first_frame: int
) -> list[Object]:
    """Put a chair under everybody who sits, in place of those of an earlier run."""
    remove(scene)
    made: list[Object] = []
    for sitting in seats.sittings(take):
        performer = performers[sitting.who]
        moments = np.unique(np.linspace(sitting.start, sitting.stop - 1, _LOOKS).astype(int))
        skin = seeing.skin(scene, performer, moments, first_frame)
        standing = float(performer.rig.heads[performer.bone_index("Hips")][1])
        hips = sight.between(sitting.start, sitting.stop).hips[sitting.who]
        seat = seats.fit(sitting, hips, skin, standing)
        if seat is not None:
            made.append(_chair(seat, _collection(scene)))
    return made


def remove(scene: Scene) -> int:
    """Remove the chairs of an earlier run, and only those; return how many there were."""
    ours = [ob for ob in scene.objects if ob.get(SEAT) is not None]
    for ob in ours:
        data = cast("Mesh", ob.data)
        bpy.data.objects.remove(ob)
        if not data.users:
            bpy.data.meshes.remove(data)
    collection = bpy.data.collections.get(COLLECTION)
    if collection is not None and not len(collection.all_objects) and not len(collection.children):
        bpy.data.collections.remove(collection)
    return len(ours)


def _collection(scene: Scene) -> Collection:
    collection = bpy.data.collections.get(COLLECTION) or bpy.data.collections.new(COLLECTION)
    if collection.name not in scene.collection.children:
        scene.collection.children.link(collection)
    return collection


def _chair(seat: Seat, into: Collection) -> Object:
    shape = chair.build(seat)
    name = f"Duologue Chair {PERFORMERS[seat.who]}"
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_blender(shape.vertices).tolist(), [], shape.faces.tolist())
    mesh.polygons.foreach_set("material_index", shape.materials.astype(np.int32))
    for title, colour in zip(("Wood", "Cloth"), chair.COLOURS, strict=True):
        mesh.materials.append(_material(f"Duologue {title}", colour))
    mesh.update()
    ob = bpy.data.objects.new(name, mesh)
    ob[SEAT] = PERFORMERS[seat.who]
    into.objects.link(ob)
    ob.location = to_blender((seat.place[0], 0.0, seat.place[1])).tolist()
    ob.rotation_euler = (0.0, 0.0, seat.heading)
    return ob


def _material(name: str, colour: tuple[float, float, float]) -> Material:
    if (present := bpy.data.materials.get(name)) is not None:
        return present
    material = bpy.data.materials.new(name)
    viewport: Any = (*colour, 1.0)
    material.diffuse_color = viewport
    material.roughness = 0.6
    shader = next(node for node in compat.node_tree(material).nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = viewport
    shader.inputs["Roughness"].default_value = 0.6
    return material
