# SPDX-License-Identifier: GPL-3.0-or-later
"""Face tuning: how much of each ARKit shape reaches a character, for faces that come out too weak or too strong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from duologue import arkit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..properties.settings import DUOLOGUE_PG_settings

Tuning = dict[str, tuple[float, float]]
"""(gain, offset) of ARKit shapes; those that are not named stay as they are."""


def tuning_of(settings: DUOLOGUE_PG_settings, performer: str) -> Tuning:
    """Return what is set for a performer; of two rows for one shape the lower one counts."""
    return {
        row.shape: (round(row.gain, 4), round(row.offset, 4))
        for row in settings.gains
        if row.performer in ("BOTH", performer)
    }


def tuned(weights: NDArray[np.float32], tuning: Tuning) -> NDArray[np.float32]:
    """Return ARKit weights (T, 52) times the gains plus the offsets, in [0, 1]."""
    if not tuning:
        return weights
    result = weights.copy()
    for shape, (gain, offset) in tuning.items():
        column = arkit.INDEX[shape]
        result[:, column] = np.clip(weights[:, column] * gain + offset, 0.0, 1.0)
    return result


def to_text(tunings: list[Tuning]) -> str:
    """Return the tunings of A and B as JSON, the same text for the same values."""
    return json.dumps([{shape: list(values) for shape, values in sorted(tuning.items())} for tuning in tunings])


def from_text(text: str) -> list[Tuning]:
    """Read what :func:`to_text` gives; nothing is no tuning."""
    parsed: list[dict[str, Any]] = json.loads(text) if text else [{}, {}]
    return [{shape: (float(gain), float(offset)) for shape, (gain, offset) in part.items()} for part in parsed]
