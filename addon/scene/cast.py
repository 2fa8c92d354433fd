# SPDX-License-Identifier: GPL-3.0-or-later
"""Casting: which bones of a character play which joints, and which of its shape keys are which of ARKit's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from duologue.rigs.recognise import recognise_shapes, require_rig, require_shapes
from duologue.rigs.rig_map import RigMatch
from duologue.rigs.shape_map import ShapeMatch

from . import armatures, shape_keys

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
    rig: armatures.Rig
    match: RigMatch
    faces: tuple[Face, ...]

    @cached_property
    def meshes(self) -> list[Object]:
        """Every mesh of the character, with a face or without."""
        return armatures.meshes_of(self.armature)

    def bone_index(self, joint: str) -> int:
        """Return the index of the bone that plays a joint."""
        return self.rig.names.index(self.match.bones[joint])


def cast(name: str, armature: Object, meshes: Sequence[Object] | None = None) -> Performer:
    """Recognise a character's rig and faces. ``meshes``: its face meshes, which then must be usable; None finds those that are.

    Raises:
        DuologueError: FAILED_PRECONDITION ``rig-scale``, ``rig-not-recognised`` (says what is missing), ``no-shape-keys``,
            ``shapes-not-recognised``.
    """
    rig = armatures.read_rig(armature)
    match = require_rig(rig.names, rig.parents, rig.heads, what=f"the armature {armature.name!r}")
    return Performer(name, armature, rig, match, _given(meshes) if meshes is not None else _found(armature))


def _given(meshes: Sequence[Object]) -> tuple[Face, ...]:
    names = [shape_keys.shape_names(mesh) for mesh in meshes]
    return tuple(
        Face(mesh, require_shapes(keys, what=f"the mesh {mesh.name!r}"))
        for mesh, keys in zip(meshes, names, strict=True)
    )


def _found(armature: Object) -> tuple[Face, ...]:
    """Return what moves of a character's face: the mesh that speaks, and others (teeth, tongue, brows) with such shapes."""
    matches = {mesh: recognise_shapes(shape_keys.shape_names(mesh)) for mesh in shape_keys.face_meshes(armature)}
    best = {mesh: found[0] for mesh, found in matches.items() if found}
    speaking = {match.shape_map.name for match in best.values() if match.usable}
    return tuple(Face(mesh, match) for mesh, match in best.items() if match.usable or match.shape_map.name in speaking)
