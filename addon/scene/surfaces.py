# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a scene has a surface, as Blender evaluates it: triangles in our world, whose they are, and which part of whom.

Modifiers, shape keys, constraints and instances count, because only the evaluated scene is read. What can't be read as triangles
is told by :func:`unseen`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from duologue.passes import Mesh
from duologue.passes.contract import BODY, EYE, HAIR, HAND, HEAD, PROP, SCENE
from numpy.typing import NDArray

from .armatures import armature_behind
from .axes import TO_BLENDER, from_blender
from .data import armature_of
from .materials import own_colours

if TYPE_CHECKING:
    from bpy.types import Depsgraph, Material, Object, Scene

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]

_MESHLIKE: Final = {"MESH", "CURVE", "SURFACE", "META", "FONT"}
_UNSEEN: Final = {
    "CURVES": "hair curves",
    "VOLUME": "a volume",
    "POINTCLOUD": "a point cloud",
    "GREASEPENCIL": "drawn strokes",
}
_HAIR_WORDS: Final = re.compile(r"hair|brow|lash|beard|mou?stache|wimper|haar", re.IGNORECASE)
_EYE_WORDS: Final = re.compile(r"(?<![a-z])eyes?(?![a-z])|eyeball|iris|pupil|sclera|cornea", re.IGNORECASE)


@dataclass(frozen=True)
class Person:
    """Who plays: ``number`` 1 for A, 2 for B; the armature; ``bones``: which part (HEAD, HAND, EYE) a bone's skin belongs to."""

    number: int
    armature: Object
    bones: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class _Known:
    """What of a mesh stays the same while it moves: of its triangles part, person and colour, of its vertices the rest place."""

    part: Bytes
    person: Bytes
    colour: Bytes
    rest: Floats


@dataclass
class Reader:
    """Reads frames of a scene, one after the other; what a triangle is part of is worked out once a mesh."""

    people: Sequence[Person]
    _known: dict[tuple[str, int, int], _Known] = field(default_factory=dict[tuple[str, int, int], _Known])

    def read(self, depsgraph: Depsgraph) -> list[Mesh]:
        """Return all that is rendered and has triangles, as it is now. What is hidden from renders or cameras is left out."""
        return [mesh for name, ob, world in _shown(depsgraph) if (mesh := self._mesh(name, ob, world)) is not None]

    def _mesh(self, name: str, ob: Object, world: Floats) -> Mesh | None:
        data: Any = ob.to_mesh()
        if data is None:
            return None
        try:
            triangles = _ints(data.loop_triangles, "vertices", 3)
            if not len(triangles):
                return None
            local = _floats(data.vertices, "co", 3)
            vertices = from_blender(local @ world[:3, :3].T + world[:3, 3])
            loops = _ints(data.loop_triangles, "loops", 3)
            normals = _turned(_floats(data.corner_normals, "vector", 3)[loops], world, vertices[triangles])
            normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)
            if np.linalg.det(world[:3, :3]) < 0:  # mirrored: what was outside would be inside
                triangles, normals = triangles[:, ::-1], normals[:, ::-1]
            key = (name, len(vertices), len(triangles))
            if key not in self._known:
                self._known[key] = self._know(ob, data, triangles, loops, vertices)
        finally:
            ob.to_mesh_clear()
        known = self._known[key]
        return Mesh(
            vertices, np.ascontiguousarray(triangles), known.part, known.person, known.colour, None, known.rest, normals,
            name=name,
        )  # fmt: skip

    def _know(
        self, ob: Object, data: Any, triangles: NDArray[np.int32], loops: NDArray[np.int32], vertices: Floats
    ) -> _Known:
        original = cast("Object", ob.original)
        person = next((one for one in self.people if _belongs(original, one.armature)), None)
        materials = list(data.materials)
        slot = np.zeros(len(triangles), np.int32)
        data.loop_triangles.foreach_get("material_index", slot)
        slot = np.clip(slot, 0, max(len(materials) - 1, 0))
        number = np.full(len(triangles), person.number if person else 0, np.uint8)
        if person is None:
            part = np.full(len(triangles), SCENE, np.uint8)
        else:
            part = _parts(original, data, triangles, person)
            _refine(part, slot, [material.name if material else "" for material in materials], original.name)
        return _Known(part, number, own_colours(data, slot, loops), _rest(original, person, vertices))


def _shown(depsgraph: Depsgraph) -> Iterator[tuple[str, Object, Floats]]:
    """Yield the name, the evaluated object and the placement of all that is rendered, instances too."""
    for instance in depsgraph.object_instances:
        ob = cast("Object", instance.object)
        original = cast("Object", ob.original)
        if not instance.show_self or ob.type not in _MESHLIKE or original.hide_render or not original.visible_camera:
            continue
        name = original.name
        if instance.is_instance:
            parent = cast("Object", instance.parent)
            if cast("Object", parent.original).hide_render:
                continue
            name = (
                f"{parent.name}/{name}/{'.'.join(str(n) for n in cast('Any', instance.persistent_id) if n < 2**31 - 1)}"
            )
        yield name, ob, np.array(instance.matrix_world, np.float64)


