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
from ..scene.axes import from_blender
from ..scene.data import armature_of, pose_of
from ..scene.surfaces import Person
from .cast import Performer

if TYPE_CHECKING:
    from bpy.types import Bone, Depsgraph

Floats = NDArray[np.floating[Any]]

_JOINTS: Final = {
    "shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand", "hip": "UpLeg", "knee": "Leg", "ankle": "Foot",
}  # fmt: skip
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
    skin: Mapping[str, tuple[str, NDArray[np.intp]]]

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


def track(performer: Performer, meshes: Sequence[Mesh]) -> Tracker:
    """Find nose, eyes and ears on a performer's head, by its shape at rest: eyes first, the nose before them, ears outermost."""
    number = PERFORMERS.index(performer.name) + 1
    eyes, skin = _vertices(meshes, number, EYE), _vertices(meshes, number, HEAD)
    played = performer.match.bones
    if not eyes or not skin:
        return Tracker(performer, {})
    rest = armature_of(performer.armature).bones
    left = from_blender(np.array(rest[played["LeftArm"]].head_local - rest[played["RightArm"]].head_local))
    left = left / np.linalg.norm(left)
    up = np.array((0.0, 1.0, 0.0))
    forward = np.cross(left, up)
    found: dict[str, tuple[str, NDArray[np.intp]]] = {}
    points = np.concatenate([rests for _, _, rests in eyes])
    side = points @ left
    middle = (side.min() + side.max()) / 2
    centres = [points[side > middle].mean(axis=0), points[side <= middle].mean(axis=0)]
    between, apart = np.mean(centres, axis=0), float(np.linalg.norm(centres[0] - centres[1]))
    for name, sign in (("left eye", 1.0), ("right eye", -1.0)):
        mesh, vertices, rests = max(eyes, key=lambda one: int((sign * (one[2] @ left - middle) > 0).sum()))
        found[name] = (mesh, vertices[sign * (rests @ left - middle) > 0])
    mesh, vertices, rests = max(skin, key=lambda one: len(one[1]))
    away = rests - between
    across, high, ahead = away @ left, away @ up, away @ forward
    nose = (np.abs(across) < 0.2 * apart) & (high < 0) & (high > -1.3 * apart)
    sides = (high < 0.5 * apart) & (high > -apart) & (ahead < -0.3 * apart)
    for name, where, value in (("nose", nose, ahead), ("left ear", sides, across), ("right ear", sides, -across)):
        if where.any():
            found[name] = (mesh, vertices[[int(np.where(where, value, -np.inf).argmax())]])
    return Tracker(performer, found)


def _vertices(meshes: Sequence[Mesh], number: int, part: int) -> list[tuple[str, NDArray[np.intp], Floats]]:
    """Return the meshes that hold a part of somebody: name, which vertices, and where those are at rest."""
    found: list[tuple[str, NDArray[np.intp], Floats]] = []
    for mesh in meshes:
        vertices = np.unique(mesh.triangles[(mesh.person == number) & (mesh.part == part)])
        if len(vertices) and mesh.rest is not None:
            found.append((mesh.name, vertices.astype(np.intp), mesh.rest[vertices]))
    return found


def _bones(performer: Performer, depsgraph: Depsgraph) -> tuple[Floats, Floats]:
    """Return where all pose bones begin and end now (B, 3), world, our axes."""
    heads = armatures.world_pose(performer.armature, depsgraph)[:, :3, 3]
    evaluated = performer.armature.evaluated_get(depsgraph)
    flat = np.empty(3 * len(pose_of(evaluated).bones), np.float32)
    pose_of(evaluated).bones.foreach_get("tail", flat)
    world = np.array(evaluated.matrix_world, np.float64)
    return heads, from_blender(flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
