"""Interactions of a take, solved on the characters that play it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from duologue.brief.constraints import HandTarget
from duologue.brief.interactions import Interaction
from duologue.errors import DuologueError
from duologue.interactions.actor import Actor, Array, Pose, Scene, hands_of, has_fingers
from duologue.interactions.contact import Contact, Goal, Where
from duologue.interactions.event import CLEARANCE, Phases
from duologue.interactions.landmarks import sides_of
from duologue.interactions.meeting import HandsElsewhere, hands_for, meet
from duologue.interactions.obstacles import way_clear
from duologue.interactions.patterns import PALM, patterns
from duologue.interactions.reach import Arm
from duologue.interactions.response import blink, give_way, look
from duologue.interactions.solved import Solved, Span, assemble
from duologue.interactions.touching import Reaching, apply, close_fingers, hand_frames, lean, prepare, wrists
from duologue.interactions.track import InteractionTrack
from duologue.labels import PERFORMERS
from duologue.units import FPS

Frames = Callable[[slice], Scene]
"""Gives both actors over a stretch of the take's frames."""
Tell = Callable[[int, int], None]

ROUNDS: Final = 3
"""Of solving, measuring and correcting."""
TOLERATED: Final = 0.005
"""Metres by which a hand may fall short before somebody is told: what counts as contact."""
MARGIN: Final = 1.5
"""Seconds around a touch that are looked at: the hand is on its way then, and the eyes before it."""


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
        yields: how far the touched one gives way in each of them, of ``response.YIELD`` (:func:`response.temper`); 1 by default.
        held: the brief's constraints of hands, which are left alone.
        fps: frames a second.
        tell: hears how many are done, and of how many; what it raises ends the solving.

    Raises:
        DuologueError: where none can be solved: ``hand-without-fingers``, ``arm-missing``, ``face-without-landmarks``.
    """
    shares = dict(zip(interactions, yields or [1.0] * len(interactions), strict=True))
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
        if any(_moves(later, one) for later in solved[index + 1 :]):
            reach_again(actors, before, one, solved, span)
    return assemble(actors, before, solved, span, failed)


def frames_needed(interactions: Sequence[Interaction], total: int, fps: int = FPS) -> slice:
    """Return which of a take's ``total`` frames solving these looks at."""
    begin = min((max(int((one.seconds - MARGIN) * fps), 0) for one in interactions), default=0)
    end = max((min(int(np.ceil((one.until + MARGIN) * fps)), total) for one in interactions), default=0)
    return slice(begin, end)


def _moves(later: Solved, one: Solved) -> bool:
    """Whether a later touch moves somebody while an earlier one is under way."""
    people = {one.interaction.performer, one.interaction.touched}
    moved = {later.interaction.performer, later.interaction.touched}
    return bool(people & moved) and later.seconds[0] <= one.phases.releases


def reach_again(actors: Scene, before: Sequence[Pose], one: Solved, solved: Sequence[Solved], span: Span) -> None:
    """Let the hand of a touch find its place where later ones have moved trunk or head; what is missing then is noted.

    ``before``: as the take has both. A hand that touches something else before or after stays as it is, and is noted alone.
    """
    if one.touching is None:
        return
    reaching, _ = one.touching
    interaction, phases, time = one.interaction, one.phases, one.seconds
    who = PERFORMERS.index(interaction.performer)
    own, other = actors[who], actors[PERFORMERS.index(interaction.touched)]
    first = int(np.searchsorted(span.seconds, time[0]))
    stretch = slice(first, first + len(time))
    pose = own.pose.part(stretch)
    touched = pose if own is other else other.pose.part(stretch)
    contact, arm = reaching.contact, reaching.arm
    goal = contact.goal(touched, {name: values[stretch] for name, values in other.weights.items()}, phases, time)
    if not any(_same_arm(one, more) for more in solved if more is not one):
        old = before[who].part(stretch)
        for bone in own.character.under[arm.upper]:
            pose.set_turn(bone, pose.turns[:, own.character.armature.parents[bone]] @ old.local(bone))
        reach_out(reaching, pose, [pose] if own is other else [pose, touched], goal, time)
        _put(own.pose, pose, stretch)
    missing = wrists(contact, goal, hand_frames(contact, goal, reaching.placement)) - pose.joint(arm.hand.side + "Hand")
    reaching.short = one.short = float(np.linalg.norm(missing[phases.contact(time) > 0], axis=-1).max(initial=0.0))
    one.notes, one.touching = _notes(interaction, reaching), (reaching, goal)


def _same_arm(one: Solved, other: Solved) -> bool:
    """Whether two touches may move one arm in the same frames."""
    people = one.interaction, other.interaction
    apart = one.seconds[-1] < other.seconds[0] or other.seconds[-1] < one.seconds[0]
    given = other.touching is None and other.interaction.touched == one.interaction.performer
    return not apart and (given or (people[0].performer == people[1].performer and one.hand == other.hand))


