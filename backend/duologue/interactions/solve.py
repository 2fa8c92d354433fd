"""Interactions of a take, solved on the characters that play it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from duologue.brief.constraints import HandTarget
from duologue.brief.interactions import Interaction
from duologue.errors import DuologueError
from duologue.interactions.actor import Array, Scene
from duologue.interactions.choosing import MARGIN, choose
from duologue.interactions.event import Phases
from duologue.interactions.meeting import HandsElsewhere, Meeting, hands_for, meet
from duologue.interactions.patterns import patterns
from duologue.interactions.response import (
    AFTER,
    EARLIER,
    GLANCE,
    answer,
    answered,
    give_way,
    look,
    look_down,
    notice,
    usual,
)
from duologue.interactions.seating import settle_hand
from duologue.interactions.settling import moves, people, put, reach_again, reach_out, settle
from duologue.interactions.solved import Solved, Span, assemble
from duologue.interactions.touching import hand_frames, lean, wrists
from duologue.interactions.track import InteractionTrack
from duologue.labels import PERFORMERS
from duologue.units import FPS

Frames = Callable[[slice], Scene]
"""Gives both actors over a stretch of the take's frames."""
Tell = Callable[[int, int], None]


def solve(
    frames: Frames,
    total: int,
    interactions: Sequence[Interaction],
    *,
    yields: Sequence[float] = (),
    held: Sequence[HandTarget] = (),
    fps: int = FPS,
    tell: Tell = lambda done, of: None,
) -> InteractionTrack:
    """Solve interactions on the characters of a take. One that can't be solved leaves the others be, and the track says why.

    Args:
        frames: gives both actors over a stretch of frames (:func:`frames_needed`), as the take has them; their poses are changed.
        total: how many frames the take has.
        interactions: of a brief, checked.
        yields: how far the touched one gives way in each of them, of ``response.YIELD`` (:func:`response.temper`); by default
            ``response.usual``.
        held: the brief's constraints of hands, which are left alone.
        fps: frames a second.
        tell: hears how many are done, and of how many; what it raises ends the solving.

    Raises:
        DuologueError: where none can be solved: ``hand-without-fingers``, ``arm-missing``, ``face-without-landmarks``.
    """
    shares = dict(zip(interactions, yields or map(usual, interactions), strict=True))
    ordered = sorted(interactions, key=lambda one: one.seconds)
    needed = frames_needed(ordered, total, fps)
    actors = frames(needed)
    before = [actor.pose.copy() for actor in actors]
    span = Span(np.arange(needed.start, needed.stop) / fps, total / fps, fps)
    solved: list[Solved] = []
    failed: list[tuple[Interaction, DuologueError]] = []
    for done, one in enumerate(ordered):
        tell(done, len(ordered))
        taken = {earlier.interaction: earlier.hand for earlier in solved}
        try:
            solved.append(solve_one(actors, one, span, shares[one], HandsElsewhere.of(one, ordered, taken, held)))
        except DuologueError as error:
            failed.append((one, error))
    if failed and not solved:
        raise failed[0][1]
    for index, one in enumerate(solved):
        if any(moves(later, one) for later in solved[index + 1 :]):
            reach_again(actors, before, one, solved, span)
    for one in solved:
        settle(actors, one, span)
    return assemble(actors, before, solved, span, failed)


def frames_needed(interactions: Sequence[Interaction], total: int, fps: int = FPS) -> slice:
    """Return which of a take's ``total`` frames solving these looks at."""
    begin = min((max(int((one.seconds - MARGIN) * fps), 0) for one in interactions), default=0)
    end = max((min(int(np.ceil((one.until + MARGIN) * fps)), total) for one in interactions), default=0)
    return slice(begin, end)


def solve_one(
    actors: Scene,
    interaction: Interaction,
    span: Span,
    share: float | None = None,
    hands: HandsElsewhere | None = None,
) -> Solved:
    """Solve one interaction; the actors' poses are changed.

    Args:
        actors: both, over the frames of ``span``.
        interaction: what is asked for.
        span: those frames.
        share: of ``response.YIELD``, how far the touched one gives way; ``response.usual`` by default.
        hands: what they have to do beside it.
    """
    hands = hands or HandsElsewhere()
    if patterns()[interaction.pattern].landmark == "hand":
        one = _meet(actors, interaction, span, hands)
    else:
        one = _touch(actors, interaction, span, usual(interaction) if share is None else share, hands)
    settle(actors, one, span)
    return one


