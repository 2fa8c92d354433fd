"""What a brief holds of the bodies: places on the floor, points for the hands and to look at.

Whether all of it can be done is :mod:`duologue.brief.feasibility`'s to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from duologue import labels
from duologue.brief.timeline import DAY
from duologue.files.document import Table, finite, within
from duologue.units import FPS

Array = NDArray[np.float64]
PerformerName = Literal["A", "B"]
Side = Literal["left", "right"]

STAGE: Final = 100.0
"""Metres from the origin within which everything happens: farther is a mistake of units."""


@dataclass(frozen=True)
class PlaceTarget:
    """At ``seconds`` the performer's hips are above (x, z), metres, turned to ``heading`` where one is given (radians).

    Several make a path; one where somebody sits is their seat.
    """

    performer: PerformerName
    seconds: float
    x: float
    z: float
    heading: float | None = None
    kind: Literal["place"] = "place"


@dataclass(frozen=True)
class HandTarget:
    """From ``seconds`` to ``until`` the wrist of one hand is at (x, y, z), metres in the world, as far as the arm reaches."""

    performer: PerformerName
    side: Side
    seconds: float
    until: float
    x: float
    y: float
    z: float
    kind: Literal["hand"] = "hand"


@dataclass(frozen=True)
class GazeTarget:
    """From ``seconds`` to ``until`` head and eyes are turned to the point (x, y, z), metres in the world."""

    performer: PerformerName
    seconds: float
    until: float
    x: float
    y: float
    z: float
    kind: Literal["gaze"] = "gaze"


Constraint = PlaceTarget | HandTarget | GazeTarget


def read_constraint(value: object, place: str) -> Constraint:
    """Read a constraint from its table; ``place`` is where that stands in the brief.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-key``, ``unknown-label``, ``missing-key``, ``wrong-type``.
    """
    keys = ("kind", "performer", "seconds", "until", "side", "x", "y", "z", "heading")
    table = Table(value, place, keys)
    kind = labels.check(table.text("kind", "place"), ("place", "hand", "gaze"), field=table.at("kind"))
    table = Table(value, place, {"place": ("kind", "performer", "seconds", "x", "z", "heading"),
                                 "hand": tuple(key for key in keys if key != "heading"),
                                 "gaze": tuple(key for key in keys if key not in {"heading", "side"})}[kind])  # fmt: skip
    performer = cast(
        "PerformerName", labels.check(table.text("performer"), labels.PERFORMERS, field=table.at("performer"))
    )
    seconds, x, z = (table.number(key) for key in ("seconds", "x", "z"))
    if kind == "place":
        return PlaceTarget(performer, seconds, x, z, table.number("heading") if "heading" in table else None)
    until, y = table.number("until", seconds), table.number("y")
    if kind == "gaze":
        return GazeTarget(performer, seconds, until, x, y, z)
    side = cast("Side", labels.check(table.text("side"), ("left", "right"), field=table.at("side")))
    return HandTarget(performer, side, seconds, until, x, y, z)


def check_constraint(constraint: Constraint, place: str) -> None:
    """Check the numbers of one constraint; ``place`` is where it stands in the brief.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``, ``out-of-range``, ``not-finite``.
    """
    labels.check(constraint.performer, labels.PERFORMERS, field=f"{place}.performer")
    within(constraint.seconds, 0, DAY, f"{place}.seconds")
    within(constraint.x, -STAGE, STAGE, f"{place}.x")
    within(constraint.z, -STAGE, STAGE, f"{place}.z")
    if isinstance(constraint, PlaceTarget):
        if constraint.heading is not None:
            finite(constraint.heading, f"{place}.heading")
    else:
        within(constraint.y, -STAGE, STAGE, f"{place}.y")
        within(constraint.until, constraint.seconds, DAY, f"{place}.until")


def places_of(constraints: Sequence[Constraint], name: str) -> tuple[NDArray[np.int64], Array]:
    """Return one performer's places: frames (n,) ascending, and (n, 3) x, z, heading, NaN where none is given."""
    places = sorted(
        (round(t.seconds * FPS), t.x, t.z, np.nan if t.heading is None else t.heading)
        for t in constraints
        if isinstance(t, PlaceTarget) and t.performer == name
    )
    rows = np.array(places, np.float64).reshape(-1, 4)
    return rows[:, 0].astype(np.int64), rows[:, 1:]


def constraint_json(constraint: Constraint) -> dict[str, Any]:
    """Return a constraint as a document."""
    return {key: value for key, value in vars(constraint).items() if value is not None}
