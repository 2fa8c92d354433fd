# SPDX-License-Identifier: GPL-3.0-or-later
"""Places on a face: marked by Empties that go along with the head, and found again from a point somebody clicks on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import bpy
import numpy as np
from duologue.brief.interactions import LARGEST_OFFSET
from duologue.errors import DuologueError
from duologue.interactions.actor import Actor, Character
from duologue.interactions.landmarks import find_landmark, sides_of
from duologue.interactions.patterns import FACE, patterns
from mathutils import Matrix
from numpy.typing import NDArray

from ..cast.cast import Performer
from ..scene.axes import from_blender, to_blender
from ..scene.data import armature_of, pose_of

if TYPE_CHECKING:
    from bpy.types import Object, Scene

MARK: Final = "duologue_place"
"""Custom property of an Empty: which place of the face it marks."""
PLACES: Final = [
    ("nose", "Nose", "The tip"), ("chin", "Chin", ""), ("forehead", "Forehead", ""), ("lips", "Lips", ""),
    ("LeftCheek", "Left Cheek", ""), ("RightCheek", "Right Cheek", ""), ("LeftEar", "Left Ear", ""),
    ("RightEar", "Right Ear", ""),
]  # fmt: skip
_GUESS: Final = {
    "nose": (0.0, 0.30, 0.75), "chin": (0.0, -0.05, 0.65), "forehead": (0.0, 0.70, 0.65), "lips": (0.0, 0.12, 0.70),
    "Cheek": (0.30, 0.25, 0.60), "Ear": (0.45, 0.35, 0.0),
}  # fmt: skip
"""From the head's joint, in heights of the head above it: to its left, up and ahead. Somebody moves it where it belongs."""

Floats = NDArray[np.float64]


def marked(performer: Performer) -> dict[str, Floats]:
    """Return the places that are marked on a performer: name -> where it rests (3,), in our world."""
    head = performer.match.bones["Head"]
    world = np.array(performer.armature.matrix_world, np.float64)
    rest = world @ np.array(armature_of(performer.armature).bones[head].matrix_local, np.float64)
    posed = world @ np.array(pose_of(performer.armature).bones[head].matrix, np.float64)
    back = rest @ np.linalg.inv(posed)
    return {
        str(ob[MARK]): from_blender((back @ np.array([*ob.matrix_world.translation, 1.0]))[:3])
        for ob in performer.armature.children
        if MARK in ob
    }


def mark(scene: Scene, performer: Performer, place: str) -> Object:
    """Return the Empty that marks a place, made where that may be if there is none."""
    known = next((ob for ob in performer.armature.children if ob.get(MARK) == place), None)
    if known is not None:
        return known
    rig, index = performer.rig, performer.bone_index("Head")
    head = rig.heads[index]
    left = rig.heads[performer.bone_index("LeftUpLeg")] - rig.heads[performer.bone_index("RightUpLeg")]
    left = left * (1.0, 0.0, 1.0) / np.linalg.norm(left * (1.0, 0.0, 1.0))
    size = 0.13 * float(head[1] - rig.heads[:, 1].min()) / 1.5
    side = -1.0 if place.startswith("Right") else 1.0
    across, up, ahead = _GUESS[place.removeprefix("Left").removeprefix("Right")]
    axes = np.stack([left, (0.0, 1.0, 0.0), np.cross(left, (0.0, 1.0, 0.0))], axis=-1)
    point = to_blender(head + size * 1.6 * axes @ (side * across, up, ahead))
    empty = bpy.data.objects.new(f"{performer.armature.name} {place}", None)
    scene.collection.objects.link(empty)
    empty[MARK] = place
    empty.empty_display_type, empty.empty_display_size = "SPHERE", 0.01
    empty.show_in_front, empty.hide_render = True, True
    bone = performer.match.bones["Head"]
    empty.parent, empty.parent_type, empty.parent_bone = performer.armature, "BONE", bone
    bpy.context.view_layer.update()
    world = performer.armature.matrix_world
    rest, posed = (
        armature_of(performer.armature).bones[bone].matrix_local,
        pose_of(performer.armature).bones[bone].matrix,
    )
    there = world @ posed @ rest.inverted() @ world.inverted()
    empty.matrix_world = there @ Matrix.Translation(point.tolist())
    return empty


def at_rest(actor: Actor, frame: int, point: Floats) -> tuple[Floats, float]:
    """Return where the skin that is at a ``point`` (3,) in a frame rests (3,), and how far it was from the point, metres."""
    mesh = actor.character.mesh
    part = actor.part(slice(frame, frame + 1))
    chosen = np.flatnonzero(mesh.weights.sum(axis=1) > 0)
    posed = mesh.pose(part.pose.skinning(), part.weights, chosen)[0]
    apart = np.linalg.norm(posed - point, axis=1)
    nearest = int(apart.argmin())
    return mesh.vertices[chosen[nearest]], float(apart[nearest])


def nearest_place(character: Character, rest: Floats) -> tuple[str, str, tuple[float, float]]:
    """Return which landmark of a face is nearest to a point at rest (3,), on which side, and how far beside it, millimetres.

    Raises:
        DuologueError: FAILED_PRECONDITION ``face-without-landmarks`` for a face that tells none.
    """
    best: tuple[float, str, str, tuple[float, float]] | None = None
    lacking: DuologueError | None = None
    for name in FACE:
        for side in sides_of(name):
            try:
                landmark = find_landmark(character, name, side)
            except DuologueError as error:
                lacking = error
                continue
            away = rest - landmark.centre
            far = float(np.linalg.norm(away))
            u, v = (np.clip(1000 * (away @ landmark.frame[:, :2]), -LARGEST_OFFSET, LARGEST_OFFSET)).round(1).tolist()
            if best is None or far < best[0]:
                best = far, name, side.lower(), (u, v)
    if best is None:
        assert lacking is not None  # else there would be a landmark
        raise lacking
    return best[1:]


def pattern_at(pattern: str, landmark: str) -> str:
    """Return the pattern that does the like at a landmark: of the same family where there is one, else any that is there."""
    known = patterns()
    if known[pattern].landmark == landmark:
        return pattern
    there = [name for name, one in known.items() if one.landmark == landmark]
    return next((name for name in there if known[name].family == known[pattern].family), there[0])
