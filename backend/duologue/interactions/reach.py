"""An arm that reaches: shoulder to wrist by two bones, the elbow where it is asked to be, and how much that strains it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from duologue.interactions.actor import UP, Array, Character, Pose
from duologue.interactions.hand import Hand
from duologue.motion.ik import two_bone
from duologue.motion.rotations import (
    cross,
    einsum,
    exp_to_matrix,
    matrix_to_exp,
    matrix_to_quat,
    quat_between,
    quat_conjugate,
    quat_multiply,
    quat_to_matrix,
    unroll_exp,
)
from duologue.rigs.alignment import twist_about

STRETCH: Final = 0.985
"""Of the arm's length, how far it reaches comfortably: a straight elbow looks like a doll's."""

EASY: Final = {"bend": 55.0, "deviate": 18.0, "twist": 65.0, "lift": 55.0}
"""Degrees at which a wrist that bends or deviates, a forearm that twists and an elbow that is lifted begin to strain: about two
thirds of the range of motion in the AAOS tables (flexion 80, extension 70, radial 20, ulnar 30, pronation and supination 80)."""

FOLDED: Final = 66.0
"""Degrees by which a hand can be bent against its forearm, short of the same tables' 70 to 80, for heads sway and give way…"""
DEVIATED: Final = (20.0, 32.0)
"""…of them towards the thumb and away from it…"""
TWISTED: Final = 80.0
"""…and degrees that a forearm turns, either way."""
_BREAKING: Final = 2.5
"""Degrees beyond them that cost as much as a joint at the limit of ease…"""
_FOLDING: Final = (60.0, 8.0)
"""…and degrees from which on a hand that is bent costs more already, and more of them that cost as much."""

ELBOW: Final = 22.0
"""Degrees by which an elbow hangs outwards where nothing else is asked."""


