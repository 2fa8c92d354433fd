"""Words' times where a transcript has none: forced alignment by pocketsphinx, or a spread over what sounds like speech.

pocketsphinx (extra ``align``) carries a US English model and dictionary. Where it isn't installed, doesn't know the language, or
fails on the recording, the words are laid over the voiced stretches of the track by their number of letters: worse, and said so.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Transcript
from duologue.speech.transcript import Word, parse
from duologue.take import FPS

RATE: Final = 16_000
MAX_SECONDS: Final = 300
"""Longer recordings are not searched as one: the cost grows with length times words."""
_SPHINX_RATE: Final = 100  # its frames a second


def timed_words(
    transcript: Transcript | None,
    samples_16k: NDArray[np.float32],
    active: NDArray[np.bool_],
    field: str = "transcript",
) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    """Return a performer's words with times, and notes on how they were found.

    Args:
        transcript: None is no words at all.
        samples_16k: (n,) mono at 16 kHz.
        active: (T,) whether the performer speaks at each frame (see ``activity``).
        field: the place of the transcript, for errors.

    Raises:
        DuologueError: what :func:`duologue.speech.transcript.parse` raises.
    """
    parsed = parse(transcript, field) if transcript is not None else ""
    if not isinstance(parsed, str):
        return parsed, _late(parsed, len(active) / FPS, field)
    texts = parsed.split()
    if not texts:
        return (), ()
    try:
        return align(texts, samples_16k), ()
    except AlignmentError as error:
        note = f"{field}: {error}; its words were spread over the voiced parts of the track by their length"
        return spread_over(texts, active), (note,)


class AlignmentError(Exception):
    """Why a transcript could not be aligned; the caller has another way."""


def align(texts: list[str], samples_16k: NDArray[np.float32]) -> tuple[Word, ...]:
    """Return the words with the times at which pocketsphinx finds them; words not in its dictionary lie between their neighbours.

    Raises:
        AlignmentError: pocketsphinx is not installed, knows too few of the words, or finds no path through the sound.
    """
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise AlignmentError(
            "has no times, and the aligner is not installed (pip install 'duologue[align]')"
        ) from error
    if len(samples_16k) > MAX_SECONDS * RATE:
        raise AlignmentError(
            f"has no times, and over {MAX_SECONDS // 60} minutes are not aligned (give it times, or cut the track)"
        )
    decoder = Decoder(samprate=RATE, lm=None, loglevel="FATAL")
    spoken = [re.sub(r"[^a-z']", "", text.lower().replace("’", "'")) for text in texts]
    known = [index for index, word in enumerate(spoken) if word and decoder.lookup_word(word) is not None]
    if 2 * len(known) < len(texts):
        raise AlignmentError("has no times, and the aligner (US English) knows fewer than half of its words")
    try:
        decoder.set_align_text(" ".join(spoken[index] for index in known))
        decoder.start_utt()
        decoder.process_raw((np.clip(samples_16k, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        segments = list(decoder.seg() or ())
    except RuntimeError as error:
        raise AlignmentError("has no times, and the aligner failed on it") from error
    # Silences are <s>, <sil>, fillers are [NOISE]; a second pronunciation is "the(2)".
    heard = [segment for segment in segments if segment.word[:1] not in "<["]
    if len(heard) != len(known):
        raise AlignmentError("has no times, and the aligner found no way to fit it to the sound")
    starts, ends = np.full(len(texts), np.nan), np.full(len(texts), np.nan)
    starts[known] = [segment.start_frame / _SPHINX_RATE for segment in heard]
    ends[known] = [(segment.end_frame + 1) / _SPHINX_RATE for segment in heard]
    return _filled(texts, starts, ends, len(samples_16k) / RATE)


def spread_over(texts: list[str], active: NDArray[np.bool_]) -> tuple[Word, ...]:
    """Lay words over the frames that are active, each as long as its letters; over all frames if none is."""
    frames = np.flatnonzero(active) if active.any() else np.arange(len(active))
    letters = np.array([len(text) + 1 for text in texts], np.float64)
    bounds = np.concatenate([[0.0], np.cumsum(letters)]) / letters.sum() * len(frames)
    first = frames[np.minimum(bounds[:-1].astype(int), len(frames) - 1)]
    last = frames[np.clip(np.ceil(bounds[1:]).astype(int) - 1, 0, len(frames) - 1)]
    return tuple(
        Word(float(start) / FPS, float(end + 1) / FPS, text)
        for start, end, text in zip(first, last, texts, strict=True)
    )


def _filled(
    texts: list[str], starts: NDArray[np.float64], ends: NDArray[np.float64], seconds: float
) -> tuple[Word, ...]:
    """Give the words without times equal shares of the gap between their timed neighbours."""
    timed = np.flatnonzero(~np.isnan(starts))
    for index in np.flatnonzero(np.isnan(starts)):
        before, after = timed[timed < index], timed[timed > index]
        begin = ends[before[-1]] if len(before) else 0.0
        stop = starts[after[0]] if len(after) else seconds
        first = before[-1] + 1 if len(before) else 0
        count = (after[0] if len(after) else len(texts)) - first
        starts[index] = begin + (stop - begin) * (index - first) / count
        ends[index] = begin + (stop - begin) * (index - first + 1) / count
    return tuple(Word(float(start), float(end), text) for start, end, text in zip(starts, ends, texts, strict=True))


def _late(words: tuple[Word, ...], seconds: float, field: str) -> tuple[str, ...]:
    late = sum(word.start >= seconds for word in words)
    return (f"{field}: {late} of {len(words)} words begin after the end of the track and are left out",) if late else ()
