"""When the jaw moves: behind the voice, and behind the jaw that it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.datasets.corpus.face import Dialogue
from duologue.evaluation.face.phonetics import speaking
from duologue.evaluation.intervals import Sums
from duologue.units import FPS, SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray


def lag(follower: NDArray[np.floating], leader: NDArray[np.floating], reach: int = 6) -> float:
    """Return by how many frames ``follower`` (n,) comes after ``leader`` (n,); positive is late.

    The peak of their cross-correlation within ±``reach`` frames, refined by the parabola through its neighbours.
    """
    follower, leader = follower - follower.mean(), leader - leader.mean()
    middle = leader[reach : len(leader) - reach]
    match = np.correlate(follower, middle, "valid")
    peak = int(match.argmax())
    bend = match[peak - 1] - 2 * match[peak] + match[peak + 1] if 0 < peak < 2 * reach else 0.0
    within = 0.5 * (match[peak - 1] - match[peak + 1]) / bend if bend < 0 else 0.0
    return float(peak - reach + within)


def lags(weights: NDArray[np.float32], dialogue: Dialogue) -> dict[str, Sums]:
    """Return the jaw's mean lags in frames behind the voice's level and behind the true jaw (positive is late), and how alike
    the two jaws are; whoever hardly speaks, or does not move, is left out."""
    after_voice, after_truth, truth_after_voice, alike = [], [], [], []
    jaw, frames = SHAPE["jawOpen"], weights.shape[1]
    for me in dialogue.performers:
        voice = speaking(dialogue.phones[me], frames)
        if voice.sum() < 1.5 * FPS:
            continue
        first, last = np.flatnonzero(voice)[[0, -1]]
        at = slice(max(first - FPS // 2, 0), last + FPS // 2)
        level = voice_level(dialogue.samples[me], frames)[at]
        ours, true = weights[me, at, jaw], dialogue.weights[me, at, jaw]
        if np.ptp(ours) < 1e-4 or np.ptp(true) < 1e-4 or np.ptp(level) < 1e-6:
            continue
        after_voice.append(lag(ours, level))
        truth_after_voice.append(lag(true, level))
        after_truth.append(lag(ours, true))
        alike.append(float(np.corrcoef(ours, true)[0, 1]))
    count = float(len(alike))
    return {
        "lag_to_voice_frames": (sum(after_voice), count),
        "truth_lag_to_voice_frames": (sum(truth_after_voice), count),
        "lag_to_truth_frames": (sum(after_truth), count),
        "jaw_correlation": (sum(alike), count),
    }


def voice_level(samples_16k: NDArray[np.float32], frames: int) -> NDArray[np.float64]:
    """Return the level of a track (N,) around each motion frame's moment, (frames,): -40 to 0 dB below its loud frames."""
    edges = np.round((np.arange(frames + 1) - 0.5) * SPEECH_RATE / FPS).astype(int).clip(0, len(samples_16k))
    energy = np.concatenate([[0.0], np.cumsum(samples_16k.astype(np.float64) ** 2)])
    power = np.diff(energy[edges]) / np.maximum(np.diff(edges), 1)
    decibels = 10 * np.log10(power.clip(1e-12))
    return (decibels - np.percentile(decibels, 95)).clip(-40, 0)