def _touch(actors: Scene, interaction: Interaction, span: Span, share: float, hands: HandsElsewhere) -> Solved:
    """Let one hand touch somebody's face, shoulder or back."""
    own, other = people(actors, interaction)
    reaching = choose(own, other, interaction, span, hands)
    contact, phases = reaching.contact, reaching.phases
    stretch = span.stretch(phases.leaves - 0.4, phases.returns + 0.9)
    time = span.seconds[stretch]
    pose = own.pose.part(stretch)
    touched = pose if own is other else other.pose.part(stretch)
    weights = {name: values[stretch] for name, values in other.weights.items()}
    give_way(touched, contact.landmark, phases, time, share)
    touched_one, toucher = (PERFORMERS.index(name) for name in (interaction.touched, interaction.performer))
    taken = answer(phases, time, contact.landmark.side, share, own=own is other)
    if phases.pattern.on_face:
        place = contact.goal(touched, weights, phases, time).skin
        part = other.part(stretch)
        taken |= (
            look_down(part, touched, phases, time)
            if own is other
            else notice((own.part(stretch), part), touched, phases, place, time)
        )
    answers: dict[int, Mapping[str, Array]] = {touched_one: taken}
    weights = answered(weights, taken)
    settle_hand(reaching, touched, weights, time)
    goal = contact.goal(touched, weights, phases, time)
    frames = hand_frames(contact, goal, reaching.placement)
    when = phases.reach(time), phases.contact(time) > 0
    lean(pose, reaching.arm, wrists(contact, goal, frames), when, interaction.lean)
    if own is other:
        goal = contact.goal(pose, weights, phases, time)
    else:
        window = phases.leaves - EARLIER, phases.touches + AFTER
        answers[toucher] = look(own.part(stretch), pose, goal.skin, window, time)
        if not phases.pattern.on_face:
            window = phases.touches + GLANCE[0], phases.touches + GLANCE[1]
            answers[touched_one] = taken | dict(look(other.part(stretch), touched, pose.joint("Head"), window, time))
    reach_out(reaching, pose, [pose] if own is other else [pose, touched], goal, time)
    put(own.pose, pose, stretch)
    if own is not other:
        put(other.pose, touched, stretch)
    hand, side = reaching.arm.hand.side.lower(), contact.landmark.side.lower()
    return Solved(interaction, phases, time, goal.skin, hand, side, answers=answers, touching=(reaching, goal))


def _meet(actors: Scene, interaction: Interaction, span: Span, hands: HandsElsewhere) -> Solved:
    """Let the two hands of a handshake, or the like, meet."""
    own, other = people(actors, interaction)
    names = interaction.performer, interaction.touched
    arms = hands_for((own, other), interaction.hand, interaction.pattern, [hands.of_performer(name) for name in names])
    since = max(hands.since(name, arm.hand.side.lower()) for name, arm in zip(names, arms, strict=True))
    at = span.at(interaction.seconds)
    apart = float(np.linalg.norm(own.pose.joint("Hips")[at] - other.pose.joint("Hips")[at]))
    room = max(interaction.seconds - MARGIN, since), min(interaction.until + MARGIN, span.length)
    phases = Phases.of(interaction, 0.5 * apart, *room)
    stretch = span.stretch(phases.leaves - 0.4, phases.returns + 0.9)
    poses = own.pose.part(stretch), other.pose.part(stretch)
    meeting, time = Meeting(arms, phases), span.seconds[stretch]
    places, _ = meeting.ways(poses, time)
    window = phases.leaves - EARLIER, phases.touches + 0.2  # at the hand; then up again, at whom it belongs to
    answers = {
        PERFORMERS.index(name): look(actor.part(stretch), pose, places, window, time)
        for name, actor, pose in zip(names, (own, other), poses, strict=True)
    }
    points = meet(meeting, poses, time)
    for actor, pose in zip((own, other), poses, strict=True):
        put(actor.pose, pose, stretch)
    hand = arms[0].hand.side.lower()
    return Solved(interaction, phases, time, points, hand, answers=answers, met=meeting)
