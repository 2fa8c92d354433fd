"""Whether two bodies can do what a brief holds of them: starts that lie apart, places in reach, paths that don't cross."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief.constraints import STAGE, Array, Constraint, PlaceTarget, places_of
from duologue.brief.performer import Start
from duologue.brief.timeline import Timeline, frame_labels
from duologue.errors import invalid
from duologue.files.document import finite, within
from duologue.labels import ACTION_MODES, PERFORMERS
from duologue.motion.seating import RISE, SITTING
from duologue.motion.trajectory import SIT, plan_trajectory, walking_room
from duologue.units import FPS

MIN_DISTANCE: Final = 0.5
"""Metres between the two starts: nearer, and the bodies would begin inside each other."""
FASTEST: Final = 1.6
"""Metres a second between two places, with setting out and coming to a halt: a brisk walk. Faster is a run, which nobody
learned."""
SHIFT: Final = 0.3
"""Metres that somebody can shift on a seat."""
NEAREST: Final = 0.35
"""Metres between two people's hips on their paths: nearer, one goes through the other."""


LONGEST: Final = 1800.0
"""Seconds of the longest take. A path is laid out frame by frame, so this also bounds what looking at a brief costs."""


def separate_starts(a: Start, b: Start) -> tuple[tuple[Start, Start], str]:
    """Return the starts, moved apart along the line between them if they are too near, and a note that says so.

    Raises:
        DuologueError: INVALID_ARGUMENT ``out-of-range``, ``not-finite``.
    """
    for name, start in zip(PERFORMERS, (a, b), strict=True):
        within(start.x, -STAGE, STAGE, f"performers.{name}.start.x")
        within(start.z, -STAGE, STAGE, f"performers.{name}.start.z")
        finite(start.heading, f"performers.{name}.start.heading")
    dx, dz = b.x - a.x, b.z - a.z
    distance = math.hypot(dx, dz)
    if distance >= MIN_DISTANCE:
        return (a, b), ""
    # In the same spot there is no line between them; then A goes to -X and B to +X, as in the default starts.
    ux, uz = (dx / distance, dz / distance) if distance > 1e-6 else (1.0, 0.0)
    push = (MIN_DISTANCE - distance) / 2 + 1e-9  # the sliver keeps rounding from asking for a second push
    apart = (
        replace(a, x=a.x - ux * push, z=a.z - uz * push),
        replace(b, x=b.x + ux * push, z=b.z + uz * push),
    )
    return apart, (
        f"the performers' starts were {distance:.2f} m apart, inside each other; each was moved back by {push:.2f} m"
    )


def check_feasible(
    constraints: Sequence[Constraint],
    starts: NDArray[np.floating[Any]],
    actions: tuple[Timeline, Timeline],
    seconds: float = LONGEST,
) -> None:
    """Check that both performers get to their places in time, and past each other.

    Args:
        constraints: in the order of the brief.
        starts: (2, 3) x, z (metres), heading (radians) at the beginning.
        actions: each one's action timeline.
        seconds: how long the take can be at most; what comes later is left out of it, and not looked at here either.

    Raises:
        DuologueError: INVALID_ARGUMENT ``place-too-far`` for a place that no walk reaches in time, ``place-while-seated`` for
            one that would have to be reached sitting, ``places-twice`` for two at once, ``ways-collide`` where both paths
            lead through one spot at one time.
    """
    end = round(seconds * FPS)
    a, b = (_path(constraints, name, starts[k], actions[k], end) for k, name in enumerate(PERFORMERS))
    for path, timeline in zip((a, b), actions, strict=True):
        if len(path) == 1 and any(label == "walk" for _, label in timeline):
            return  # where somebody goes who may walk as they like is not known yet
    length = max(len(a), len(b))
    if length == 1:
        return
    a, b = (np.concatenate([path, np.repeat(path[-1:], length - len(path), axis=0)]) for path in (a, b))
    apart = np.hypot(*(a - b)[:, :2].T)
    if (at := int(apart.argmin())) and apart[at] < NEAREST:
        raise invalid(
            "ways-collide",
            f"at {at / FPS:.1f} s both would be {apart[at]:.2f} m from each other; move a place, or send one round or later "
            f"(at least {NEAREST} m apart)",
            field="constraints",
        )


def _path(
    constraints: Sequence[Constraint], name: str, start: NDArray[np.floating[Any]], timeline: Timeline, end: int
) -> Array:
    """Return one performer's path until their last place up to frame ``end``, (n, 3); only their start where they have none."""
    frames, places = places_of(constraints, name)
    frames, places = frames[frames <= end], places[frames <= end]
    if not len(frames):
        return np.asarray(start, np.float64)[None]
    fields = _fields(constraints, name)[: len(frames)]
    before = np.concatenate([np.asarray(start, np.float64)[None, :2], places[:-1, :2]])
    distance = np.hypot(*(places[:, :2] - before).T)
    _check_times(name, distance, np.diff(frames, prepend=0) / FPS, fields)
    actions = frame_labels(timeline, ACTION_MODES, int(frames[-1]) + 1)
    rows = np.concatenate([np.asarray(start, np.float64)[None], places])
    for k, (first, last, field) in enumerate(zip([0, *frames[:-1].tolist()], frames.tolist(), fields, strict=True)):
        if distance[k] > SHIFT:
            _check_seats(name, rows[k], rows[k + 1], actions[first : last + 1], field)
    return plan_trajectory(start, frames, places, actions).path


def _check_seats(name: str, first: Array, last: Array, actions: NDArray[np.integer[Any]], field: str) -> None:
    """Check that somebody has the time to get up, go and sit down, where their ``actions`` (n,) between two places ask for it."""
    if not (actions == SIT).any():
        return
    metres, seconds = walking_room(first, last, actions)
    if metres <= FASTEST * seconds:
        return
    seats = [text for seat, text in ((actions[0] == SIT, f"{RISE / FPS:.1f} s to get up"),
                                     (actions[-1] == SIT, f"{SITTING / FPS:.1f} s to sit down")) if seat]  # fmt: skip
    needed = metres / FASTEST + sum(time for time, at in ((RISE, 0), (SITTING, -1)) if actions[at] == SIT) / FPS
    raise invalid(
        "place-while-seated",
        f"{name} would have to go {metres:.1f} m and has {(actions != SIT).sum() / FPS:.1f} s in which not to sit; let {name} "
        f"stand or walk for {needed:.1f} s before ({' and '.join(seats)} among them), or move the place",
        field=field,
    )


def _fields(constraints: Sequence[Constraint], name: str) -> list[str]:
    """Return where in the brief the times of one performer's places stand, in the order of time."""
    own = [(i, t) for i, t in enumerate(constraints) if isinstance(t, PlaceTarget) and t.performer == name]
    return [f"constraints[{index}].seconds" for index, _ in sorted(own, key=lambda pair: pair[1].seconds)]


def _check_times(name: str, distance: Array, time: Array, fields: Sequence[str]) -> None:
    """Check that each place is within ``distance`` metres that can be gone in ``time`` seconds since the one before."""
    for k, (metres, seconds) in enumerate(zip(distance, time, strict=True)):
        if seconds == 0 and k:
            raise invalid("places-twice", f"{name} has two places at one time", field=fields[k])
        if metres > 0.02 and metres > FASTEST * seconds:
            raise invalid(
                "place-too-far",
                f"{name} would have to go {metres:.1f} m in {seconds:.1f} s; give {metres / FASTEST:.1f} s or a nearer place",
                field=fields[k],
            )
