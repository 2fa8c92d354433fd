"""Where and when the feet are put down so that somebody gets along a way over the floor: footsteps planned from a root
trajectory.

Kinematic walkers are planned in this order since Bruderlin and Calvert (SIGGRAPH 1989, "Goal-directed, dynamic animation of human
walking"): first how fast, from it the cadence, from that the steps, and the joints last (:mod:`duologue.motion.gait`). Places are
x, z (metres) and heading (radians) rows; times are frames, not whole ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.units import FPS

Array = NDArray[np.float64]

CADENCE: Final = 1.65
"""Steps a second at 1 m/s. People's steps get longer by the power of 0.42 of the speed, and so quicker by that of 0.58 (Grieve,
Biomedical Engineering 3, 1968; Kuo, J. Biomechanical Engineering 123, 2001)."""
_POWER: Final = 0.58
_CADENCES: Final = (1.2, 2.5)
"""Steps a second, the fewest and the most."""
_BEAT: Final = FPS // 3
"""Frames on either side over which the quickest cadence counts."""
_TURNING: Final = 0.25
"""Metres from the middle at which feet go round when somebody turns: what a turn adds to the speed that sets the cadence."""
_PER_STEP: Final = (0.85, 0.3)
"""Radians that a step turns and metres that it goes aside, at most."""
_ASIDE: Final = (0.09, 0.05)
"""Metres from the middle to an ankle, standing and at an easy walk."""
_CROSSED: Final = (0.12, 0.5)
"""Metres to the side of the other ankle that a foot comes down at least, and how far before and behind it that counts: in a turn
under way it would cross it."""
_REACH: Final = np.array([0.36, 0.5])
"""Metres from under the hips to a foot that comes down there, and that leaves."""
REST: Final = 4
"""Frames at rest before and after a way."""
_MIDFOOT: Final = 0.02
"""Metres before the ankle that the hips are over, standing on one foot: their mass lies before them."""
_BALANCED: Final = (0.05, 0.31, 0.1)
"""Metres that the hips may be beside that, more for each metre a second (the root of a leg's length over gravity), and that they
are taken over at most."""
_SHIFTING: Final = 17
"""Frames over which weight is shifted."""
_STOPPING: Final = (0.35, np.radians(30.0))
"""Metres and radians a second of the hips as the last foot comes down."""
_UNLIKE: Final = (0.0, 0.06, 0.03, 0.09)
"""Metres of crossing that it takes until the other foot leads, until there is a step more, and until both."""
OUT: Final = np.radians(8.0)
"""How far feet point outwards."""
_DOUBLE: Final = (0.3, 0.18)
"""Share of a step in which both feet bear: stepping slowly, and at an easy walk (Winter 1991, "The biomechanics and motor control
of human gait")."""
_OVER: Final = 0.38
"""Of a stance, when the hips are over the foot: legs reach less far ahead than behind, where the heel comes up."""
_SOON: Final = 0.22 * FPS
"""Frames after which they are at the latest: who comes to a halt doesn't reach ahead."""
EASY: Final = 1.1
"""Metres a second of an easy walk."""


@dataclass(frozen=True)
class Footsteps:
    """One foot's steps: it stands at ``places[0]`` until it lifts at ``lifts[0]``, lands at ``lands[0]`` on ``places[1]``, …

    ``lifts`` and ``lands`` (m,) frames, ascending by turns; ``places`` (m + 1, 3) of the ankle on the floor.
    """

    lifts: Array
    lands: Array
    places: Array


def plan_footsteps(path: Array) -> tuple[Footsteps, Footsteps]:
    """Plan the left foot's and the right foot's steps along a root trajectory ``path`` (n, 3) that rests at both ends.

    Before the first frame the feet stand where somebody stands easily. The cadence follows from the speed;
    each foot comes down where the root is nearly half-way through the stance, so that it carries the body over
    itself; the last two are put down nearly beside each other. The foot on the side of the way or turn leads, unless feet cross
    less if the other does, or with a step more.
    """
    paces = _paces(path)
    speed, turn, aside = paces
    rate = CADENCE * np.maximum(speed + _TURNING * np.abs(turn), 1e-6) ** _POWER
    rate = np.maximum(rate, np.maximum(np.abs(turn) / _PER_STEP[0], np.abs(aside) / _PER_STEP[1]))
    # Who comes to a halt keeps the beat: legs must not be left behind.
    near = sliding_window_view(np.pad(rate, _BEAT, mode="edge"), 2 * _BEAT + 1).max(-1)
    phase = np.concatenate([[0.0], np.cumsum(np.clip(near, *_CADENCES)) / FPS])
    turned = float(np.abs(turn).sum()) / FPS
    count = max(2, round(float(phase[_halt(path)])), 1 + int(np.ceil(turned / _PER_STEP[0])))
    leading = int((aside.sum() + _TURNING * turn.sum()) < 0)  # +X is the left hand
    plans = [
        _steps(path, speed, phase, count + more, (leading + swapped) % 2)
        for more, swapped in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    costs = [crossed + unlike for (_, crossed), unlike in zip(plans, _UNLIKE, strict=True)]
    return plans[int(np.argmin(costs))][0]


def _steps(
    path: Array, speed: Array, phase: Array, count: int, leading: int
) -> tuple[tuple[Footsteps, Footsteps], float]:
    """Return ``count`` steps along a path (n, 3), one foot ``leading``, and by how many metres in all feet cross."""
    n, end = len(path), _halt(path)
    edges = np.interp(np.arange(count + 1) * (phase[end] / count), phase[: end + 1], np.arange(end + 1.0))
    at = np.round(edges).astype(int)
    both = np.interp(speed[at[1:]], (0.2, EASY), _DOUBLE)
    both[-1] = _DOUBLE[1]  # the foot that was left behind follows at once
    lifts, lands = edges[:-1] + both * np.diff(edges), edges[1:]
    # The next lift of the same foot is a step and a double support after its landing.
    leaves = np.concatenate([lifts, [n - 1.0, n - 1.0]])[2:]
    middle = lands + np.minimum(_OVER * (leaves - lands), _SOON)
    # Nearly beside where the last one comes down, as far as a leg reaches under way.
    ahead = 1.8 * _SOON if speed[at[-2]] > 0.5 * EASY else n
    middle[-2:] = np.minimum(n - 1.0, lands[-2:] + np.array([ahead, n]))
    wide = np.interp(speed[np.clip(np.round(middle).astype(int), 0, n - 1)], (0.2, EASY), _ASIDE)
    wide[-2:] = _ASIDE[0]
    bodies = _along(path, middle)
    owns = [np.arange(count) % 2 == (foot != leading) for foot in range(2)]
    begins = [beside(path[:1], foot, np.array(_ASIDE[:1])) for foot in range(2)]
    steps = np.empty((count, 3))
    for foot, own in enumerate(owns):
        steps[own] = beside(bodies[own], foot, wide[own])
    hips = np.stack([_along(path, lands), _along(path, leaves)], axis=1)[..., :2]
    steps, crossed = _uncrossed(steps, leading, begins, hips)
    left, right = (
        Footsteps(lifts[own], lands[own], np.concatenate([begin, steps[own]]))
        for begin, own in zip(begins, owns, strict=True)
    )
    return (left, right), crossed


def _along(path: Array, times: Array) -> Array:
    """Return the rows of a path (n, 3) at ``times`` (m,), frames."""
    index = np.arange(len(path), dtype=np.float64)
    return np.stack([np.interp(times, index, path[:, k]) for k in range(3)], axis=-1)


def _uncrossed(steps: Array, leading: int, begins: list[Array], hips: Array) -> tuple[Array, float]:
    """Return where feet come down by turns (m, 3), each set aside as far as it would stand before or across the other, within a
    leg's reach of the ``hips`` (m, 2, 2) as it comes down and as it leaves; and by how many metres they would have.

    ``begins``: where they stand first.
    """
    apart, crossed = steps.copy(), 0.0
    stands = [begin[-1] for begin in begins]
    for k, step in enumerate(apart):  # steps, not frames: each depends on the one before
        foot = (leading + k) % 2
        other, side = stands[1 - foot], 1.0 - 2.0 * foot
        turned = (step[2] - other[2] + np.pi) % (2 * np.pi) - np.pi
        heading = other[2] + 0.5 * turned  # about where the hips look while both bear
        left = np.array([np.cos(heading), -np.sin(heading)])
        away = step[:2] - other[:2]
        aside, along = side * float(away @ left), float(away[0] * left[1] - away[1] * left[0])
        room = _CROSSED[0] * np.sqrt(max(1 - (along / _CROSSED[1]) ** 2, 0.0))
        missing = max(room - aside, 0.0) * (room > 0)
        push = missing * np.linspace(1, 0, 9)[:, None] * side * left
        reach = np.linalg.norm(step[:2] + push[:, None] - hips[k], axis=-1) - _REACH
        step[:2] += push[int(np.argmax((reach <= np.maximum(reach[-1], 0.0)).all(-1)))]
        stands[foot], crossed = step, crossed + missing
    return apart, crossed


def _halt(path: Array) -> int:
    """Return the frame in which feet are together again: the body comes to rest over feet that are there already."""
    step = np.abs(np.diff(path, axis=0)) * FPS
    speed = np.hypot(step[:, 0], step[:, 1])
    moves = np.flatnonzero((speed > min(_STOPPING[0], 0.5 * speed.max(initial=0.0))) | (step[:, 2] > _STOPPING[1]))
    last = int(moves[-1]) + 1 if len(moves) else len(path) - 1
    return min(max(last, min(FPS, len(path) - 1)), len(path) - 1)


def beside(bodies: Array, foot: int, wide: Array) -> Array:
    """Return where a foot (0 left, 1 right) stands beside bodies (k, 3), ``wide`` (k,) metres from the middle: (k, 3)."""
    side = 1.0 - 2.0 * foot
    x = bodies[:, 0] + side * wide * np.cos(bodies[:, 2])
    z = bodies[:, 1] - side * wide * np.sin(bodies[:, 2])
    return np.stack([x, z, bodies[:, 2] + side * OUT], axis=-1)


def _paces(path: Array) -> tuple[Array, Array, Array]:
    """Return speed (n,) m/s, turning (n,) rad/s and speed to the left (n,) of a trajectory, over a third of a second."""
    step = np.gradient(path, axis=0) * FPS if len(path) > 1 else np.zeros_like(path)
    window = np.hanning(FPS // 3 + 2)[1:-1]
    padded = np.pad(step, [(len(window) // 2, (len(window) - 1) // 2), (0, 0)], mode="edge")
    smooth = np.stack([np.convolve(column, window / window.sum(), "valid") for column in padded.T], axis=-1)
    aside = np.cos(path[:, 2]) * smooth[:, 0] - np.sin(path[:, 2]) * smooth[:, 1]
    return np.hypot(smooth[:, 0], smooth[:, 1]), smooth[:, 2], aside


def stretches(afoot: NDArray[np.bool_], rest: int = REST) -> list[tuple[int, int]]:
    """Return the stretches ``[first, last)`` of frames in which somebody is ``afoot`` (T,), with ``rest`` frames on either side.

    Pauses of under half a second are part of them.
    """
    reach = FPS // 4
    padded = np.pad(afoot, reach)
    near = np.convolve(padded, np.ones(2 * reach + 1), "same") > 0  # closes the gaps …
    wide = np.convolve(~near, np.ones(2 * (reach - rest) + 1), "same") == 0  # … and draws the edges in again
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wide[reach:-reach], [False]]).astype(int)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def progress(time: Array, feet: Footsteps) -> tuple[NDArray[np.int64], Array]:
    """Return for frames ``time`` (n,) how many steps of a foot are done (n,), and how far the next one is (n,): 0 standing, up
    to 1."""
    done = np.searchsorted(feet.lands, time, side="right")
    lifts = np.append(feet.lifts, np.inf)[done]
    lands = np.append(feet.lands, np.inf)[done]
    with np.errstate(invalid="ignore"):
        part = np.where(np.isfinite(lands), (time - lifts) / np.maximum(lands - lifts, 1e-6), 0.0)
    return done, np.clip(np.nan_to_num(part), 0.0, 1.0)


def carried(time: Array, feet: tuple[Footsteps, Footsteps], floor: Array) -> Array:
    """Return by how much (n, 2), metres, hips on the ``floor`` (n, 2) x, z go over the foot that carries in frames ``time`` (n,).

    Who is slow stays over it, who is fast falls from one to the next: what their way would end at if it were stopped by falling
    alone, the extrapolated centre of mass (Hof, Gazendam and Sinke 2005, J. Biomechanics 38), lies within reach of the sole.
    """
    steps = sorted(
        (lift, land, 1 - foot)
        for foot, own in enumerate(feet)
        for lift, land in zip(own.lifts.tolist(), own.lands.tolist(), strict=True)  # steps, not frames
    )
    knots, spots = [float(time[0])], [floor[0]]
    for lift, land, carrying in steps:
        x, z, yaw = feet[carrying].places[progress(np.array([lift]), feet[carrying])[0][0]]
        spot = np.array([x + _MIDFOOT * np.sin(yaw), z + _MIDFOOT * np.cos(yaw)])
        knots += [lift, land]
        spots += [spot, spot]
    knots, spots = [*knots, float(time[-1])], [*spots, floor[-1]]
    over = np.stack([np.interp(time, knots, [spot[k] for spot in spots]) for k in range(2)], axis=-1)
    speed = np.hypot(*np.gradient(floor, axis=0).T) * FPS if len(floor) > 1 else np.zeros(1)
    away = over - floor
    distance = np.hypot(*away.T)
    pull = np.clip(distance - _BALANCED[0] - _BALANCED[1] * speed, 0.0, _BALANCED[2]) / np.maximum(distance, 1e-9)
    window = np.hanning(_SHIFTING + 2)[1:-1]
    shift = np.pad(pull[:, None] * away, [(_SHIFTING // 2, _SHIFTING // 2), (0, 0)])
    smooth = np.stack([np.convolve(column, window / window.sum(), "valid") for column in shift.T], axis=-1)
    # At rest they are between the feet, and where they are to be at the end of the way, which is `REST` frames before the last.
    ends = smoothstep((time - time[0]) / 9) * smoothstep((time[-1] - REST - time) / 12)
    return smooth * ends[:, None]


def sway(time: Array, feet: tuple[Footsteps, Footsteps], width: float = 0.035) -> Array:
    """Return how far (n,) to the left the hips go, metres, to be over the foot that carries: ``width`` in the middle of a
    step."""
    total = np.zeros(len(time))
    for side, foot in zip((-1.0, 1.0), feet, strict=True):
        for lift, land in zip(foot.lifts, foot.lands, strict=True):  # steps, not frames
            edge = 0.3 * (land - lift)
            half = max(0.5 * (land - lift) + edge, 1e-6)  # a way of one frame has steps of none
            bump = smoothstep((time - lift + edge) / half) * smoothstep((land + edge - time) / half)
            total += side * width * bump
    return total * smoothstep(time / 6) * smoothstep((time[-1] - REST - time) / 6)  # at rest they are between the feet
