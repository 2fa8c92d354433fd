"""One hand on one face, over the frames of one interaction: chosen, reached, kept out, and measured until it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.interactions.actor import UP, Actor, Array, Pose
from duologue.interactions.contact import Contact, Goal
from duologue.interactions.event import Phases
from duologue.interactions.hand import Hand
from duologue.interactions.hand_shapes import HandShape
from duologue.interactions.placing import Placement, Situation, place
from duologue.interactions.reach import Arm, frame_between
from duologue.motion.rotations import (
    einsum,
    exp_to_matrix,
    matrix_to_exp,
    matrix_to_quat,
    quat_slerp,
    quat_to_matrix,
    unroll_exp,
)

KEYS: Final = 4
"""Frames of the contact in which ways to lie are compared."""
CHEST: Final = np.radians(15.0)
"""How far a chest leans at most to help an arm that is short."""
SHOULDER: Final = np.radians(20.0)
"""How far a shoulder comes along: it is raised and drawn forward in every far reach."""
_SHAPED: Final = 0.75
"""Of the approach, after which share the fingers have their shape."""
_BOW: Final = (0.09, 0.036, 0.0)
"""Metres by which the hand's way bows out before the body, to the arm's side, and up."""
_BEHIND: Final = (-0.12, 0.0, 0.0)
"""The same where an arm goes round somebody from behind."""
_EASED: Final = 0.45
"""Of the way, from which on the arm is wholly bent by us."""


@dataclass(eq=False)
class Reaching:
    """A contact with the arm that makes it, and how the hand lies."""

    contact: Contact
    arm: Arm
    phases: Phases
    placement: Placement

    @property
    def cost(self) -> float:
        """What it costs the arm; among several ways the cheapest is taken."""
        return self.placement.cost


def prepare(
    contact: Contact, arm: Arm, phases: Phases, actors: tuple[Actor, Actor], frames: Array, *, most: float = np.inf
) -> Reaching:
    """Choose how a hand lies.

    Args:
        contact, arm, phases: what touches what, and when.
        actors: who touches and who is touched, over some frames.
        frames: (T,): their seconds.
        most: what another way costs; where this one costs more, it may be any.
    """
    own, other = actors
    keys = keys_of(phases, frames, KEYS)
    both = (own,) if own is other else (own, other)
    chosen = [Pose(a.character, a.pose.turns[keys], a.pose.heads[keys]) for a in both]
    weights = {name: values[keys] for name, values in other.weights.items()}
    goal = contact.goal(chosen[-1], weights, phases, frames[keys])
    ends, radius = contact.kept_out(contact.shape)
    points = contact.points(goal)
    middle = len(keys) // 2
    span, axis = (contact.spans(goal)[middle], goal.axis) if contact.pinches else (None, None)
    situation = Situation(
        arm, chosen[0], chosen[-1], goal.frames, goal.centres, points[middle], ends, radius, contact.whole(), span, axis
    )
    return Reaching(contact, arm, phases, place(contact.pattern, situation, most))


def keys_of(phases: Phases, seconds: Array, count: int, *, between: bool = False) -> NDArray[np.int64]:
    """Return ``count`` of the frames at ``seconds`` (T,) in which the hand touches, or as many as there are: from the first to
    the last of them, or ``between`` these."""
    begin, end = np.searchsorted(seconds, [phases.touches, phases.releases])
    held = np.flatnonzero(phases.contact(seconds[begin:end]) > 0) + begin
    if not len(held):
        return np.array([min(int(begin), len(seconds) - 1)])
    ends = 0, len(held) - 1
    at = np.linspace(*ends, count + 2)[1:-1] if between else np.linspace(*ends, count)
    return held[np.unique(at.astype(np.int64))]


def hand_frames(contact: Contact, goal: Goal, placement: Placement) -> Array:
    """Return the hand's frames (T, 3, 3) in the world; those of a pinch are turned so that thumb and finger lie on its axis."""
    frames = goal.frames @ placement.hand
    if contact.grips is None:
        return frames
    span = einsum("tij,tj->ti", frames, contact.spans(goal))
    return frame_between(span, goal.axis) @ frames


def wrists(contact: Contact, goal: Goal, frames: Array) -> Array:
    """Return where the wrist has to be (T, 3)."""
    return goal.centres - einsum("tij,tj->ti", frames, contact.points(goal))


def asked_capsules(reaching: Reaching, goal: Goal) -> tuple[Array, Array, Array]:
    """Return the touching parts where they are asked to be: capsules from (T, K, 3) to (T, K, 3), and radii (K,)."""
    contact = reaching.contact
    frames = hand_frames(contact, goal, reaching.placement)
    ends = contact.touching_ends(goal)
    placed = wrists(contact, goal, frames)[:, None, None] + einsum("tij,tkej->tkei", frames, ends)
    return placed[:, :, 0], placed[:, :, 1], contact.hand.radius[contact.touching()]


