# SPDX-License-Identifier: GPL-3.0-or-later
"""A performer's targets as constraints of the brief: places, seats, ways, points to look at and to reach for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from bpy.app.translations import pgettext_iface as _t
from duologue.brief import GazeTarget, HandTarget, PlaceTarget, Start, Timeline
from duologue.brief.constraints import Constraint, PerformerName
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS

from ..cast.cast import Performer
from ..cast.casting import cast_both
from ..properties import DUOLOGUE_PG_settings, named_performers
from ..properties.targets import DUOLOGUE_PG_target
from ..scene import objects
from ..scene.objects import Floats
from ..scene.timing import Clock, frame_rate

if TYPE_CHECKING:
    from bpy.types import Scene

GAZE_STEP = 0.3
HAND_STEP = 0.5
"""Seconds between two points of something that moves: the next one already draws head or hand for about as long."""
_EYES, _SITTING = 1.05, 0.72
"""How high eyes are above the floor, in heights of the head's joint; and how much of it is left when somebody sits."""
_DIGITS = 4
"""Of metres and seconds: what the scene's single precision holds of them."""
_EDGE = 1e-6


@dataclass(frozen=True)
class Wished:
    """What the targets of both ask for. ``rows``: for each constraint, the performer and the target that it comes from."""

    constraints: tuple[Constraint, ...]
    rows: tuple[tuple[str, str], ...]
    starts: tuple[Start, Start]
    actions: tuple[Timeline, Timeline]


def target_problem(scene: Scene, target: DUOLOGUE_PG_target) -> str:
    """Return what is still missing from a target, or nothing."""
    if not target.enabled:
        return ""
    if target.target is None and not (target.kind == "GAZE" and target.at_partner):
        return _t("choose an object, or switch it off")
    if target.kind == "PATH" and target.target is not None and target.target.type != "CURVE":
        return _t("choose a curve to walk along")
    if target.timing == "MARKERS":
        for name in (target.start_marker, target.end_marker)[: 2 if needs_end(target) else 1]:
            if name not in scene.timeline_markers:
                return _t("choose a marker of the timeline (“{marker}” is not there)").format(marker=name)
    if target.timing != "ALWAYS" and needs_end(target):
        first, last = frames_of(scene, target)
        if last < first:
            return _t("it ends before it begins (frames {first} and {last})").format(first=first, last=last)
    return ""


def needs_end(target: DUOLOGUE_PG_target) -> bool:
    """Return whether a target has an end in time; places are a moment, and a way at a speed ends when it ends."""
    return target.kind in {"GAZE", "HAND", "SEAT"} or (target.kind == "PATH" and not target.use_speed)


def frames_of(scene: Scene, target: DUOLOGUE_PG_target) -> tuple[int, int]:
    """Return from which frame to which a target holds, unless it holds always."""
    if target.timing == "MARKERS":
        markers = [scene.timeline_markers.get(name) for name in (target.start_marker, target.end_marker)]
        first, last = (marker.frame if marker is not None else None for marker in markers)
        first = target.start if first is None else first
        return first, first if last is None else last
    return target.start, target.end


