# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognising a character once, when it is chosen or its table is changed: a panel is drawn too often to do it there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.rigs.armature import Armature
from duologue.rigs.corrections import rig_problems, shape_problems, shape_rows
from duologue.rigs.joints import ARM, BODY, EYES, FINGERS, LEG, METACARPALS, SIDES, chain, chain_names
from duologue.rigs.recognise import Choice, best_rig
from duologue.rigs.rig_map import RigMatch

from .. import user_maps
from ..properties.mapping import corrections_of, refreshing
from ..scene import armatures, shape_keys
from . import checks
from .cast import Choices, Performer, cast
from .faces import FaceChoices, read_faces

if TYPE_CHECKING:
    from bpy.types import Object

    from ..properties.performer import DUOLOGUE_PG_performer


def cast_performer(name: str, performer: DUOLOGUE_PG_performer) -> Performer:
    """Recognise a performer's character, with everything that the animator set.

    Raises:
        DuologueError: FAILED_PRECONDITION ``cast-missing``; what :func:`.cast.cast.cast` raises.
    """
    if performer.armature is None:
        raise DuologueError("FAILED_PRECONDITION", "cast-missing", f"no armature is chosen for {name}", field=name)
    meshes = [performer.face] if performer.face is not None else None
    return cast(name, performer.armature, meshes, choices_of(performer))


def choices_of(performer: DUOLOGUE_PG_performer) -> Choices:
    """Return everything that an animator set instead of what is recognised."""
    faces = {
        face.mesh.name: FaceChoices(face.shape_map, corrections_of(face.rows), face.use)
        for face in performer.faces
        if face.mesh is not None
    }
    added = tuple(face.mesh for face in performer.faces if face.added and face.mesh is not None)
    return Choices(performer.rig_map, corrections_of(performer.joints), faces, added)


def recognise(performer: DUOLOGUE_PG_performer, *, anew: bool = True) -> None:
    """Fill a performer's tables, its summary and the list of what is wrong.

    ``anew``: also look for meshes and shapes that have come or gone; False leaves the lists as long as they are.
    """
    with refreshing():
        _recognise(performer, anew)


def _recognise(performer: DUOLOGUE_PG_performer, anew: bool) -> None:
    performer.found, performer.problem = "", ""
    performer.findings.clear()
    armature = performer.armature
    if armature is None or performer.mapped != armature:  # corrections belong to a character
        for rows in (performer.joints, performer.faces):
            rows.clear()
        performer.mapped, performer.rig_map = armature, ""
    if armature is None:
        return
    character: Performer | None = None
    try:
        rig = armatures.read_rig(armature)
        _fill_joints(performer, rig, anew=anew)
        if anew:
            _list_faces(performer, armature)
        _fill_faces(performer, anew=anew)
        character = cast_performer("A", performer)
    except DuologueError as error:
        performer.problem = str(error)
    else:
        performer.found = summary(character)
        performer.front = checks.front_of(character)
    performer.counted = _counted(performer.joints)
    for finding in checks.check(armature, character):
        item = performer.findings.add()
        item.code, item.severity, item.text, item.about = finding.code, finding.severity, finding.text, finding.about


def summary(performer: Performer) -> str:
    """Return what was recognised, a line each for the body and every face."""
    match = performer.match
    lines = [_t("{map}: {count} bones found").format(map=_short(match.rig_map.title), count=len(match.bones))]
    for face in performer.faces:
        shapes = _t("{mesh}: {map}, {count} shapes")
        lines.append(
            shapes.format(mesh=face.mesh.name, map=_short(face.match.shape_map.title), count=len(face.match.shapes))
        )
    return "\n".join(lines if performer.faces else [*lines, _t("No face: only the body moves")])


def _counted(rows: Any) -> str:
    """Return how many rows of the body's table play something, and how many were corrected."""
    played = sum(bool(row.use and row.target) for row in rows)
    text = _t("Bones: {count} of {all} joints").format(count=played, all=len(rows))
    corrected = sum(row.corrected for row in rows)
    return text + (_t(", {count} corrected").format(count=corrected) if corrected else "")


def _short(title: str) -> str:
    """Return a map's title without what it adds in brackets or after a comma."""
    return re.split(r"[,(:]", title)[0].strip()


def _fill_joints(performer: DUOLOGUE_PG_performer, rig: Armature, *, anew: bool) -> None:
    choice = Choice(user_maps.library(), performer.rig_map)
    weights = partial(armatures.weighted_bones, performer.armature)
    match = best_rig(rig.names, rig.parents, rig.heads, choice=choice, weights=weights)
    bones = {**match.bones, **match.eyes}
    _fill(performer.joints, {joint: bones.get(joint, "") for joint in _joint_order(match)}, anew=anew)
    problems = rig_problems(match, corrections_of(performer.joints), rig.names, rig.parents)
    for row in performer.joints:
        row.problem = problems.get(row.name, "")


def _joint_order(match: RigMatch) -> list[str]:
    """Return every joint that a table shows, from the hips up and out; one more of spine and neck than was found."""
    order = ["Hips"]
    for stem in ("Spine", "Neck"):
        order += chain_names(stem, len(chain(stem, match.bones)) + 1)
    order += ["Head", *EYES]
    fingers = [f"Hand{finger}{i}" for finger in FINGERS for i in ("", 1, 2, 3) if i or f"Hand{finger}" in METACARPALS]
    order += [side + part for side in SIDES for part in (*ARM, *fingers, *LEG)]
    assert set(BODY) <= set(order)
    return order


def _list_faces(performer: DUOLOGUE_PG_performer, armature: Object) -> None:
    """List the meshes that may play, those that were there with what was set for them."""
    chosen = [performer.face] if performer.face is not None else shape_keys.face_meshes(armature)
    listed = [face for face in performer.faces if face.mesh in chosen or (face.added and face.mesh is not None)]
    for index in reversed(range(len(performer.faces))):
        if performer.faces[index] not in listed:
            performer.faces.remove(index)
    present = [face.mesh for face in performer.faces]
    for mesh in [mesh for mesh in chosen if mesh not in present]:
        face = performer.faces.add()
        face.mesh, face.name = mesh, mesh.name


def _fill_faces(performer: DUOLOGUE_PG_performer, *, anew: bool) -> None:
    faces = [face for face in performer.faces if face.mesh is not None]
    chosen = {face.mesh.name: FaceChoices(face.shape_map, use=face.use) for face in faces}
    matches = read_faces([face.mesh for face in faces], chosen).matches
    for face in faces:
        face.name = face.mesh.name
        match = matches[face.mesh]
        _fill(face.rows, shape_rows(match), anew=anew)
        found = _t("{map}, {count} shapes") if match.shapes else _t("no key is known; choose them here")
        face.found = found.format(map=_short(match.shape_map.title), count=len(match.shapes))
        problems = shape_problems(corrections_of(face.rows), shape_keys.shape_names(face.mesh))
        for row in face.rows:
            row.problem = problems.get(row.name, "")


def _fill(rows: Any, recognised: Mapping[str, str], *, anew: bool) -> None:
    """Bring a table up to what is recognised now; what was corrected stays so. A row without a target is one switched off.

    ``anew``: other rows may take the place of those that are there.
    """
    corrections = corrections_of(rows)
    if [row.name for row in rows] != list(recognised) and (anew or not rows):
        rows.clear()
        for name in recognised:
            rows.add().name = name
    for row in [row for row in rows if row.name in recognised]:
        row.found = recognised[row.name]
        row.use = corrections.get(row.name) != ""
        row.target = corrections.get(row.name) or row.found
