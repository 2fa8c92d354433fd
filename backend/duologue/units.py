"""The two clocks: frames of motion and samples of sound."""

from __future__ import annotations

from typing import Final

FPS: Final = 30
"""Frames a second, of every take and of everything that is counted in frames."""
SPEECH_RATE: Final = 16_000
"""Samples a second, mono: what the speech networks, the aligner and the phone recogniser hear."""


def frames_of(samples: int, rate: int) -> int:
    """Return how many frames (30 a second) cover that many samples; the last one may be covered in part."""
    return -(-samples * FPS // rate)


def samples_of(frames: int, rate: int) -> int:
    """Return how many samples that many frames (30 a second) last, rounded down."""
    return frames * rate // FPS
