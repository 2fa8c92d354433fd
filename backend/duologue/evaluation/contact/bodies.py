"""What a touch does to the rest of a body: arms through ribs, bent wrists, balance, and how its layer sets in and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.evaluation.contact.distances import Surface
from duologue.evaluation.contact.lips import parted
from duologue.evaluation.contact.played import Played
from duologue.evaluation.contact.surfaces import near
from duologue.interactions.actor import Array, Character, Pose
from duologue.interactions.posed import part_of_pose
from duologue.motion.balance import outside
from duologue.motion.mass import FOOT, HAND, HEAD, SEGMENTS
from duologue.motion.rotations import einsum, matrix_to_exp
from duologue.rigs.joints import SIDES, chain
from duologue.units import FPS

Indices = NDArray[np.int64]

_LOOKED: Final = 0.05
"""Metres from a body within which an arm is looked at; nothing of it goes in deeper."""
_EVERY: Final = 4
"""Of the frames that are looked at, every so many are for arms: they move slowly where they lie close."""
_HALF_FOOT: Final = 0.045
_HEEL: Final = 0.05
"""Metres from the middle of a foot to its side, and from the ankle back to the heel."""


@dataclass(frozen=True)
class BodyFigures:
    """``arm_mm``: how deep elbow and forearm go into the own trunk or into the partner, ``arm_before_mm`` as in the take;
    ``wrist_degrees``: how far the hand is bent against the forearm at most while it touches; ``balance_mm``: how far the centre
    of mass is outside of the feet, ``balance_before_mm`` as in the take; ``jump_degrees``: how far the layer turns any bone in
    its first and last frame, where it should turn none, ``usual_degrees``: the 99th percentile of how far the take's own bones
    turn from frame to frame; ``lips_mm``: how far it parts shut lips at most, None where it touches no face."""

    arm_mm: float
    arm_before_mm: float
    wrist_degrees: float
    balance_mm: float
    balance_before_mm: float
    jump_degrees: float
    usual_degrees: float
    lips_mm: float | None


def body_figures(played: Played, rows: Indices) -> BodyFigures:
    """Measure what a touch does to the body of whoever touches, in some frames."""
    held = rows[played.held(rows)]
    few = rows[::_EVERY]
    after, before = (arm_depth(played, poses, few) for poses in ((played.own.pose, played.other.pose), played.before))
    pose, old = part_of_pose(played.own.pose, held), part_of_pose(played.before[0], held)
    jump, usual = _joins(played)
    return BodyFigures(
        1000 * after,
        1000 * before,
        _wrist(pose, played.hands[0].side),
        1000 * float(off_balance(pose).max(initial=0.0)),
        1000 * float(off_balance(old).max(initial=0.0)),
        jump,
        usual,
        parted(played, rows),
    )


def arm_depth(played: Played, poses: tuple[Pose, Pose], rows: Indices) -> float:
    """Return how deep (metres) the elbow and forearm that touch are in the own trunk, or in the partner's trunk and head."""
    own, other = played.own.character, played.other.character
    vertices = _forearm(own, played.hands[0].side)
    pose = part_of_pose(poses[0], rows)
    arm = own.mesh.pose(pose.skinning(), None, vertices)
    bodies = [(own, pose, _trunk(own))]
    if played.own is not played.other:
        bodies.append((other, part_of_pose(poses[1], rows), np.concatenate([_trunk(other), _head(other)])))
    return max(_deepest(arm, character, of, triangles) for character, of, triangles in bodies)


def _deepest(points: Array, character: Character, pose: Pose, triangles: Indices) -> float:
    used, local = np.unique(triangles, return_inverse=True)
    local = local.reshape(triangles.shape)
    found = 0.0
    for at, body in zip(points, character.mesh.pose(pose.skinning(), None, used), strict=True):
        close = near(body, local, at, _LOOKED)
        if close.any():
            signed, _ = Surface(body, local[close]).signed(at)
            # Of what is far from all of these triangles others would tell.
            found = max(found, -float(signed[np.abs(signed) < _LOOKED].min(initial=0.0)))
    return found


def _forearm(character: Character, side: str) -> Indices:
    bones = np.setdiff1d(
        character.under[character.joint[side + "ForeArm"]], character.under[character.joint[side + "Hand"]]
    )
    return np.flatnonzero(character.mesh.weight_of(bones) > 0.5)


