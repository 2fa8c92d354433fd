# SPDX-License-Identifier: GPL-3.0-or-later
"""A performer as passes know people: which bones hold head and hands, and where the joints are that a pose drawing shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from duologue.labels import PERFORMERS
from duologue.passes import Keypoints, Mesh
from duologue.passes.contract import EYE, HAND, HEAD
from duologue.passes.pose import BODY, FINGERS
from duologue.rigs.joints import FINGERS as FINGER_NAMES
from duologue.rigs.joints import SIDES
from numpy.typing import NDArray

from ..scene import armatures
from ..scene.axes import TO_BLENDER, from_blender
from ..scene.data import armature_of, pose_of
from ..scene.surfaces import Person
from .cast import Performer

if TYPE_CHECKING:
    from bpy.types import Bone, Depsgraph

Floats = NDArray[np.floating[Any]]

_JOINTS: Final = {
    "shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand", "hip": "UpLeg", "knee": "Leg", "ankle": "Foot",
}  # fmt: skip
Place = tuple[str, NDArray[np.intp]]
"""A mesh by its name, and vertices of it whose mean is meant."""
Part = tuple[str, NDArray[np.intp], Floats]
"""A mesh by its name, vertices of it (n,), and where those are at rest (n, 3)."""

_NEAR: Final = 0.02
"""Of a leg's length: bones that begin as near as that to another one move the same skin (Rigify's DEF, ORG and FK bones)."""


def person_of(performer: Performer) -> Person:
    """Return whose skin belongs to head, hands and eyes, by bones: those that play them, what begins there, and what is below."""
    bones = armature_of(performer.armature).bones
    played = performer.match.bones
    hips, ankle = (bones[played[joint]].head_local for joint in ("LeftUpLeg", "LeftFoot"))
    near = _NEAR * (hips - ankle).length

    def below(name: str) -> list[Bone]:
        place = bones[name].head_local
        tops = [bone for bone in bones if (bone.head_local - place).length < near]
        return [bone for top in tops for bone in (top, *top.children_recursive)]

    parts: dict[str, int] = {}
    for joint, part in (("Head", HEAD), *((side + "Hand", HAND) for side in SIDES)):
        if joint in played:
            parts |= {bone.name: part for bone in below(played[joint])}
    parts |= dict.fromkeys(performer.match.eyes.values(), EYE)
    return Person(PERFORMERS.index(performer.name) + 1, performer.armature, parts)


@dataclass(frozen=True, eq=False)
class Tracker:
    """Tells where a performer's keypoints are. ``skin``: of nose, eyes and ears the mesh and its vertices there."""

    performer: Performer
    skin: Mapping[str, Place]

    def keypoints(self, meshes: Sequence[Mesh], depsgraph: Depsgraph) -> Keypoints:
        """Return where they are now; what the rig has no bone for, or the head no place, is NaN."""
        heads, tails = _bones(self.performer, depsgraph)
        rig, played = self.performer.rig, self.performer.match.bones

        def head(joint: str) -> Floats:
            return heads[rig.names.index(played[joint])] if joint in played else np.full(3, np.nan)

        body = {f"{side.lower()} {name}": head(side + joint) for side in SIDES for name, joint in _JOINTS.items()}
        body["neck"] = (body["left shoulder"] + body["right shoulder"]) / 2
        by_name = {mesh.name: mesh for mesh in meshes}
        for name, (mesh, vertices) in self.skin.items():
            if mesh in by_name and len(by_name[mesh].vertices) > vertices.max():
                body[name] = by_name[mesh].vertices[vertices].mean(axis=0)
        missing = np.full(3, np.nan)
        hands = np.full((len(SIDES), FINGERS, 3), np.nan)
        for i, side in enumerate(SIDES):
            hands[i, 0] = head(side + "Hand")
            for f, finger in enumerate(FINGER_NAMES):
                joints = [f"{side}Hand{finger}{k}" for k in (1, 2, 3)]
                hands[i, 1 + 4 * f : 4 + 4 * f] = [head(joint) for joint in joints]
                if joints[2] in played:
                    hands[i, 4 + 4 * f] = tails[rig.names.index(played[joints[2]])]
        return Keypoints(np.array([body.get(name, missing) for name in BODY]), hands)


