"""Everything the models hear and read of one performer, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Transcript
from duologue.brief.transcript import Word
from duologue.speech.activity import level, speech_energy, voice_activity
from duologue.speech.aligners import Aligners
from duologue.speech.alignment import Pronounce
from duologue.speech.lip_phones import LipPhones
from duologue.speech.mel import HOP, log_mel
from duologue.speech.mel import RATE as MEL_RATE
from duologue.speech.resample import resample
from duologue.speech.text import TextEncoder
from duologue.speech.words import timed_words
from duologue.units import SPEECH_RATE, Sound, samples_of

Floats = NDArray[np.float32]

LOUDNESS: Final = 0.08
"""Root mean square (-22 dB of full scale) that the spoken parts of every track are brought to, so that a quiet recording doesn't
make a shy performer."""


@dataclass(frozen=True)
class SpeechFeatures:
    """One performer's speech in ``T`` frames of 1/30 s; frame t is centred at t / 30 s."""

    frames: int
    mel: Floats
    """(T, 27) natural-log mel energies (see ``mel``)."""
    text: Floats
    """(T, 384) the vector of the word being spoken, zeros between words (see ``text``)."""
    activity: NDArray[np.bool_]
    """(T,) whether the performer speaks."""
    energy: Floats
    """(T,) loudness in [0, 1] on the speaker's own scale; 0 in silence."""
    sound: Sound
    """(N,) mono at 16 kHz, brought to ``LOUDNESS``; N = T * 16000 / 30, rounded down."""
    words: tuple[Word, ...] = ()
    phones: LipPhones = field(default_factory=LipPhones)
    """The p, b, m, f and v of those words, where a transcript tells and the sound bears it out (see ``lip_phones``)."""
    notes: tuple[str, ...] = ()


def speech_features(
    audio: Sound,
    transcript: Transcript | None,
    text_encoder: TextEncoder,
    field: str = "transcript",
    pronounce: Pronounce | None = None,
    *,
    aligners: Aligners | None = None,
) -> SpeechFeatures:
    """Return the features of one performer's speech. ``pronounce``, ``aligners``: see :func:`duologue.speech.words.timed_words`.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-…`` (see :func:`duologue.brief.transcript.parse`).
    """
    frames = audio.frames
    levels = level(audio.samples, audio.rate, frames)
    active = voice_activity(levels)
    samples = audio.samples * loudness_gain(levels, active)
    mel_samples = _fitted(resample(samples, audio.rate, MEL_RATE), frames * HOP)
    encoder_samples = _fitted(resample(samples, audio.rate, SPEECH_RATE), samples_of(frames, SPEECH_RATE))
    timed = timed_words(transcript, encoder_samples, active, field, pronounce, aligners=aligners)
    return SpeechFeatures(
        frames=frames,
        mel=log_mel(mel_samples),
        text=text_encoder.frames(timed.words, frames),
        activity=active,
        energy=speech_energy(levels, active),
        sound=Sound(encoder_samples, SPEECH_RATE),
        words=timed.words,
        phones=timed.phones,
        notes=timed.notes,
    )


def loudness_gain(levels: Floats, active: NDArray[np.bool_]) -> np.float32:
    """Return the factor that brings the mean power of the active frames to ``LOUDNESS``; ``levels`` (T,) in dB."""
    voiced = levels[active] if active.any() else levels
    return np.float32(LOUDNESS / np.sqrt(np.mean(10.0 ** (voiced.astype(np.float64) / 10))))


def _fitted(samples: Floats, count: int) -> Floats:
    return np.pad(samples[:count], (0, max(0, count - len(samples))))
