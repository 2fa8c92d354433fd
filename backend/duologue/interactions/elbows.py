"""Elbows that swing aside where a forearm on its way would go through the trunk it belongs to, or through the partner's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from duologue.easing import smoothstep
from duologue.interactions.actor import Array, Pose
from duologue.interactions.field import trunk_field
from duologue.interactions.obstacles import FOREARM_AT, arm_depths, fields, forearm_points, forearm_radii
from duologue.interactions.reach import Arm
from duologue.motion.rotations import cross, einsum

_SWUNG: Final = np.radians([0.0, 8.0, 16.0, 25.0, 35.0, 50.0, 65.0])
"""Turns that are tried, the first that keeps clear is taken."""
_TOUCHING: Final = 0.002
"""Metres that a sleeve may be in a jacket."""
_SMOOTH: Final = 5
"""Frames before and after in which an elbow goes aside and comes back."""
MOST: Final = float(_SWUNG[-1])
_ALREADY: Final = 0.15
"""Of its way, how far the hand has gone when the elbow may be wholly aside."""
_OVER: Final = 0.9
"""Of its way, from where on the hand is turned as it will lie."""


def away(gone: Array) -> Array:
    """Return how far (T,) an elbow may be aside, from nothing to nothing; ``gone``: how far the hand is on its way."""
    return smoothstep(gone / _ALREADY)


def over_place(gone: Array) -> Array:
    """Return by how much (T,) a hand is turned as it will lie, whatever its elbow does."""
    return smoothstep((gone - _OVER) / (1.0 - _OVER))


def keep_aside(pose: Pose, start: Pose, arm: Arm, gone: Array) -> None:
    """Swing the elbow of an arm that has been moved, in ``pose``, off the trunk it belongs to, where it is deeper than at its
    ``start``; its hand stays where it is."""
    allowed = (1.0 - gone)[:, None, None] * arm_depths(start, [start], arm)
    arm.swing(pose, elbow_aside(pose, [pose], arm, allowed, away(gone)), over_place(gone))


def elbow_aside(pose: Pose, everybody: Sequence[Pose], arm: Arm, allowed: Array, free: Array) -> Array:
    """Return by how many radians (T,) the elbow has to swing outwards about the line from shoulder to wrist.

    Args:
        pose: who touches, with the arm as it is so far.
        everybody: whose trunks are kept clear of.
        arm: the touching one.
        allowed: (T, O, n) of ``obstacles.arm_depths``, how deep each ball may be; the forearm's are the last.
        free: (T,) 1 where the arm may go another way, 0 in contact and where it has not set out.
    """
    side = arm.hand.side
    shoulder, elbow, wrist = (pose.joint(side + part) for part in ("Arm", "ForeArm", "Hand"))
    axis, out = arm.hinge_line(pose)
    along = einsum("ti,ti->t", elbow - shoulder, axis)[:, None] * axis
    across = elbow - shoulder - along
    aside = cross(axis, across)
    angle = out * _SWUNG[:, None, None]
    swung = shoulder + along + np.cos(angle) * across + np.sin(angle) * aside  # S, T, 3
    points = forearm_points(swung, np.broadcast_to(wrist, swung.shape))
    flat = points.swapaxes(0, 1).reshape(len(pose), -1, 3)
    radius = forearm_radii(pose.character, side)
    may = np.maximum(allowed[..., -len(FOREARM_AT) :], 0.0) + _TOUCHING
    over = np.full((len(pose), len(_SWUNG)), -np.inf)
    bodies = [(body, field) for body in everybody for field in fields(body)]
    for column, (body, field) in enumerate(bodies):
        if field is not trunk_field(body.character):  # a hand at a head has its forearm there, wherever the elbow is
            continue
        depth = radius - field.at(body, flat).reshape(len(pose), len(_SWUNG), -1)
        over = np.maximum(over, (depth - may[:, column, None]).max(axis=-1))
    clear = over <= 0
    best = np.where(clear.any(axis=1), clear.argmax(axis=1), over.argmin(axis=1))
    return _eased(_SWUNG[best] * free) * free


def _eased(angle: Array) -> Array:
    """Return angles (T,) that are nowhere less, and begin before and end after each of them, smoothly."""
    if not angle.any():
        return angle
    window = np.hanning(2 * _SMOOTH + 3)[1:-1]
    wide = np.lib.stride_tricks.sliding_window_view(np.pad(angle, _SMOOTH, mode="edge"), 2 * _SMOOTH + 1).max(axis=1)
    padded = np.pad(wide, _SMOOTH, mode="edge")
    return np.convolve(padded, window / window.sum(), "valid")
