"""What a brief asks of a face beyond its speech and emotion: ``performers.A.face``. docs/guide/face.md shows it at work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal, cast

from duologue import arkit, labels
from duologue.files.document import Table, within

Part = Literal["all", "mouth", "upper"]
PARTS: Final[tuple[Part, ...]] = ("all", "mouth", "upper")


@dataclass(frozen=True)
class Expression:
    """One performer's settings of the layer on top of the model; the defaults are what a conversation looks like."""

    blinks_per_minute: float = 17.0
    """0 to 60. Bentivoglio et al. 1997 counted 17 at rest and 26 in conversation."""
    gaze: float = 1.0
    """0 to 3, scales all eye movement; 0 keeps the eyes straight ahead."""
    gaze_at_partner: float = 1.0
    """0 to 2, how much of the time the eyes rest on a partner who is faced: 1 as people do, 0 never, 2 always."""
    brows: float = 1.0
    """0 to 3, scales the brows that a listener raises now and then; 0 leaves brows to the model."""
    still_listener: bool = True
    """Rest what only speaking moves while a performer has no voice of their own."""
    seal: float = 1.0
    """0 to 1: how far lips are brought together that nearly meet or that the transcript says meet; 0 leaves them as made."""
    part: Part = "all"
    """``"mouth"`` keeps jaw, mouth and tongue, ``"upper"`` everything else; what is left out is 0."""
    gain: Mapping[str, float] = field(default_factory=dict[str, float])
    """By ARKit name, 0 to 5: what a shape is multiplied by, before the offset."""
    offset: Mapping[str, float] = field(default_factory=dict[str, float])
    """By ARKit name, -1 to 1."""
    tongue: bool = False
    """Let the model put the tongue out; otherwise ``tongueOut`` is 0."""
    head_still: float = 0.0
    """0 to 1: how much of the head's and neck's quick motion is taken away; 1 leaves a slow drift."""
    raw: bool = False
    """Keep the weights as they were before they were cut to [0, 1], beside those that were."""


_RANGES: Final = {
    "blinks_per_minute": 60.0,
    "gaze": 3.0,
    "gaze_at_partner": 2.0,
    "brows": 3.0,
    "seal": 1.0,
    "head_still": 1.0,
}
"""From 0 to here."""
_SWITCHES: Final = ("still_listener", "tongue", "raw")
_SHAPES: Final = {"gain": (0.0, 5.0), "offset": (-1.0, 1.0)}


def read_face(performer: Table) -> Expression:
    """Read the table ``face`` of a performer's table; an absent one is all defaults.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-key``, ``unknown-label`` (a shape; the nearest are suggested), ``wrong-type``,
            ``not-finite``.
    """
    table = performer.table("face", [setting.name for setting in fields(Expression)])
    given: dict[str, Any] = {}
    for name in table:
        if name in _SHAPES:
            given[name] = _read_shapes(table, name)
        elif name in _SWITCHES:
            given[name] = table.flag(name)
        elif name == "part":
            given[name] = table.text(name)
        elif name == "head_still" and isinstance(table.get(name), bool):
            given[name] = float(cast("bool", table.get(name)))
        else:
            given[name] = table.number(name)
    return Expression(**given)


def _read_shapes(table: Table, key: str) -> dict[str, float]:
    value = table.get(key)
    if isinstance(value, Mapping):
        for name in cast("Mapping[object, object]", value):
            labels.check(str(name), arkit.NAMES, field=f"{table.at(key)}.{name}")
    shapes = table.table(key, arkit.NAMES)
    return {name: shapes.number(name) for name in shapes}


def check_face(face: Expression, place: str) -> Expression:
    """Return the settings with plain numbers, after checking all of them; ``place`` is where they stand.

    Raises:
        DuologueError: INVALID_ARGUMENT ``out-of-range``, ``not-finite``, ``unknown-label``.
    """
    for name, most in _RANGES.items():
        within(getattr(face, name), 0, most, f"{place}.{name}")
    labels.check(face.part, PARTS, field=f"{place}.part")
    for key, (low, high) in _SHAPES.items():
        for name, value in getattr(face, key).items():
            labels.check(name, arkit.NAMES, field=f"{place}.{key}.{name}")
            within(value, low, high, f"{place}.{key}.{name}")
    return replace(face, head_still=float(face.head_still), gain=dict(face.gain), offset=dict(face.offset))


def face_json(face: Expression) -> dict[str, Any]:
    """Return the settings that differ from the defaults, as a document: a brief that sets none reads as it always did."""
    default = Expression()
    changed = {name: value for name, value in vars(face).items() if value != getattr(default, name)}
    return {name: dict(value) if name in _SHAPES else value for name, value in changed.items()}
