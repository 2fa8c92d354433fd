"""Do bodies move with the voice? Onsets of speech, beats of motion, and how near the ones are to the others.

Beat consistency as EMAGE's published code computes it (Liu et al. 2024, arXiv 2401.00374; docs/reference/papers.md#emage), but
for the onsets: librosa is no dependency of ours and a corpus holds log mels rather than sound, so what librosa's
``onset_strength`` does is done on those: the mean over bands of what rose (spectral flux; Böck & Widmer 2013), and its peaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelmin, find_peaks

from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

JOINTS: Final = (
    "Spine", "Spine1", "Spine2", "Spine3", "Neck", "Head",
    *(side + joint for side in ("Left", "Right") for joint in ("Shoulder", "Arm", "ForeArm", "Hand")),
)  # fmt: skip
"""EMAGE's upper-body joints 3, 6, 9, 12 to 21 of SMPL-X, under our names."""
SIGMA: Final = 0.3
"""Seconds, EMAGE's; 0.1 tells right from wrong more sharply."""
ORDER: Final = 7
"""Frames on either side that a beat of motion is slower than."""
SLOWEST: Final = 0.3
"""Of the joint's mean speed: slower minima belong to a joint at rest."""
EDGE: Final = 2 * FPS
"""Frames at either end of a clip whose onsets are left out; at most a quarter of the clip."""


def onsets(mel: NDArray[np.floating], activity: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the frames where a voice sets in or is stressed, of a log mel (T, bands) and a voice activity (T,).

    Peaks of the rise ``mean_b max(0, mel[t + 1, b] - mel[t - 1, b]) / 2``, smoothed by a frame, that stand out by half of its own
    deviation while there is a voice, and are 0.1 s apart.
    """
    padded = np.pad(mel.astype(np.float64), ((1, 1), (0, 0)), mode="edge")
    rise = gaussian_filter1d(np.maximum(padded[2:] - padded[:-2], 0).mean(1) / 2, 1.0)
    voiced = activity > 0.5
    if not voiced.any():
        return np.zeros(0, np.intp)
    peaks, _ = find_peaks(rise, prominence=max(0.5 * float(rise[voiced].std()), 1e-3), distance=3)
    return peaks[voiced[peaks]]


def motion_beats(speeds: NDArray[np.floating]) -> list[NDArray[np.intp]]:
    """Return for each joint the frames where its speed (T, J) is at a local minimum above ``SLOWEST`` of its mean."""
    relative = speeds / np.maximum(speeds.mean(0), 1e-9)
    beats: list[NDArray[np.intp]] = []
    for joint in relative.T:
        minima = argrelmin(joint, order=ORDER)[0]
        beats.append(minima[joint[minima] > SLOWEST])
    return beats


def beat_consistency(
    speech: NDArray[np.intp], beats: list[NDArray[np.intp]], frames: int, sigma: float = SIGMA
) -> tuple[float, float]:
    """Return ``mean exp(-d² / 2 sigma²)`` as (sum, how many) over onsets and joints; d: seconds to the joint's nearest beat.

    A joint without beats counts 0 for every onset.
    """
    edge = min(EDGE, frames // 4)
    within = speech[(speech >= edge) & (speech < frames - edge)]
    total = 0.0
    for beat in beats:
        if len(beat) and len(within):
            away = np.abs(within[:, None] - beat).min(1) / FPS
            total += float(np.exp(-(away**2) / (2 * sigma**2)).sum())
    return total, float(len(within) * len(beats))
