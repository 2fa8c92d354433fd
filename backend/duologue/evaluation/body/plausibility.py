"""Whether two performers could be people: feet that slide or sink, bodies in each other, touches, jerk.

Every figure is left as sums (``intervals.Sums``), so that clips add up before they are divided. Metres, seconds, 30 fps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.datasets.statistics.contacts import NEAR, PARTS, gaps, shapes
from duologue.evaluation.body.bodies import WRISTS, Bodies
from duologue.evaluation.intervals import Sums
from duologue.motion.capsules import Capsules, closest_on_lines, depths
from duologue.motion.contact import RULE, ContactRule, Soles, foot_contacts
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

DEEP: Final = 0.02
"""Metres of overlap, and under the floor, from which a frame counts."""
INTERGEN: Final = ContactRule(0.05, 0.95, 0.05, 0.95)
"""InterGen's rule without its memory: a foot that slides steadily, which the stricter rule takes for a step, counts too."""


def feet(bodies: Bodies) -> dict[str, Sums]:
    """Return ``sliding_cm_s``, the mean speed over the floor of sole points that bear weight from a frame to the next, by the
    rule of ``motion.contact``; the same by InterGen's; and how often a sole point bears weight."""
    points = Soles.of(bodies.skeleton).place(bodies.matrices, bodies.positions)  # 2, T, 2 feet, 2 points, 3
    points = np.moveaxis(points, 1, 0)
    speed = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1) * FPS
    sums: dict[str, Sums] = {}
    for name, rule in (("sliding_cm_s", RULE), ("sliding_intergen_cm_s", INTERGEN)):
        bears = foot_contacts(points, rule)
        held = bears[1:] & bears[:-1]
        sums[name] = (100 * float(speed[held].sum()), float(held.sum()))
        if rule is not INTERGEN:
            sums["feet_bearing_percent"] = (100 * float(bears.any((2, 3)).sum()), bears[..., 0, 0].size)
    return sums


def floor(bodies: Bodies) -> dict[str, Sums]:
    """Return the share of performers' frames with a heel, ball or tip of the toes over 2 cm under the floor, and how deep on
    average over all frames."""
    soles = Soles.of(bodies.skeleton)
    points = soles.place(bodies.matrices, bodies.positions).reshape(2, bodies.frames, -1, 3)[..., 1]
    tips = (bodies.matrices[:, :, soles.toes] @ soles.tip[..., None])[..., 1, 0] + bodies.positions[:, :, soles.toes, 1]
    lowest = np.concatenate([points, tips], axis=-1).min(-1)
    return {
        "below_floor_percent": (100 * float((lowest < -DEEP).sum()), lowest.size),
        "below_floor_cm": (100 * float(np.maximum(-lowest, 0).sum()), lowest.size),
    }


def penetration(bodies: Bodies) -> dict[str, Sums]:
    """Return the share of frames in which the two bodies, or one with itself, overlap by over 2 cm, and the mean depth in cm."""
    capsules = Capsules.of(bodies.skeleton)
    lines = capsules.place(bodies.matrices, bodies.positions)
    cross = np.maximum(depths(lines[0], capsules.radii, lines[1], capsules.radii).max((-2, -1)), 0)
    first, second = np.nonzero(capsules.own)
    _, _, between = closest_on_lines(lines[:, :, first], lines[:, :, second])
    own = capsules.radii[first] + capsules.radii[second] - np.linalg.norm(between, axis=-1)
    itself = np.maximum(own.max(-1), 0)
    return {
        f"{name}_{unit}": (float(total), depth.size)
        for name, depth in (("penetration", cross), ("self_penetration", itself))
        for unit, total in (("percent", 100 * (depth > DEEP).sum()), ("cm", 100 * depth.sum()))
    }


def touches(bodies: Bodies) -> dict[str, Sums]:
    """Return minutes an hour (of either performer) that a hand is within 5 cm of a head, shoulder, elbow or hand.

    ``own``: of the performer's own, of the other arm where it is an elbow or a hand; ``cross``: of the partner's.
    """
    both = [shapes(bodies.skeleton, bodies.matrices[i], bodies.positions[i]) for i in range(2)]
    own = [gaps(body, body, own=True) for body in both]
    cross = [gaps(both[i], both[1 - i], own=False) for i in range(2)]
    sums: dict[str, Sums] = {}
    for part in PARTS:
        itself = np.stack([gap[part] < NEAR for gap in own])
        other = (cross[0][part] < NEAR) | (cross[1][part] < NEAR)
        sums[f"touch_own_{part}_min_h"] = (60 * float(itself.sum()), itself.size)
        sums[f"touch_cross_{part}_min_h"] = (60 * float(other.sum()), other.size)
    return sums


def smoothness(bodies: Bodies) -> dict[str, Sums]:
    """Return the mean jerk, m/s³, of all joints, and of hands and head: the third difference of positions times 30³."""
    sums: dict[str, Sums] = {}
    for name, at in (("jerk", bodies.positions), ("jerk_hands_head", bodies.at(*WRISTS, "Head"))):
        third = np.linalg.norm(np.diff(at, n=3, axis=1), axis=-1) * FPS**3
        sums[name] = (float(third.sum()), third.size)
    return sums
