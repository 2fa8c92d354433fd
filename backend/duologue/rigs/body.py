"""A moving body in the words of ``rigs.joints``: what retargeting reads, whatever skeleton the motion came on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from duologue.errors import invalid
from duologue.motion.rotations import (
    Floats,
    as_floats,
    matrix_to_quat,
    quat_multiply,
    quat_rotate,
    quat_slerp,
    quat_to_matrix,
)
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.rigs.alignment import TIP, align
from duologue.rigs.joints import SIDES, chain

NEEDED = ("Hips", *(side + joint for side in SIDES for joint in ("UpLeg", "Leg", "Foot")))


@dataclass(frozen=True)
class MovingBody:
    """World motion of joints by word: ``rest`` positions (3,), ``turns`` (T, 4) away from rest, ``positions`` (T, 3) metres."""

    rest: Mapping[str, Floats]
    turns: Mapping[str, Floats]
    positions: Mapping[str, Floats]

    @property
    def frames(self) -> int:
        """How many frames the motion has."""
        return len(self.turns["Hips"])

    def chain_turns(self, stem: str, count: int) -> list[Floats]:
        """Return the world turns of a chain ("Spine" or "Neck") as a chain of ``count`` joints would have them.

        The last joint of one chain takes exactly the turn of the last of the other, so that whatever hangs there is held as
        it was; the ones between share the bend evenly.
        """
        own = chain(stem, self.turns)
        below = ["Hips"] if stem == "Spine" else ["Hips", *chain("Spine", self.turns)]
        steps = [self.turns[below[-1]], *(self.turns[name] for name in own)]
        result: list[Floats] = []
        for k in range(1, count + 1):
            place = k / count * (len(steps) - 1)
            low = min(int(place), len(steps) - 1)
            if place - low < 1e-9:
                result.append(steps[low])
            else:
                result.append(quat_slerp(steps[low], steps[low + 1], np.full(self.frames, place - low)))
        return result

    def drive(self, rest: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return the world turns (T, 4) away from its own rest pose of every joint of another body that this one moves.

        Args:
            rest: the other body's rest positions (3,) by joint word, tips included where known; faces any way.
        """
        turns = {joint: self.turns[joint] for joint in rest if joint in self.turns}
        for stem in ("Spine", "Neck"):
            names = chain(stem, rest)
            if chain(stem, self.turns):
                turns |= dict(zip(names, self.chain_turns(stem, len(names)), strict=True))
        constant = align(self.rest, rest)
        return {joint: quat_multiply(turn, constant[joint]) for joint, turn in turns.items()}


def rest_points(skeleton: Skeleton, joints: Mapping[str, str], positions: Floats | None = None) -> dict[str, Floats]:
    """Return rest positions (3,) by joint word, tips of last bones included.

    Args:
        skeleton: any skeleton.
        joints: joint word -> this skeleton's name for it.
        positions: (J, 3) where the skeleton's own rest pose is not the one meant.
    """
    rest = skeleton.rest_positions if positions is None else positions
    points: dict[str, Floats] = {word: rest[skeleton.index(name)] for word, name in joints.items()}
    tips = {skeleton.names[joint]: offset for joint, offset in skeleton.ends}
    if positions is None:
        points |= {word + TIP: points[word] + np.array(tips[name]) for word, name in joints.items() if name in tips}
    return points


def move(
    skeleton: Skeleton,
    joints: Mapping[str, str],
    rotations: ArrayLike,
    root_translation: ArrayLike,
    *,
    translations: ArrayLike | None = None,
    rest_frame: int | None = None,
    rest_of_walk: bool = False,
) -> MovingBody:
    """Run a clip on its own skeleton.

    Args:
        skeleton: J joints.
        joints: joint word -> this skeleton's name for it.
        rotations: (T, J, 3) exponential maps, parent-local.
        root_translation: (T, 3) metres.
        translations: (T, J, 3) parent-local positions where bones change length.
        rest_frame: take this frame for the rest pose instead of the skeleton's own (clips with a T-pose in front).
        rest_of_walk: work the rest pose out from the motion, a straight walk, where the skeleton's own means nothing.

    Raises:
        DuologueError: INVALID_ARGUMENT ``joints-missing`` when hips or legs have no joint.
    """
    if missing := [word for word in NEEDED if word not in joints]:
        raise invalid(
            "joints-missing",
            f"the joint map gives no joint for {', '.join(missing)}; hips and both legs are needed to stand on the floor.",
            field="joints",
        )
    matrices, positions = forward_kinematics(skeleton, as_floats(rotations), root_translation, translations)
    indices = skeleton.indices(*joints.values())
    matrices, positions = matrices[:, indices].astype(np.float64), positions[:, indices].astype(np.float64)
    rest = rest_points(skeleton, joints)
    if rest_frame is not None:
        rest = dict(zip(joints, positions[rest_frame], strict=True))
        matrices = matrices @ np.swapaxes(matrices[rest_frame], -1, -2)
    elif rest_of_walk:
        rest, upright = _rest_of_walk(skeleton, joints, matrices, positions)
        matrices = matrices @ np.swapaxes(upright, -1, -2)
    turns = matrix_to_quat(np.ascontiguousarray(np.moveaxis(matrices, 1, 0)))
    places = np.moveaxis(positions, 1, 0)
    return MovingBody(rest, dict(zip(joints, turns, strict=True)), dict(zip(joints, places, strict=True)))


