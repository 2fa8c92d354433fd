"""What one performed clip does: feet, floor, bodies in each other, touches, beats, who faces whom, who is lively.

Every figure is left as sums (``intervals.Sums``), so that clips add up before they are divided. Metres, seconds, 30 fps; both
performers' roots (2, T, 3) and exponential maps (2, T, J, 3) in one world, Y up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.datasets.labels.actions import label_actions
from duologue.evaluation.body.beats import JOINTS, beat_consistency, motion_beats
from duologue.evaluation.intervals import Sums
from duologue.features.root import heading
from duologue.labels import ACTION_MODES
from duologue.motion.capsules import Capsules, closest_on_lines, depths
from duologue.motion.contact import RULE, ContactRule, Soles, foot_contacts
from duologue.motion.placement import bearing_to_partner, faces_partner
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]
    Beats = list[NDArray[np.intp]]

DEEP: Final = 0.02
"""Metres of overlap, and under the floor, from which a frame counts."""
TOUCH: Final = 0.05
"""Metres between capsules under which two parts touch; InterAct (appendix A.5) counts touches and prints no distance."""
CHEST: Final = "Spine3"
WRISTS: Final = ("LeftHand", "RightHand")
WALK: Final = ACTION_MODES.index("walk")
INTERGEN: Final = ContactRule(0.05, 0.95, 0.05, 0.95)
"""InterGen's rule without its memory: a foot that slides steadily, which the stricter rule takes for a step, counts too."""


@dataclass(frozen=True, eq=False)
class Body:
    """Two performers in the world, every joint placed once for all figures."""

    skeleton: Skeleton
    root: Floats
    rotations: Floats
    matrices: Floats = field(init=False)
    positions: Floats = field(init=False)

    def __post_init__(self) -> None:
        matrices, positions = forward_kinematics(
            self.skeleton, self.rotations.astype(np.float64), self.root.astype(np.float64)
        )
        object.__setattr__(self, "matrices", matrices)
        object.__setattr__(self, "positions", positions)

    @property
    def frames(self) -> int:
        """T."""
        return self.root.shape[1]

    def at(self, *names: str) -> Floats:
        """Return the positions (2, T, n, 3) of joints."""
        return self.positions[:, :, self.skeleton.indices(*names)]

    def speeds(self, *names: str, own: bool = False) -> Floats:
        """Return joints' speeds (2, T, n), m/s; ``own``: against the hips, so that walking is none. Frame 0 has frame 1's."""
        at = self.at(*names)
        if own:
            at = at - self.positions[:, :, :1]
        speed = np.linalg.norm(np.diff(at, axis=1), axis=-1) * FPS
        return np.concatenate([speed[:, :1], speed], axis=1)


@dataclass(frozen=True, eq=False)
class Asked:
    """What a clip was to show, T frames: ``actions`` and ``activity`` (2, T), and the onsets of either's speech.

    ``others``: other clips' onsets, a pair each, to see whether the right speech matters. ``facing`` (2, T): who faces the
    partner in the truth.
    """

    actions: NDArray[np.integer]
    activity: Floats
    onsets: tuple[NDArray[np.intp], NDArray[np.intp]]
    others: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
    facing: NDArray[np.bool_]


def tally(body: Body, asked: Asked) -> dict[str, Sums]:
    """Return every figure of a performed clip as sums."""
    return (
        feet(body)
        | floor(body)
        | penetration(body)
        | touches(body)
        | smoothness(body)
        | obedience(body, asked)
        | liveliness(body, asked)
        | beats(body, asked)
    )


def feet(body: Body) -> dict[str, Sums]:
    """Return ``sliding_cm_s``, the mean speed over the floor of sole points that bear weight from a frame to the next, by the
    rule of ``motion.contact``; the same by InterGen's; and how often a sole point bears weight."""
    points = Soles.of(body.skeleton).place(body.matrices, body.positions)  # 2, T, 2 feet, 2 points, 3
    points = np.moveaxis(points, 1, 0)
    speed = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1) * FPS
    sums: dict[str, Sums] = {}
    for name, rule in (("sliding_cm_s", RULE), ("sliding_intergen_cm_s", INTERGEN)):
        bears = foot_contacts(points, rule)
        held = bears[1:] & bears[:-1]
        sums[name] = (100 * float(speed[held].sum()), float(held.sum()))
        if rule is not INTERGEN:
            sums["feet_bearing_percent"] = (100 * float(bears.any((2, 3)).sum()), bears[..., 0, 0].size)
    return sums