def solve_one(
    actors: Scene,
    interaction: Interaction,
    span: Span,
    share: float = 1.0,
    hands: HandsElsewhere | None = None,
) -> Solved:
    """Solve one interaction; the actors' poses are changed.

    Args:
        actors: both, over the frames of ``span``.
        interaction: what is asked for.
        span: those frames.
        share: of ``response.YIELD``, how far the touched one gives way.
        hands: what they have to do beside it.
    """
    hands = hands or HandsElsewhere()
    own, other = (actors[PERFORMERS.index(name)] for name in (interaction.performer, interaction.touched))
    if patterns()[interaction.pattern].landmark == "hand":
        return _meet(own, other, interaction, span, hands)
    reaching = choose(own, other, interaction, span, hands)
    phases = reaching.phases
    stretch = slice(*np.searchsorted(span.seconds, [phases.leaves - 0.4, phases.returns + 0.9]).tolist())
    time = span.seconds[stretch]
    pose = own.pose.part(stretch)
    touched = pose if own is other else other.pose.part(stretch)
    weights = {name: values[stretch] for name, values in other.weights.items()}
    give_way(touched, reaching.contact.landmark, phases, time, share)
    goal = reaching.contact.goal(touched, weights, phases, time)
    _close(reaching, touched, goal, time)
    frames = hand_frames(reaching.contact, goal, reaching.placement)
    when = phases.reach(time), phases.contact(time) > 0
    reaching.short = lean(pose, reaching.arm, wrists(reaching.contact, goal, frames), when, interaction.lean)
    gains = blink(phases, time, reaching.contact.landmark.side)
    answers = {PERFORMERS.index(interaction.touched): gains}
    if own is other:
        goal = reaching.contact.goal(pose, weights, phases, time)
    else:
        looking = own.part(stretch)
        answers[PERFORMERS.index(interaction.performer)] = look(looking, pose, goal, phases, time)
    poses = [pose] if own is other else [pose, touched]
    reach_out(reaching, pose, poses, goal, time)
    _put(own.pose, pose, stretch)
    if own is not other:
        _put(other.pose, touched, stretch)
    contact = reaching.contact
    notes = _notes(interaction, reaching)
    side = contact.landmark.side.lower()
    hand = reaching.arm.hand.side.lower()
    return Solved(interaction, phases, time, goal.skin, hand, side, reaching.short, answers, (reaching, goal), notes)


def _notes(interaction: Interaction, reaching: Reaching) -> tuple[str, ...]:
    """What whoever asked should know of a touch."""
    notes: list[str] = []
    what = interaction.name or interaction.pattern
    if reaching.short > TOLERATED:
        notes.append(
            f"{what} at {interaction.seconds:g} s: {interaction.performer}'s hand falls {100 * reaching.short:.0f} cm short; "
            "let them stand nearer"
        )
    if reaching.contact.covers:
        over = ", ".join(reaching.contact.covers)
        notes.append(f"{what} at {interaction.seconds:g} s touches what lies over the skin there ({over})")
    return tuple(notes)


def _meet(own: Actor, other: Actor, interaction: Interaction, span: Span, hands: HandsElsewhere) -> Solved:
    """Let the two hands of a handshake, or the like, meet."""
    names = interaction.performer, interaction.touched
    arms = hands_for((own, other), interaction.hand, interaction.pattern, [hands.of_performer(name) for name in names])
    since = max(hands.since(name, arm.hand.side.lower()) for name, arm in zip(names, arms, strict=True))
    at = int(np.clip(np.searchsorted(span.seconds, interaction.seconds), 0, len(span.seconds) - 1))
    apart = float(np.linalg.norm(own.pose.joint("Hips")[at] - other.pose.joint("Hips")[at]))
    room = max(interaction.seconds - MARGIN, since), min(interaction.until + MARGIN, span.length)
    phases = Phases.of(interaction, 0.5 * apart, *room)
    stretch = slice(*np.searchsorted(span.seconds, [phases.leaves - 0.4, phases.returns + 0.9]).tolist())
    poses = own.pose.part(stretch), other.pose.part(stretch)
    met = meet(poses, arms, phases, span.seconds[stretch])
    for actor, pose in zip((own, other), poses, strict=True):
        _put(actor.pose, pose, stretch)
    short = (
        f"{interaction.name or interaction.pattern} at {interaction.seconds:g} s: hands meet {100 * met.short:.0f} cm short; "
        "let them stand nearer",
    )
    notes = short if met.short > TOLERATED else ()
    return Solved(
        interaction, phases, span.seconds[stretch], met.points, arms[0].hand.side.lower(), "", met.short, notes=notes
    )


