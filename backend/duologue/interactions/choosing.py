"""Which hand, and which side of what is touched, where an interaction leaves that open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from duologue.brief.interactions import Interaction
from duologue.errors import DuologueError
from duologue.interactions.actor import Actor, hands_of, has_fingers
from duologue.interactions.contact import Contact, Where
from duologue.interactions.event import Phases
from duologue.interactions.landmarks import sides_of
from duologue.interactions.meeting import HandsElsewhere
from duologue.interactions.patterns import PALM, Pattern, patterns
from duologue.interactions.reach import Arm
from duologue.interactions.solved import Span
from duologue.interactions.touching import Reaching, prepare

MARGIN: Final = 1.5
"""Seconds around a touch that are looked at: the hand is on its way then, and the eyes before it."""

_ASKEW: Final = 0.5
"""What it costs that a pinch is turned as far as it may be."""
_NEARER: Final = 20.0
"""What a place costs that is nearer than the pattern means: an arm that would go through a neck costs more."""


def choose(own: Actor, other: Actor, interaction: Interaction, span: Span, hands: HandsElsewhere) -> Reaching:
    """Try the hands and sides that the interaction leaves open, and return the one that costs least; a hand that is at something
    else only where there is no other."""
    pattern = patterns()[interaction.pattern]
    character = own.character
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
            "map has not; map them, or take a pattern of the palm (cup-cheek)",
        )
    tried: list[tuple[float, Reaching]] = []
    sides = _sides(interaction)
    nearer = _nearer(own, other, sides, span.at(interaction.seconds)) if pattern.far else ""
    busy = hands.of_performer(interaction.performer)
    for hand in [side for side in fingered if side.lower() not in busy] or fingered:
        arm = Arm.of(character, hand)
        for side in sides:
            flip = 1.0 if side else _facing_hand(own, other, arm, span.at(interaction.seconds))
            u, v = interaction.offset
            distance = _distance(own, other, arm, span.at(interaction.seconds))
            since = hands.since(interaction.performer, hand.lower())
            room = max(interaction.seconds - MARGIN, since), min(interaction.until + MARGIN, span.length)
            phases = Phases.of(interaction, distance, *room)
            for swapped, askew in _axes(pattern):
                where = Where(side, flip, (u / 1000, v / 1000), swapped, askew * pattern.askew)
                contact = Contact(other.character, arm.hand, pattern, where)
                more = (_NEARER if side and side == nearer else 0.0) + _ASKEW * askew**2
                most = min((cost for cost, _ in tried), default=np.inf) - more
                reaching = prepare(contact, arm, phases, (own, other), span.seconds, most=most)
                tried.append((reaching.cost + more, reaching))
    return min(tried, key=lambda one: one[0])[1]


def _axes(pattern: Pattern) -> list[tuple[bool, float]]:
    """Return whether thumb and finger of a pinch change places, and how far its axis is turned, -1 to 1, in each way to try; all
    else has no axis."""
    if pattern.family != "pinch":
        return [(False, 0.0)]
    return [(swapped, askew) for askew in ((0.0, -1.0, 1.0) if pattern.askew else (0.0,)) for swapped in (False, True)]


def _sides(interaction: Interaction) -> tuple[str, ...]:
    """Return the sides of what is touched that come into question."""
    sides = sides_of(patterns()[interaction.pattern].landmark)
    return (interaction.side.title(),) if len(sides) > 1 and interaction.side is not None else sides


def _nearer(own: Actor, other: Actor, sides: Sequence[str], at: int) -> str:
    """Return which of two shoulders is nearer to whoever touches."""
    head = own.pose.joint("Head")[at]
    return min(sides, key=lambda side: float(np.linalg.norm(other.pose.joint(side + "Arm")[at] - head)))


def _facing_hand(own: Actor, other: Actor, arm: Arm, at: int) -> float:
    """-1 where the touching arm is on the right of the face that is touched: outwards is then to its right."""
    shoulder = own.pose.joint(arm.hand.side + "Arm")[at]
    head = other.pose.turn_of("Head")[at]
    return float(np.sign((shoulder - other.pose.joint("Head")[at]) @ (head @ other.character.left)) or 1.0)


def _distance(own: Actor, other: Actor, arm: Arm, at: int) -> float:
    return float(np.linalg.norm(own.pose.joint(arm.hand.side + "Hand")[at] - other.pose.joint("Head")[at]))