def track(performer: Performer, meshes: Sequence[Mesh], depsgraph: Depsgraph) -> Tracker:
    """Find nose, eyes and ears on a performer's head by its shape; eyes by their bones, meshes or materials if they have some."""
    number = PERFORMERS.index(performer.name) + 1
    to_rest = _head_to_rest(performer, depsgraph)
    eyes, skin = (_vertices(meshes, number, part, to_rest) for part in (EYE, HEAD))
    if not skin:
        return Tracker(performer, {})
    rest, played = armature_of(performer.armature).bones, performer.match.bones
    left = from_blender(np.array(rest[played["LeftArm"]].head_local - rest[played["RightArm"]].head_local))
    left = left / np.linalg.norm(left)
    axes = np.stack([left, (0.0, 1.0, 0.0), np.cross(left, (0.0, 1.0, 0.0))], axis=1)
    largest = max(skin, key=lambda one: len(one[1]))
    if not eyes:
        joint = from_blender(np.array(rest[played["Head"]].head_local))
        return Tracker(performer, _by_shape(largest, joint, axes))
    found: dict[str, Place] = {}
    side = np.concatenate([rests for _, _, rests in eyes]) @ left
    middle = (side.min() + side.max()) / 2
    for name, sign in (("left eye", 1.0), ("right eye", -1.0)):
        mesh, vertices, rests = max(eyes, key=lambda one: int((sign * (one[2] @ left - middle) > 0).sum()))
        found[name] = (mesh, vertices[sign * (rests @ left - middle) > 0])
    points = np.concatenate([rests for _, _, rests in eyes])
    centres = [points[side > middle].mean(axis=0), points[side <= middle].mean(axis=0)]
    apart = float(np.linalg.norm(centres[0] - centres[1]))
    across, high, ahead = ((largest[2] - np.mean(centres, axis=0)) @ axes / max(apart, 1e-9)).T
    nose = (np.abs(across) < 0.2) & (high < 0) & (high > -1.3)
    ears = (high < 0.5) & (high > -1.0) & (ahead < -0.3)
    return Tracker(performer, found | _outermost(largest, nose, ears, across, ahead))


def _by_shape(skin: Part, joint: Floats, axes: Floats) -> dict[str, Place]:
    """Find them on a head whose eyes nothing tells apart: the nose sticks out in the middle, ears at the sides.

    Eyes are guessed from the nose: a quarter of the head's width above it, a fifth to each side (Farkas 1994, adults).
    """
    mesh, vertices, rests = skin
    away = (rests - joint) @ axes
    top = max(float(away[:, 1].max()), 1e-9)
    across, high, ahead = (away / top).T
    width = float(np.ptp(across[high > 0.2])) if (high > 0.2).any() else 0.0
    nose = (np.abs(across) < 0.1) & (high > 0.1) & (high < 0.65)
    if not nose.any() or width == 0.0:
        return {}
    tip = (away / top)[int(np.where(nose, ahead, -np.inf).argmax())]
    ears = (np.abs(high - tip[1]) < 0.25) & (ahead < 0.5 * tip[2])
    found = _outermost(skin, nose, ears, across, ahead)
    for name, sign in (("left eye", 1.0), ("right eye", -1.0)):
        place = tip + width * np.array((sign * 0.2, 0.25, -0.1))
        found[name] = (mesh, vertices[[int(np.linalg.norm(away / top - place, axis=1).argmin())]])
    return found


def _outermost(
    skin: Part, nose: NDArray[np.bool_], ears: NDArray[np.bool_], across: Floats, ahead: Floats
) -> dict[str, Place]:
    mesh, vertices, _ = skin
    wanted = (("nose", nose, ahead), ("left ear", ears, across), ("right ear", ears, -across))
    return {
        name: (mesh, vertices[[int(np.where(where, value, -np.inf).argmax())]])
        for name, where, value in wanted
        if where.any()
    }


def _vertices(meshes: Sequence[Mesh], number: int, part: int, to_rest: Floats) -> list[Part]:
    """Return the meshes that hold a part of somebody: name, which vertices, and where those are with the head at rest."""
    found: list[Part] = []
    for mesh in meshes:
        vertices = np.unique(mesh.triangles[(mesh.person == number) & (mesh.part == part)]).astype(np.intp)
        if len(vertices):
            found.append((mesh.name, vertices, mesh.vertices[vertices] @ to_rest[:3, :3].T + to_rest[:3, 3]))
    return found


def _head_to_rest(performer: Performer, depsgraph: Depsgraph) -> Floats:
    """Return the matrix (4, 4), in our axes, from the world to the armature's own space, that puts the head back to rest."""
    name = performer.match.bones["Head"]
    evaluated = performer.armature.evaluated_get(depsgraph)
    posed = np.array(evaluated.matrix_world, np.float64) @ np.array(pose_of(evaluated).bones[name].matrix, np.float64)
    rest = np.array(armature_of(performer.armature).bones[name].matrix_local, np.float64)
    turn = np.eye(4)
    turn[:3, :3] = TO_BLENDER
    return turn.T @ rest @ np.linalg.inv(posed) @ turn


def _bones(performer: Performer, depsgraph: Depsgraph) -> tuple[Floats, Floats]:
    """Return where all pose bones begin and end now (B, 3), world, our axes."""
    heads = armatures.world_pose(performer.armature, depsgraph)[:, :3, 3]
    evaluated = performer.armature.evaluated_get(depsgraph)
    flat = np.empty(3 * len(pose_of(evaluated).bones), np.float32)
    pose_of(evaluated).bones.foreach_get("tail", flat)
    world = np.array(evaluated.matrix_world, np.float64)
    return heads, from_blender(flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