@dataclass(frozen=True)
class Arm:
    """An arm of a character: its bones and its lengths, metres."""

    character: Character
    hand: Hand
    upper: int
    lower: int
    lengths: tuple[float, float]

    @classmethod
    def of(cls, character: Character, side: str) -> Arm:
        """Return an arm, measured once; ``side``: ``Left`` or ``Right``."""
        return _arm_of(character, side)

    @classmethod
    def measured(cls, character: Character, side: str) -> Arm:
        """Measure an arm."""
        shoulder, elbow, wrist = (character.rest_point(side + part) for part in ("Arm", "ForeArm", "Hand"))
        lengths = float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(wrist - elbow))
        hand = Hand.of(character, side)
        return cls(character, hand, character.joint[side + "Arm"], character.joint[side + "ForeArm"], lengths)

    @property
    def reach(self) -> float:
        """How far the wrist gets from the shoulder, metres."""
        return STRETCH * sum(self.lengths)

    def outside(self, pose: Pose) -> Array:
        """Return the unit direction (T, 3) from the body's middle to this arm's side."""
        across = pose.joint("LeftArm") - pose.joint("RightArm")
        return self.hand.sign * across / np.linalg.norm(across, axis=-1, keepdims=True)

    def hand_turns(self, frames: Array) -> Array:
        """Return the hand bone's world rotations (..., 3, 3) for hand frames (..., 3, 3) in the world."""
        return frames @ self.hand.frame.T @ self.character.rest_turns[self.hand.bone]

    def hand_frames(self, pose: Pose) -> Array:
        """Return the hand's frame in the world (T, 3, 3): along, out of the palm, thumbwards."""
        return pose.turn_of(self.hand.side + "Hand") @ self.hand.frame

    def bend(self, pose: Pose, wrist: Array, turns: Array, elbow: Array, share: Array) -> Array:
        """Bend the arm so that the wrist is at ``wrist`` (T, 3) and the hand's bone is turned as ``turns`` (T, 3, 3) say.

        Args:
            pose: is changed.
            wrist, turns: in the world.
            elbow: degrees (T,) that the elbow hangs outwards, away from straight down.
            share: (T,) how far the elbow goes there from where the take's own bend has it; 0 leaves it.

        Returns:
            Where the wrist came to be (T, 3).
        """
        self.place(pose, wrist, elbow, share)
        self.turn_hand(pose, turns, share)
        return pose.joint(self.hand.side + "Hand")

    def place(self, pose: Pose, wrist: Array, elbow: Array, share: Array) -> None:
        """Bend the arm (in ``pose``) so that the wrist is at ``wrist`` (T, 3), as :meth:`bend` has it; the hand goes along."""
        side = self.hand.side
        root, middle, tip = (pose.joint(side + part) for part in ("Arm", "ForeArm", "Hand"))
        straight = self.character.rest_point(side + "ForeArm") - self.character.rest_point(side + "Arm")
        hinge = np.cross(straight, self.character.ahead)
        hinge = pose.turn_of(side + "Arm") @ (hinge / np.linalg.norm(hinge))
        before_upper, before_lower, reached = two_bone(root, middle, tip, wrist, hinge)
        axis = (reached - root) / np.linalg.norm(reached - root, axis=-1, keepdims=True)
        wanted = elbow_direction(axis, self.outside(pose), np.radians(elbow))
        swivel = self._swivel(axis, einsum("tij,tj->ti", before_upper, middle - root), wanted, share)
        pose.turn(self.upper, swivel @ before_upper)
        pose.set_turn(self.lower, swivel @ before_lower @ self._undone(pose, before_upper, swivel))

    def turn_hand(self, pose: Pose, turns: Array, share: Array) -> None:
        """Turn the hand (in ``pose``) as ``turns`` (T, 3, 3) say; the forearm takes ``share`` (T,) of half of the twist."""
        self._twist_forearm(pose, turns, share)
        pose.set_turn(self.hand.bone, turns)

    def swing(self, pose: Pose, angle: Array, kept: Array) -> None:
        """Swing the elbow outwards (in ``pose``) by ``angle`` (T,) radians about the line from shoulder to wrist.

        ``kept``: (T,) by how much the hand stays turned as it is: it goes with the arm on its way, and lies over its place.
        """
        axis, out = self.hinge_line(pose)
        pose.turn(self.upper, np.asarray(exp_to_matrix((out * angle)[:, None] * axis)))
        pose.turn(self.hand.bone, np.asarray(exp_to_matrix((-out * angle * kept)[:, None] * axis)))

    def hinge_line(self, pose: Pose) -> tuple[Array, float]:
        """Return the unit line (T, 3) from shoulder to wrist, and which turn about it takes the elbow outwards: 1 or -1."""
        side = self.hand.side
        shoulder, elbow, wrist = (pose.joint(side + part) for part in ("Arm", "ForeArm", "Hand"))
        axis = wrist - shoulder
        axis /= np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-9)
        way = einsum("ti,ti->t", np.cross(axis, elbow - shoulder), self.outside(pose))
        return axis, 1.0 if way.sum() >= 0 else -1.0

    def _undone(self, pose: Pose, before_upper: Array, swivel: Array) -> Array:
        """The forearm's world rotation as it was before the upper arm carried it along."""
        carried = swivel @ before_upper
        return np.swapaxes(carried, -1, -2) @ pose.turns[:, self.lower]

    def _swivel(self, axis: Array, upper: Array, wanted: Array, share: Array) -> Array:
        """Return the turn (T, 3, 3) about the unit line from shoulder to wrist that takes the elbow to where it is wanted."""
        now = upper - einsum("ti,ti->t", upper, axis)[:, None] * axis
        sine = einsum("ti,ti->t", axis, np.cross(now, wanted))
        angle = np.unwrap(np.arctan2(sine, einsum("ti,ti->t", now, wanted)))
        angle -= 2 * np.pi * np.round(np.median(angle) / (2 * np.pi))
        # Of an arm that hangs nothing says where its elbow belongs: only near the goal it is asked for.
        return np.asarray(exp_to_matrix((share * share * angle)[:, None] * axis))

    def _twist_forearm(self, pose: Pose, turns: Array, share: Array) -> None:
        """Let the forearm take half of the twist that the hand has against it, so that the wrist doesn't wring."""
        rest, resting = self.character.rest, self.character.rest_turns
        bone = rest[self.hand.bone, :3, 3] - rest[self.lower, :3, 3]
        forearm = matrix_to_quat(pose.turns[:, self.lower] @ resting[self.lower].T)
        hand = matrix_to_quat(turns @ resting[self.hand.bone].T)
        along = bone / np.linalg.norm(bone)
        twist = twist_about(quat_multiply(quat_conjugate(forearm), hand), along)
        # Over time, so that a forearm that is turned far does not snap round.
        angle = unroll_exp(matrix_to_exp(quat_to_matrix(twist)))
        half = np.asarray(exp_to_matrix(0.5 * share[:, None] * angle))
        pose.set_turn(self.lower, quat_to_matrix(forearm) @ half @ resting[self.lower])


