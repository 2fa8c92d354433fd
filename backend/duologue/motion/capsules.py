"""Bodies as capsules: how deep two bodies, or the parts of one, stand in each other.

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
