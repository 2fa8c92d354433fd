# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's faces: which of its meshes play, and how ARKit's weights move their keys.

A face is often several meshes: head, teeth, brows, lashes. They are read together. The one that speaks leads; what has keys of
the same names moves as it does, what has names of its own goes by these. A key that moves nothing on any of them is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from duologue.errors import DuologueError
from duologue.rigs.corrections import correct_shapes
from duologue.rigs.recognise import Choice, best_shapes, require_shapes
from duologue.rigs.shape_map import ShapeMatch

from .. import user_maps
from ..scene import shape_keys

if TYPE_CHECKING:
    from bpy.types import Object


@dataclass(frozen=True)
class Face:
    """A mesh with shape keys, and how ARKit's weights move them."""

    mesh: Object
    match: ShapeMatch


@dataclass(frozen=True)
class FaceChoices:
    """What an animator set for one mesh: its map by name (or nothing), corrections of it, and whether the mesh plays at all."""

    shape_map: str = ""
    shapes: Mapping[str, str] = field(default_factory=dict)
    use: bool = True


AS_RECOGNISED = FaceChoices()


@dataclass(frozen=True)
class Faces:
    """What was read of a character's meshes: each one's match, and the keys that a map would drive but that move nothing."""

    matches: Mapping[Object, ShapeMatch]
    dead_keys: tuple[str, ...]

    def playing(self, meshes: Sequence[Object]) -> tuple[Face, ...]:
        """Return those of ``meshes`` that have keys to play, as one face."""
        matches = {mesh: match for mesh in meshes if (match := self.matches[mesh]).shapes}
        joined = {mesh: match.beside(matches.values()) for mesh, match in matches.items()}
        if all("mouthClose" in match.missing for match in joined.values()):
            joined = {mesh: match.closed_by_the_jaw() for mesh, match in joined.items()}
        return tuple(Face(mesh, match) for mesh, match in joined.items())


def read_faces(meshes: Sequence[Object], choices: Mapping[str, FaceChoices]) -> Faces:
    """Return how ARKit's weights would move the meshes of one character, which may be not at all. ``choices``: by mesh.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mapping-wrong``; NOT_FOUND ``unknown-shape-map``.
    """
    moving: dict[str, bool] = {}
    while True:
        dead = {key for key, moves in moving.items() if not moves}
        matches = _recognised(meshes, choices, dead)
        new = {key for match in matches.values() for key in match.shapes} - set(moving)
        if not new:
            break
        names = {mesh: shape_keys.shape_names(mesh) for mesh in meshes}
        for key in new:
            moving[key] = any(shape_keys.moves(mesh, key) for mesh in meshes if key in names[mesh])
    corrected = {
        mesh: correct_shapes(
            match, _of(mesh, choices).shapes, shape_keys.shape_names(mesh), what=f"the mesh {mesh.name!r}"
        )
        for mesh, match in matches.items()
    }
    return Faces(corrected, tuple(sorted(dead)))


def require_face(mesh: Object, faces: Faces, choices: Mapping[str, FaceChoices]) -> None:
    """Raise unless a mesh can speak.

    Raises:
        DuologueError: FAILED_PRECONDITION ``no-shape-keys``, ``shapes-not-recognised``.
    """
    if faces.matches[mesh].usable:
        return
    names, of_mesh = shape_keys.shape_names(mesh), _of(mesh, choices)
    choice = Choice(user_maps.library(), of_mesh.shape_map, of_mesh.shapes)
    require_shapes(names, what=f"the mesh {mesh.name!r}", choice=choice)
    raise DuologueError(
        "FAILED_PRECONDITION",
        "shapes-not-recognised",
        f"the shape keys that open the mouth of the mesh {mesh.name!r} move nothing ({', '.join(faces.dead_keys[:5])}); "
        "choose others in the table, or another mesh.",
    )


def find_faces(
    meshes: Sequence[Object], choices: Mapping[str, FaceChoices], added: Sequence[Object] = ()
) -> tuple[Faces, tuple[Face, ...]]:
    """Return what was read, and what of it moves: every mesh that has a key that is known, unless it was switched off.

    Raises:
        DuologueError: what :func:`read_faces` raises.
    """
    every = [*meshes, *(mesh for mesh in added if mesh not in meshes)]
    faces = read_faces(every, choices)
    return faces, faces.playing([mesh for mesh in every if _of(mesh, choices).use])


def _recognised(
    meshes: Sequence[Object], choices: Mapping[str, FaceChoices], dead: set[str]
) -> dict[Object, ShapeMatch]:
    names = {mesh: [name for name in shape_keys.shape_names(mesh) if name not in dead] for mesh in meshes}
    matches = {
        mesh: best_shapes(
            names[mesh],
            what=f"the mesh {mesh.name!r}",
            choice=Choice(user_maps.library(), _of(mesh, choices).shape_map),
        )
        for mesh in meshes
    }
    speaking = [mesh for mesh in meshes if matches[mesh].usable and _of(mesh, choices).use]
    if not speaking:
        return matches
    lead = max((matches[mesh] for mesh in speaking), key=lambda match: (match.score, len(match.shapes)))
    for mesh in meshes:
        led = lead.on(names[mesh])
        if not _of(mesh, choices).shape_map and led.shapes and len(led.shapes) >= len(matches[mesh].shapes):
            matches[mesh] = led
    return matches


def _of(mesh: Object, choices: Mapping[str, FaceChoices]) -> FaceChoices:
    return choices.get(mesh.name, AS_RECOGNISED)
