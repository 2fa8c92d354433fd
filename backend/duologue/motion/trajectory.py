"""Root trajectories: the path of somebody's hips over the floor, through the places a brief gives, and when they set out.

Planned from places and actions alone, before anything is sampled: a brief that asks for the impossible is refused at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.labels import ACTION_MODES
from duologue.motion.seating import RISE, RISEN, SEATED, SETTLED, SITTING, rising, sitting_down
from duologue.units import FPS

Array = NDArray[np.float64]
Actions = NDArray[np.integer[Any]]

SIT, WALK = (ACTION_MODES.index(mode) for mode in ("sit", "walk"))

WALKING_SPEED: Final = 1.1
"""Metres a second at which somebody sets out when no walk was asked for by then."""
BRISK: Final = 1.5
"""Metres a second, on average with setting out and coming to a halt, beyond which more time is taken than a walk was asked
for."""
TURNING: Final = np.radians(150.0)
"""Radians a second of somebody who turns round."""
_PIVOT: Final = 0.1
"""Seconds that they turn on the spot at the end of a way, at most: longer, and a walk would be shorter than asked for."""
_UNHURRIED: Final = 1.4
"""Metres a second, on average, up to which there is time for that."""
_STARTING: Final = 0.4
"""Seconds that setting out and coming to a halt cost."""
FAR: Final = 0.6
"""Metres from which on somebody faces where they go; nearer they step aside or back."""
NEAR: Final = (0.03, np.radians(5.0))
"""Metres and radians under which nobody takes a step."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One performer's way through a take of T frames: ``path`` (T, 3) x, z in metres and heading in radians, which counts where
    ``given`` (T,); ``afoot`` (T,): where they get on by steps, rather than stand, sit, or go down onto a seat."""

    path: Array
    given: NDArray[np.bool_]
    afoot: NDArray[np.bool_]


def plan_trajectory(
    start: NDArray[np.floating[Any]], frames: NDArray[np.int64], places: Array, actions: Actions
) -> Trajectory:
    """Plan one performer's trajectory from ``start`` (3,) at frame 0 through ``places`` (n, 3) at ``frames`` (n,).

    Rows are x, z (metres) and heading (radians; NaN for a place that gives none). ``actions`` (T,): indices into
    ``ACTION_MODES``. Between two places somebody moves while a walk is asked for, earlier too where that is too short, else
    sets out as late as an easy walk allows, and in no case while seated. Over more than half a metre they turn into the path,
    go ahead along it, and turn as asked when they are there; a place in the middle of a walk is passed without a halt. A place
    where they sit is come to with the back to it, a step before it, and hips go back onto it as captured ones do
    (``motion.seating``). After the last place they stay until a walk is asked for, or until they sit down or get up: hips
    travel by a foot's length then, over feet that stand.
    """
    total = len(actions)
    path, afoot = np.empty((total, 3)), np.zeros(total, bool)
    path[0] = start
    path[frames] = places
    if np.isnan(path[0, 2]):  # placed elsewhere in the first frame, they look where they would have
        path[0, 2] = start[2]
    now = 0
    for frame in frames[np.diff(frames, prepend=0) > 1].tolist():  # gaps between places, not frames
        now = int(frames[np.searchsorted(frames, frame) - 1]) if frame > frames[0] else 0
        corners = [_corner(path, frames, actions, at) for at in (now, frame)]
        for at, corner in zip((now, frame), corners, strict=True):
            if corner is not None and np.isnan(path[at, 2]):
                path[at, 2] = np.arctan2(*corner)
        segment = _Segment(path[now], path[frame], actions[now : frame + 1], (corners[0], corners[1]))
        path[now : frame + 1] = segment.rows()
        afoot[now : frame + 1] |= segment.afoot()
        if corners[0] is not None:
            _even(path, now)
    now = int(frames[-1])
    path[now:] = path[now]
    turned = np.maximum.accumulate(np.where(np.isnan(path[:, 2]), 0, np.arange(total)))
    path[:, 2] = path[turned, 2]  # a place without a heading right behind another keeps that one's
    later = np.flatnonzero((actions[now:] == WALK) | (actions[now:] != actions[now]))
    until = now + int(later[0]) if len(later) else total
    return Trajectory(path, np.arange(total) < max(until, now + 1), afoot)


def walking_room(first: Array, last: Array, actions: Actions) -> tuple[float, float]:
    """Return how many metres somebody has to step from one place (3,) to the next, and how many seconds they have for it on their
    feet, by their ``actions`` (n,) from the one to the other: getting up from a seat and sitting down on one take theirs."""
    return _Segment(np.asarray(first, np.float64), np.asarray(last, np.float64), actions, (None, None)).room()


def _corner(path: Array, frames: NDArray[np.int64], actions: Actions, at: int) -> Array | None:
    """Return the direction (2,) x, z in which a place is passed, if a walk comes from before it and goes on behind it: half-way
    between those of both ways. Whoever turns back halts."""
    index = int(np.searchsorted(frames, at))
    if at == 0 or index >= len(frames) - 1 or frames[index] != at or not (actions[at - 1 : at + 2] == WALK).all():
        return None
    before = int(frames[index - 1]) if index else 0
    if at - before < 2 or frames[index + 1] - at < 2:  # a stretch that is kept frame by frame
        return path[at, :2] - path[at - 1, :2] if at - before < 2 else path[frames[index + 1], :2] - path[at, :2]
    ways = [path[at, :2] - path[before, :2], path[frames[index + 1], :2] - path[at, :2]]
    lengths = [float(np.hypot(*way)) for way in ways]
    if min(lengths) < NEAR[0]:
        return None
    middle = ways[0] / lengths[0] + ways[1] / lengths[1]
    return middle / np.hypot(*middle) if np.hypot(*middle) > 1.2 else None


def _even(path: Array, at: int) -> None:
    """Even out, in place, the change of speed where the place at frame ``at`` is passed; the place is still met."""
    reach = FPS // 3
    first, last = max(at - reach, 0), min(at + reach + 1, len(path))
    window = np.hanning(reach + 2)[1:-1]
    way = path[first:last, :2]
    padded = np.pad(way, [(reach // 2, (reach - 1) // 2), (0, 0)], mode="reflect", reflect_type="odd")
    smooth = np.stack([np.convolve(column, window / window.sum(), "valid") for column in padded.T], axis=-1)
    near = smoothstep(2 * (1 - np.abs(np.arange(first, last) - at) / reach))[:, None]
    way = way + near * (smooth - way)
    path[first:last, :2] = way + smoothstep(1 - np.abs(np.arange(first, last) - at) / reach)[:, None] * (
        path[at, :2] - way[at - first]
    )


@dataclass(frozen=True, eq=False)
class _Segment:
    """What lies between two places, n > 2 frames: rows x, z, heading of the ``first`` and of the ``last``, whose heading may be
    NaN; ``corners``: the directions (2,) in which they are passed, if a walk comes from before the first and goes on behind the
    last."""

    first: Array
    last: Array
    actions: Actions
    corners: tuple[Array | None, Array | None]

    def rows(self) -> Array:
        """Return the trajectory (n, 3)."""
        moving = self._moving()
        speed = self._eased(self._travelling(moving))
        travelled = np.cumsum(speed) / speed.sum()
        travelled[0] = 0.0
        begin, end = self._ends()
        away = (end - begin)[:2]
        ways = [
            away if corner is None else corner * np.hypot(*away) / max(np.hypot(*corner), 1e-9)
            for corner in self.corners
        ]
        # Hermite's cubic along the way: a straight line unless a place is passed round a corner.
        s = travelled[:, None]
        xz = begin[:2] + (3 * s**2 - 2 * s**3) * away + (s - 2 * s**2 + s**3) * ways[0] + (s**3 - s**2) * ways[1]
        path = np.concatenate([xz, self._headings(moving)[:, None]], axis=-1)
        index = np.arange(len(path))
        if (up := self._up) is not None:  # from the seat to where they stand
            path[:, :2] -= rising(index - up)[:, None] * _ahead(path[0, 2])
        if (down := self._down) is not None:  # and back onto one
            path[:, :2] -= sitting_down(index - down, len(path) - 1 - down)[:, None] * _ahead(path[-1, 2])
        return path

    def afoot(self) -> NDArray[np.bool_]:
        """Return in which frames (n,) they step."""
        begin, end = self._ends()
        turn = self._goal(begin, end) - begin[2]
        turned = abs((turn + np.pi) % (2 * np.pi) - np.pi)
        if np.hypot(*(end - begin)[:2]) < NEAR[0] and turned < NEAR[1]:
            return np.zeros(len(self.actions), bool)
        return self._moving() > 0

    @property
    def passes(self) -> tuple[bool, bool]:
        """Whether a walk comes from before the first place and goes on behind the last."""
        return self.corners[0] is not None, self.corners[1] is not None

    def room(self) -> tuple[float, float]:
        """Return how far they step, metres, and how long they have for it, seconds."""
        begin, end = self._ends()
        return float(np.hypot(*(end - begin)[:2])), max(int(self._free().sum()) - 1, 0) / FPS

    @property
    def _up(self) -> int | None:
        """The frame in which they are off the seat that the segment begins on, if it does and they leave it."""
        off = np.flatnonzero(self.actions != SIT)
        return int(off[0]) if self.actions[0] == SIT and len(off) else None

    @property
    def _down(self) -> int | None:
        """The frame in which they are down on the seat that the segment ends on, if they come to it."""
        off = np.flatnonzero(self.actions != SIT)
        room = len(off) and off[-1] >= SITTING + FPS // 2  # else whoever is nearly there sits down where they are
        return int(off[-1]) + 1 if self.actions[-1] == SIT and room else None

    def _ends(self) -> tuple[Array, Array]:
        """Return where they stand before they move and after: the two places, or a step before those that are seats."""
        begin, end = self.first.copy(), self.last.copy()
        if self._up is not None:
            begin[:2] += RISEN * _ahead(begin[2])
        if self._down is not None:
            away = begin[:2] - end[:2]
            if np.isnan(end[2]):  # sat down facing where they came from
                end[2] = begin[2] if np.hypot(*away) < FAR else np.arctan2(*away)
            end[:2] += SEATED * _ahead(end[2])
        return begin, end

    def _free(self) -> NDArray[np.bool_]:
        """Return in which frames (n,) they may step: on their feet, neither getting up nor sitting down."""
        index, free = np.arange(len(self.actions)), self.actions != SIT
        if self._up is not None:
            free &= index >= min(self._up + RISE, len(free) - 1)
        if self._down is not None:
            begin, end = self._ends()
            needed = FPS * (np.hypot(*(end - begin)[:2]) / BRISK + _STARTING)
            calm = free & (index <= self._down - SETTLED)
            free = calm if calm.sum() >= needed else free & (index <= max(self._down - SITTING, 1))
        return free

    def _moving(self) -> Array:
        """1 in the frames (n,) in which they move: those of a walk asked for, and before it if that is too short; where none is,
        as many at the end as an easy one takes."""
        begin, end = self._ends()
        distance = float(np.hypot(*(end - begin)[:2]))
        turn = abs((self._goal(begin, end) - begin[2] + np.pi) % (2 * np.pi) - np.pi)
        count = len(self.actions)
        free = np.flatnonzero(self._free())
        if len(free) < 2:  # whoever sits to the end only shifts on the seat
            free = np.arange(count)
        walks = free[self.actions[free] == WALK]
        if len(walks) and len(walks) >= FPS * distance / BRISK:
            return np.isin(np.arange(count), walks).astype(float)
        until = free[free <= walks[-1]] if len(walks) else free
        speed = BRISK if len(walks) else WALKING_SPEED
        # Who goes far turns as they go; on the spot it is the turn that takes time.
        seconds = distance / speed + _STARTING + (turn / TURNING if distance < FAR else 0.0)
        needed = int(np.clip(FPS * seconds, FPS // 2, count - 1))
        chosen = until if len(until) >= needed else free[: max(needed, len(until))]
        return np.isin(np.arange(count), chosen[-needed:]).astype(float)

    def _travelling(self, moving: Array) -> Array:
        """1 in the frames (n,) in which they get on: of the ``moving`` ones not the last, if they turn there and there is time.

        Who turns while they are still on their way crosses their feet.
        """
        begin, end = self._ends()
        if not self._far(begin, end) or self.passes[1]:
            return moving
        turn = abs(float(np.diff(self._by_way_of(begin, end))[1]))
        spare = moving.sum() - FPS * (np.hypot(*(end - begin)[:2]) / _UNHURRIED + _STARTING)
        cut = max(int(min(0.5 * FPS * turn / TURNING, _PIVOT * FPS, spare)), 0)
        frames = np.flatnonzero(moving)
        return np.isin(np.arange(len(moving)), frames[: len(frames) - cut]).astype(float)

    def _by_way_of(self, begin: Array, end: Array) -> Array:
        """Return the headings of a far way (3,): at first, on it, and at its end."""
        away = end - begin
        return np.unwrap([begin[2], np.arctan2(away[0], away[1]), self._goal(begin, end)])

    def _eased(self, moving: Array) -> Array:
        """Return speeds (n,) that rise and fall over half a second where there is room for it, within the ``moving`` frames."""
        edge = int(min(FPS // 4, max(moving.sum() // 4, 1)))
        window = np.hanning(2 * edge + 3)[1:-1]
        ends = (float(self.passes[0]), float(self.passes[1]))
        padded = np.concatenate([np.full(2 * edge, ends[0]), moving, np.full(2 * edge, ends[1])])
        inner = np.convolve(padded < 0.5, np.ones(2 * edge + 1), "same") < 0.5
        speed = np.convolve(inner, window, "same")[2 * edge : -2 * edge]
        return speed if speed.sum() > 0 else moving

    def _goal(self, begin: Array, end: Array) -> float:
        """Return the heading at the end."""
        if not np.isnan(end[2]):
            return float(end[2])
        away = end - begin
        return float(np.arctan2(away[0], away[1])) if self._far(begin, end) else float(begin[2])

    def _far(self, begin: Array, end: Array) -> bool:
        """Return whether they face where they go; whoever is under way does sooner."""
        return bool(np.hypot(*(end - begin)[:2]) > (0.3 if any(self.passes) else 1) * FAR)

    def _headings(self, moving: Array) -> Array:
        """Headings (n,): from the first place's to the last's, by way of where the path leads if it is far."""
        first, last = self._ends()
        far = self._far(first, last)
        headings = (self._by_way_of(first, last) if far else np.unwrap([first[2], self._goal(first, last)])).tolist()
        begin, end = (int(k) for k in np.flatnonzero(moving)[[0, -1]])
        index = np.arange(len(moving))
        heading = np.full(len(moving), headings[0])
        if not far:
            return heading + (headings[1] - headings[0]) * smoothstep((index - begin) / max(end - begin, 1))
        into, out = FPS * (0.4 + np.abs(np.diff(headings)) / TURNING)
        scale = min(1.0, 0.8 * (end - begin) / (into + out))
        into, out = max(into * scale, 1.0), max(out * scale, 1.0)
        heading += (headings[1] - headings[0]) * smoothstep((index - begin) / into)
        heading += (headings[2] - headings[1]) * smoothstep((index - (end - out)) / out)
        return heading


def _ahead(heading: float) -> Array:
    """Return the direction (2,) x, z of a heading."""
    return np.array([np.sin(heading), np.cos(heading)])