def _turned(normals: Floats, world: Floats, corners: Floats) -> Floats:
    """Return normals (F, 3, 3) of a mesh's corners in the world, our axes; ``corners`` (F, 3, 3): where those are there."""
    if np.linalg.matrix_rank(world[:3, :3]) == 3:
        return from_blender(normals @ np.linalg.inv(world[:3, :3]))
    a, b, c = corners.swapaxes(0, 1)  # scaled to nothing along an axis, as people hide things: it is flat
    return np.repeat(np.cross(b - a, c - a)[:, None], 3, axis=1)


def _floats(items: Any, name: str, width: int) -> Floats:
    flat = np.empty(width * len(items), np.float32)
    items.foreach_get(name, flat)
    return flat.reshape(-1, width).astype(np.float64)


def _ints(items: Any, name: str, width: int) -> NDArray[np.int32]:
    flat = np.empty(width * len(items), np.int32)
    items.foreach_get(name, flat)
    return flat.reshape(-1, width)


def _belongs(ob: Object, armature: Object) -> bool:
    return armature_behind(ob) == armature


def held_by(ob: Object, armature: Object) -> str:
    """Return the bone of an armature that an object hangs on as a whole, however far below, or nothing."""
    while ob.parent is not None:
        if ob.parent == armature:
            return ob.parent_bone if ob.parent_type == "BONE" else ""
        ob = ob.parent
    return ""


def _parts(ob: Object, data: Any, triangles: NDArray[np.int32], person: Person) -> Bytes:
    """Return the part (F,) of each triangle, of the bones that hold most of its corners; what hangs on a hand is a prop."""
    if bone := held_by(ob, person.armature):
        part = person.bones.get(bone, BODY)
        return np.full(len(triangles), PROP if part == HAND else part, np.uint8)
    # Groups that are no bones (masks, cloth pins) may weigh on everything, and say nothing of who holds it.
    bones = armature_of(person.armature).bones
    of_group = {group.index: person.bones.get(group.name, BODY) for group in ob.vertex_groups if group.name in bones}
    held = [
        (i, of_group[g.group], g.weight)
        for i, vertex in enumerate(data.vertices)
        for g in vertex.groups
        if g.group in of_group
    ]
    weights = np.zeros((len(data.vertices), SCENE + 1))
    if held:
        vertex, part, weight = (np.array(column) for column in zip(*held, strict=True))
        np.add.at(weights, (vertex.astype(np.intp), part.astype(np.intp)), weight)
    weights[:, BODY] += 1e-6
    return weights[triangles].sum(axis=1).argmax(axis=1).astype(np.uint8)


def _refine(part: Bytes, slot: NDArray[np.int32], materials: Sequence[str], name: str) -> None:
    """Tell hair and eyes of a head by the names of materials, or by the mesh's own where all of it is on the head."""
    head = part == HEAD
    whole = head.mean() > 0.9
    for words, chosen in ((_HAIR_WORDS, HAIR), (_EYE_WORDS, EYE)):
        if whole and words.search(name):
            part[head] = chosen
            return
    for words, chosen in ((_EYE_WORDS, EYE), (_HAIR_WORDS, HAIR)):
        called = np.array([bool(words.search(material)) for material in materials] or [False])
        part[head & called[slot]] = chosen


def _rest(ob: Object, person: Person | None, vertices: Floats) -> Floats:
    """Return the places (V, 3) of the vertices before anything bends them, in their person's own axes.

    Where modifiers make other vertices than the mesh has, what is seen first stands for it.
    """
    inverse = np.linalg.inv(np.array(person.armature.matrix_world, np.float64)) if person else np.eye(4)
    if person and ob.type == "MESH" and len(cast("Any", ob.data).vertices) == len(vertices):
        local = inverse @ np.array(ob.matrix_world, np.float64)
        return from_blender(_floats(cast("Any", ob.data).vertices, "co", 3) @ local[:3, :3].T + local[:3, 3])
    seen = vertices @ TO_BLENDER.T
    return from_blender(seen @ inverse[:3, :3].T + inverse[:3, 3])


def unseen(scene: Scene, depsgraph: Depsgraph) -> list[str]:
    """Return notes on what is rendered and the passes don't show, or show otherwise."""
    notes: list[str] = []
    clear: set[str] = set()
    layer = {ob.name for ob in cast("Any", depsgraph.view_layer).objects}
    for ob in scene.objects:
        if ob.hide_render:
            continue
        if ob.type in _UNSEEN:
            notes.append(f"{ob.name!r} is {_UNSEEN[ob.type]}: it is in no pass but the picture itself")
        notes += [
            f"{ob.name!r}: the particle hair {system.name!r} is in no pass but the picture itself"
            for system in ob.particle_systems
            if system.settings.type == "HAIR" and system.settings.render_type == "PATH"
        ]
        clear |= {slot.material.name for slot in ob.material_slots if slot.material and _is_clear(slot.material)}
        if ob.type in _MESHLIKE and not ob.visible_get() and ob.name in layer:
            notes.append(f"{ob.name!r} is hidden in the viewport: it is in no pass but the picture itself")
    notes += [f"the material {name!r} is partly clear: passes show it solid" for name in sorted(clear)]
    return notes


def _is_clear(material: Material) -> bool:
    tree = material.node_tree
    if tree is None:
        return cast("Any", material.diffuse_color)[3] < 1.0
    for node in tree.nodes:
        if node.type == "BSDF_TRANSPARENT":
            return True
        alpha = node.inputs.get("Alpha") if node.type == "BSDF_PRINCIPLED" else None
        if alpha is not None and (alpha.is_linked or cast("Any", alpha).default_value < 1.0):
            return True
    return False
