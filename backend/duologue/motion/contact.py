"""Bodies as capsules: how deep two bodies, or the parts of one, stand in each other; and which feet bear on the floor.

A capsule is a line within a joint's frame and a radius around it. Distances between capsules are those between their lines
(C. Ericson, Real-Time Collision Detection, 2005, section 5.1.9), for all pairs and frames at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import Floats, einsum
from duologue.motion.skeleton import Skeleton, forward_kinematics

Array = NDArray[np.float64]

ADULT: Final = 1.75
"""Height in metres of the body that ``CAPSULES`` is drawn for."""

CAPSULES: Final = (
    # part, joint, from and to (a joint or an end below it, None for the joint itself), radius in metres.
    # Radii: about half of breadth and depth of a median adult, drawn in for soft flesh until captured motion stays out of itself:
    # of the kit's 52,307 Rocketbox frames, 11 % overlap by more than 2 cm (hands folded or in the lap), 0.01 % by more than 5.
    ("pelvis", "Hips", "LeftUpLeg", "RightUpLeg", 0.090),
    ("abdomen", "Spine", None, "Spine1", 0.115),
    ("chest", "Spine2", None, "Spine3", 0.115),
    ("neck", "Neck", None, "Neck1", 0.055),
    ("head", "Head", None, "end", 0.085),
    *(
        (side + part, side + joint, None, tip and side + tip, radius)
        for side in ("Left", "Right")
        for part, joint, tip, radius in (
            ("Shoulder", "Shoulder", "Arm", 0.055),
            ("UpperArm", "Arm", "ForeArm", 0.048),
            ("Forearm", "ForeArm", "Hand", 0.034),
            ("Hand", "Hand", "HandMiddle1", 0.021),
            ("Fingers", "HandMiddle1", "HandMiddle2", 0.013),
            ("Thigh", "UpLeg", "Leg", 0.070),
            ("Shin", "Leg", "Foot", 0.043),
            ("Foot", "Foot", "ToeBase", 0.038),
        )
    ),
)


@dataclass(frozen=True, eq=False)
class Capsules:
    """The capsules of one skeleton, sized for it: ``joints`` (C), ``lines`` (C, 2, 3) in their frames, ``radii`` (C), metres."""

    names: tuple[str, ...]
    joints: NDArray[np.intp]
    lines: Array
    radii: Array
    own: NDArray[np.bool_]
    """(C, C): the pairs that count as self-contact. Neighbours in the body, which always overlap, do not."""

    @classmethod
    def of(cls, skeleton: Skeleton) -> Capsules:
        """Build the capsules of a skeleton that uses duologue60's joint names; parts whose joints it lacks are left out."""
        heights = [*skeleton.rest_positions[:, 1], *(skeleton.rest_positions[j, 1] + o[1] for j, o in skeleton.ends)]
        size = (max(heights) - min(0.0, *heights)) / ADULT
        ends = {skeleton.names[joint]: np.array(offset) for joint, offset in skeleton.ends}
        rows: list[tuple[str, int, Array, Array, float]] = []
        for part, joint, start, end, radius in CAPSULES:
            if not all(name in skeleton.names for name in (joint, start, end) if name not in (None, "end")):
                continue
            at = [
                np.zeros(3)
                if name is None
                else ends.get(joint, np.zeros(3))
                if name == "end"
                else skeleton.offsets[skeleton.index(name)]
                for name in (start, end)
            ]
            if end == "end":  # the ball at the end of the line must not stick out beyond the tip
                at[1] = at[1] * max(0.0, 1.0 - radius * size / max(float(np.linalg.norm(at[1])), 1e-9))
            rows.append((part, skeleton.index(joint), at[0], at[1], radius * size))
        names = tuple(row[0] for row in rows)
        return cls(
            names,
            np.array([row[1] for row in rows], np.intp),
            np.array([[row[2], row[3]] for row in rows]).reshape(-1, 2, 3),
            np.array([row[4] for row in rows]),
            _self_pairs(names),
        )

    def indices(self, *parts: str) -> NDArray[np.intp]:
        """Return the indices of the parts that this body has, in the order asked for."""
        return np.array([self.names.index(part) for part in parts if part in self.names], np.intp)

    def place(self, matrices: Floats, positions: Floats) -> Floats:
        """Return the lines (..., C, 2, 3) in the world, given what ``forward_kinematics`` returned for (..., J)."""
        turned = einsum("...cij,cej->...cei", matrices[..., self.joints, :, :], self.lines)
        return turned + positions[..., self.joints, None, :]


