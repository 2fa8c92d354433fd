"""The parts of a hand that touch, measured on its mesh: fingertips and palm, and a point in the middle of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Character, Pose
from duologue.interactions.patterns import PALM, Pattern
from duologue.motion.rotations import einsum
from duologue.rigs.joints import FINGERS

Indices = NDArray[np.int64]

_FACING: Final = 0.5
"""Cosine: what faces further aside is a hand's edge."""
_MIDDLE: Final = 0.74
"""Of the way from the wrist to the knuckles, where the middle of a palm lies."""
_BESIDE: Final = 0.008
"""Metres from the line through it within which skin is the palm's middle."""


@dataclass(frozen=True, eq=False)
class Part:
    """A fingertip, or a palm with its fingers: ``triangles`` (f, 3), and a ``point`` (3,) at rest that ``bone`` takes along."""

    triangles: Indices
    bone: int
    point: Array

    def follow(self, pose: Pose) -> Array:
        """Return where the point is (T, 3)."""
        skinning = pose.skinning()[:, self.bone]
        return einsum("tij,j->ti", skinning[..., :3], self.point) + skinning[..., 3]


def part_of(character: Character, side: str, name: str) -> Part:
    """Return a part of a hand: a finger's last phalanx, another of its phalanges (``Index2``), or its ``PALM`` with all
    fingers but the thumb's phalanges.

    Its point is the middle of the round tip, of the phalanx, or of the palm's skin.
    """
    if name == PALM:
        return _palm(character, side)
    if name[-1] in "12":
        return _phalanx(character, f"{side}Hand{name[:-1]}", int(name[-1]))
    bone = character.joint[f"{side}Hand{name}3"]
    mesh = character.mesh
    joint = character.rest[bone, :3, 3]
    weight = mesh.weight_of(character.under[bone])
    vertices = mesh.vertices[weight > 0.5]
    along = vertices.mean(axis=0) - joint
    along /= np.linalg.norm(along)
    far = (vertices - joint) @ along
    aside = np.linalg.norm(vertices - joint - far[:, None] * along, axis=1)
    radius = float(np.median(aside))
    point = joint + (far.max() - radius) * along
    return Part(mesh.triangles[(weight[mesh.triangles] > 0.5).all(axis=1)], bone, point)


def _phalanx(character: Character, finger: str, number: int) -> Part:
    bone, following = (character.joint[f"{finger}{n}"] for n in (number, number + 1))
    weight = character.mesh.weight_of(np.array([bone]))
    triangles = character.mesh.triangles
    point = 0.5 * (character.rest[bone, :3, 3] + character.rest[following, :3, 3])
    return Part(triangles[(weight[triangles] > 0.5).all(axis=1)], bone, point)


def _palm(character: Character, side: str) -> Part:
    bone = character.joint[side + "Hand"]
    # The ball of the thumb, about its metacarpal, is palm.
    thumb = [character.under[character.joint[f"{side}HandThumb2"]]] if f"{side}HandThumb2" in character.joint else []
    bones = np.setdiff1d(character.under[bone], np.concatenate([*thumb, np.zeros(0, np.int64)]))
    weight = character.mesh.weight_of(bones)
    names = [f"{side}Hand{finger}1" for finger in FINGERS[1:4]]
    knuckles = [character.rest_point(name) for name in names if name in character.joint]
    wrist = character.rest_point(side + "Hand")
    triangles = character.mesh.triangles
    faces = triangles[(weight[triangles] > 0.5).all(axis=1)]
    point = wrist
    if len(knuckles) > 1:
        along, across = np.mean(knuckles, axis=0) - wrist, knuckles[0] - knuckles[-1]
        point = _on_skin(
            character.mesh.vertices[np.unique(faces)], wrist + _MIDDLE * along, np.cross(along, across), side
        )
    return Part(faces, bone, point)


def _on_skin(points: Array, middle: Array, out: Array, side: str) -> Array:
    """Return where the line from ``middle`` (3,) out of a palm leaves its ``points`` (n, 3); ``out``: along a left one's way."""
    out = out / np.linalg.norm(out) * (1.0 if side == "Left" else -1.0)
    height = (points - middle) @ out
    beside = np.linalg.norm(points - middle - height[:, None] * out, axis=1)
    near = height[beside < max(_BESIDE, float(beside.min()))]
    return middle + float(near.max()) * out


def meeting_point(character: Character, side: str, pattern: Pattern) -> Part:
    """Return the point of a hand that meets the other's: between thumb and index, or so far on the way from wrist to knuckles."""
    joint = character.joint
    if pattern.web and f"{side}HandThumb2" in joint and f"{side}HandIndex1" in joint:
        point = 0.5 * (character.rest_point(f"{side}HandThumb2") + character.rest_point(f"{side}HandIndex1"))
    else:
        wrist = character.rest_point(side + "Hand")
        names = [f"{side}Hand{finger}1" for finger in FINGERS[1:]]
        knuckles = [character.rest_point(name) for name in names if name in joint]
        point = wrist + pattern.along_palm * (np.mean(knuckles, axis=0) - wrist) if knuckles else wrist
    return Part(np.zeros((0, 3), np.int64), joint[side + "Hand"], point)


def palmar(character: Character, side: str, towards: Array, *, back: bool) -> tuple[Indices, Indices]:
    """Return the triangles of a hand's palm and fingers whose skin faces ``towards`` (3,) at rest, out of its palm, within 60
    degrees (f, 3); and those that may be touched (g, 3): all that face there at all, thumb included, and the hand's ``back``."""
    mesh, bone = character.mesh, character.joint[side + "Hand"]
    corners = mesh.vertices[mesh.triangles]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = area @ towards / np.maximum(np.linalg.norm(area, axis=1), 1e-12)
    fingers = [character.joint[f"{side}Hand{f}1"] for f in FINGERS if f"{side}Hand{f}1" in character.joint]
    thumb = f"{side}HandThumb1"
    off_thumb = np.setdiff1d(
        character.under[bone], character.under[character.joint[thumb]] if thumb in character.joint else []
    )
    four = [character.under[finger] for finger in fingers if character.joint.get(thumb) != finger]
    off_fingers = np.setdiff1d(character.under[bone], np.concatenate([*four, np.zeros(0, np.int64)]))

    def moved(bones: Indices) -> NDArray[np.bool_]:
        return (mesh.weight_of(bones)[mesh.triangles] > 0.5).all(axis=1)

    may = moved(character.under[bone]) & (facing > 0)
    if back:
        may |= moved(off_fingers)
    return mesh.triangles[moved(off_thumb) & (facing > _FACING)], mesh.triangles[may]
