"""How two people stand before one touches the other, or gesture where nobody does: tracks of bodies, drawn."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.easing import minimum_jerk
from duologue.motion.rotations import exp_to_matrix, matrix_to_exp
from duologue.motion.skeleton import Skeleton
from duologue.take import Track

Array = NDArray[np.float64]
Weights = NDArray[np.float32]

_HANGING: Final = 1.35
"""Radians from a T-pose down to arms that hang."""
_SWAY: Final = {"Head": 0.07, "Neck": 0.05, "Spine1": 0.025, "Spine3": 0.02}
"""Joint -> radians that it sways about each of its axes, as a standard deviation."""


@cache
def skeleton() -> Skeleton:
    """Return the skeleton that everybody here plays."""
    return Skeleton.builtin("duologue60")


def drawn_body(
    rng: np.random.Generator,
    seconds: Array,
    place: tuple[float, float],
    heading: float,
    *,
    gestures: bool,
    face: Weights,
) -> Track:
    """Draw somebody who stands at ``place`` (x, z), metres, and looks along ``heading``, radians.

    Args:
        rng: what is drawn from.
        seconds: (T,) of the frames.
        place: where the hips are.
        heading: 0 is +z.
        gestures: whether the arms move in front of the body; else they hang, each a little its own way.
        face: (T, 52) ARKit weights.
    """
    bones, frames = skeleton(), len(seconds)
    rotations = np.zeros((frames, len(bones), 3), np.float64)
    rotations[:, 0, 1] = heading
    for joint, size in _SWAY.items():
        turn = rng.normal(0.0, size, 3)
        swing = (
            rng.normal(0.0, 0.6 * size, 3)[None]
            * np.sin(rng.uniform(1.0, 4.0) * seconds + rng.uniform(0, 6.3))[:, None]
        )
        rotations[:, bones.index(joint)] = turn + swing
    for side, sign in (("Left", -1.0), ("Right", 1.0)):
        raised = _raised(rng, seconds) if gestures and rng.random() < 0.8 else np.zeros(frames)
        ahead = rng.normal(0.0, 0.08) + raised * rng.uniform(0.1, 0.7)
        down = _HANGING - rng.uniform(0.0, 0.12) - raised * rng.uniform(0.0, 0.3)
        bend = rng.uniform(0.15, 0.5) + raised * rng.uniform(1.0, 1.75)
        zero = np.zeros(frames)
        lowered = exp_to_matrix(np.stack([zero, zero, sign * down], axis=1))
        swung = exp_to_matrix(np.stack([-ahead, zero, zero], axis=1))
        rotations[:, bones.index(f"{side}Arm")] = matrix_to_exp(swung @ lowered)
        rotations[:, bones.index(f"{side}ForeArm"), 1] = sign * bend
        rotations[:, bones.index(f"{side}ForeArm"), 0] = rng.normal(0.0, 0.35) * raised
        curl = rng.uniform(0.05, 0.45)
        for finger in ("Index", "Middle", "Ring", "Pinky"):
            for joint in "123":
                rotations[:, bones.index(f"{side}Hand{finger}{joint}"), 2] = sign * curl * rng.uniform(0.7, 1.3)
    root = np.tile(np.array([place[0], bones.offsets[0][1], place[1]], np.float32), (frames, 1))
    return Track(root, rotations.astype(np.float32), face, np.ones(frames, bool), np.zeros(frames, np.uint8))


def _raised(rng: np.random.Generator, seconds: Array) -> Array:
    """Return how far (T,) an arm is raised, 0 to 1, on its way between places that it beats at."""
    times = seconds[0] + np.cumsum(rng.uniform(0.2, 0.5, 12)) - 0.5
    heights = rng.uniform(0.35, 1.0, 13)
    raised = np.full(len(seconds), heights[0])
    for time, before, after in zip(times, heights[:-1], heights[1:], strict=True):
        raised += (after - before) * minimum_jerk((seconds - time) / 0.35)
    return raised
