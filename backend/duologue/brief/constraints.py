"""What a brief holds of the bodies: places on the floor, points for the hands and to look at; and whether that can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from duologue import labels
from duologue.brief.timeline import DAY, Timeline, frame_labels
from duologue.errors import invalid
from duologue.files.document import Table, finite, within
from duologue.motion.trajectory import SIT, Array, plan_trajectory
from duologue.units import FPS

PerformerName = Literal["A", "B"]
Side = Literal["left", "right"]

STAGE: Final = 100.0
"""Metres from the origin within which everything happens: farther is a mistake of units."""
FASTEST: Final = 2.2
"""Metres a second between two places: a brisk walk. The corpora have nobody who runs."""
SHIFT: Final = 0.3
"""Metres that somebody can shift on a seat."""
NEAREST: Final = 0.35
"""Metres between two people's hips on their ways: nearer, one goes through the other."""


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


def check_constraints(
    constraints: Sequence[Constraint],
    starts: NDArray[np.floating[Any]],
    walking: tuple[Timeline, Timeline],
) -> None:
    """Check that all of it can be done.

    Args:
        constraints: in the order of the brief.
        starts: (2, 3) x, z, heading at the beginning.
        walking: each one's action timeline.

    Raises:
        DuologueError: INVALID_ARGUMENT ``out-of-range``, ``not-finite``; ``place-too-far`` for a place that no walk reaches in
            time, ``place-while-seated`` for one that would have to be reached sitting, ``places-twice`` for two at once,
            ``ways-collide`` where both ways lead through one spot at one time.
    """
    for index, target in enumerate(constraints):
        place = f"constraints[{index}]"
        labels.check(target.performer, labels.PERFORMERS, field=f"{place}.performer")
        within(target.seconds, 0, DAY, f"{place}.seconds")
        within(target.x, -STAGE, STAGE, f"{place}.x")
        within(target.z, -STAGE, STAGE, f"{place}.z")
        if isinstance(target, PlaceTarget):
            if target.heading is not None:
                finite(target.heading, f"{place}.heading")
        else:
            within(target.y, -STAGE, STAGE, f"{place}.y")
            within(target.until, target.seconds, DAY, f"{place}.until")
    ways = [_checked_way(constraints, name, starts[k], walking[k]) for k, name in enumerate(labels.PERFORMERS)]
    if not any(isinstance(target, PlaceTarget) for target in constraints):
        return
    length = max(len(way) for way in ways)
    free = [any(label == "walk" for _, label in walking[k]) and len(ways[k]) == 1 for k in range(2)]
    if any(free):
        return  # where somebody goes who may walk as they like is not known yet
    a, b = (np.concatenate([way, np.repeat(way[-1:], length - len(way), axis=0)]) for way in ways)
    apart = np.hypot(*(a - b)[:, :2].T)
    if (at := int(apart.argmin())) and apart[at] < NEAREST:
        raise invalid(
            "ways-collide",
            f"at {at / FPS:.1f} s both would be {apart[at]:.2f} m from each other; move a place, or send one round or later "
            f"(at least {NEAREST} m apart)",
            field="constraints",
        )


def places_of(constraints: Sequence[Constraint], name: str) -> tuple[NDArray[np.int64], Array]:
    """Return one performer's places: frames (n,) ascending, and (n, 3) x, z, heading, NaN where none is given."""
    found = sorted(
        (round(t.seconds * FPS), t.x, t.z, np.nan if t.heading is None else t.heading)
        for t in constraints
        if isinstance(t, PlaceTarget) and t.performer == name
    )
    rows = np.array(found, np.float64).reshape(-1, 4)
    return rows[:, 0].astype(np.int64), rows[:, 1:]


def _checked_way(
    constraints: Sequence[Constraint], name: str, start: NDArray[np.floating[Any]], actions: Timeline
) -> Array:
    """Return one performer's way until their last place, (n, 3); only their start where they have none."""
    frames, places = places_of(constraints, name)
    if not len(frames):
        return np.asarray(start, np.float64)[None]
    which = [
        f"constraints[{index}]"
        for index, _ in sorted(
            ((i, t) for i, t in enumerate(constraints) if isinstance(t, PlaceTarget) and t.performer == name),
            key=lambda pair: pair[1].seconds,
        )
    ]
    before = np.concatenate([np.asarray(start, np.float64)[None, :2], places[:-1, :2]])
    distance = np.hypot(*(places[:, :2] - before).T)
    time = np.diff(frames, prepend=0) / FPS
    for k, (metres, seconds) in enumerate(zip(distance, time, strict=True)):
        if seconds == 0 and k:
            raise invalid("places-twice", f"{name} has two places at one time", field=f"{which[k]}.seconds")
        if metres > 0.02 and metres > FASTEST * seconds:
            raise invalid(
                "place-too-far",
                f"{name} would have to go {metres:.1f} m in {seconds:.1f} s; give {metres / FASTEST:.1f} s or a nearer place",
                field=f"{which[k]}.seconds",
            )
    asked = frame_labels(actions, labels.ACTION_MODES, int(frames[-1]) + 1)
    for k, (first, last) in enumerate(zip([0, *frames[:-1]], frames, strict=True)):
        free = int((asked[first : last + 1] != SIT).sum()) / FPS
        if distance[k] > SHIFT and distance[k] > FASTEST * free:
            raise invalid(
                "place-while-seated",
                f"{name} would have to go {distance[k]:.1f} m and has {free:.1f} s in which not to sit; let {name} stand or walk "
                f"for {distance[k] / FASTEST:.1f} s before, or move the place",
                field=f"{which[k]}.seconds",
            )
    return plan_trajectory(start, frames, places, asked)[0]


def constraint_json(constraint: Constraint) -> dict[str, Any]:
    """Return a constraint as a document."""
    return {key: value for key, value in vars(constraint).items() if value is not None}
