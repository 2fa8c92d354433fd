"""Shoulders and upper arms of others, that a hand on its way keeps clear of, as capsules."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from duologue.interactions.actor import Array, Character, Pose
from duologue.motion.rotations import einsum
from duologue.rigs.joints import SIDES

_USUAL: Final = 0.045
"""Metres: the radius of an upper arm that no mesh tells about."""
_SPARE: Final = 0.016
"""Metres that hands keep off the arms of others: neither are capsules."""


def in_arms(pose: Pose, points: Array, radius: Array) -> tuple[Array, Array]:
    """Return how deep (T, n) balls are in shoulders and upper arms, negative outside, and the way out (T, n, 3)."""
    character = pose.character
    lines, radii = list[Array](), list[float]()
    for side in SIDES:
        names = [side + part for part in ("Shoulder", "Arm", "ForeArm") if side + part in character.joint]
        for first, last in pairwise(names):
            lines.append(np.stack([pose.joint(first), pose.joint(last)], axis=1))
            # Across a shoulder its own flesh lies as thick as round the arm.
            radii.append(_arm_radius(character, side) + _SPARE)
    if not lines:
        return np.full(points.shape[:-1], -np.inf), np.zeros(points.shape)
    return _in_capsules(np.stack(lines, axis=1), np.array(radii), points, radius)


@lru_cache(maxsize=16)
def _arm_radius(character: Character, side: str) -> float:
    """Return how thick an upper arm is, sleeve included: within which nine of ten of the vertices lie that it moves."""
    first, last = character.rest_point(side + "Arm"), character.rest_point(side + "ForeArm")
    moved = character.mesh.weight_of(np.array([character.joint[side + "Arm"]])) > 0.5
    points, line = character.mesh.vertices[moved] - first, last - first
    along = points @ line / float(line @ line)
    between = (along > 0) & (along < 1)
    if between.sum() < 8:
        return _USUAL
    return float(np.quantile(np.linalg.norm(points[between] - along[between, None] * line, axis=1), 0.9))


def _in_capsules(lines: Array, radii: Array, points: Array, radius: Array) -> tuple[Array, Array]:
    """Return how deep (T, n) balls at ``points`` (T, n, 3) are in capsules, negative outside, and the way out (T, n, 3).

    Args:
        lines: (T, C, 2, 3) of the capsules, and their ``radii`` (C,).
        points, radius: of the balls, (T, n, 3) and (n,).
    """
    start, line = lines[:, None, :, 0], lines[:, None, :, 1] - lines[:, None, :, 0]
    away = points[:, :, None] - start
    along = einsum("tnci,tci->tnc", away, line[:, 0]) / np.maximum((line**2).sum(axis=-1), 1e-9)
    across = away - np.clip(along, 0.0, 1.0)[..., None] * line
    distance = np.sqrt(einsum("tnci,tnci->tnc", across, across))
    depth = radius[:, None] + radii - distance
    worst = depth.argmax(axis=-1)[..., None]
    out = np.take_along_axis(across, worst[..., None], 2)[:, :, 0]
    return np.take_along_axis(depth, worst, 2)[..., 0], out / np.maximum(
        np.linalg.norm(out, axis=-1, keepdims=True), 1e-9
    )
