"""What a brief asks of the hands: to touch a face, one's own or the partner's, or the partner's hand, shoulder or back.

Where a hand really comes to lie is worked out on the characters, after the take (``duologue.interactions``), so nothing here
reaches the body model, and a take is the same with and without. Whether the two stand near enough is
:mod:`duologue.brief.nearness`'s to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, cast

from duologue import labels
from duologue.brief.constraints import Constraint, HandTarget, PerformerName, Side
from duologue.brief.timeline import DAY
from duologue.errors import invalid
from duologue.files.document import Table, as_list, number, within

APPROACH: Final = 0.35
"""Seconds that a hand needs at least to arrive, and as many to leave: quicker arms are no arms of people who talk."""

SHORTEST: Final = 0.2
"""Seconds of touch at least. With approach and release that is 0.9 s."""

MOST: Final = 200
"""Interactions in one brief."""

LARGEST_OFFSET: Final = 40.0
"""Millimetres on the skin that a touch may lie beside its usual place."""
_KEYS: Final = (
    "pattern", "performer", "target", "hand", "side", "seconds", "until", "press", "offset", "repeat", "lean",
    "approach", "name",
)  # fmt: skip


@dataclass(frozen=True)
class Interaction:
    """One touch, as a brief asks for it. ``hand`` and ``side`` None: the nearer one."""

    pattern: str
    """One of ``labels.INTERACTIONS``."""
    performer: PerformerName
    """Who touches."""
    seconds: float
    """When the hand first touches. It sets out before."""
    until: float
    """When the hand lets go."""
    target: PerformerName | None = None
    """Who is touched; None: oneself for a face, the partner for anything else."""
    hand: Side | None = None
    """The touching hand."""
    side: Side | None = None
    """Of the face that is touched, as its owner has it; patterns on the midline take no notice."""
    press: float = 0.5
    """How deep, 0 to 1 of what the pattern and the tissue allow."""
    offset: tuple[float, float] = (0.0, 0.0)
    """Millimetres on the skin, outwards and upwards, away from the pattern's own place."""
    repeat: int = 1
    """How often the pattern's path is run through."""
    lean: float = 1.0
    """How much chest and neck may help where the arm is short: 0 not at all, 1 up to 15 and 10 degrees."""
    approach: bool = False
    """Whether the body is led near enough, and back afterwards, where it isn't."""
    name: str = ""
    """What lists call it; empty: its pattern."""

    @property
    def touched(self) -> PerformerName:
        """Who is touched."""
        if self.target is not None:
            return self.target
        own = self.pattern in labels.FACE_INTERACTIONS
        return self.performer if own else "B" if self.performer == "A" else "A"

    @property
    def begins(self) -> float:
        """The latest second in which the hand sets out."""
        return self.seconds - APPROACH

    @property
    def ends(self) -> float:
        """The first second in which it can be back."""
        return self.until + APPROACH


def read_interactions(table: Table) -> tuple[Interaction, ...]:
    """Read the list ``interactions`` of a brief's table.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-key``, ``unknown-label``, ``missing-key``, ``wrong-type``, ``not-finite``.
    """
    return tuple(_read(item, f"interactions[{index}]") for index, item in enumerate(table.items("interactions")))


def _read(value: object, place: str) -> Interaction:
    table = Table(value, place, _KEYS)
    pattern = labels.check(table.text("pattern"), labels.INTERACTIONS, field=table.at("pattern"))
    performer = labels.check(table.text("performer"), labels.PERFORMERS, field=table.at("performer"))
    offset = [number(item, table.at("offset")) for item in as_list(table.get("offset", [0, 0]), table.at("offset"))]
    if len(offset) != 2:
        raise invalid(
            "wrong-type", f"has {len(offset)} numbers; [u, v] in millimetres is needed", field=table.at("offset")
        )
    return Interaction(
        pattern,
        cast("PerformerName", performer),
        table.number("seconds"),
        table.number("until"),
        cast("PerformerName | None", _one_of(table, "target", labels.PERFORMERS)),
        cast("Side | None", _one_of(table, "hand", ("left", "right"))),
        cast("Side | None", _one_of(table, "side", ("left", "right"))),
        table.number("press", 0.5),
        (offset[0], offset[1]),
        table.whole("repeat", 1),
        table.number("lean", 1.0),
        table.flag("approach"),
        table.text("name"),
    )


def _one_of(table: Table, key: str, known: Sequence[str]) -> str | None:
    return labels.check(table.text(key), known, field=table.at(key)) if key in table else None


def interaction_json(interaction: Interaction) -> dict[str, Any]:
    """Return an interaction as a document; what has its default is left out."""
    defaults = Interaction.__dataclass_fields__
    values: Mapping[str, Any] = vars(interaction)
    document = {key: value for key, value in values.items() if value != defaults[key].default}
    return document | ({"offset": list(interaction.offset)} if "offset" in document else {})


