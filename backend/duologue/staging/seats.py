"""Where hips come down, and how high, wide and deep what they come down on must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.labels import ACTION_MODES
from duologue.motion.rotations import exp_to_quat, quat_rotate
from duologue.staging.turns import runs, smoothed
from duologue.take import Take, Track
from duologue.units import FPS

Float = NDArray[np.floating[Any]]

_LOWER: Final = 0.86
"""Of one's own standing height of the hips: lower than this, somebody who was asked to sit does."""
_STILL: Final = 0.12
"""Metres a second of the hips, over which somebody is not there yet."""
_SHORT: Final = FPS // 2
_SAME: Final = 0.35
"""Metres between two sittings on one chair."""

_LOWEST: Final = 0.2
"""Metres: on less than this nobody sits but on the floor."""
_DEPTH, _WIDTH = 0.42, 0.44
"""Of a chair for somebody whose hips are 0.95 m high when they stand, metres."""
_BACK: Final = 0.42
_BEHIND: Final = 0.015
"""Metres of air between a back and a backrest."""
_BODY: Final = 0.24
"""Metres around the hips' middle, in which the body is that sits."""


@dataclass(frozen=True)
class Sitting:
    """Performer ``who`` sits from frame ``start`` to before ``stop``, the hips about ``place`` (3,), turned by ``heading``."""

    who: int
    start: int
    stop: int
    place: Float
    heading: float


@dataclass(frozen=True)
class Seat:
    """A chair that fits: the seat's ``place`` on the floor (x, z) under the hips, its top's ``height``, all in metres.

    ``front`` and ``back``: how far the seat reaches before and behind that place; ``rest``: how high the backrest ends.
    """

    who: int
    place: tuple[float, float]
    heading: float
    height: float
    width: float
    front: float
    back: float
    rest: float


def sittings(take: Take) -> list[Sitting]:
    """Return where performers sit down and stay, one for each seat that is used, in the order of performers and time."""
    found: list[Sitting] = []
    for who, track in enumerate(take.tracks):
        found += _sittings(take, track, who)
    return found


def _sittings(take: Take, track: Track, who: int) -> list[Sitting]:
    if len(track) < 2:
        return []
    path = np.stack([smoothed(axis, 9) for axis in track.root_translation.astype(np.float64).T], axis=-1)
    speed = np.linalg.norm(np.gradient(path, axis=0), axis=-1) * FPS
    standing = take.skeleton.rest_positions[0, 1]
    sits = (track.actions == ACTION_MODES.index("sit")) & (path[:, 1] < _LOWER * standing) & (speed < _STILL)
    found: list[Sitting] = []
    for start, stop in runs(sits):
        place = np.median(path[start:stop], axis=0)
        if stop - start < min(_SHORT, len(track)):
            continue
        again = found and np.linalg.norm((place - found[-1].place)[[0, 2]]) < _SAME
        first = found.pop().start if again else start
        ahead = quat_rotate(exp_to_quat(track.rotations[first:stop, 0].astype(np.float64)), np.array([0.0, 0.0, 1.0]))
        forward = ahead.mean(axis=0)
        place = np.median(path[first:stop], axis=0)
        found.append(Sitting(who, first, stop, place, float(np.arctan2(forward[0], forward[2]))))
    return found


def fit(sitting: Sitting, hips: Float, points: Float, standing: float) -> Seat | None:
    """Return the chair for a sitting, or None where somebody sits on the floor.

    ``hips`` (n, 3): where they are on the character that plays; ``points`` (m, 3): its skin at some of these moments, which
    nothing of the chair may stand in; ``standing``: how high its hips are when it stands. Metres, world.
    """
    scale = standing / 0.95
    middle = np.median(hips, axis=0)
    turn = np.array([np.sin(sitting.heading), 0.0, np.cos(sitting.heading)])
    side = np.array([turn[2], 0.0, -turn[0]])
    local = np.stack([(points - middle) @ side, points[:, 1], (points - middle) @ turn], axis=-1)
    # What is below the hips, not the shins of feet that are drawn in.
    near = (np.abs(local[:, 0]) < _BODY * scale) & (local[:, 2] > -0.16 * scale) & (local[:, 2] < 0.05 * scale)
    below = local[near & (local[:, 1] > middle[1] - 0.28 * scale)]
    height = float(np.percentile(below[:, 1], 1)) if len(below) else float(middle[1]) - 0.1 * scale
    if height < _LOWEST * scale:
        return None
    trunk = local[
        (np.abs(local[:, 0]) < _BODY * scale) & (local[:, 1] > height) & (local[:, 1] < height + _BACK * scale)
    ]
    trunk = trunk[trunk[:, 2] > -0.35 * scale]
    back = -float(trunk[:, 2].min()) + _BEHIND if len(trunk) else 0.16 * scale
    front = max(_DEPTH * scale - back, 0.12 * scale)
    place = (float(middle[0]), float(middle[2]))
    return Seat(sitting.who, place, sitting.heading, height, _WIDTH * scale, front, back, height + _BACK * scale)