@lru_cache(maxsize=16)
def _arm_of(character: Character, side: str) -> Arm:
    return Arm.measured(character, side)


def elbow_direction(axis: Array, outside: Array, swivel: Array) -> Array:
    """Return unit directions (..., 3) across ``axis``: down, swung outwards by ``swivel`` (...) radians."""
    down = -UP + einsum("...i,i->...", axis, UP)[..., None] * axis
    # An arm that hangs has no down across it: then back is where elbows go.
    down = down / np.maximum(np.linalg.norm(down, axis=-1, keepdims=True), 1e-6)
    aside = cross(axis, down)
    aside = aside * np.where(einsum("...i,...i->...", aside, outside) < 0, -1.0, 1.0)[..., None]
    return np.cos(swivel)[..., None] * down + np.sin(swivel)[..., None] * aside


def elbow_place(shoulder: Array, wrist: Array, lengths: tuple[float, float], direction: Array) -> Array:
    """Return where the elbow is (..., 3), given the unit direction (..., 3) across the arm in which it lies."""
    a, b = lengths
    away = wrist - shoulder
    far = np.clip(np.linalg.norm(away, axis=-1, keepdims=True), abs(a - b) + 1e-3, a + b - 1e-6)
    axis = away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-9)
    along = (a * a - b * b + far * far) / (2 * far)
    return shoulder + along * axis + np.sqrt(np.maximum(a * a - along * along, 0.0)) * direction


def strain(shoulder: Array, elbow: Array, wrist: Array, hand: Array, sign: float) -> Array:
    """Return how much an arm is strained (...): 1 where one of its joints is at the limit of ease, 4 at twice that.

    Args:
        shoulder, elbow, wrist: (..., 3).
        hand: (..., 3, 3) frames: along, out of the palm, thumbwards.
        sign: 1 for a left arm, -1 for a right one.
    """
    upper, lower = elbow - shoulder, wrist - elbow
    forearm = lower / np.linalg.norm(lower, axis=-1, keepdims=True)
    in_hand = einsum("...ji,...j->...i", hand, forearm)  # along, palm, thumbwards
    bend = np.degrees(np.arctan2(-in_hand[..., 1], in_hand[..., 0]))
    deviate = np.degrees(np.arctan2(-in_hand[..., 2], np.hypot(in_hand[..., 0], in_hand[..., 1])))
    hinge = sign * cross(upper, lower)
    hinge /= np.maximum(np.linalg.norm(hinge, axis=-1, keepdims=True), 1e-9)
    palm = hand[..., 1] - einsum("...i,...i->...", hand[..., 1], forearm)[..., None] * forearm
    sine = einsum("...i,...i->...", forearm, cross(hinge, palm))
    twist = np.degrees(np.arctan2(sine, einsum("...i,...i->...", hinge, palm)))
    # An upper arm above the horizontal.
    lift = np.degrees(np.arcsin(np.clip(upper[..., 1] / np.linalg.norm(upper, axis=-1), -1, 1))) + 35.0
    radial = np.where(deviate > 0, 1.4, 1.0)  # towards the thumb a wrist goes less far
    folded = np.degrees(np.arccos(np.clip(in_hand[..., 0], -1, 1)))
    aside = np.maximum(deviate - DEVIATED[0], -DEVIATED[1] - deviate)
    beyond = sum(np.maximum(over, 0.0) ** 2 for over in (folded - FOLDED, aside, np.abs(twist) - TWISTED))
    nearly = np.maximum(folded - _FOLDING[0], 0.0) / _FOLDING[1]
    return (
        beyond / _BREAKING**2
        + nearly**2
        + (bend / EASY["bend"]) ** 2
        + (radial * deviate / EASY["deviate"]) ** 2
        + (twist / EASY["twist"]) ** 2
        + (np.maximum(lift, 0.0) / EASY["lift"]) ** 2
    )


def frame_between(first: Array, second: Array) -> Array:
    """Return the shortest turn (..., 3, 3) of directions ``first`` into ``second`` (..., 3)."""
    return np.asarray(quat_to_matrix(quat_between(first, second)))