def wishes(
    scene: Scene,
    settings: DUOLOGUE_PG_settings,
    starts: tuple[Start, Start],
    actions: tuple[Timeline, Timeline],
    seconds: float,
) -> Wished:
    """Turn both performers' targets into constraints of a take of ``seconds``.

    Who begins on a seat starts there; who walks along a path has the action walk on it.

    Raises:
        DuologueError: FAILED_PRECONDITION ``target-incomplete``, ``path-empty``, with ``field`` naming the row.
    """
    clock = Clock(settings.begin, frame_rate(scene))
    rows = [
        _row(scene, clock, name, target, seconds)
        for name, performer in named_performers(settings)
        for target in performer.targets
        if target.enabled
    ]
    constraints: list[tuple[Constraint, tuple[str, str]]] = []
    begin, do = dict(zip(PERFORMERS, starts, strict=True)), dict(zip(PERFORMERS, actions, strict=True))
    for row in rows:
        own = _MAKERS[row.target.kind](row, do[row.name])
        if row.target.kind == "PATH":
            do[row.name] = _walking(do[row.name], own[0].seconds, own[-1].seconds)
        if row.target.kind in {"PATH", "SEAT"} and own and own[0].seconds == 0:
            begin[row.name] = _at(own[0], begin[row.name])
        constraints += [(constraint, row.where) for constraint in own]
    for row in (row for row in rows if _is_at_partner(row.target)):  # it is known now where the partner goes
        other: PerformerName = "B" if row.name == "A" else "A"
        places = [c for c, _ in constraints if isinstance(c, PlaceTarget) and c.performer == other]
        partner = _Walker(cast_both(settings)[PERFORMERS.index(other)], begin[other], places, do[other])
        constraints += [(gaze, row.where) for gaze in _at_face(row, partner)]
    return Wished(
        tuple(constraint for constraint, _ in constraints),
        tuple(where for _, where in constraints),
        (begin["A"], begin["B"]),
        (do["A"], do["B"]),
    )


def row_name(row: tuple[str, str]) -> str:
    """Return a row of the panel in words."""
    return _t("Performer {name}, target “{target}”").format(name=row[0], target=row[1])


@dataclass(frozen=True)
class _Row:
    """One target with the time it holds, in seconds of the take."""

    scene: Scene
    clock: Clock
    name: PerformerName
    target: DUOLOGUE_PG_target
    span: tuple[float, float]

    @property
    def where(self) -> tuple[str, str]:
        return self.name, self.target.name

    def placements(self, times: Iterable[float]) -> Floats:
        """Return the object's placements at times of the take, (n, 4, 4)."""
        return objects.placements(self.scene, self.target.target, [self.clock.frame(at) for at in times])

    def points(self, times: Iterable[float]) -> Floats:
        """Return where the object is at times of the take, (n, 3)."""
        return np.round(objects.origin(self.placements(times)), _DIGITS)


@dataclass(frozen=True)
class _Walker:
    """What is known of a performer before anything is made."""

    performer: Performer
    start: Start
    places: Sequence[PlaceTarget]
    actions: Timeline


def _row(scene: Scene, clock: Clock, name: str, target: DUOLOGUE_PG_target, seconds: float) -> _Row:
    """Check a target and lay it on the take's clock; what lies before the take is cut off."""
    problem = target_problem(scene, target)
    if problem:
        raise DuologueError("FAILED_PRECONDITION", "target-incomplete", problem, field=row_name((name, target.name)))
    span = (0.0, seconds)
    if target.timing != "ALWAYS":
        first, last = (max(0.0, clock.seconds(frame)) for frame in frames_of(scene, target))
        span = (first, last)
    return _Row(scene, clock, cast("PerformerName", name), target, span)


def _place(row: _Row, at: float) -> PlaceTarget:
    (placement,) = row.placements([at])
    x, _, z = np.round(objects.origin(placement), _DIGITS).tolist()
    heading = round(objects.facing(placement), 6) if row.target.use_facing else None
    return PlaceTarget(row.name, at, x, z, heading)


def _places(row: _Row, _: Timeline) -> list[PlaceTarget]:
    return [_place(row, row.span[0])]


def _seats(row: _Row, actions: Timeline) -> list[PlaceTarget]:
    """Return the seat for every time that somebody sits down while it is theirs."""
    begin, end = row.span
    return [_place(row, seconds) for seconds, label in actions if label == "sit" and begin <= seconds <= end]


