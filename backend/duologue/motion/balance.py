"""Whether a body stands over its feet: the outlines of its soles, and how far its centre of mass lies outside them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.contact import Soles, foot_contacts
from duologue.motion.mass import centre_of_mass
from duologue.motion.rotations import Floats
from duologue.motion.skeleton import Skeleton

Flags = NDArray[np.bool_]

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


def outside_support(skeleton: Skeleton, matrices: Floats, positions: Floats) -> tuple[Floats, Flags]:
    """Return how far (T, ...) the centre of mass lies outside of the soles that bear, metres over the floor, and whether any
    does.

    ``matrices`` (T, ..., J, 3, 3) and ``positions`` (T, ..., J, 3): joints in the world, 30 fps.
    """
    bears = foot_contacts(Soles.of(skeleton).place(matrices, positions)).any(-1)
    outline = support(skeleton, matrices, positions)
    flat = outline.reshape(*outline.shape[:-3], -1, 2)
    centre = centre_of_mass(skeleton, matrices, positions)[..., [0, 2]]
    return outside(flat, np.repeat(bears, outline.shape[-2], axis=-1), centre), bears.any(-1)