def lean(pose: Pose, arm: Arm, wrist: Array, when: tuple[Array, NDArray[np.bool_]], most: float = 1.0) -> None:
    """Help an arm that is short: the shoulder comes along, then the chest leans; ``pose`` is changed.

    Args:
        pose: of who touches.
        arm: the touching one.
        wrist: (T, 3) where the wrist has to be.
        when: how far (T,) the hand has gone to its place, and which frames (T,) are those of the contact.
        most: how much of ``SHOULDER`` and ``CHEST`` may be used, 0 to 1.
    """
    reach, held = when
    share = reach[:, None]
    best, short = pose, _short(pose, arm, wrist, held)
    for level in np.linspace(0.0, most, 11)[1:]:
        if short <= 0:
            break
        best = pose.copy()
        _help(best, arm, (wrist, held), share * min(2 * level, 1.0), share * level)
        short = _short(best, arm, wrist, held)
    pose.turns, pose.heads, pose.changed = best.turns, best.heads, best.changed


def _help(pose: Pose, arm: Arm, goal: tuple[Array, NDArray[np.bool_]], shoulder: Array, chest: Array) -> None:
    """Turn the collar bone by a share (T, 1) of ``SHOULDER`` and the chest by one of ``CHEST`` towards the place."""
    wrist, held = goal
    side = arm.hand.side
    way = (wrist - pose.joint(side + "Arm"))[held].mean(axis=0)
    axis = np.cross(UP, way * (1.0, 0.0, 1.0))
    axis /= max(float(np.linalg.norm(axis)), 1e-9)
    spine, neck = pose.character.spine(), pose.character.neck()
    for bone in spine:
        pose.turn(bone, np.asarray(exp_to_matrix(chest * CHEST / len(spine) * axis)))
    # The head keeps looking where it looked: the neck takes half of it back.
    for bone in neck:
        pose.turn(bone, np.asarray(exp_to_matrix(-0.5 * chest * CHEST / len(neck) * axis)))
    collar = pose.character.joint.get(side + "Shoulder")
    if collar is not None:
        bone = pose.joint(side + "Arm") - pose.heads[:, collar]
        hinge = np.cross(bone, way / max(float(np.linalg.norm(way)), 1e-9))
        hinge /= np.maximum(np.linalg.norm(hinge, axis=-1, keepdims=True), 1e-9)
        pose.turn(collar, np.asarray(exp_to_matrix(shoulder * SHOULDER * hinge)))


def _short(pose: Pose, arm: Arm, wrist: Array, held: NDArray[np.bool_]) -> float:
    far = np.linalg.norm(wrist - pose.joint(arm.hand.side + "Arm"), axis=-1)
    return float((far[held] - arm.reach).max(initial=0.0))


def bend_fingers(pose: Pose, arm: Arm, shape_turns: dict[int, Array], before: dict[int, Array], share: Array) -> None:
    """Turn the fingers (in ``pose``) from where the take has them to a shape.

    Args:
        pose: whose hand is already where it belongs.
        arm: of the hand.
        shape_turns: bone -> (T, 3, 3) or (3, 3) away from its rest, in the hand's frame.
        before: bone -> (T, 3, 3) likewise, as the take has it.
        share: (T,) how far.
    """
    hand = pose.turn_of(arm.hand.side + "Hand")
    rest = pose.character.rest_turns
    for bones, _ in arm.hand.segments.values():
        # Joint by joint: a fist's last bone is turned by more than half a turn against the hand, whose shorter way is backwards.
        above_before = above_wanted = above = np.broadcast_to(np.eye(3), hand.shape)
        for bone in bones:
            wanted = np.broadcast_to(shape_turns[bone], hand.shape)
            old = matrix_to_quat(np.swapaxes(above_before, -1, -2) @ before[bone])
            new = matrix_to_quat(np.swapaxes(above_wanted, -1, -2) @ wanted)
            above = above @ quat_to_matrix(quat_slerp(old, new, share))
            above_before, above_wanted = before[bone], wanted
            pose.set_turn(bone, hand @ above @ rest[bone])


def finger_turns(pose: Pose, arm: Arm) -> dict[int, Array]:
    """Return how each finger's bones are turned (T, 3, 3) away from rest, in the hand's frame."""
    hand = pose.turn_of(arm.hand.side + "Hand")
    found: dict[int, Array] = {}
    for bones, _ in arm.hand.segments.values():
        for bone in bones:
            turn = pose.turns[:, bone] @ pose.character.rest_turns[bone].T
            found[bone] = np.swapaxes(hand, -1, -2) @ turn
    return found


