"""Figures of many clips: means and paired differences with intervals, bootstrapped over clips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from duologue.evaluation.intervals import Sums, difference, figure

FIGURES: Final = (
    "psnr", "psnr_hand", "psnr_hand_face", "psnr_holes", "psnr_contact", "ssim", "warp_error", "flicker", "silhouette_iou",
    "hand_boundary_f", "seconds",
)  # fmt: skip
"""Of each system. ``seconds``: a clip, on the clock, with all that making it takes."""

Interval = dict[str, float | None]


def means(rows: Sequence[Mapping[str, float]], names: Iterable[str] = FIGURES) -> dict[str, Interval]:
    """Return the mean of each figure over clips (a row each); a clip without it counts nothing."""
    return {name: figure(_sums(rows, name)).to_json() for name in names}


def differences(
    ours: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]], names: Iterable[str]
) -> dict[str, Interval]:
    """Return by how much our means are larger on the same clips, paired."""
    return {name: difference(_sums(ours, name), _sums(theirs, name)).to_json() for name in names}


def _sums(rows: Sequence[Mapping[str, float]], name: str) -> list[Sums]:
    values = [row.get(name, float("nan")) for row in rows]
    return [(0.0, 0.0) if np.isnan(value) else (value, 1.0) for value in values]
