# SPDX-License-Identifier: GPL-3.0-or-later
"""Casting: which bones of a character play which joints, and which of its shape keys are which of ARKit's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from duologue.errors import DuologueError
from duologue.rigs.recognise import ShapeMatch, recognise_rig, recognise_shapes
from duologue.rigs.rig_map import RigMatch

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
    """Recognise a character's rig and faces. ``meshes``: its face meshes; None finds them.

    Raises:
        DuologueError: FAILED_PRECONDITION ``rig-scale``; INVALID_ARGUMENT ``rig-unknown`` (says what is missing),
            ``mesh-without-shape-keys``, ``face-unknown``.
    """
    rig = armatures.read_rig(armature)
    return Performer(name, armature, rig, match_rig(armature, rig), match_faces(armature, meshes))


def match_rig(armature: Object, rig: armatures.Rig) -> RigMatch:
    """Return the rig map that fits an armature best.

    Raises:
        DuologueError: INVALID_ARGUMENT ``rig-unknown`` with the joints that found no bone.
    """
    matches = recognise_rig(rig.names, rig.parents, rig.heads)
    if not matches or not matches[0].usable:
        nearest = (
            f"; nearest is {matches[0].rig_map.title}, which lacks {_some(matches[0].required_missing)}"
            if matches
            else ""
        )
        raise DuologueError(
            "INVALID_ARGUMENT",
            "rig-unknown",
            f"no rig map fits the armature {armature.name!r}{nearest}. Rename its bones, or add a rig map for it",
        )
    return matches[0]


def match_faces(armature: Object, meshes: Sequence[Object] | None) -> tuple[Face, ...]:
    """Return the faces of a character: the given meshes, which then must be usable, or those of its meshes that are.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mesh-without-shape-keys``, ``face-unknown``.
    """
    faces: list[Face] = []
    for mesh in meshes if meshes is not None else shape_keys.face_meshes(armature):
        names = shape_keys.shape_names(mesh)
        if not names:
            raise DuologueError(
                "INVALID_ARGUMENT",
                "mesh-without-shape-keys",
                f"the mesh {mesh.name!r} has no shape keys, so its face can't move; choose the mesh that has the facial "
                "shapes, or leave the face empty to move the body only",
            )
        match = next(iter(recognise_shapes(names)), None)
        if match is not None and match.usable:
            faces.append(Face(mesh, match))
        elif meshes is not None:
            raise DuologueError(
                "INVALID_ARGUMENT",
                "face-unknown",
                f"the shape keys of {mesh.name!r} ({_some(names)}) are in no naming that is known: ARKit, Live Link, "
                "Character Creator, MetaHuman, VRM, or Oculus visemes; rename them, or leave the face empty",
            )
    return tuple(faces)


def _some(names: Sequence[str], limit: int = 6) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