def check_interactions(interactions: Sequence[Interaction], constraints: Sequence[Constraint], seconds: float) -> None:
    """Check what is asked of the hands; ``seconds``: how long the take can be at most.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``, ``out-of-range``, ``not-finite``, ``interactions-too-many``,
            ``interaction-target`` (a handshake with oneself), ``interaction-too-short``, ``interaction-too-long`` (beyond the
            end of the take), ``interactions-overlap`` (one hand twice at once, none free, or held elsewhere by a constraint).
    """
    if len(interactions) > MOST:
        raise invalid(
            "interactions-too-many", f"has {len(interactions)}; at most {MOST} go into one brief", field="interactions"
        )
    for index, interaction in enumerate(interactions):
        check_interaction(interaction, f"interactions[{index}]", seconds)
    for (first, one), (second, other) in combinations(enumerate(interactions), 2):
        if _same_hand(one, other) and together(one, other):
            raise invalid(
                "interactions-overlap",
                f"the same hand of {_shared(one, other)} would still be at interactions[{first}] ({one.pattern}, until "
                f"{one.until:g} s); begin {APPROACH * 2:g} s after it, take the other hand, or leave one out",
                field=f"interactions[{second}].seconds",
            )
    _check_free(interactions)
    for index, interaction in enumerate(interactions):
        for number_, held in enumerate(constraints):
            if isinstance(held, HandTarget) and _holds(held, interaction):
                raise invalid(
                    "interactions-overlap",
                    f"constraints[{number_}] holds {held.performer}'s {held.side} hand until {held.until:g} s; move one, or "
                    "take the other hand",
                    field=f"interactions[{index}].seconds",
                )


def check_interaction(interaction: Interaction, place: str, seconds: float) -> None:
    """Check one interaction; ``place`` is where it stands in the brief. Raises what ``check_interactions`` does."""
    labels.check(interaction.pattern, labels.INTERACTIONS, field=f"{place}.pattern")
    for key, value in (("performer", interaction.performer), ("target", interaction.target)):
        if value is not None:
            labels.check(value, labels.PERFORMERS, field=f"{place}.{key}")
    for key, value in (("hand", interaction.hand), ("side", interaction.side)):
        if value is not None:
            labels.check(value, ("left", "right"), field=f"{place}.{key}")
    within(interaction.seconds, 0, DAY, f"{place}.seconds")
    within(interaction.until, 0, DAY, f"{place}.until")
    within(interaction.press, 0, 1, f"{place}.press")
    within(interaction.lean, 0, 1, f"{place}.lean")
    within(interaction.repeat, 1, 8, f"{place}.repeat")
    for value in interaction.offset:
        within(value, -LARGEST_OFFSET, LARGEST_OFFSET, f"{place}.offset")
    if interaction.pattern in labels.BODY_INTERACTIONS and interaction.touched == interaction.performer:
        raise invalid(
            "interaction-target",
            f"{interaction.pattern} takes two; leave target out, or name the other performer",
            field=f"{place}.target",
        )
    if interaction.until - interaction.seconds < SHORTEST - 1e-9 or interaction.begins < -1e-9:
        raise invalid(
            "interaction-too-short",
            f"the hand needs {APPROACH} s to arrive, {SHORTEST} s on the skin and {APPROACH} s to leave; touch at "
            f"{max(interaction.seconds, APPROACH):g} s or later, and {SHORTEST} s at least",
            field=f"{place}.until" if interaction.begins >= -1e-9 else f"{place}.seconds",
        )
    if interaction.ends > seconds + 1e-9:
        raise invalid(
            "interaction-too-long",
            f"the hand would be back at {interaction.ends:.2f} s, and the take ends at {seconds:.2f} s; let go by "
            f"{max(seconds - APPROACH, 0.0):.2f} s",
            field=f"{place}.until",
        )


def _hands(interaction: Interaction) -> dict[str, set[str]]:
    """Return who has which hands in it, as far as that is known before it is solved."""
    either = {"left", "right"}
    hands: dict[str, set[str]] = {interaction.performer: {interaction.hand} if interaction.hand else set(either)}
    if interaction.pattern in TWO_HANDED:
        hands[interaction.touched] = set(either)
    return hands


TWO_HANDED: Final = ("shake-hands", "hold-hands", "high-five")
"""What both performers do, with a hand each."""


def _same_hand(one: Interaction, other: Interaction) -> bool:
    """Whether two interactions need one hand: where the hand is left open, the free one is taken while there is one."""
    first, second = _hands(one), _hands(other)
    return any(len(first[who] | second[who]) < 2 for who in first.keys() & second.keys())


def _check_free(interactions: Sequence[Interaction]) -> None:
    """Check that whoever has a hand left open has one free for it."""
    for index, interaction in enumerate(interactions):
        rest = (*interactions[:index], *interactions[index + 1 :])
        others = [other for other in rest if together(interaction, other)]
        for who, hands in _hands(interaction).items():
            theirs = [_hands(other)[who] for other in others if who in _hands(other)]
            taken = {side for held in theirs if len(held) == 1 for side in held}
            begun = [other for other in others if who in _hands(other) and other.begins <= interaction.begins]
            if len(hands) == 2 and (len(taken) == 2 or sum(interaction.begins < other.ends for other in begun) > 1):
                raise invalid(
                    "interactions-overlap",
                    f"both hands of {who} would be at something else then; move it, or leave one out",
                    field=f"interactions[{index}].seconds",
                )


def _shared(one: Interaction, other: Interaction) -> str:
    return min(_hands(one).keys() & _hands(other).keys())


def together(one: Interaction, other: Interaction) -> bool:
    """Whether two interactions are under way at the same time, setting out and coming back included."""
    return one.begins < other.ends and other.begins < one.ends


def _holds(held: HandTarget, interaction: Interaction) -> bool:
    hands = _hands(interaction).get(held.performer, set())
    return hands == {held.side} and held_then(held, interaction)


def held_then(held: HandTarget, interaction: Interaction) -> bool:
    """Whether a constraint holds a hand while an interaction is under way."""
    return held.seconds < interaction.ends and interaction.begins < held.until