def _rest_of_walk(
    skeleton: Skeleton, joints: Mapping[str, str], matrices: Floats, positions: Floats
) -> tuple[dict[str, Floats], Floats]:
    """Return the rest positions (3,) and world rotations (N, 3, 3) of a body that is seen walking straight on.

    A body sways about its upright pose, so that is the mean of every joint's rotation; a foot lies flat when it is stillest.
    """
    words = list(joints)
    quats = matrix_to_quat(matrices)
    # The mean rotation is the main axis of the quaternions (Markley et al., "Averaging Quaternions", 2007): signs don't matter.
    of_joint = quats.swapaxes(0, 1)
    mean = np.linalg.eigh(of_joint.swapaxes(1, 2) @ of_joint)[1][..., -1]
    upright = quat_to_matrix(mean)
    for side in SIDES:
        feet = [words.index(side + part) for part in ("Foot", "ToeBase") if side + part in joints]
        speed = np.linalg.norm(np.diff(positions[:, feet], axis=0), axis=-1).sum(axis=1)
        upright[feet] = matrices[int(np.argmin(speed)), feet]

    rest = positions.mean(axis=0)
    place = {skeleton.index(name): n for n, name in enumerate(joints.values())}
    for joint, n in sorted(place.items()):
        parent = skeleton.parents[joint]
        while parent >= 0 and parent not in place:
            parent = skeleton.parents[parent]
        if parent >= 0:
            above = place[parent]
            away = (positions[:, n] - positions[:, above])[:, None] @ matrices[:, above]  # in the parent's frame
            reach = away[:, 0].mean(axis=0)
            rest[n] = rest[above] + upright[above] @ reach
    return dict(zip(words, rest, strict=True)), upright


def leg_length(points: Mapping[str, Floats]) -> float:
    """Return the mean length of both legs from hip joint to ankle, metres."""
    bones = [(side + a, side + b) for side in SIDES for a, b in (("UpLeg", "Leg"), ("Leg", "Foot"))]
    return sum(float(np.linalg.norm(points[b] - points[a])) for a, b in bones) / 2


def sole_height(points: Mapping[str, Floats]) -> float:
    """Return the height of the soles in a rest pose: of the lowest joint or tip of the feet, metres.

    An ankle sits at about a tenth of the leg's length above the ground; where a rest pose points its toes down (some
    BVH files) or has no toes, that is taken instead of what lies lower or is missing.
    """
    ankle = min(float(points[side + "Foot"][1]) for side in SIDES)
    keys = [side + joint + tip for side in SIDES for joint in ("Foot", "ToeBase") for tip in ("", TIP)]
    lowest = min(float(points[key][1]) for key in keys if key in points)
    usual = 0.1 * leg_length(points)
    return lowest if 0.4 * usual < ankle - lowest < 1.8 * usual else ankle - usual


def foot_clearance(
    side: str, rest: Mapping[str, Floats], sole: float, turns: Mapping[str, Floats], positions: Mapping[str, Floats]
) -> Floats:
    """Return how high (T,) the lowest point of one sole is, metres above y = 0.

    A sole is the two points under ankle and ball of the foot that lie at height ``sole`` in the rest pose, fixed to the foot.
    """
    heights: list[Floats] = []
    foot = side + "Foot"
    for joint in (foot, side + "ToeBase"):
        if joint in rest and joint in positions:
            drop = np.array([0.0, sole - float(rest[joint][1]), 0.0])
            heights.append((positions[joint] + quat_rotate(turns[foot], drop))[:, 1])
    return np.min(heights, axis=0)


def clearance(
    rest: Mapping[str, Floats], sole: float, turns: Mapping[str, Floats], positions: Mapping[str, Floats]
) -> Floats:
    """Return how high (T,) the lower of both soles is, metres above y = 0."""
    return np.minimum(*(foot_clearance(side, rest, sole, turns, positions) for side in SIDES))


def middle(points: Mapping[str, Floats]) -> Floats:
    """Return the point midway between the hip joints."""
    return (points["LeftUpLeg"] + points["RightUpLeg"]) / 2
