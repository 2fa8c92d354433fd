"""What is done once all hands have moved: who was carried off reaches again; what is missing in the end is measured and told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief.interactions import Interaction
from duologue.interactions.actor import Actor, Pose, Scene
from duologue.interactions.contact import Goal
from duologue.interactions.detours import reach_out
from duologue.interactions.meeting import meet
from duologue.interactions.reach import Arm
from duologue.interactions.response import answered
from duologue.interactions.solved import Solved, Span
from duologue.interactions.touching import Reaching, hand_frames, wrists
from duologue.labels import PERFORMERS

TOLERATED: Final = 0.005
"""Metres by which a hand may fall short before somebody is told: what counts as contact."""


def people(actors: Scene, interaction: Interaction) -> tuple[Actor, Actor]:
    """Return who touches and who is touched."""
    own, other = (actors[PERFORMERS.index(name)] for name in (interaction.performer, interaction.touched))
    return own, other


def put(pose: Pose, part: Pose, stretch: slice) -> None:
    """Write a stretch of frames back into a pose."""
    pose.turns[stretch], pose.heads[stretch] = part.turns, part.heads
    pose.changed |= part.changed


def moves(later: Solved, one: Solved) -> bool:
    """Whether a later touch moves somebody while an earlier one is under way."""
    concerned = {one.interaction.performer, one.interaction.touched}
    moved = {later.interaction.performer, later.interaction.touched}
    return bool(concerned & moved) and later.seconds[0] <= one.phases.releases


def reach_again(actors: Scene, before: Sequence[Pose], one: Solved, solved: Sequence[Solved], span: Span) -> None:
    """Let the hands of a touch find their place where later ones have moved trunks or heads.

    ``before``: as the take has both. Hands that touch something else before or after stay as they are.
    """
    if any(_same_arm(one, more) for more in solved if more is not one):
        return
    own, other = people(actors, one.interaction)
    time, stretch = one.seconds, _stretch(one, span)
    pose = own.pose.part(stretch)
    touched = pose if own is other else other.pose.part(stretch)
    if one.met is not None:
        for actor, part, arm in zip((own, other), (pose, touched), one.met.arms, strict=True):
            _as_before(part, before[actors.index(actor)].part(stretch), arm)
        one.points = meet(one.met, (pose, touched), time, 0.0)
    elif one.touching is not None:
        reaching, _ = one.touching
        _as_before(pose, before[actors.index(own)].part(stretch), reaching.arm)
        goal = _goal(reaching, other, touched, one, stretch)
        reach_out(reaching, pose, [pose] if own is other else [pose, touched], goal, time)
        one.touching = reaching, goal
    put(own.pose, pose, stretch)
    if own is not other:
        put(other.pose, touched, stretch)


def settle(actors: Scene, one: Solved, span: Span) -> None:
    """Measure how a touch came out, and note what whoever asked should know."""
    own, other = people(actors, one.interaction)
    time, stretch = one.seconds, _stretch(one, span)
    pose, touched = own.pose.part(stretch), other.pose.part(stretch)
    notes: list[str] = []
    what = f"{one.interaction.name or one.interaction.pattern} at {one.interaction.seconds:g} s"
    if one.met is not None:
        one.short = one.met.short((pose, touched), time)
        falls = "the hands meet {:.0f} cm short"
    elif one.touching is not None:
        reaching, _ = one.touching
        goal = _goal(reaching, other, touched, one, stretch)
        one.touching, one.points = (reaching, goal), goal.skin
        one.short = _off(reaching, pose, goal, one.phases.contact(time) > 0)
        falls = f"{one.interaction.performer}'s hand falls {{:.0f}} cm short"
        if covers := ", ".join(reaching.contact.covers):
            notes.append(f"{what} touches what lies over the skin there ({covers})")
    else:
        return
    if one.short > TOLERATED:
        notes.insert(0, f"{what}: {falls.format(100 * one.short)}; let them stand nearer")
    one.notes = tuple(notes)


def _off(reaching: Reaching, pose: Pose, goal: Goal, held: NDArray[np.bool_]) -> float:
    """Return how far the wrist is from where it belongs, metres, at most, in the frames ``held`` (T,)."""
    contact = reaching.contact
    wanted = wrists(contact, goal, hand_frames(contact, goal, reaching.placement))
    return float(np.linalg.norm(wanted - pose.joint(reaching.arm.hand.side + "Hand"), axis=-1)[held].max(initial=0.0))


def _goal(reaching: Reaching, other: Actor, touched: Pose, one: Solved, stretch: slice) -> Goal:
    weights = {name: values[stretch] for name, values in other.weights.items()}
    gains = one.answers.get(PERFORMERS.index(one.interaction.touched), {})
    return reaching.contact.goal(touched, answered(weights, gains), one.phases, one.seconds)


def _stretch(one: Solved, span: Span) -> slice:
    first = int(np.searchsorted(span.seconds, one.seconds[0]))
    return slice(first, first + len(one.seconds))


def _as_before(pose: Pose, before: Pose, arm: Arm) -> None:
    """Hang an arm, in ``pose``, as the take has it on the shoulder that it hangs on now."""
    for bone in pose.character.under[arm.upper]:
        pose.set_turn(bone, pose.turns[:, pose.character.armature.parents[bone]] @ before.local(bone))


def _same_arm(one: Solved, other: Solved) -> bool:
    """Whether two touches may move one arm in the same frames."""
    apart = one.seconds[-1] < other.seconds[0] or other.seconds[-1] < one.seconds[0]
    return not apart and bool(_arms(one) & _arms(other))


def _arms(one: Solved) -> set[tuple[str, str]]:
    """Return whose arms a touch moves: (performer, side)."""
    names = one.interaction.performer, one.interaction.touched
    if one.met is not None:
        return {(name, arm.hand.side.lower()) for name, arm in zip(names, one.met.arms, strict=True)}
    return {(names[0], one.hand)}
