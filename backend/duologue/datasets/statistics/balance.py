"""Whether those who stand do so over their feet, and how they sway."""

from __future__ import annotations

from typing import Final

import numpy as np

from duologue.datasets.statistics.placed import Body
from duologue.datasets.statistics.placement import Values
from duologue.labels import ACTION_MODES
from duologue.motion.balance import outside_support
from duologue.motion.mass import centre_of_mass
from duologue.units import FPS

OUTSIDE: Final = "centimetres of the centre of mass outside the soles, standing"
SWAY: Final = "sway of the centre of mass, cm/s, standing"
OFF: Final = 5.0
"""Centimetres beyond the soles from which the centre of mass counts as not carried."""
_OUTSIDE: Final = np.linspace(0, 20, 201)
_SWAY: Final = np.linspace(0, 60, 241)


def of_one(body: Body) -> Values:
    """Return how far the centre of mass lies outside of the soles that bear, in frames that stand by the rule on the motion with
    a sole on the floor, and how fast it goes over the floor from a frame that stands to the next."""
    stands = (body.actions == ACTION_MODES.index("stand")) & body.known.all(1)
    away, bears = outside_support(body.skeleton, body.matrices, body.positions)
    centre = centre_of_mass(body.skeleton, body.matrices, body.positions)[:, [0, 2]]
    speed = np.linalg.norm(np.diff(centre, axis=0), axis=-1) * FPS
    return {
        OUTSIDE: (100 * away[stands & bears], _OUTSIDE),
        SWAY: (100 * speed[stands[1:] & stands[:-1]], _SWAY),
    }
