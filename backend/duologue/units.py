"""The two clocks, frames of motion and samples of sound; and a sound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.labels import PERFORMERS

FPS: Final = 30
"""Frames a second, of every take and of everything that is counted in frames."""
SPEECH_RATE: Final = 16_000
"""Samples a second, mono: what the speech networks, the aligner and the phone recogniser hear."""


def frames_of(samples: int, rate: int) -> int:
    """Return how many frames (30 a second) cover that many samples; the last one may be covered in part."""
    return -(-samples * FPS // rate)


def samples_of(frames: int, rate: int) -> int:
    """Return how many samples fill that many frames (30 a second): the most that :func:`frames_of` counts as no more."""
    return frames * rate // FPS


@dataclass(frozen=True, eq=False)
class Sound:
    """One track of sound: what one performer says.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-not-audio`` for samples that are no floats, ``audio-not-mono`` for more than
            one track of them, ``audio-rate``.
    """

    samples: NDArray[np.float32]
    """(n,), in [-1, 1]; other floats are converted."""
    rate: int
    """Samples a second."""

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples)
        if samples.dtype.kind != "f":
            raise invalid("audio-not-audio", f"samples must be floats, not {samples.dtype} {samples.shape}")
        if samples.ndim != 1:
            raise invalid("audio-not-mono", f"speech has shape {samples.shape}; one track of samples (n,) is needed")
        if int(self.rate) < 1:
            raise invalid("audio-rate", f"has {self.rate} samples a second; is the header damaged?")
        object.__setattr__(self, "samples", np.ascontiguousarray(samples, "<f4"))
        object.__setattr__(self, "rate", int(self.rate))

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate

    @property
    def frames(self) -> int:
        """How many frames (30 a second) cover it."""
        return frames_of(len(self.samples), self.rate)

    def padded(self, frames: int) -> Sound:
        """Return it with silence at its end, so that it fills that many frames."""
        missing = samples_of(frames, self.rate) - len(self.samples)
        return replace(self, samples=np.pad(self.samples, (0, missing))) if missing > 0 else self


def padded_pair(a: Sound, b: Sound) -> tuple[Sound, Sound, tuple[str, ...]]:
    """Return A's and B's sound, both of as many whole frames as the longer has, and a note where silence was added to one."""
    frames = max(a.frames, b.frames)
    difference = a.seconds - b.seconds
    shorter = PERFORMERS[difference > 0]
    note = f"{shorter}'s track is {abs(difference):.2f} s shorter; silence was added at its end"
    return a.padded(frames), b.padded(frames), (note,) if abs(difference) > 1 / FPS else ()
