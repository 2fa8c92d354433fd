"""Who speaks when, and how loud: from the energy of the track, against its own quiet and its own loudness.

Each track has one speaker, so nothing has to be told apart but speech and quiet. The threshold follows the recording: a
little over its noise floor, but never so high that soft speech is lost nor so low that a faint hum speaks.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_dilation, binary_opening, uniform_filter1d

from duologue.units import FPS

FLOOR_DB: Final = -80.0
MARGIN_DB: Final = 10.0
"""How far over the noise floor speech begins."""
RANGE_DB: Final = (40.0, 15.0)
"""The threshold lies between these distances under the track's loud level."""
GAP: Final = 9
"""Frames: pauses of 0.3 s and less are part of the speech (stops, breaths between words)."""
BURST: Final = 3
"""Frames: anything shorter is a click, which the level's two frames spread over two."""
HANGOVER: Final = 2
"""Frames kept before and after, for soft onsets and fading ends."""


def level(samples: NDArray[np.float32], rate: int, frames: int) -> NDArray[np.float32]:
    """Return (frames,) the level of mono samples around each frame's time, dB of full scale, at least -80.

    The energy is a mean over two frames' length, centred at t / 30 s.
    """
    count = max(len(samples), 1)
    cumulative = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    centre = np.arange(frames) * rate / FPS
    half = rate / FPS
    begin = np.clip(np.rint(centre - half), 0, len(samples)).astype(int)
    end = np.clip(np.rint(centre + half), 0, len(samples)).astype(int)
    energy = (cumulative[end] - cumulative[begin]) / np.clip(end - begin, 1, count)
    return np.maximum(10 * np.log10(np.maximum(energy, 1e-12)), FLOOR_DB).astype(np.float32)


def threshold(levels: NDArray[np.float32]) -> tuple[float, float]:
    """Return the level (dB) over which the track counts as speech, and its loud level."""
    # Of somebody who says one word in two minutes, that word is what is loud.
    audible = levels[levels > FLOOR_DB + MARGIN_DB]
    loud = float(np.percentile(audible if len(audible) else levels, 98))
    quiet = float(np.percentile(levels, 10))
    begins = np.clip(quiet + MARGIN_DB, loud - RANGE_DB[0], loud - RANGE_DB[1])
    return max(float(begins), FLOOR_DB + MARGIN_DB), loud


def voice_activity(levels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return (T,) whether the performer speaks at each frame."""
    active = levels > threshold(levels)[0]
    active = binary_opening(active, np.ones(BURST, bool))
    # Padded, because closing treats what lies beyond the ends as quiet.
    active = binary_closing(np.pad(active, GAP), np.ones(GAP + 1, bool))[GAP:-GAP]
    return np.asarray(binary_dilation(active, np.ones(2 * HANGOVER + 1, bool)), bool)


def speech_energy(levels: NDArray[np.float32], active: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return (T,) loudness in [0, 1] on the speaker's own scale: 0 at the threshold and in silence, 1 at the loud level."""
    low, loud = threshold(levels)
    smooth = uniform_filter1d(levels, 3, mode="nearest")
    return np.where(active, np.clip((smooth - low) / max(loud - low, 1e-3), 0, 1), 0).astype(np.float32)
