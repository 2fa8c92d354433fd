"""Which hand, and which side of what is touched, where an interaction leaves that open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
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
_ELSEWHERE: Final = 0.5
"""What a place costs that does as well as the pattern's own."""
_STRAINED: Final = 4.0
"""What a touch costs from which on other places are tried: an arm whose joints are at twice the limit of ease."""


def choose(own: Actor, other: Actor, interaction: Interaction, span: Span, hands: HandsElsewhere) -> Reaching:
    """Try the hands and sides that the interaction leaves open, and return the one that costs least; a hand that is at something
    else only where there is no other."""
    tries = _Tries(own, other, interaction, span, hands)
    pattern = tries.pattern
    for hand, side in product(tries.hands(), _sides(interaction)):
        for axis in _axes(pattern):
            tries.reach(hand, side, axis=axis)
    least, best = tries.best()
    if least > _STRAINED:
        for place in pattern.elsewhere:
            tries.reach(best.arm.hand.side, best.contact.landmark.side, place)
    return tries.best()[1]


@dataclass(eq=False)
class _Tries:
    own: Actor
    other: Actor
    interaction: Interaction
    span: Span
    elsewhere: HandsElsewhere
    found: list[tuple[float, Reaching]] = field(default_factory=list[tuple[float, Reaching]])

    @property
    def pattern(self) -> Pattern:
        return patterns(own=self.own is self.other)[self.interaction.pattern]

    @property
    def at(self) -> int:
        return self.span.at(self.interaction.seconds)

    def hands(self) -> list[str]:
        """Return the sides of the hands that come into question."""
        character, asked = self.own.character, self.interaction.hand
        known = [side for side in hands_of(character) if asked in (None, side.lower())]
        if not known:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "arm-missing",
                f"{character.mesh.name}'s rig map has no arm with a hand to touch with; map {asked or 'an'} Arm, "
                "ForeArm and Hand",
            )
        fingered = [side for side in known if self.pattern.touch[0] == PALM or has_fingers(character, side)]
        if not fingered:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "hand-without-fingers",
                f"{self.interaction.pattern} needs a thumb and an index finger of three joints each, which "
                f"{character.mesh.name}'s rig map has not; map them, or take a pattern of the palm (cup-cheek)",
            )
        busy = self.elsewhere.of_performer(self.interaction.performer)
        free = [side for side in fingered if side.lower() not in busy] or fingered
        # The arm that goes round somebody is the one beside them.
        return [self._beside(free)] if self.pattern.far else free

    def _beside(self, sides: Sequence[str]) -> str:
        trunk = self.other.pose.joint(self.other.character.chest)[self.at]
        return min(sides, key=lambda side: float(np.linalg.norm(self.own.pose.joint(side + "Arm")[self.at] - trunk)))

    @cached_property
    def nearer(self) -> str:
        """The shoulder that is nearer to whoever puts an arm round both."""
        return _nearer(self.own, self.other, _sides(self.interaction), self.at) if self.pattern.far else ""

    def reach(
        self, hand: str, side: str, place: Sequence[float] = (0.0, 0.0), axis: tuple[bool, float] = (False, 0.0)
    ) -> None:
        """Find out what it costs to touch with a hand on a side, ``place`` (2,) metres beside the pattern's, a pinch's ``axis``
        as of :func:`_axes`."""
        arm, pattern = Arm.of(self.own.character, hand), self.pattern
        interaction, at = self.interaction, self.at
        flip = 1.0 if side else _facing_hand(self.own, self.other, arm, at)
        u, v = interaction.offset
        distance = _distance(self.own, self.other, arm, at)
        since = self.elsewhere.since(interaction.performer, hand.lower())
        room = max(interaction.seconds - MARGIN, since), min(interaction.until + MARGIN, self.span.length)
        phases = Phases.of(interaction, distance, *room)
        near = bool(side) and side == self.nearer
        where = Where(side, flip, (u / 1000 + place[0], v / 1000 + place[1]), axis[0], axis[1] * pattern.askew)
        contact = Contact(self.other.character, arm.hand, pattern, where)
        more = (_NEARER if near else 0.0) + (_ELSEWHERE if any(place) else 0.0) + _ASKEW * axis[1] ** 2
        most = min((cost for cost, _ in self.found), default=np.inf) - more
        reaching = prepare(contact, arm, phases, (self.own, self.other), self.span.seconds, most=most)
        self.found.append((reaching.cost + more, reaching))

    def best(self) -> tuple[float, Reaching]:
        """Return what costs least, and how much."""
        return min(self.found, key=lambda one: one[0])


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