def reach_out(reaching: Reaching, pose: Pose, everybody: Sequence[Pose], goal: Goal, time: Array) -> None:
    """Reach the place in ``pose``, and make way for what the hand would go through on the way there and back."""
    free = 1.0 - np.clip(1.0 - reaching.phases.clearance(time) / (0.5 * CLEARANCE), 0.0, 1.0)
    push = np.zeros((len(time), 3))
    start = pose.copy()
    for round_ in range(ROUNDS):
        pose.turns, pose.heads, pose.changed = start.turns.copy(), start.heads.copy(), set(start.changed)
        apply(reaching, pose, goal, time, push)
        more = way_clear(pose, everybody, reaching.arm, free * (reaching.phases.reach(time) > 0))
        if round_ == ROUNDS - 1 or np.abs(more).max(initial=0.0) < 0.002:
            break
        push = push + more


def _close(reaching: Reaching, touched: Pose, goal: Goal, time: Array) -> None:
    """Let the fingers that lie on the face beside the touching one find it."""
    pattern = reaching.contact.pattern
    fingers = tuple(f for f in reaching.contact.hand.fingers if f not in {"Thumb", pattern.touch[0]})
    beside = fingers if pattern.touch[0] == PALM else tuple(f for f in fingers if f in pattern.touch[1:])
    if reaching.contact.pinches or not beside:
        return
    key = int(np.searchsorted(time, (reaching.phases.touches + reaching.phases.releases) / 2))
    close_fingers(reaching, touched, goal, key, beside)


def choose(own: Actor, other: Actor, interaction: Interaction, span: Span, hands: HandsElsewhere) -> Reaching:
    """Try the hands and sides that the interaction leaves open, and return the one that costs least; a hand that is at something
    else only where there is no other."""
    pattern = patterns()[interaction.pattern]
    character, seconds = own.character, span.seconds
    known = [side for side in hands_of(character) if interaction.hand in (None, side.lower())]
    if not known:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "arm-missing",
            f"{character.mesh.name}'s rig map has no arm with a hand to touch with; map {interaction.hand or 'an'} Arm, "
            "ForeArm and Hand",
        )
    fingered = [side for side in known if pattern.touch[0] == PALM or has_fingers(character, side)]
    if not fingered:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "hand-without-fingers",
            f"{interaction.pattern} needs a thumb and an index finger of three joints each, which {character.mesh.name}'s rig "
            "map has not; map them, or take a pattern of the palm (cup-cheek, rest-chin)",
        )
    tried: list[Reaching] = []
    busy = hands.of_performer(interaction.performer)
    for hand in [side for side in fingered if side.lower() not in busy] or fingered:
        arm = Arm.of(character, hand)
        for side in sides_of(pattern.landmark):
            if side and interaction.side not in (None, side.lower()):
                continue
            flip = 1.0 if side else _facing_hand(own, other, arm, seconds, interaction)
            u, v = interaction.offset
            distance = _distance(own, other, arm, seconds, interaction)
            since = hands.since(interaction.performer, hand.lower())
            room = max(interaction.seconds - MARGIN, since), min(interaction.until + MARGIN, span.length)
            phases = Phases.of(interaction, distance, *room)
            for swapped in (False, True) if pattern.family == "pinch" else (False,):
                where = Where(side, flip, (u / 1000, v / 1000), swapped)
                contact = Contact(other.character, arm.hand, pattern, where)
                tried.append(prepare(contact, arm, phases, (own, other), seconds))
    return min(tried, key=lambda one: one.cost)


def _facing_hand(own: Actor, other: Actor, arm: Arm, seconds: Array, interaction: Interaction) -> float:
    """-1 where the touching arm is on the right of the face that is touched: outwards is then to its right."""
    at = int(np.clip(np.searchsorted(seconds, interaction.seconds), 0, len(seconds) - 1))
    shoulder = own.pose.joint(arm.hand.side + "Arm")[at]
    head = other.pose.turn_of("Head")[at]
    return float(np.sign((shoulder - other.pose.joint("Head")[at]) @ (head @ other.character.left)) or 1.0)


def _distance(own: Actor, other: Actor, arm: Arm, seconds: Array, interaction: Interaction) -> float:
    at = int(np.clip(np.searchsorted(seconds, interaction.seconds), 0, len(seconds) - 1))
    return float(np.linalg.norm(own.pose.joint(arm.hand.side + "Hand")[at] - other.pose.joint("Head")[at]))


def _put(pose: Pose, part: Pose, stretch: slice) -> None:
    pose.turns[stretch], pose.heads[stretch] = part.turns, part.heads
    pose.changed |= part.changed