def floor(body: Body) -> dict[str, Sums]:
    """Return the share of performers' frames with a heel, ball or tip of the toes over 2 cm under the floor, and how deep on
    average over all frames."""
    soles = Soles.of(body.skeleton)
    points = soles.place(body.matrices, body.positions).reshape(2, body.frames, -1, 3)[..., 1]
    tips = (body.matrices[:, :, soles.toes] @ soles.tip[..., None])[..., 1, 0] + body.positions[:, :, soles.toes, 1]
    lowest = np.concatenate([points, tips], axis=-1).min(-1)
    return {
        "below_floor_percent": (100 * float((lowest < -DEEP).sum()), lowest.size),
        "below_floor_cm": (100 * float(np.maximum(-lowest, 0).sum()), lowest.size),
    }


def penetration(body: Body) -> dict[str, Sums]:
    """Return the share of frames in which the two bodies, or one with itself, overlap by over 2 cm, and the mean depth in cm."""
    capsules = Capsules.of(body.skeleton)
    lines = capsules.place(body.matrices, body.positions)
    cross = np.maximum(depths(lines[0], capsules.radii, lines[1], capsules.radii).max((-2, -1)), 0)
    first, second = np.nonzero(capsules.own)
    _, _, between = closest_on_lines(lines[:, :, first], lines[:, :, second])
    own = capsules.radii[first] + capsules.radii[second] - np.linalg.norm(between, axis=-1)
    itself = np.maximum(own.max(-1), 0)
    return {
        f"{name}_{unit}": (float(total), depth.size)
        for name, depth in (("penetration", cross), ("self_penetration", itself))
        for unit, total in (("percent", 100 * (depth > DEEP).sum()), ("cm", 100 * depth.sum()))
    }


def touches(body: Body) -> dict[str, Sums]:
    """Return minutes an hour (of either performer) that a hand is within 5 cm of a head, shoulder, elbow or hand.

    ``own``: of the performer's own, of the other arm where it is an elbow or a hand; ``cross``: of the partner's.
    """
    capsules = Capsules.of(body.skeleton)
    lines = capsules.place(body.matrices, body.positions)
    elbow = body.at("LeftForeArm", "RightForeArm")

    def part(name: str) -> tuple[Floats, NDArray[np.float64]]:
        """Lines (2 performers, 2 sides, T, C, 2, 3) and radii of a part; the head is both sides'."""
        if name == "elbow":
            at = np.moveaxis(elbow, 2, 1)[..., None, None, :]
            return np.concatenate([at, at], axis=-2), capsules.radii[capsules.indices("LeftUpperArm")]
        own = {"hand": ("Hand", "Fingers"), "shoulder": ("Shoulder",)}.get(name)
        chosen = [
            capsules.indices(*(side + p for p in own)) if own else capsules.indices("head")
            for side in ("Left", "Right")
        ]
        return np.stack([lines[:, :, index] for index in chosen], axis=1), capsules.radii[chosen[0]]

    hands, thickness = part("hand")
    found: dict[str, Sums] = {}
    for name in ("head", "shoulder", "elbow", "hand"):
        there, radii = part(name)

        def near(a: Floats, b: Floats, radii: NDArray[np.float64] = radii) -> NDArray[np.bool_]:
            return depths(a, thickness, b, radii).max((-2, -1)) > -TOUCH

        if name in ("elbow", "hand"):
            own = near(hands, there[:, ::-1]).any(1)
        else:
            own = near(hands[:, :, None], there[:, None]).any((1, 2))
        cross = near(hands[0][:, None], there[1][None]).any((0, 1)) | near(hands[1][:, None], there[0][None]).any(
            (0, 1)
        )
        found[f"touch_own_{name}_min_h"] = (60 * float(own.sum()), own.size)
        found[f"touch_cross_{name}_min_h"] = (60 * float(cross.sum()), cross.size)
    return found


