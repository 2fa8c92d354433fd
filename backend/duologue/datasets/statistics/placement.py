"""How far people go and turn from where they began, and how the two stand to each other.

InterAct's figures of relative distance and orientation (arXiv 2509.05747), single and of the pair.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.statistics.placed import Array, Body

DISTANCE: Final = np.linspace(0, 8, 401)
"""Metres; InterAct's floor is 5 by 5."""
ANGLE: Final = np.linspace(0, 180, 181)
"""Degrees."""

Values = dict[str, tuple[NDArray[np.floating], Array]]
"""Values (n,) of a figure by its name, and the edges of its bins."""

GONE: Final = "metres from where they began"
TURNED: Final = "degrees turned from where they began"
APART: Final = "metres between the two"
BETWEEN: Final = "degrees between the ways they face"


def of_one(body: Body) -> Values:
    """Return the hips' distance over the floor and turn between the first frame and each later one."""
    seen = np.flatnonzero(body.known.all(1))
    if len(seen) < 2:
        return {}
    hips, yaw = body.positions[seen, 0][:, [0, 2]], body.heading[seen]
    return {
        GONE: (np.linalg.norm(hips[1:] - hips[0], axis=-1), DISTANCE),
        TURNED: (_between(yaw[1:], yaw[:1]), ANGLE),
    }


def of_two(a: Body, b: Body) -> Values:
    """Return the hips' distance over the floor and the angle between their headings: 180 degrees where they face each other."""
    seen = a.known.all(1) & b.known.all(1)
    apart = (a.positions[seen, 0] - b.positions[seen, 0])[:, [0, 2]]
    return {
        APART: (np.linalg.norm(apart, axis=-1), DISTANCE),
        BETWEEN: (_between(a.heading[seen], b.heading[seen]), ANGLE),
    }


def _between(first: Array, second: Array) -> Array:
    """Return the angle between two yaws in radians, 0 to 180 degrees."""
    return np.degrees(np.abs(np.angle(np.exp(1j * (first - second)))))