def _way(row: _Row, _: Timeline) -> list[PlaceTarget]:
    """Lay places along a curve, at even speed: at the one asked for, or from the one time to the other."""
    target, (begin, end) = row.target, row.span
    try:
        points = np.round(objects.way_along(target.target), _DIGITS)
    except DuologueError as error:
        raise DuologueError(error.code, error.reason, error.message, field=row_name(row.where)) from error
    passed = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    takes = end - begin if needs_end(target) else passed[-1] / target.speed
    times = np.round(begin + takes * passed / passed[-1], _DIGITS).tolist()
    return [PlaceTarget(row.name, at, x, z) for at, (x, z) in zip(times, points.tolist(), strict=True)]


def _walking(actions: Timeline, begin: float, end: float) -> Timeline:
    """Return the timeline with a walk from ``begin`` to ``end``; what was to be done there in between is done at the end."""
    after = [label for seconds, label in actions if seconds <= end + _EDGE][-1]
    others = [(seconds, label) for seconds, label in actions if not begin - _EDGE <= seconds <= end + _EDGE]
    return tuple(sorted([*others, (begin, "walk"), (end, "stand" if after == "walk" else after)]))


def _gazes(row: _Row, _: Timeline) -> list[GazeTarget]:
    if _is_at_partner(row.target):
        return []
    times = _moments(row, GAZE_STEP)
    return [GazeTarget(row.name, begin, until, x, y, z) for begin, until, (x, y, z) in _held(times, row.points(times))]


def _hands(row: _Row, _: Timeline) -> list[HandTarget]:
    times, side = _moments(row, HAND_STEP), row.target.side
    return [
        HandTarget(row.name, side, begin, until, x, y, z) for begin, until, (x, y, z) in _held(times, row.points(times))
    ]


_MAKERS: dict[str, Callable[[_Row, Timeline], Sequence[Any]]] = {
    "PLACE": _places, "SEAT": _seats, "PATH": _way, "GAZE": _gazes, "HAND": _hands,
}  # fmt: skip


def _at_face(row: _Row, partner: _Walker) -> list[GazeTarget]:
    """Return where the partner's face will be, as far as places and actions tell before anything is made."""
    rig = partner.performer.rig
    joint = float(rig.heads[partner.performer.bone_index("Head"), 1] - rig.world[1, 3])
    start = partner.start
    knots = sorted((place.seconds, place.x, place.z) for place in partner.places)
    known, x, z = np.array([(0.0, start.x, start.z), *knots]).T
    times = _moments(row, GAZE_STEP, moving=True)
    sits = [[label for seconds, label in partner.actions if seconds <= at + _EDGE][-1] == "sit" for at in times]
    eyes = joint * _EYES * np.where(sits, _SITTING, 1.0)
    where = np.column_stack([np.interp(times, known, x), eyes, np.interp(times, known, z)])
    held = _held(times, np.round(where, _DIGITS))
    return [GazeTarget(row.name, begin, until, x, y, z) for begin, until, (x, y, z) in held]


def _is_at_partner(target: DUOLOGUE_PG_target) -> bool:
    return target.kind == "GAZE" and target.at_partner


def _moments(row: _Row, step: float, *, moving: bool | None = None) -> Floats:
    """Return the times (n,) at which a target is looked up: both ends, and more between them if it may move."""
    begin, end = row.span
    if objects.may_move(row.target.target) if moving is None else moving:
        return np.append(np.arange(begin, max(end, begin + _EDGE), step), end)
    return np.array([begin, end])


def _held(times: Floats, where: Floats) -> Iterator[tuple[float, float, list[float]]]:
    """Yield (from, until, point) for points (n, 3) at ``times`` (n,), those that stay in one spot joined."""
    first = 0
    for k in range(1, len(times)):
        if k == len(times) - 1 or np.linalg.norm(where[k] - where[first]) > objects.STILL:
            yield round(float(times[first]), _DIGITS), round(float(times[k]), _DIGITS), where[first].tolist()
            first = k


def _at(place: PlaceTarget, start: Start) -> Start:
    return replace(start, x=place.x, z=place.z, heading=start.heading if place.heading is None else place.heading)
