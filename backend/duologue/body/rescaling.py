"""How far the sampler leans out, so that what it makes varies about as much as what it was trained on.

A denoiser is trained on noised truth and then works on what it has made itself, which is a little duller at every step; it
answers with something duller still (exposure bias: Ning et al. 2024, "Elucidating the exposure bias in diffusion models", arXiv
2308.15321). Their remedy, scaling what the network says by a constant, is taken here on x0 instead of on the noise: x0 times a
gain for each part of the body, while there is noise enough to decide anything. It costs a little Fréchet distance of poses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.features.pose import CONTACT_COLUMNS, STEP_COLUMNS, is_lower
from duologue.features.statistics import PoseStatistics

PARTS: Final = ("root's steps", "legs", "trunk and arms", "fingers")
QUIET: Final = 0.2
"""The moment of the diffusion from which on nothing is decided any more, and x0 is left as it is."""


def part_of(column: str) -> str:
    """Return which of ``PARTS`` a feature column belongs to."""
    joint = column.partition(".")[0]
    if column in STEP_COLUMNS or column in CONTACT_COLUMNS:
        return "root's steps"
    if is_lower(column):
        return "legs"
    return "fingers" if "Hand" in joint and not joint.endswith("Hand") else "trunk and arms"


def gain_of(statistics: PoseStatistics, columns: NDArray[np.int64], gains: Mapping[str, float]) -> NDArray[np.float32]:
    """Return the gain of each of ``columns``, (len(columns),); 1 for a part that ``gains`` doesn't name."""
    return np.array([gains.get(part_of(statistics.names[column]), 1.0) for column in columns], np.float32)
