"""Analytic inverse kinematics of two bones: legs and arms reach a point, bending where and how they bent before."""

from __future__ import annotations

import numpy as np

from duologue.motion.rotations import Floats, einsum, quat_between, quat_rotate

STRAIGHTEST = 0.9995
"""Of the limb's length, how far it may be stretched: knees that snap straight are what the eye sees first."""

_CLEAR_BEND = 0.1
"""Sine of the bend (6 degrees) from which the limb's own plane is trusted; below it the joint's hinge axis takes over."""


def two_bone(root: Floats, middle: Floats, tip: Floats, target: Floats, hinge: Floats) -> tuple[Floats, Floats, Floats]:
    """Turn two bones so that the tip reaches the target, or as near as their lengths allow.

    All arguments are world vectors (..., 3): three joints of the limb, the target of the third, and the axis about which
    the middle joint bends in the healthy direction. The plane of the limb swings along with the way to the target and is
    not otherwise turned; a limb bent the wrong way comes out straight or bent the right way.

    Returns:
        World rotations (..., 3, 3) to put before the upper and the lower bone's own, and the tip (..., 3) that is reached.
    """
    upper, lower = middle - root, tip - middle
    a, b = _length(upper), _length(lower)
    plane = np.cross(upper, lower) / (a * b)
    wrong = np.minimum(_dot(plane, hinge), 0.0)
    plane = plane - wrong * hinge
    plane = plane + np.maximum(_CLEAR_BEND - _length(plane), 0.0) * hinge

    before, wish = tip - root, target - root
    straight = np.maximum(STRAIGHTEST * (a + b), np.where(wrong < 0, 0.0, _length(before)))
    reach = np.clip(_length(wish), np.abs(a - b) + 1e-3, np.minimum(straight, a + b))
    direction = wish / np.maximum(_length(wish), 1e-9)
    swung = _across(quat_rotate(quat_between(before, direction), plane), direction)

    along = (a * a - b * b + reach * reach) / (2.0 * reach)
    aside = np.sqrt(np.maximum(a * a - along * along, 0.0))
    new_upper = along * direction + aside * np.cross(direction, swung)
    new_lower = reach * direction - new_upper
    return (
        _frame(new_upper, swung) @ np.swapaxes(_frame(upper, plane), -1, -2),
        _frame(new_lower, swung) @ np.swapaxes(_frame(lower, plane), -1, -2),
        root + reach * direction,
    )


def _dot(first: Floats, second: Floats) -> Floats:
    return einsum("...i,...i->...", first, second)[..., None]


def _length(vectors: Floats) -> Floats:
    return np.sqrt(_dot(vectors, vectors))


def _across(vectors: Floats, direction: Floats) -> Floats:
    """Return unit vectors: what of ``vectors`` stands across the unit ``direction``."""
    rest = vectors - _dot(vectors, direction) * direction
    return rest / np.maximum(_length(rest), 1e-9)


def _frame(bone: Floats, axis: Floats) -> Floats:
    """Return the matrices whose columns are the bone's direction, the axis made upright on it, and their cross product."""
    first = bone / np.maximum(_length(bone), 1e-9)
    second = _across(axis, first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
