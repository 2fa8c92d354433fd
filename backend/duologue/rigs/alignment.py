"""Where two skeletons rest differently: the constant turn that lays one rest pose over the other, joint by joint.

For a joint j, ``O_j`` turns the target's rest pose into the source's (world axes), so that the target's world rotation away from
its own rest pose is ``G_j(t) O_j`` when the source's is ``G_j(t)``. What "the same pose" means differs by body part:

- **hips, spine, neck, head, shoulders**: the way the body faces, nothing else. Each rig keeps its own posture; how a
  modeller places these joints says nothing about the pose.
- **upper arms, forearms, thighs, shins, fingers**: the bone points where the source's points (A against T); the turn about
  the bone's axis is inherited, so nothing twists against its neighbour.
- **hands**: the whole palm (towards the fingers, and across the knuckles). A rest pose with palms turned forward is a
  forearm's turn, so the forearm takes half of it.
- **feet and toes**: heading only. Soles lie flat in both rest poses, whatever the height of the heel.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from duologue.motion.rotations import (
    Floats,
    matrix_to_quat,
    quat_between,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_slerp,
)
from duologue.rigs.joints import FINGERS, METACARPALS, SIDES, TRUNK_STEMS

TIP = ".tip"
"""Key suffix for the far end of a last bone: ``points["LeftHandIndex3.tip"]``, or of a forearm without a hand."""

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
"""The quaternion that turns nothing."""


def heading(points: Mapping[str, Floats]) -> float:
    """Return the yaw (radians, about +Y, 0 = +Z) that a body faces, from its left and right hip joints (3,)."""
    across = points["LeftUpLeg"] - points["RightUpLeg"]
    return float(np.arctan2(-across[2], across[0]))


def align(source: Mapping[str, Floats], target: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the turn ``O_j`` (4,) for every joint that both bodies have, and for the joints of the target's trunk.

    Args:
        source: rest positions (3,) by joint, metres, Y up; tips of last bones under ``joint + ".tip"`` where known.
        target: the same for the body that is to move.
    """
    yaw = _about_y(heading(source) - heading(target))
    turns = {joint: yaw for joint in target if joint == "Head" or joint.startswith(TRUNK_STEMS)}
    for side in SIDES:
        if side + "Shoulder" in target:
            turns[side + "Shoulder"] = yaw
        turns |= _align_arm(source, target, side, yaw)
        turns |= _align_leg(source, target, side, yaw)
    return {joint: turn for joint, turn in turns.items() if joint in target}


def twist_about(turn: Floats, axis: Floats) -> Floats:
    """Return the part (..., 4) of quaternions ``turn`` (..., 4) that turns about the unit vector ``axis`` (3,)."""
    along = turn[..., 1:] @ axis
    twist = np.concatenate([turn[..., :1], along[..., None] * axis], axis=-1)
    length = np.linalg.norm(twist, axis=-1, keepdims=True)
    # A half turn about an axis across has no twist to speak of.
    return np.where(length > 1e-9, twist / np.maximum(length, 1e-9), IDENTITY)


def _about_y(angle: float) -> Floats:
    return np.array([np.cos(angle / 2), 0.0, np.sin(angle / 2), 0.0])


def _point_alike(
    source: Mapping[str, Floats], target: Mapping[str, Floats], joint: str, to: str, before: Floats
) -> Floats:
    """Turn on from ``before`` so that the bone from ``joint`` to ``to`` points in the target where it points in the source."""
    if not all(key in points for key in (joint, to) for points in (source, target)):
        return before
    swing = quat_between(quat_rotate(before, target[to] - target[joint]), source[to] - source[joint])
    return quat_multiply(swing, before)


def _align_arm(source: Mapping[str, Floats], target: Mapping[str, Floats], side: str, yaw: Floats) -> dict[str, Floats]:
    arm, forearm, hand = (side + part for part in ("Arm", "ForeArm", "Hand"))
    turns = {arm: _point_alike(source, target, arm, forearm, yaw)}
    end = hand if hand in target else forearm + TIP
    ends = {**source, end: source[hand]} if hand in source else source
    turns[forearm] = _point_alike(ends, target, forearm, end, turns[arm])
    turns[hand] = _align_palm(source, target, side, turns[forearm])
    if hand in source and hand in target:
        axis = source[hand] - source[forearm]
        twist = twist_about(quat_multiply(turns[hand], quat_conjugate(turns[forearm])), axis / np.linalg.norm(axis))
        turns[forearm] = quat_multiply(quat_slerp(IDENTITY, twist, 0.5), turns[forearm])
    turns |= {side + part: turns[hand] for part in METACARPALS}
    for finger in FINGERS:
        before = turns[hand]
        for i in (1, 2, 3):
            joint = f"{side}Hand{finger}{i}"
            before = _point_alike(
                source, target, joint, joint + TIP if i == 3 else f"{side}Hand{finger}{i + 1}", before
            )
            turns[joint] = before
    return turns


def _align_palm(source: Mapping[str, Floats], target: Mapping[str, Floats], side: str, before: Floats) -> Floats:
    """Lay the target's palm on the source's: along the hand first, then across its knuckles."""
    hand = side + "Hand"
    knuckles = [f"{side}Hand{finger}1" for finger in FINGERS[1:]]
    knuckles = [joint for joint in knuckles if joint in source and joint in target]
    if not knuckles or hand not in source or hand not in target:
        return before
    frames = [_palm_frame(points[hand], [points[joint] for joint in knuckles]) for points in (source, target)]
    if frames[0] is None or frames[1] is None:
        directions = [
            np.mean([points[joint] for joint in knuckles], axis=0) - points[hand] for points in (source, target)
        ]
        return quat_multiply(quat_between(quat_rotate(before, directions[1]), directions[0]), before)
    return matrix_to_quat(frames[0] @ frames[1].T)


def _palm_frame(wrist: Floats, knuckles: list[Floats]) -> Floats | None:
    along: Floats = np.mean(knuckles, axis=0) - wrist
    across = knuckles[0] - knuckles[-1]
    normal: Floats = np.cross(along, across)
    lengths = float(np.linalg.norm(along)), float(np.linalg.norm(normal))
    if min(lengths) < 1e-9:
        return None
    x, z = along / lengths[0], normal / lengths[1]
    y: Floats = np.cross(z, x)
    return np.stack([x, y, z], axis=-1)


def _align_leg(source: Mapping[str, Floats], target: Mapping[str, Floats], side: str, yaw: Floats) -> dict[str, Floats]:
    thigh, shin, foot, toe = (side + part for part in ("UpLeg", "Leg", "Foot", "ToeBase"))
    turns = {thigh: _point_alike(source, target, thigh, shin, yaw)}
    turns[shin] = _point_alike(source, target, shin, foot, turns[thigh])
    turns[foot] = yaw
    if all(key in points for key in (foot, toe) for points in (source, target)):
        directions = [points[toe] - points[foot] for points in (source, target)]
        headings = [float(np.arctan2(x, z)) for x, _, z in directions]
        turns[foot] = _about_y(headings[0] - headings[1])
    turns[toe] = turns[foot]
    return turns