def _trunk(character: Character) -> Indices:
    names = [*chain("Spine", character.joint), "Hips"]
    return _moved(character, np.array([character.joint[name] for name in names]))


def _head(character: Character) -> Indices:
    return _moved(character, character.head_bones)


def _moved(character: Character, bones: Indices) -> Indices:
    triangles = character.mesh.triangles
    return triangles[(character.mesh.weight_of(bones)[triangles] > 0.5).all(axis=1)]


def _wrist(pose: Pose, side: str) -> float:
    """Return the largest angle (degrees) between how the hand lies on the forearm and how it does at rest, its twist left out."""
    if not len(pose):
        return 0.0
    character = pose.character
    along = character.rest_point(side + "Hand") - character.rest_point(side + "ForeArm")
    along /= np.linalg.norm(along)
    ways = [einsum("tij,j->ti", pose.turn_of(side + part), along) for part in ("ForeArm", "Hand")]
    return float(np.degrees(np.arccos(np.clip((ways[0] * ways[1]).sum(axis=-1), -1.0, 1.0))).max())


def off_balance(pose: Pose) -> Array:
    """Return how far (T,) metres the centre of mass lies outside of both feet on the floor, 0 above them."""
    if not len(pose):
        return np.zeros(0)
    centre = centre_of_mass(pose)[:, [0, 2]]
    points: list[Array] = []
    for side in SIDES:
        ankle, toe = pose.joint(side + "Foot"), _toe(pose, side)
        ahead = (toe - ankle) * (1.0, 0.0, 1.0)
        ahead /= np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
        aside = _HALF_FOOT * np.cross((0.0, 1.0, 0.0), ahead)
        points += [place + sign * aside for place in (ankle - _HEEL * ahead, toe + _HEEL * ahead) for sign in (-1, 1)]
    outline = np.stack(points, axis=1)[..., [0, 2]]
    return outside(outline, np.ones(outline.shape[:2], np.bool_), centre)


def centre_of_mass(pose: Pose) -> Array:
    """Return the centre of mass (T, 3) of a rig, by the segments of :mod:`duologue.motion.mass`."""
    joint = pose.character.joint
    neck = (chain("Neck", joint) or ["Head"])[0]
    parts = [(m, _at(pose, a, neck) + s * (_at(pose, b, neck) - _at(pose, a, neck))) for a, b, m, s in SEGMENTS]
    parts.append((HEAD, pose.joint("Head")))
    parts += [(HAND, pose.joint(side + "Hand")) for side in SIDES]
    parts += [(FOOT, 0.5 * (pose.joint(side + "Foot") + _toe(pose, side))) for side in SIDES]
    masses = np.array([mass for mass, _ in parts])
    return np.tensordot(np.stack([place for _, place in parts], axis=-1), masses / masses.sum(), axes=1)


def _at(pose: Pose, name: str, neck: str) -> Array:
    return pose.joint(neck if name == "Neck" else name)


def _toe(pose: Pose, side: str) -> Array:
    return pose.joint(side + ("ToeBase" if side + "ToeBase" in pose.character.joint else "Foot"))


def _joins(played: Played) -> tuple[float, float]:
    """Return how far (degrees) the layer turns bones in its first and last frame, and how far the take turns them a frame."""
    ends = np.round(played.solved.seconds[[0, -1]] * FPS).astype(np.int64)
    jump, steps = 0.0, list[Array]()
    pairs = [(played.own.pose, played.before[0])]
    pairs += [] if played.own is played.other else [(played.other.pose, played.before[1])]
    for pose, before in pairs:
        for bone in sorted(pose.changed):
            old, new = before.local(bone), pose.local(bone)
            turn = np.swapaxes(old[ends], -1, -2) @ new[ends]
            jump = max(jump, float(np.linalg.norm(matrix_to_exp(turn), axis=-1).max()))
            steps.append(np.linalg.norm(matrix_to_exp(np.swapaxes(old[:-1], -1, -2) @ old[1:]), axis=-1))
    usual = float(np.percentile(np.concatenate(steps), 99)) if steps else 0.0
    return float(np.degrees(jump)), float(np.degrees(usual))