def smoothness(body: Body) -> dict[str, Sums]:
    """Return the mean jerk, m/s³, of all joints, and of hands and head: the third difference of positions times 30³."""
    found: dict[str, Sums] = {}
    for name, at in (("jerk", body.positions), ("jerk_hands_head", body.at(*WRISTS, "Head"))):
        third = np.linalg.norm(np.diff(at, n=3, axis=1), axis=-1) * FPS**3
        found[name] = (float(third.sum()), third.size)
    return found


def relation(body: Body) -> Floats:
    """Return how the two stand to each other, (T, 3): the hips' distance (metres), A's and B's bearing to the other (radians)."""
    hips = body.positions[:, :, 0]
    yaw = heading(body.rotations[:, :, 0].astype(np.float64))
    forward = np.stack([np.sin(yaw), np.zeros_like(yaw), np.cos(yaw)], axis=-1)
    distance = np.linalg.norm((hips[0] - hips[1])[:, [0, 2]], axis=-1)
    return np.column_stack([distance, *bearing_to_partner(hips, forward)])


def facing(body: Body) -> NDArray[np.bool_]:
    """Return whose chest is turned to the other, (2, T)."""
    return faces_partner(body.at(CHEST)[:, :, 0], body.matrices[:, :, body.skeleton.index(CHEST)])


def obedience(body: Body, asked: Asked) -> dict[str, Sums]:
    """Return the share of frames whose action, by the rule on the motion alone, is the one asked for; how often partners are
    faced, and how often they are where they are in the truth and somebody speaks."""
    made = np.stack(
        [label_actions(body.skeleton, body.root[i], body.rotations[i]) for i in range(2)]  # what the rule reads
    )
    faced = facing(body)
    talk = asked.facing & (asked.activity > 0.5).any(0)
    hits = made == asked.actions
    found: dict[str, Sums] = {
        "actions_obeyed_percent": (100 * float(hits.sum()), hits.size),
        "facing_percent": (100 * float(faced.sum()), faced.size),
        "facing_kept_percent": (100 * float((faced & talk).sum()), float(talk.sum())),
    }
    for mode, name in enumerate(ACTION_MODES):
        wanted = asked.actions == mode
        found[f"{name}_obeyed_percent"] = (100 * float((hits & wanted).sum()), float(wanted.sum()))
    return found


def liveliness(body: Body, asked: Asked) -> dict[str, Sums]:
    """Return wrists' mean speed against the hips, and listeners' energy and speed against speakers'.

    Energy is the wrists' mean squared speed. A speaker has a voice while the partner has none; whoever walks is left out.
    """
    speed = body.speeds(*WRISTS, own=True).mean(-1)
    energy = np.square(body.speeds(*WRISTS, own=True)).mean(-1)
    voice, still = asked.activity > 0.5, asked.actions != WALK
    speaks, listens = voice & ~voice[::-1] & still, ~voice & voice[::-1] & still

    def ratio(values: Floats) -> Sums:
        return (float(values[listens].sum()), float(listens.sum()), float(values[speaks].sum()), float(speaks.sum()))

    return {
        "wrist_speed_m_s": (float(speed.sum()), speed.size),
        "listener_energy": ratio(energy),
        "listener_speed": ratio(speed),
    }


def beats(body: Body, asked: Asked) -> dict[str, Sums]:
    """Return beat consistency (0.3 s, and 0.1 s) with the performer's own speech, and with other clips' speech."""
    found: dict[str, Sums] = {}
    moved = [motion_beats(speeds) for speeds in body.speeds(*JOINTS)]
    for name, sigma in (("beat_consistency", 0.3), ("beat_consistency_100ms", 0.1)):
        found[name] = _beats([asked.onsets], moved, body.frames, sigma)
        found[name + "_other_speech"] = _beats(asked.others, moved, body.frames, sigma)
    return found


def _beats(
    heard: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]], moved: Sequence[Beats], frames: int, sigma: float
) -> Sums:
    sums = [
        beat_consistency(onsets, beats, frames, sigma)
        for pair in heard
        for onsets, beats in zip(pair, moved, strict=True)
    ]
    return (sum(score for score, _ in sums), sum(count for _, count in sums))
