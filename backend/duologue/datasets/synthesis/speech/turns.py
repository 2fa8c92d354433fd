"""Two people's speech put together from recordings of single speakers, with turns taken nearly as measured in real talk.

Measured on 176 minutes of *three*-person conversation (the kit's README): each speaks 37 % of the time, in 13 % of it more than
one does, and the median turn lasts 2.7 s. Our two keep the turns and the overlap; the third's time falls to both, less some
pauses, so that each speaks about 45 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from duologue.brief.transcript import Word
from duologue.datasets.readers.kit_voices import Voice

RATE: Final = 24000
"""Samples a second: 800 a frame at 30 fps."""

MEDIAN_TURN: Final = 2.7
_TURN_SPREAD: Final = 0.7
_OVERLAPPED: Final = 0.6
"""Share of turns that begin before the last one ended; with the pauses below they give 45 % each and 14 % together."""
_OVERLAP: Final = (0.4, 1.9)
_PAUSE: Final = 2.6
"""Seconds, on average, of a pause between two turns."""


@dataclass(frozen=True)
class Turn:
    """``speaker`` 0 or 1 has the floor from ``start`` to ``stop``, seconds."""

    speaker: int
    start: float
    stop: float


@dataclass(frozen=True)
class Speaking:
    """One performer's track: mono samples at ``RATE``, and the words that are known."""

    samples: NDArray[np.float32]
    words: tuple[Word, ...]


def take_turns(seconds: float, rng: np.random.Generator) -> list[Turn]:
    """Draw turns that alternate, some before the other has finished and some after a pause, until ``seconds``."""
    turns: list[Turn] = []
    speaker = int(rng.integers(2))
    start = float(rng.uniform(0, 1.5))
    own_end = [0.0, 0.0]
    while start < seconds - 0.3:
        length = MEDIAN_TURN * float(np.exp(rng.normal(0, _TURN_SPREAD)))
        stop = min(start + max(length, 0.4), seconds)
        turns.append(Turn(speaker, start, stop))
        own_end[speaker] = stop
        speaker = 1 - speaker
        if rng.random() < _OVERLAPPED:
            start = stop - min(float(rng.uniform(*_OVERLAP)), 0.9 * (stop - start))
        else:
            start = stop + float(rng.exponential(_PAUSE))
        start = max(start, own_end[speaker] + 0.1)  # nobody interrupts themselves
    return turns


def speak(voice: Voice, turns: Sequence[Turn], speaker: int, seconds: float, rng: np.random.Generator) -> Speaking:
    """Fill one performer's turns with consecutive stretches of a voice, each cut where it is quiet."""
    track = np.zeros(round(seconds * RATE), np.float32)
    words: list[Word] = []
    order = list(rng.permutation(len(voice.recordings)))
    sound, current, at = np.zeros(0, np.float32), voice.recordings[order[0]], 0
    for turn in (t for t in turns if t.speaker == speaker):
        want = round((turn.stop - turn.start) * RATE)
        if len(sound) - at < want:
            current = voice.recordings[order[0]]
            order = order[1:] + order[:1]
            sound, at = _read_sound(current.path), 0
        end = _quiet_near(sound, min(at + want, len(sound)))
        piece = sound[at:end].copy()
        fade = min(240, len(piece) // 2)
        if fade:
            piece[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
            piece[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        first = round(turn.start * RATE)
        room = track[first : first + len(piece)]
        room += piece[: len(room)]
        shift = turn.start - at / RATE
        words += [
            Word(w.start + shift, w.end + shift, w.text)
            for w in current.words
            if at / RATE <= w.start and w.end <= end / RATE
        ]
        at = end
    return Speaking(track, tuple(words))


def _read_sound(path: Path) -> NDArray[np.float32]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, RATE).astype(np.float32)
    # Equal loudness: what the speaker's distance to the microphone was says nothing about the gesture.
    return mono * np.float32(0.06 / (np.sqrt(np.mean(mono**2)) + 1e-6))


def _quiet_near(sound: NDArray[np.float32], at: int, reach: float = 0.3) -> int:
    """Return the sample near ``at`` where 40 ms are quietest."""
    low, high = max(0, at - round(reach * RATE)), min(len(sound), at + round(reach * RATE))
    block = RATE // 25
    count = (high - low) // block
    if at >= len(sound) or count < 2:
        return at
    power = (sound[low : low + count * block].reshape(count, block) ** 2).mean(axis=1)
    return low + int(np.argmin(power)) * block + block // 2
