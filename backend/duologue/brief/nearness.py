"""Whether two people stand so that a hand reaches the other one, and where they would.

Arms differ, and how far one really reaches is known once the characters are (``duologue.interactions``). What is promised here
was measured by solving every pattern on both sample characters, either way round, over distances and bearings: what the one of
shorter reach can do, chest and shoulder helping.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from duologue.brief.constraints import Array, Constraint, PerformerName, PlaceTarget, places_of
from duologue.brief.feasibility import FASTEST
from duologue.brief.interactions import Interaction
from duologue.brief.timeline import Timeline, frame_labels
from duologue.errors import invalid
from duologue.labels import ACTION_MODES, FACE_INTERACTIONS, PERFORMERS
from duologue.motion.trajectory import WALK, WALKING_SPEED, plan_trajectory
from duologue.units import FPS


@dataclass(frozen=True)
class Nearness:
    """How two people have to stand for a touch: metres between their hips, and degrees between where the touched one faces and
    where the other one stands."""

    led: float
    """Where somebody is led, metres."""
    enough: float
    """What is surely near enough."""
    far: float
    """Beyond what nobody reaches."""
    bearing: tuple[float, float] = (0.0, 60.0)
    """From where the hand gets there, least and most."""
    alongside: bool = False
    """Whether both face the same way."""


NEAR: Final = {
    **dict.fromkeys(FACE_INTERACTIONS, Nearness(0.54, 0.58, 0.8, (0.0, 75.0))),
    **dict.fromkeys(("poke-forehead", "stroke-forehead", "swipe-forehead"), Nearness(0.5, 0.54, 0.75)),
    **dict.fromkeys(("pinch-cheek", "pinch-nose", "pinch-chin"), Nearness(0.5, 0.54, 0.75)),
    **dict.fromkeys(("pinch-ear", "stroke-ear"), Nearness(0.48, 0.5, 0.75, (40.0, 90.0))),
    "rest-chin": Nearness(0.48, 0.5, 0.75),
    "cup-cheek": Nearness(0.46, 0.48, 0.7),
    "shake-hands": Nearness(0.76, 0.8, 1.05),
    "hold-hands": Nearness(0.72, 0.76, 1.05),
    "high-five": Nearness(0.75, 1.0, 1.2),
    "pat-shoulder": Nearness(0.45, 0.47, 0.75, (0.0, 90.0)),
    "pat-back": Nearness(0.48, 0.52, 0.7, (90.0, 180.0)),
    "arm-round-shoulders": Nearness(0.38, 0.42, 0.6, (115.0, 135.0), alongside=True),
}
"""Pattern -> how two people stand for it."""

_ASIDE: Final = 0.75
"""Metres from somebody at which one goes round them."""
_BEARING: Final = 10.0
"""Degrees by which a bearing may be off."""
_SETTLE: Final = 0.3
"""Seconds to stand before the hand sets out, and after it is back."""


def bring_near(
    interactions: Sequence[Interaction],
    constraints: Sequence[Constraint],
    starts: NDArray[np.floating[Any]],
    actions: tuple[Timeline, Timeline],
    seconds: float,
) -> tuple[tuple[Constraint, ...], tuple[str, ...]]:
    """Check the distance of every touch between two, and add the places that those with ``approach`` need.

    Args:
        interactions: checked ones.
        constraints: of the brief.
        starts: (2, 3) x, z (metres), heading (radians).
        actions: each one's action timeline.
        seconds: how long the take can be at most.

    Returns:
        The constraints with the places that were added: to step near in time, to stay, and to go back. And notes: what was
        added, and which touches may fall short.

    Raises:
        DuologueError: INVALID_ARGUMENT ``interaction-out-of-reach``, with the place that would do,
            ``interaction-while-walking``.
    """
    placed, notes = tuple(constraints), list[str]()
    for index, interaction in sorted(enumerate(interactions), key=lambda item: item[1].seconds):
        if interaction.touched == interaction.performer:
            continue
        field = f"interactions[{index}]"
        _check_still(interaction, actions, field)
        where = [_where(name, placed, starts, actions, interaction.seconds) for name in PERFORMERS]
        if any(place is None for place in where):
            notes.append(f"{field}: who walks freely may stand too far away; give a place where they stand by then")
            continue
        own, other = (
            cast("Array", where[PERFORMERS.index(name)]) for name in (interaction.performer, interaction.touched)
        )
        stand = NEAR[interaction.pattern]
        apart, bearing = math.dist(own[:2], other[:2]), _bearing(own, other)
        reached = stand.bearing[0] - _BEARING <= abs(bearing) <= stand.bearing[1] + _BEARING
        if apart <= stand.enough and reached:
            continue
        place = _place(own, other, stand)
        told = f"x = {place[0]:.2f}, z = {place[1]:.2f}, heading = {place[2]:.2f}"
        how = f"{apart:.2f} m apart" + ("" if reached else f" and {interaction.performer} {_aside(bearing)}")
        if interaction.approach:
            way = [*_round(own, other, place), place[:2]]
            placed = (*placed, *_there_and_back(interaction, own, way, place[2], (placed, seconds)))
            notes.append(f"{field}: {interaction.performer} steps to {told} and back, for they stood {how}")
        elif apart > stand.far or not reached:
            raise invalid(
                "interaction-out-of-reach",
                f"{interaction.performer} and {interaction.touched} would stand {how} at {interaction.seconds:g} s, and "
                f"{interaction.pattern} reaches {stand.far:g} m at most, {_from(stand)}; give {interaction.performer} a place by "
                f"then ({told}), or say approach = true",
                field=f"{field}.seconds",
            )
        else:
            notes.append(
                f"{field}: {how} may be too far for {interaction.pattern} (surely near enough: {stand.enough:g} m); "
                "approach = true leads them nearer"
            )
    return placed, tuple(notes)


def _check_still(interaction: Interaction, actions: tuple[Timeline, Timeline], field: str) -> None:
    begin, end = round(interaction.begins * FPS), round(interaction.ends * FPS)
    for name, timeline in zip(PERFORMERS, actions, strict=True):
        modes = frame_labels(timeline, ACTION_MODES, end + 1)[max(begin, 0) :]
        if (modes == WALK).any():
            raise invalid(
                "interaction-while-walking",
                f"{name} walks then, and a hand finds nobody who walks; let {name} stand or sit from {interaction.begins:g} to "
                f"{interaction.ends:g} s",
                field=f"{field}.seconds",
            )


def _where(
    name: str,
    constraints: Sequence[Constraint],
    starts: NDArray[np.floating[Any]],
    actions: tuple[Timeline, Timeline],
    seconds: float,
) -> Array | None:
    """Return x, z, heading of a performer at that time, None where they have walked as they liked."""
    who, frame = PERFORMERS.index(name), round(seconds * FPS)
    modes = frame_labels(actions[who], ACTION_MODES, frame + 1)
    frames, places = places_of(constraints, name)
    last = int(frames[frames <= frame].max(initial=0))
    if (modes[last:] == WALK).any() and not (frames > frame).any():
        return None
    if not len(frames):
        return np.asarray(starts[who], np.float64)
    until = max(frame, int(frames[-1])) + 1
    path = plan_trajectory(starts[who], frames, places, frame_labels(actions[who], ACTION_MODES, until)).path
    return path[frame]


def _bearing(own: Array, other: Array) -> float:
    """Return how many degrees away from where ``other`` faces ``own`` stands, to its left positive."""
    way = own[:2] - other[:2]
    return math.degrees(math.remainder(math.atan2(way[0], way[1]) - other[2], math.tau))


def _aside(bearing: float) -> str:
    where = "before" if abs(bearing) <= 45 else "behind" if abs(bearing) >= 135 else "beside"
    return f"{where} the other"


def _from(stand: Nearness) -> str:
    least, most = stand.bearing
    if least > 100:
        return "from behind its side"
    return "from beside or behind" if most > 135 else "from beside" if least >= 40 else "from before"


def _place(own: Array, other: Array, stand: Nearness) -> tuple[float, float, float]:
    """Return x, z, heading of where the hand reaches: as far round the other one as needed, on the side that is nearer."""
    bearing = _bearing(own, other)
    round_ = math.copysign(min(max(abs(bearing), stand.bearing[0]), stand.bearing[1]), bearing)
    way = other[2] + math.radians(round_)
    x, z = other[0] + stand.led * math.sin(way), other[1] + stand.led * math.cos(way)
    heading = other[2] if stand.alongside else math.remainder(way + math.pi, math.tau)
    return round(float(x), 3), round(float(z), 3), round(float(heading), 3)


def _round(own: Array, other: Array, place: tuple[float, float, float]) -> list[tuple[float, float]]:
    """Return the places (x, z) by which somebody goes round the other one, where the straight way leads too close to them."""
    start, end = own[:2] - other[:2], np.array(place[:2]) - other[:2]
    way = end - start
    along = float(np.clip(-start @ way / max(float(way @ way), 1e-9), 0.0, 1.0))
    if np.linalg.norm(start + along * way) > np.linalg.norm(end) - 0.02:
        return []
    angle = math.atan2(start[0], start[1])
    half = angle + 0.5 * math.remainder(math.atan2(end[0], end[1]) - angle, math.tau)
    return [(round(float(other[0] + _ASIDE * math.sin(half)), 3), round(float(other[1] + _ASIDE * math.cos(half)), 3))]


def _there_and_back(
    interaction: Interaction,
    own: Array,
    way: Sequence[tuple[float, float]],
    heading: float,
    others: tuple[Sequence[Constraint], float],
) -> list[PlaceTarget]:
    """Return the places of stepping near, staying, and going back where there is time for it.

    Args:
        interaction: what for.
        own: (3,) where its performer comes from.
        way: the places (x, z) to go by, the last of them to stay at.
        heading: there, radians.
        others: the constraints so far, and how long the take can be at most.
    """
    placed, seconds = others
    name: PerformerName = interaction.performer
    points = [(float(own[0]), float(own[1])), *way]
    lengths = [math.dist(one, two) for one, two in pairwise(points)]
    distance = sum(lengths)
    walk = max(distance / WALKING_SPEED + 0.4, distance / FASTEST)
    shares = [sum(lengths[:k]) / max(distance, 1e-9) for k in range(len(points))]
    arrive, leave = interaction.begins - _SETTLE, interaction.ends + _SETTLE
    own_frames = places_of(placed, name)[0] / FPS
    later = own_frames[own_frames > interaction.seconds]
    end = min(seconds, float(later.min(initial=math.inf)))
    earlier = own_frames[own_frames <= interaction.seconds].max(initial=0.0)
    going = [
        PlaceTarget(name, round(arrive - walk * (1 - share), 3), x, z)
        for (x, z), share in zip(points[:-1], shares[:-1], strict=True)
    ]
    there = [PlaceTarget(name, round(second, 3), *points[-1], heading) for second in (max(arrive, 0.0), leave)]
    back = [
        PlaceTarget(name, round(leave + walk * (1 - share), 3), x, z, float(own[2]) if share == 0 else None)
        for (x, z), share in zip(points[-2::-1], shares[-2::-1], strict=True)
    ]
    return [
        *(target for target in going if target.seconds > earlier + 1 / FPS),
        there[0],
        *(target for target in (there[1], *back) if target.seconds < end - 1 / FPS),
    ]
