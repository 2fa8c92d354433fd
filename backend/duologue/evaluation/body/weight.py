"""Do bodies carry their weight? Balance over the soles, sway, stillness, walking, and when a posture follows its label.

Every figure is left as sums (``intervals.Sums``), so that clips add up before they are divided. Metres, seconds, 30 fps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.datasets.labels.actions import label_actions
from duologue.evaluation.body.bodies import Bodies
from duologue.evaluation.intervals import Sums
from duologue.labels import ACTION_MODES
from duologue.motion.balance import outside_support
from duologue.motion.contact import Soles
from duologue.motion.mass import centre_of_mass
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]
    Flags = NDArray[np.bool_]

STAND, WALK = (ACTION_MODES.index(mode) for mode in ("stand", "walk"))

OUTSIDE: Final = 0.05
"""Metres beyond the soles from which the centre of mass counts as not carried."""
MOTIONLESS: Final = 0.003
"""Metres a second under which hips count as not moving at all."""
SWAY: Final = 10 * FPS
"""Frames of standing over which a range is taken."""
PROMPT: Final = 0.3
"""Seconds from a label to its posture that are prompt."""
_NEAR: Final = int(2.5 * FPS)
"""Frames on either side of a change of label in which the body's own change is looked for."""


def balance(bodies: Bodies) -> dict[str, Sums]:
    """Return the share of standing frames whose centre of mass lies over 5 cm outside the soles that bear, and how far on
    average.

    Standing is by the rule on the motion (``datasets.labels.actions``), with at least one sole on the floor: who walks falls from
    step to step, and who sits is carried by the seat.
    """
    far, bears = outside_support(bodies.skeleton, *(np.moveaxis(a, 1, 0) for a in (bodies.matrices, bodies.positions)))
    counted = _stands(bodies) & bears.T
    away = far.T[counted]
    return {
        "unbalanced_percent": (100 * float((away > OUTSIDE).sum()), float(counted.sum())),
        "outside_support_cm": (100 * float(away.sum()), float(counted.sum())),
    }


def sway(bodies: Bodies) -> dict[str, Sums]:
    """Return how whoever stands moves: how often the hips don't at all, how far they range over the floor in 10 s, the speed of
    the centre of mass over the floor, and the jerk of the hips."""
    stands = _stands(bodies)
    hips = bodies.positions[:, :, 0]
    speed = np.linalg.norm(np.diff(hips, axis=1), axis=-1) * FPS
    both = stands[:, 1:] & stands[:, :-1]
    centre = centre_of_mass(bodies.skeleton, bodies.matrices, bodies.positions)[..., [0, 2]]
    swaying = np.linalg.norm(np.diff(centre, axis=1), axis=-1) * FPS
    jerk = np.linalg.norm(np.diff(hips, n=3, axis=1), axis=-1) * FPS**3
    through = stands[:, 3:] & stands[:, :-3]
    ranges = [
        np.hypot(*np.ptp(hips[i, first : first + SWAY][:, [0, 2]], axis=0))
        for i in range(2)
        for first in range(0, bodies.frames - SWAY + 1, SWAY // 2)
        if stands[i, first : first + SWAY].all()
    ]
    return {
        "motionless_percent": (100 * float((speed[both] < MOTIONLESS).sum()), float(both.sum())),
        "hips_range_cm": (100 * float(sum(ranges)), float(len(ranges))),
        "sway_cm_s": (100 * float(swaying[both].sum()), float(both.sum())),
        "hips_jerk_standing": (float(jerk[through].sum()), float(through.sum())),
    }


def gait(bodies: Bodies, targets: NDArray[np.integer]) -> dict[str, Sums]:
    """Return how fast whoever is to walk, by ``targets`` (2, T), goes, and how fast the lower sole, which should not."""
    points = Soles.of(bodies.skeleton).place(bodies.matrices, bodies.positions)
    points = points.reshape(*points.shape[:2], -1, 3)
    speed = np.linalg.norm(np.diff(points[..., [0, 2]], axis=1), axis=-1) * FPS
    lowest = points[:, 1:, :, 1].argmin(-1)
    stance = np.take_along_axis(speed, lowest[..., None], axis=-1)[..., 0]
    hips = np.linalg.norm(np.diff(bodies.positions[:, :, 0][..., [0, 2]], axis=1), axis=-1) * FPS
    walks = targets[:, 1:] == WALK
    return {
        "walking_m_s": (float(hips[walks].sum()), float(walks.sum())),
        "stance_cm_s": (100 * float(stance[walks].sum()), float(walks.sum())),
    }


def transitions(bodies: Bodies, targets: NDArray[np.integer]) -> dict[str, Sums]:
    """Return how long after a change of label, in ``targets`` (2, T), the body has changed so too, by the rule on the motion.

    ``transition_late_s``: the mean delay, early counting as much as late; ``transition_prompt_percent``: how many come within
    0.3 s, among all that are asked for.
    """
    late, prompt, found, asked = 0.0, 0, 0, 0
    for performer in range(2):
        made = label_actions(bodies.skeleton, bodies.root[performer], bodies.rotations[performer])
        wanted = targets[performer]
        for frame in np.flatnonzero(np.diff(wanted)) + 1:
            asked += 1
            first, last = max(frame - _NEAR, 1), min(frame + _NEAR, len(made))
            changes = [t for t in range(first, last) if made[t] == wanted[frame] and made[t - 1] != wanted[frame]]
            if changes:
                delay = min(abs(t - frame) for t in changes) / FPS
                late, found = late + delay, found + 1
                prompt += delay <= PROMPT
    return {
        "transition_late_s": (late, float(found)),
        "transition_prompt_percent": (100.0 * prompt, float(asked)),
    }


def weight(bodies: Bodies, targets: NDArray[np.integer]) -> dict[str, Sums]:
    """Return every figure of this file, of bodies that were to show the actions ``targets`` (2, T)."""
    return balance(bodies) | sway(bodies) | gait(bodies, targets) | transitions(bodies, targets)


def _stands(bodies: Bodies) -> Flags:
    """Return who stands when, (2, T), by the rule on the motion."""
    labels = [label_actions(bodies.skeleton, bodies.root[i], bodies.rotations[i]) for i in range(2)]
    return np.stack(labels) == STAND
