"""Where two whole bodies touch or stand in each other: on their surfaces, and by the capsules that our own measures have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from duologue.evaluation.body.bodies import Bodies
from duologue.evaluation.body.plausibility import DEEP
from duologue.evaluation.contact.distances import Surface
from duologue.motion.capsules import Capsules, depths
from duologue.take import Take

Array = NDArray[np.float64]

TOUCH: Final = 0.005
"""Metres between two surfaces under which they touch."""
_REACH: Final = 0.15
"""Metres round a surface's vertices within which points are measured against the surface itself; no limb is thicker through."""


def surface_gap(surfaces: Array, triangles: NDArray[np.int64]) -> float:
    """Return how far apart two closed surfaces (2, V, 3) are, metres; negative: how deep the deepest vertex is in the other.

    Beyond 15 cm it is the distance of the nearest vertices.
    """
    gaps: list[float] = []
    for own, other in ((0, 1), (1, 0)):
        away = _to_nearest(surfaces[own], KDTree(surfaces[other]))
        near = away < _REACH
        if near.any():
            gaps.append(float(Surface(surfaces[other], triangles).signed(surfaces[own][near])[0].min()))
        else:
            gaps.append(float(away.min()))
    return min(gaps)


def _to_nearest(points: Array, tree: KDTree) -> Array:
    """Return how far points (n,) are from a tree's, infinite for those that are much further than the nearest.

    Looked for in widening circles: without a bound, a tree of a body far away is searched almost whole for every point.
    """
    reach = _REACH
    while True:
        away = np.asarray(tree.query(points, distance_upper_bound=reach)[0])
        if np.isfinite(away).any():
            return away
        reach *= 1.5


def capsule_gaps(take: Take, frames: NDArray[np.int64]) -> Array:
    """Return the same (n,) of some frames by the capsules of ``motion.capsules``."""
    root = np.stack([track.root_translation[frames] for track in take.tracks])
    rotations = np.stack([track.rotations[frames] for track in take.tracks])
    bodies = Bodies(take.skeleton, root, rotations)
    capsules = Capsules.of(take.skeleton)
    lines = capsules.place(bodies.matrices, bodies.positions)
    return -np.asarray(depths(lines[0], capsules.radii, lines[1], capsules.radii).max((-2, -1)), np.float64)


def gap_figures(gaps: Sequence[float] | Array) -> dict[str, Any]:
    """Return what gaps (n,), metres, come to: how often bodies touch and stand in each other, and how deep."""
    values = np.asarray(gaps, np.float64)
    depth = np.maximum(-values, 0)
    return {
        "frames": len(values),
        "touch_percent": 100 * float((values < TOUCH).mean()),
        "penetration_percent": 100 * float((depth > DEEP).mean()),
        "penetration_cm": 100 * float(depth.mean()),
        "deepest_cm": 100 * float(depth.max()),
        "nearest_cm": 100 * float(np.maximum(values, 0).min()),
    }
