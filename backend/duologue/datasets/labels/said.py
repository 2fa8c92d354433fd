"""What somebody in a data set says, and when: as its transcript has it, aligned where that has no times, else recognised."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from duologue.brief.transcript import Word, read
from duologue.datasets.scene import Person
from duologue.errors import DuologueError
from duologue.speech.activity import level, voice_activity
from duologue.speech.aligners import Aligners
from duologue.speech.aloud import spoken
from duologue.speech.hearing import Ear
from duologue.speech.resample import resample
from duologue.speech.spoken import pieces
from duologue.speech.whisper import LONGEST, bundled
from duologue.speech.word_cache import WordCache
from duologue.speech.words import AlignmentError, align, spread_over
from duologue.units import SPEECH_RATE, Sound

SOURCES: Final = ("given", "aligned", "spread", "recognised")
"""Where the times of words are from; ``spread``: no aligner could place them, so they lie over the voice by their letters."""


class Said(NamedTuple):
    """Words with times, and where these are from: of ``SOURCES``, or "" where nothing is known to be said."""

    words: tuple[Word, ...] = ()
    source: str = ""


def words_of(person: Person, *, recognise: bool = False) -> Said:
    """Return what a person says. ``recognise``: whether those without a transcript are listened to, by Whisper.

    Raises:
        DuologueError: FAILED_PRECONDITION ``whisper-missing`` where nothing is installed that recognises; what
            ``brief.transcript.read`` raises.
    """
    transcript, sound = person.words, person.sound
    if transcript is not None and transcript.format not in {"recognise", "none"}:
        written = read(transcript, person.name).words
        if not isinstance(written, str):
            return Said(tuple(written), "given")
        return Said() if sound is None else _aligned(written, sound)
    if not recognise or sound is None or not sound.samples.any():
        return Said()
    return Said(_recognised(sound), "recognised")


def check_ear() -> None:
    """See that somebody can recognise.

    Raises:
        DuologueError: FAILED_PRECONDITION ``whisper-missing``; DATA_LOSS ``whisper-hash``.
    """
    _ear()


def _aligned(text: str, sound: Sound) -> Said:
    texts = [word for words in spoken(text.split())[0] for word in words]
    if not texts:
        return Said()
    samples, active = _heard(sound)
    try:
        return Said(align(texts, samples, Aligners().make)[0], "aligned")
    except AlignmentError:
        return Said(spread_over(texts, active), "spread")


def _recognised(sound: Sound) -> tuple[Word, ...]:
    samples, active = _heard(sound)
    return tuple(word for piece in pieces(active, LONGEST) for word in _ear().hear(piece, samples, "").words)


def _heard(sound: Sound) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return samples (n,) at 16 kHz, and who speaks when (T,)."""
    active = voice_activity(level(sound.samples, sound.rate, sound.frames))
    return resample(sound.samples, sound.rate, SPEECH_RATE), active


@lru_cache(maxsize=1)
def _ear() -> Ear:
    if (found := bundled()) is None:
        message = "recognising words needs the extra `hear`: pip install 'duologue[hear]'"
        raise DuologueError("FAILED_PRECONDITION", "whisper-missing", message, field="--recognise")
    return Ear(found, WordCache())