def apply(reaching: Reaching, pose: Pose, goal: Goal, seconds: Array, push: Array) -> None:
    """Write the arm and the hand into ``pose``; ``push`` (T, 3): how far the wrist is kept off its way."""
    contact = reaching.contact
    frames = hand_frames(contact, goal, reaching.placement)
    way = HandWay(
        frames,
        wrists(contact, goal, frames),
        _shape_turns(contact, goal),
        reaching.placement.elbow,
        push,
        _BEHIND if contact.pattern.far else _BOW,
    )
    move_hand(pose, reaching.arm, way, reaching.phases.reach(seconds))


@dataclass(frozen=True, eq=False)
class HandWay:
    """Where a hand goes: ``frames`` (T, 3, 3) and ``wrist`` (T, 3) in the world, the fingers' ``turns`` (bone -> away from
    rest, in the hand's frame), the ``elbow``'s degrees outwards, and how far the wrist is pushed off its way there (T, 3)."""

    frames: Array
    wrist: Array
    turns: dict[int, Array]
    elbow: float
    push: Array
    bow: tuple[float, float, float] = _BOW
    """Metres by which the way bows out before the body, to the arm's side, and up."""


def move_hand(pose: Pose, arm: Arm, way: HandWay, share: Array) -> None:
    """Move a hand (in ``pose``) by ``share`` (T,) from where the take has it to where it belongs."""
    before = finger_turns(pose, arm)
    bones = (arm.upper, arm.lower, arm.hand.bone)
    old = [pose.local(bone) for bone in bones]
    wrist = pose.joint(arm.hand.side + "Hand")
    wrist = wrist + share[:, None] * (way.wrist - wrist) + way.push
    # In a bow before the body: straight up from the hip a wrist would pass its own shoulder, and the elbow snap shut.
    ahead = pose.turn_of(pose.character.chest) @ pose.character.ahead
    bow = way.bow[0] * ahead + way.bow[1] * arm.outside(pose) + way.bow[2] * UP
    wrist = wrist + (4 * share * (1 - share))[:, None] * bow
    # From the wrist's bend in the take to its bend there: in the world, a hand would be turned over on its way.
    elbow, carrier = np.full(len(share), way.elbow), pose.character.armature.parents[arm.hand.bone]
    there = pose.copy()
    arm.place(there, way.wrist, elbow, np.ones(len(share)))
    goal = np.swapaxes(there.turns[:, carrier], -1, -2) @ arm.hand_turns(way.frames)
    arm.place(pose, wrist, elbow, share)
    arm.turn_hand(pose, pose.turns[:, carrier] @ mixed(old[2], goal, share), share)
    _ease_in(pose, bones, old, smoothstep(share / _EASED))
    bend_fingers(pose, arm, way.turns, before, smoothstep(share / _SHAPED))


def _ease_in(pose: Pose, bones: Sequence[int], before: Sequence[Array], share: Array) -> None:
    """Leave the bones as they were where ``share`` (T,) is 0: bending an arm straightens what was bent the wrong way."""
    after = [pose.local(bone) for bone in bones]
    for bone, old, new in zip(bones, before, after, strict=True):
        pose.set_turn(bone, pose.turns[:, pose.character.armature.parents[bone]] @ mixed(old, new, share))


def mixed(first: Array, second: Array, share: Array) -> Array:
    """Return rotations (T, 3, 3) a share (T,) of the way from ``first`` to ``second``, the same way round in all frames."""
    way = unroll_exp(matrix_to_exp(np.swapaxes(first, -1, -2) @ second))
    return first @ np.asarray(exp_to_matrix(share[:, None] * way))


def _shape_turns(contact: Contact, goal: Goal) -> dict[int, Array]:
    return mixed_turns(contact.hand, contact.shapes, goal.grip)


def mixed_turns(hand: Hand, shapes: Sequence[HandShape], share: Array) -> dict[int, Array]:
    """Return how fingers' bones are turned away from rest (T, 3, 3), a share (T,) of the way over some shapes; of one (3, 3)."""
    turns = [hand.shaped(shape)[0] for shape in shapes]
    if len(turns) == 1:
        return turns[0]
    place = share * (len(turns) - 1)
    low = np.minimum(place.astype(np.int64), len(turns) - 2)
    mixed: dict[int, Array] = {}
    for bone in turns[0]:
        quats = np.array([matrix_to_quat(turn[bone]) for turn in turns])
        mixed[bone] = np.asarray(quat_to_matrix(quat_slerp(quats[low], quats[low + 1], place - low)))
    return mixed
