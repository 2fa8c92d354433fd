"""Valence and arousal as one of our emotions, after Russell's circumplex (1980): a rule of ours, coarse and written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from duologue.datasets.readers.arrays import raw
from duologue.datasets.scene import Reading
from duologue.labels import EMOTIONS
from duologue.units import FPS

KEYS: Final = ("movement:emotion_valence", "movement:emotion_arousal")
CALM: Final = 0.3
"""Distance from the middle within which somebody is calm."""
OCTANTS: Final = ("joy", "excitement", "fear", "anger", "sadness", "boredom", "calmness", "satisfaction")
"""By angle, 45 degrees each, from pleasant (0) over aroused (90) and unpleasant (180) to drowsy (270)."""


def emotion_at(valence: NDArray[np.floating], arousal: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return indices (T,) into ``labels.EMOTIONS`` of valence and arousal (T,), -1 to 1."""
    octant = (np.degrees(np.arctan2(arousal, valence)) % 360 // 45).astype(int) % 8
    named = np.array([EMOTIONS.index(name) for name in OCTANTS], np.uint8)[octant]
    return np.where(np.hypot(valence, arousal) < CALM, EMOTIONS.index("calmness"), named).astype(np.uint8)


def emotions_of(
    arrays: Mapping[str, NDArray[Any]], frames: int, name: str, reading: Reading
) -> NDArray[np.uint8] | None:
    """Return the emotion of each frame (T,), from a second's mean; None where the data set says nothing, or what no rule
    covers: then the emotion stays open."""
    if any(key not in arrays for key in KEYS):
        return None
    values = [np.asarray(raw(arrays, key, name), np.float64).reshape(-1) for key in KEYS]
    if any(len(value) < 2 or np.nanmax(np.abs(value), initial=0.0) > 1 for value in values):
        reading.note(
            name, "emotion-open", "valence and arousal are not between -1 and 1, and no rule says what they mean"
        )
        return None
    at = np.linspace(0, len(values[0]) - 1, frames).round().astype(int)
    smooth = [uniform_filter1d(np.nan_to_num(value), FPS, mode="nearest") for value in values]
    return emotion_at(smooth[0][at], smooth[1][at.clip(0, len(smooth[1]) - 1)])
