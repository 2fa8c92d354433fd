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
from duologue.units import FPS

Array = NDArray[np.float64]
Actions = NDArray[np.integer[Any]]

SIT, WALK = (ACTION_MODES.index(mode) for mode in ("sit", "walk"))

WALKING_SPEED: Final = 1.1
"""Metres a second at which somebody sets out when no walk was asked for by then."""
_TURN: Final = 0.7
"""Seconds to turn into the path, and out of it."""
_FAR: Final = 0.6
"""Metres from which on somebody faces where they go; nearer they step aside or back."""


def plan_trajectory(
    start: NDArray[np.floating[Any]], frames: NDArray[np.int64], places: Array, actions: Actions
) -> tuple[Array, NDArray[np.bool_]]:
    """Plan one performer's trajectory from ``start`` (3,) at frame 0 through ``places`` (n, 3) at ``frames`` (n,).

    Rows are x, z (metres) and heading (radians; NaN for a place that gives none). ``actions`` (T,): indices into
    ``ACTION_MODES``. Between two places somebody moves while a walk is asked for, else sets out as late as an easy walk allows,
    and in no case while seated. Over more than half a metre they turn into the path, go ahead along it, and turn as asked when
    they are there; a place in the middle of a walk is passed without a halt. After the last place they stay until a walk is
    asked for, or until they sit down or get up: hips travel by a foot's length then, over feet that stand.

    Returns:
        The trajectory (T, 3), and in which frames (T,) it counts.
    """
    total = len(actions)
    trajectory = np.empty((total, 3))
    trajectory[0] = start
    trajectory[frames] = places
    now = 0
    for frame in frames[np.diff(frames, prepend=0) > 1].tolist():  # gaps between places, not frames
        now = int(frames[np.searchsorted(frames, frame) - 1]) if frame > frames[0] else 0
        walks_by = [bool((actions[max(at - 1, 0) : at + 2] == WALK).all()) for at in (now, frame)]
        passes = walks_by[0] and now > 0, walks_by[1] and frame < frames[-1]
        segment = _Segment(trajectory[now], trajectory[frame], actions[now : frame + 1], passes)
        trajectory[now : frame + 1] = segment.rows()
    now = int(frames[-1])
    trajectory[now:] = trajectory[now]
    turned = np.maximum.accumulate(np.where(np.isnan(trajectory[:, 2]), 0, np.arange(total)))
    trajectory[:, 2] = trajectory[turned, 2]  # a place without a heading right behind another keeps that one's
    later = np.flatnonzero((actions[now:] == WALK) | (actions[now:] != actions[now]))
    until = now + int(later[0]) if len(later) else total
    return trajectory, np.arange(total) < max(until, now + 1)


@dataclass(frozen=True)
class _Segment:
    """What lies between two places, n > 2 frames: rows x, z, heading of the ``first`` and of the ``last``, whose heading may be
    NaN; ``passes``: whether a walk comes from before the first and goes on behind the last."""

    first: Array
    last: Array
    actions: Actions
    passes: tuple[bool, bool]

    def rows(self) -> Array:
        """Return the trajectory (n, 3)."""
        moving = self._moving()
        # A speed that rises and falls over half a second wherever there is room for it.
        edge = int(min(FPS // 4, max(moving.sum() // 4, 1)))
        window = np.hanning(2 * edge + 3)[1:-1]
        padded = np.pad(moving, edge, constant_values=self.passes)
        speed = np.convolve(padded, window, "valid")[: len(moving)] * moving
        travelled = np.cumsum(speed) / speed.sum()
        travelled[0] = 0.0
        xz = self.first[:2] + travelled[:, None] * self._away
        return np.concatenate([xz, self._headings(moving)[:, None]], axis=-1)

    @property
    def _away(self) -> Array:
        return self.last[:2] - self.first[:2]

    @property
    def _distance(self) -> float:
        return float(np.hypot(*self._away))

    def _moving(self) -> Array:
        """1 in the frames (n,) of a walk asked for; where none is, in as many at the end as an easy one takes."""
        moving = (self.actions == WALK).astype(float)
        if moving[1:].any():
            return moving
        count = len(self.actions)
        needed = int(np.clip(FPS * (self._distance / WALKING_SPEED + 0.4), FPS // 2, count - 1))
        free = np.flatnonzero(self.actions != SIT)  # whoever sits to the end only shifts on the seat
        return np.isin(np.arange(count), (free if len(free) > 1 else np.arange(count))[-needed:]).astype(float)

    def _headings(self, moving: Array) -> Array:
        """Headings (n,): from the first place's to the last's, by way of where the path leads if it is far."""
        far = self._distance > _FAR
        along = float(np.arctan2(self._away[0], self._away[1]))
        goal = (along if far else self.first[2]) if np.isnan(self.last[2]) else self.last[2]
        headings = np.unwrap([self.first[2], along, goal] if far else [self.first[2], goal]).tolist()
        begin, end = (int(k) for k in np.flatnonzero(moving)[[0, -1]])
        index = np.arange(len(moving))
        heading = np.full(len(moving), headings[0])
        if not far:
            return heading + (headings[1] - headings[0]) * smoothstep((index - begin) / max(end - begin, 1))
        turn = int(min(FPS * _TURN, max((end - begin) // 3, 1)))
        heading += (headings[1] - headings[0]) * smoothstep((index - begin) / turn)
        heading += (headings[2] - headings[1]) * smoothstep((index - (end - turn)) / turn)
        return heading
