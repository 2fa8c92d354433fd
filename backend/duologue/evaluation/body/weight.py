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
from duologue.motion.contact import Soles, foot_contacts
from duologue.motion.mass import centre_of_mass
from duologue.motion.skeleton import Skeleton
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
_HALF_WIDTHS: Final = (0.03, 0.045, 0.035)
"""Metres from the middle of a sole to its side: at the heel, the ball and the toes; a bare adult foot."""
_DIRECTIONS: Final = 72


def outside(points: Floats, there: Flags, centre: Floats) -> Floats:
    """Return how far (...) a place on the floor ``centre`` (..., 2) lies outside the convex hull of ``points`` (..., N, 2), of
    which those count that are ``there`` (..., N); 0 inside; infinite where none is.

    A convex set and a point outside it are farthest apart along some direction; here the farthest of 72, which is exact to a
    thousandth.
    """
    angle = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    along = np.stack([np.cos(angle), np.sin(angle)])
    reach = np.where(there[..., None], points @ along, -np.inf).max(-2)
    return np.maximum((centre @ along - reach).max(-1), 0.0)


def support(skeleton: Skeleton, matrices: Floats, positions: Floats) -> Floats:
    """Return the outlines of both soles on the floor, (..., 2 feet, 6, 2) x and z in metres: heel, ball, toes, on both sides."""
    soles = Soles.of(skeleton)
    points = soles.place(matrices, positions)
    tips = (matrices[..., soles.toes, :, :] @ soles.tip[..., None])[..., 0] + positions[..., soles.toes, :]
    middle = np.concatenate([points, tips[..., None, :]], axis=-2)
    aside = matrices[..., soles.feet, :, :][..., None, :, 0] * np.array(_HALF_WIDTHS)[:, None]
    return np.concatenate([middle + aside, middle - aside], axis=-2)[..., [0, 2]]


def balance(bodies: Bodies) -> dict[str, Sums]:
    """Return the share of standing frames whose centre of mass lies over 5 cm outside the soles that bear, and how far on
    average.

    Standing is by the rule on the motion (``datasets.labels.actions``), with at least one sole on the floor: who walks falls from
    step to step, and who sits is carried by the seat.
    """
    stands = _stands(bodies)
    points = Soles.of(bodies.skeleton).place(bodies.matrices, bodies.positions)
    bears = np.moveaxis(foot_contacts(np.moveaxis(points, 1, 0)), 0, 1).any(-1)
    outline = support(bodies.skeleton, bodies.matrices, bodies.positions)
    flat = outline.reshape(*outline.shape[:2], -1, 2)
    centre = centre_of_mass(bodies.skeleton, bodies.matrices, bodies.positions)[..., [0, 2]]
    counted = stands & bears.any(-1)
    away = outside(flat, np.repeat(bears, outline.shape[-2], axis=-1), centre)[counted]
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