def _self_pairs(names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which pairs of a body's capsules can touch but never overlap in a healthy pose.

    Arms, hands and lower legs against all but their own neighbours. Trunk, shoulders and thighs among themselves always overlap.
    """
    chains = (
        ("Shoulder", "UpperArm", "Forearm"),  # next but one in the chain overlaps when the joint between is folded
        ("UpperArm", "Forearm", "Hand"),
        ("Forearm", "Hand", "Fingers"),
        ("Thigh", "Shin", "Foot"),
    )
    near = {("Shoulder", part) for part in ("chest", "neck", "abdomen", "head", "pelvis")}
    near |= {("UpperArm", part) for part in ("chest", "neck")} | {("Thigh", part) for part in ("pelvis", "abdomen")}
    near |= {(a, b) for chain in chains for a in chain for b in chain}

    def split(name: str) -> tuple[str, str]:
        for side in ("Left", "Right"):
            if name.startswith(side):
                return side, name.removeprefix(side)
        return "", name

    allowed = np.zeros((len(names), len(names)), np.bool_)
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            (side, a), (other, b) = split(first), split(second)
            trunk = side == "" and other == ""
            joined = (side == other or "" in (side, other)) and ((a, b) in near or (b, a) in near)
            twins = a == b and a in ("Thigh", "Shoulder")  # left and right hang from one bone
            allowed[i, j] = i < j and not (trunk or joined or twins)
    return allowed


def closest_on_lines(first: Floats, second: Floats) -> tuple[Floats, Floats, Floats]:
    """Return where two lines come closest: parameters s and t (...) in [0, 1], and the vector (..., 3) from second to first.

    ``first`` and ``second``: (..., 2, 3), both ends; they broadcast against each other. Lines of no length are points.
    """
    p, q = first[..., 0, :], second[..., 0, :]
    u, v, w = first[..., 1, :] - p, second[..., 1, :] - q, p - q
    dot = "...i,...i->..."
    a, e, b = einsum(dot, u, u), einsum(dot, v, v), einsum(dot, u, v)
    c, f = einsum(dot, u, w), einsum(dot, v, w)
    tiny = 1e-12
    area = a * e - b * b
    s = np.where(area > tiny, np.clip((b * f - c * e) / np.maximum(area, tiny), 0.0, 1.0), 0.0)
    t = np.clip((b * s + f) / np.maximum(e, tiny), 0.0, 1.0)
    # t was free to leave the line before it was clipped: then the best s for the clipped t.
    s = np.where(a > tiny, np.clip((b * t - c) / np.maximum(a, tiny), 0.0, 1.0), 0.0)
    return s, t, w + s[..., None] * u - t[..., None] * v


def depths(first: Floats, first_radii: Array, second: Floats, second_radii: Array) -> Floats:
    """Return how deep capsules overlap (..., A, B), metres; negative where they are apart.

    ``first`` (..., A, 2, 3) and ``second`` (..., B, 2, 3): lines in the world.
    """
    _, _, between = closest_on_lines(first[..., :, None, :, :], second[..., None, :, :, :])
    distance = np.sqrt(einsum("...i,...i->...", between, between))
    return first_radii[:, None] + second_radii - distance


@dataclass(frozen=True)
class Penetration:
    """How deep bodies stand in each other over some frames: ``depth`` (T) metres of the deepest pair, 0 where none overlaps."""

    depth: Array
    limit: float = 0.02

    @property
    def percent(self) -> float:
        """Percent of the frames that are deeper than ``limit``."""
        return 100.0 * float((self.depth > self.limit).mean()) if len(self.depth) else 0.0

    @property
    def mean(self) -> float:
        """Mean depth in metres over all frames."""
        return float(self.depth.mean()) if len(self.depth) else 0.0

    @property
    def deepest(self) -> float:
        """Largest depth in metres."""
        return float(self.depth.max()) if len(self.depth) else 0.0


def self_penetration(skeleton: Skeleton, rotations: Floats, root_translation: Floats) -> Penetration:
    """Measure a body (T, J, 3), (T, 3) against itself, neighbouring parts left out."""
    capsules = Capsules.of(skeleton)
    lines = capsules.place(*forward_kinematics(skeleton, rotations, root_translation))
    first, second = np.nonzero(capsules.own)
    _, _, between = closest_on_lines(lines[:, first], lines[:, second])
    overlap = capsules.radii[first] + capsules.radii[second] - np.linalg.norm(between, axis=-1)
    return Penetration(np.maximum(overlap.max(axis=-1), 0.0))


def pair_penetration(skeleton: Skeleton, rotations: Floats, root_translation: Floats) -> Penetration:
    """Measure two bodies (2, T, J, 3), (2, T, 3) in one world against each other."""
    capsules = Capsules.of(skeleton)
    lines = capsules.place(*forward_kinematics(skeleton, rotations, root_translation))
    overlap = depths(lines[0], capsules.radii, lines[1], capsules.radii)
    return Penetration(np.maximum(overlap.max(axis=(-2, -1)), 0.0))


@dataclass(frozen=True)
class ContactRule:
    """When a point of the sole bears weight: near the floor and slow. It lets go later than it grips, so noise can't flicker.

    Heights in metres above where the point is when standing flat, speeds in m/s. The usual single thresholds are 5 cm for the
    ball and 12 cm for the ankle at 0.95 m/s (InterGen's losses: squared speed below 0.001 m² a frame), or 3 cm at 0.3 m/s
    (common in tools); the first misses nothing, the second is sure. Gripping takes the second, letting go lies between.
    """

    grip_height: float = 0.03
    grip_speed: float = 0.30
    release_height: float = 0.05
    release_speed: float = 0.60

    def grips(self, height: Floats, speed: Floats) -> NDArray[np.bool_]:
        """Return where a free point takes hold."""
        return (height < self.grip_height) & (speed < self.grip_speed)

    def releases(self, height: Floats, speed: Floats) -> NDArray[np.bool_]:
        """Return where a point that holds lets go."""
        return (height > self.release_height) | (speed > self.release_speed)


def hysteresis(grips: NDArray[np.bool_], releases: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the state (T, ...) of switches that turn on with ``grips`` and off with ``releases``; off at first."""
    frame = np.arange(len(grips)).reshape(-1, *[1] * (grips.ndim - 1))
    last_on = np.maximum.accumulate(np.where(grips, frame, -1), axis=0)
    last_off = np.maximum.accumulate(np.where(releases & ~grips, frame, -1), axis=0)
    return last_on > last_off


@dataclass(frozen=True, eq=False)
class Soles:
    """The points a body stands on, (2 feet, left first; heel, ball): a joint each and the offset in its frame, metres."""

    feet: NDArray[np.intp]
    heel: Array
    ball: Array
    toes: NDArray[np.intp]
    tip: Array

    @classmethod
    def of(cls, skeleton: Skeleton) -> Soles:
        """Derive the points from the rest pose, in which the soles lie on the floor.

        Raises:
            DuologueError: NOT_FOUND ``unknown-joint`` when the skeleton has other foot names than duologue60.
        """
        feet, toes = skeleton.indices("LeftFoot", "RightFoot"), skeleton.indices("LeftToeBase", "RightToeBase")
        rest = skeleton.rest_positions
        floor = min(0.0, float(rest[:, 1].min()))
        ankle, ball = rest[feet], rest[toes]
        under = np.array([[0.0, 1.0, 0.0]])
        # The heel bone reaches behind the ankle by about a third of what the ball lies before it.
        back = np.stack([np.zeros(2), np.zeros(2), -0.35 * (ball - ankle)[:, 2]], axis=-1)
        heel = back - under * (ankle[:, 1:2] - floor)
        below = (ball - ankle) - under * (ball[:, 1:2] - floor)
        ends = dict(skeleton.ends)
        tip = np.array([ends.get(toe, (0.0, 0.0, 0.07)) for toe in toes])
        tip[:, 1] = floor - ball[:, 1]
        return cls(np.array(feet), heel, below, np.array(toes), tip)

    def place(self, matrices: Floats, positions: Floats) -> Floats:
        """Return the world positions (..., 2 feet, 2 points, 3) of heel and ball."""
        local = np.stack([self.heel, self.ball], axis=1)
        turned = einsum("...fij,fpj->...fpi", matrices[..., self.feet, :, :], local)
        return turned + positions[..., self.feet, None, :]


def foot_contacts(
    skeleton: Skeleton, rotations: Floats, root_translation: Floats, fps: float = 30.0, rule: ContactRule | None = None
) -> NDArray[np.bool_]:
    """Return which points of the soles bear on the floor: (T, 2 feet, 2 points), left foot first, heel first."""
    rule = rule or ContactRule()
    points = Soles.of(skeleton).place(*forward_kinematics(skeleton, rotations, root_translation))
    step = np.diff(points, axis=0, prepend=points[:1])
    speed = np.linalg.norm(step[..., [0, 2]], axis=-1) * fps
    height = points[..., 1]
    return hysteresis(rule.grips(height, speed), rule.releases(height, speed))


def foot_sliding(
    skeleton: Skeleton, rotations: Floats, root_translation: Floats, fps: float = 30.0, rule: ContactRule | None = None
) -> float:
    """Return the mean speed along the floor, m/s, of the sole points that bear on it; 0 when none does."""
    points = Soles.of(skeleton).place(*forward_kinematics(skeleton, rotations, root_translation))
    bears = foot_contacts(skeleton, rotations, root_translation, fps, rule)
    speed = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1) * fps
    held = bears[1:] & bears[:-1]
    return float(speed[held].mean()) if held.any() else 0.0
