"""Ways over the floor: how somebody gets from where they are to where they have to be, and when they set out.

Planned before anything is made, from places and actions alone, so that a brief which asks for the impossible is refused at once.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.labels import ACTION_MODES
from duologue.units import FPS

Floats = NDArray[np.float64]

WALKING_SPEED: Final = 1.1
"""Metres a second at which somebody sets out when no walk was asked for by then."""
_TURN: Final = 0.7
"""Seconds to turn into the way, and out of it."""
_FAR: Final = 0.6
"""Metres from which on somebody faces where they go; nearer they step aside or back."""


SIT, WALK = (ACTION_MODES.index(mode) for mode in ("sit", "walk"))


def lay_way(
    start: NDArray[np.floating[Any]], frames: NDArray[np.int64], places: Floats, actions: NDArray[np.integer[Any]]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Lay one performer's way from ``start`` (3,) at frame 0 through ``places`` (n, 3) at ``frames`` (n,).

    ``actions`` (T,): indices into ``ACTION_MODES``. Between two places somebody moves while a walk is asked for, else sets out as
    late as an easy walk allows, and in no case while seated.
    Over more than half a metre they turn into the way, go ahead along it, and turn as asked when they are there; a place in the
    middle of a walk is passed without a halt. After the last place they stay until a walk is asked for. Returns the way (T, 3),
    and where it counts (T,).
    """
    total = len(actions)
    path = np.empty((total, 3))
    path[0] = start
    path[frames] = places
    now = 0
    for frame in frames[np.diff(frames, prepend=0) > 1].tolist():  # gaps between places, not frames
        now = int(frames[np.searchsorted(frames, frame) - 1]) if frame > frames[0] else 0
        passed = tuple(bool((actions[max(at - 1, 0) : at + 2] == WALK).all()) for at in (now, frame))
        passes = passed[0] and now > 0, passed[1] and frame < frames[-1]
        path[now : frame + 1] = _leg(path[now], path[frame], actions[now : frame + 1], passes)
    now = int(frames[-1])
    path[now:] = path[now]
    turned = np.maximum.accumulate(np.where(np.isnan(path[:, 2]), 0, np.arange(total)))
    path[:, 2] = path[turned, 2]  # a place without a heading right behind another keeps that one's
    later = np.flatnonzero(actions[now:] == WALK)
    until = now + int(later[0]) if len(later) else total
    return path, np.arange(total) < max(until, now + 1)


def _leg(
    here: Floats, there: Floats, actions: NDArray[np.integer[Any]], passes: tuple[bool, bool] = (False, False)
) -> Floats:
    """Return the way (n, 3), n > 2, between two places; the second's heading is NaN where none is asked for. ``passes``: whether
    the walk comes from before the first and goes on behind the second."""
    count = len(actions)
    away = there[:2] - here[:2]
    distance = float(np.hypot(*away))
    moving = (actions == WALK).astype(float)
    if not moving[1:].any():
        needed = int(np.clip(FPS * (distance / WALKING_SPEED + 0.4), FPS // 2, count - 1))
        free = np.flatnonzero(actions != SIT)  # whoever sits to the end only shifts on the seat
        moving = np.isin(np.arange(count), (free if len(free) > 1 else np.arange(count))[-needed:]).astype(float)
    # A speed that rises and falls over half a second wherever there is room for it.
    edge = int(min(FPS // 4, max(moving.sum() // 4, 1)))
    window = np.hanning(2 * edge + 3)[1:-1]
    speed = np.convolve(np.pad(moving, edge, constant_values=passes), window, "valid")[:count] * moving
    done = np.cumsum(speed) / speed.sum()
    done[0] = 0.0
    xz = here[:2] + done[:, None] * away
    goal = (np.arctan2(away[0], away[1]) if distance > _FAR else here[2]) if np.isnan(there[2]) else there[2]
    headings = [here[2], goal]
    if distance > _FAR:
        headings.insert(1, float(np.arctan2(away[0], away[1])))
    headings = np.unwrap(headings).tolist()
    first, last = (int(k) for k in np.flatnonzero(moving)[[0, -1]])
    turn = int(min(FPS * _TURN, max((last - first) // 3, 1)))
    index = np.arange(count)
    heading = np.full(count, headings[0])
    if len(headings) == 3:
        heading += (headings[1] - headings[0]) * smoothstep((index - first) / turn)
        heading += (headings[2] - headings[1]) * smoothstep((index - (last - turn)) / turn)
    else:
        heading += (headings[1] - headings[0]) * smoothstep((index - first) / max(last - first, 1))
    return np.concatenate([xz, heading[:, None]], axis=-1)
