"""What the examples are made of: captured motion, recorded speech with words, measured faces; in stretches of any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from duologue.brief.words import Word, spread
from duologue.datasets.corpus.pairs import turned
from duologue.datasets.readers.bvh import read_motion
from duologue.datasets.readers.live_link import read_face_csv
from duologue.datasets.scene import Motion
from duologue.motion.skeleton import Skeleton
from duologue.speech.resample import resample
from duologue.units import FPS, SPEECH_RATE, Sound, samples_of

_GESTURES: Final = "ChrBrad_Idle01_*Bt01.bvh"
_FEWEST: Final = 45
"""Frames of a clip that is worth going to and fro in."""
_APART: Final = 1.3


@dataclass(frozen=True, eq=False)
class Voice:
    """An utterance: mono samples at 16 kHz, its words, and the face that says it (T, 52)."""

    samples: NDArray[np.float32]
    words: tuple[Word, ...]
    face: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Part:
    """One person's part of an example, T frames at 30 fps."""

    motion: Motion
    sound: Sound
    words: tuple[Word, ...]
    face: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Material:
    """Motion on duologue60 and utterances to draw from."""

    motions: Sequence[Motion]
    voices: Sequence[Voice]

    @classmethod
    def from_kit(cls, kit: Path, clips: int = 8) -> Material:
        """Read some gestures and the faces of GRID.

        Raises:
            DuologueError: what reading them raises.
        """
        skeleton = Skeleton.builtin("duologue60")
        paths = sorted((kit / "body_gestures_smartbody" / "Gestures").glob(_GESTURES))[:clips]
        motions = [motion for motion in (read_motion(path, skeleton) for path in paths) if len(motion[0]) >= _FEWEST]
        tables = sorted((kit / "face_speech_grid").rglob("*.csv"))[: 2 * clips]
        return cls(motions, [_voice(table) for table in tables])

    def pair(self, number: int, seconds: float) -> tuple[Part, Part]:
        """Return two people who face each other in one world and speak in turn, always the same for a ``number``."""
        rng = np.random.default_rng(number)
        sides = ((-_APART / 2, np.pi / 2), (_APART / 2, -np.pi / 2))
        a, b = (self._part(rng, seconds, turn, x, yaw) for turn, (x, yaw) in enumerate(sides))
        return a, b

    def single(self, number: int, seconds: float) -> Part:
        """Return one person."""
        return self.pair(number, seconds)[0]

    def _part(self, rng: np.random.Generator, seconds: float, turn: int, x: float, yaw: float) -> Part:
        frames = round(seconds * FPS)
        root, rotations = self.motions[int(rng.integers(len(self.motions)))]
        order = to_and_fro(len(root), frames, int(rng.integers(len(root))))
        motion = turned((root[order], rotations[order]), x, yaw)
        samples, face = np.zeros(samples_of(frames, SPEECH_RATE), np.float32), np.zeros((frames, 52), np.float32)
        words: list[Word] = []
        at = 0.3 if turn == 0 else 2.5
        while True:
            voice = self.voices[int(rng.integers(len(self.voices)))]
            first, begin = round(at * FPS), round(at * SPEECH_RATE)
            if begin + len(voice.samples) > len(samples) or first + len(voice.face) > frames:
                break
            samples[begin : begin + len(voice.samples)] = voice.samples
            face[first : first + len(voice.face)] = voice.face
            words += [Word(word.start + at, word.end + at, word.text) for word in voice.words]
            at += 2 * len(voice.samples) / SPEECH_RATE  # the other's turn is between
        return Part(motion, Sound(samples, SPEECH_RATE), tuple(words), face)


def to_and_fro(length: int, frames: int, start: int) -> NDArray[np.int64]:
    """Return ``frames`` indices that go through a clip forwards and backwards, so that it never jumps."""
    at = (start + np.arange(frames)) % (2 * length - 2)
    return np.where(at < length, at, 2 * length - 2 - at)


def _voice(table: Path) -> Voice:
    samples, rate = soundfile.read(table.with_suffix(".flac"), dtype="float32")
    samples = resample(np.asarray(samples, np.float32), rate, SPEECH_RATE)
    seconds = len(samples) / SPEECH_RATE
    words = table.with_suffix(".txt").read_text(encoding="utf-8").strip()
    # Nobody's aligner: what the examples need is that words have times.
    return Voice(samples, tuple(spread(words, 0.3, seconds - 0.3)), read_face_csv(table).weights)
