"""How far a sampler has to lean out for what it makes to vary as much as what it was trained on.

A denoiser is trained on noised truth and then works on what it made itself, which is a little duller at every step; it answers
with something duller still (exposure bias: Ning et al. 2024, "Elucidating the exposure bias in diffusion models", arXiv
2308.15321). Their remedy, to scale what the network says by a constant a step, is taken here on x0 instead of the noise: x0 times
a gain a part of the body, while there is noise to decide anything. The gains are measured once, after training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from duologue.body.poses import ROOT_COLUMNS, PoseStatistics, is_lower

if TYPE_CHECKING:
    from duologue.body.pipeline import BodyPipeline

PARTS: Final = ("root", "legs", "trunk and arms", "fingers")
QUIET: Final = 0.2
"""The moment of the diffusion from which on nothing is decided any more, and x0 is left as it is."""
LARGEST: Final = 1.2
_RESPONSE: Final = 4.0
"""By what power of the gain a variance grows, about: measured on the starter, and only how fast the rounds below converge."""


def part_of(column: str) -> str:
    """Return which of ``PARTS`` a feature column belongs to."""
    joint = column.partition(".")[0]
    if column in ROOT_COLUMNS:
        return "root"
    if is_lower(column):
        return "legs"
    return "fingers" if "Hand" in joint and not joint.endswith("Hand") else "trunk and arms"


def gain_of(statistics: PoseStatistics, columns: NDArray[np.int64], gains: Mapping[str, float]) -> NDArray[np.float32]:
    """Return the gain of each of ``columns``, (len(columns),); 1 for a part that ``gains`` doesn't name."""
    return np.array([gains.get(part_of(statistics.names[column]), 1.0) for column in columns], np.float32)


def variance_by_part(statistics: PoseStatistics, clips: Sequence[NDArray[np.floating]]) -> dict[str, float]:
    """Return how much standardised clips (T, P, C) vary over time, mean over clips and performers, by part."""
    names = np.array([part_of(name) for name in statistics.names])
    spread = np.mean([clip.var(0).mean(0) for clip in clips], axis=0)
    return {part: float(spread[(names == part) & statistics.varies].sum()) for part in PARTS}


def calibrate(
    pipeline: BodyPipeline,
    truth: Sequence[NDArray[np.floating]],
    make: Callable[[int], Sequence[NDArray[np.floating]]],
    target: float = 1.0,
    rounds: int = 3,
) -> dict[str, float]:
    """Find each part's gain: samples are to vary over time as the truth does, times ``target``; set it on the pipeline's model.

    ``truth``: standardised features (T, 2, C) of some pairs; ``make(round)`` performs the same pairs with the gains so far.
    """
    model = pipeline.model
    asked = variance_by_part(model.statistics, truth)
    gains = dict.fromkeys(PARTS, 1.0)
    for k in range(rounds):
        pipeline.set_gains(gains)
        found = variance_by_part(model.statistics, make(k))
        for part in PARTS:
            missing = (target * asked[part] / max(found[part], 1e-12)) ** (1 / _RESPONSE)
            gains[part] = float(np.clip(gains[part] * missing, 1.0, LARGEST))
    pipeline.set_gains(gains)
    return gains
