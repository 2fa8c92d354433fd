# SPDX-License-Identifier: GPL-3.0-or-later
"""Casting: which bones of a character play which joints, and which of its shape keys are which of ARKit's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from duologue.rigs.armature import Armature
from duologue.rigs.recognise import Choice, best_shapes, require_rig, require_shapes
from duologue.rigs.rig_map import RigMatch
from duologue.rigs.shape_map import ShapeMatch

from .. import user_maps
from ..scene import armatures, shape_keys

if TYPE_CHECKING:
    from bpy.types import Object


@dataclass(frozen=True)
class Face:
    """A mesh with shape keys, and how ARKit's weights move them."""

    mesh: Object
    match: ShapeMatch


@dataclass(frozen=True)
class Performer:
    """A character that plays A or B. Hold it only within one operator: undo and file loading make its objects invalid."""

    name: str
    armature: Object
    rig: Armature
    match: RigMatch
    faces: tuple[Face, ...]

    @cached_property
    def meshes(self) -> list[Object]:
        """Every mesh of the character, with a face or without."""
        return armatures.meshes_of(self.armature)

    def bone_index(self, joint: str) -> int:
        """Return the index of the bone that plays a joint."""
        return self.rig.names.index(self.match.bones[joint])


@dataclass(frozen=True)
class FaceChoices:
    """What an animator set for one mesh: its map by name (or nothing), corrections of it, and whether the mesh plays at all."""

    shape_map: str = ""
    shapes: Mapping[str, str] = field(default_factory=dict)
    use: bool = True


@dataclass(frozen=True)
class Choices:
    """What an animator set instead of what is recognised. ``faces``: by mesh; ``added``: face meshes that hang elsewhere."""

    rig_map: str = ""
    bones: Mapping[str, str] = field(default_factory=dict)
    faces: Mapping[str, FaceChoices] = field(default_factory=dict)
    added: tuple[Object, ...] = ()


AS_RECOGNISED = Choices()
_AS_RECOGNISED = FaceChoices()


def cast(
    name: str, armature: Object, meshes: Sequence[Object] | None = None, choices: Choices = AS_RECOGNISED
) -> Performer:
    """Recognise a character's rig and faces, as far as the animator has not set them.

    ``meshes``: its face meshes, which then must be usable; None finds those that are.

    Raises:
        DuologueError: FAILED_PRECONDITION ``rig-scale``, ``rig-not-recognised`` (says what is missing), ``rig-not-human``,
            ``no-shape-keys``, ``shapes-not-recognised``; INVALID_ARGUMENT ``mapping-wrong``; NOT_FOUND ``unknown-rig-map``,
            ``unknown-shape-map``.
    """
    rig = armatures.read_rig(armature)
    match = require_rig(
        rig.names,
        rig.parents,
        rig.heads,
        what=f"the armature {armature.name!r}",
        choice=Choice(user_maps.library(), choices.rig_map, choices.bones),
        weights=lambda: armatures.weighted_bones(armature),
    )
    if meshes is not None:
        faces = _given([*meshes, *(mesh for mesh in choices.added if mesh not in meshes)], choices)
    else:
        faces = find_faces(armature, choices)
    return Performer(name, armature, rig, match, faces)


def _given(meshes: Sequence[Object], choices: Choices) -> tuple[Face, ...]:
    faces: list[Face] = []
    for mesh in meshes:
        of_mesh = choices.faces.get(mesh.name, _AS_RECOGNISED)
        if of_mesh.use:
            match = require_shapes(
                shape_keys.shape_names(mesh),
                what=f"the mesh {mesh.name!r}",
                choice=Choice(user_maps.library(), of_mesh.shape_map, of_mesh.shapes),
            )
            faces.append(Face(mesh, match))
    return tuple(faces)


def find_faces(armature: Object, choices: Choices = AS_RECOGNISED) -> tuple[Face, ...]:
    """Return what moves of a character's face: the mesh that speaks, and others (teeth, tongue, brows) with such shapes."""
    hanging = shape_keys.face_meshes(armature)
    meshes = [*hanging, *(mesh for mesh in choices.added if mesh not in hanging)]
    matches = {mesh: shape_match(mesh, choices.faces.get(mesh.name, _AS_RECOGNISED)) for mesh in meshes}
    speaking = {match.shape_map.name for match in matches.values() if match.usable}
    faces: list[Face] = []
    for mesh, match in matches.items():
        fits = match.usable or match.shape_map.name in speaking
        set_by_hand = choices.faces.get(mesh.name)
        if match.shapes and (set_by_hand.use if set_by_hand is not None else fits):
            faces.append(Face(mesh, match))
    return tuple(faces)


def shape_match(mesh: Object, choices: FaceChoices) -> ShapeMatch:
    """Return how ARKit's weights would move a mesh, which may be not at all.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mapping-wrong``; NOT_FOUND ``unknown-shape-map``.
    """
    return best_shapes(
        shape_keys.shape_names(mesh),
        what=f"the mesh {mesh.name!r}",
        choice=Choice(user_maps.library(), choices.shape_map, choices.shapes),
    )
