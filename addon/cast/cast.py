# SPDX-License-Identifier: GPL-3.0-or-later
"""Casting: which bones of a character play which joints, and which of its shape keys are which of ARKit's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from duologue.rigs.armature import Armature
from duologue.rigs.recognise import Choice, require_rig
from duologue.rigs.rig_map import RigMatch

from .. import user_maps
from ..scene import armatures, shape_keys
from .faces import Face, FaceChoices, find_faces, require_face

if TYPE_CHECKING:
    from bpy.types import Object


@dataclass(frozen=True)
class Performer:
    """A character that plays A or B. Hold it only within one operator: undo and file loading make its objects invalid."""

    name: str
    armature: Object
    rig: Armature
    match: RigMatch
    faces: tuple[Face, ...]
    dead_keys: tuple[str, ...] = ()
    """Shape keys of the right names that move nothing."""

    @cached_property
    def meshes(self) -> list[Object]:
        """Every mesh of the character, with a face or without."""
        return armatures.meshes_of(self.armature)

    def bone_index(self, joint: str) -> int:
        """Return the index of the bone that plays a joint."""
        return self.rig.names.index(self.match.bones[joint])


@dataclass(frozen=True)
class Choices:
    """What an animator set instead of what is recognised. ``faces``: by mesh; ``added``: face meshes that hang elsewhere."""

    rig_map: str = ""
    bones: Mapping[str, str] = field(default_factory=dict)
    faces: Mapping[str, FaceChoices] = field(default_factory=dict)
    added: tuple[Object, ...] = ()


AS_RECOGNISED = Choices()


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
    given = meshes if meshes is not None else shape_keys.face_meshes(armature)
    read, faces = find_faces(given, choices.faces, choices.added)
    if meshes is not None:
        for mesh in [mesh for mesh in meshes if choices.faces.get(mesh.name, FaceChoices()).use]:
            require_face(mesh, read, choices.faces)
    return Performer(name, armature, rig, match, faces, read.dead_keys)
