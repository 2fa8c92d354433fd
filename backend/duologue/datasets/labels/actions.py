"""Sit, walk or stand, told from the motion alone: the rule that labels training data and judges what was made.

InterAct (arXiv 2509.05747) labels every frame so and doesn't publish its rule: this one and its thresholds are ours.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from duologue.labels import ACTION_MODES
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.units import FPS

SIT_HEIGHT: Final = 0.7
"""Of the standing hip height: hips below that are sat down on something, if the thighs lie."""
SIT_THIGH: Final = np.radians(45.0)
"""From horizontal: a steeper thigh is a squat's or a step's."""
WALK_SPEED: Final = 0.25
"""Metres a second of the hips over the floor, smoothed over half a second."""
_HALF_SECOND: Final = FPS // 2


def label_actions(
    skeleton: Skeleton, root_translation: NDArray[np.floating], rotations: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Return (T,) indices into ``labels.ACTION_MODES`` for world hips (T, 3) in metres and exponential maps (T, J, 3)."""
    _, positions = forward_kinematics(skeleton, rotations, root_translation)
    thighs = [skeleton.indices(f"{side}UpLeg", f"{side}Leg") for side in ("Left", "Right")]
    down = np.stack([positions[:, hip, 1] - positions[:, knee, 1] for hip, knee in thighs])
    length = np.linalg.norm([skeleton.offsets[knee] for _, knee in thighs], axis=-1)[:, None]
    lying = (np.arcsin(np.clip(down / length, -1, 1)) < SIT_THIGH).any(axis=0)
    sitting = lying & (positions[:, 0, 1] < SIT_HEIGHT * skeleton.offsets[0, 1])
    floor = np.gradient(root_translation[:, [0, 2]], axis=0) * FPS if len(root_translation) > 1 else np.zeros((1, 2))
    speed = np.linalg.norm(uniform_filter1d(floor, _HALF_SECOND, axis=0), axis=-1)
    stand, walk, sit = (ACTION_MODES.index(mode) for mode in ("stand", "walk", "sit"))
    labels = np.where(sitting, sit, np.where(speed > WALK_SPEED, walk, stand))
    # The median of three labels is only one of them when they are ordered, so each mode is voted on by itself.
    votes = np.stack(
        [median_filter((labels == mode).astype(np.uint8), _HALF_SECOND, mode="nearest") for mode in range(3)]
    )
    return np.where(votes.any(axis=0), votes.argmax(axis=0), labels).astype(np.uint8)
