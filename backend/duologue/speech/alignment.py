"""Words' times where a transcript has none: forced alignment by pocketsphinx, or a spread over what sounds like speech.

pocketsphinx (extra ``align``) carries a US English model and dictionary. Where it isn't installed, doesn't know the language, or
fails on the recording, the words are laid over the voiced stretches of the track by their number of letters: worse, and said so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Transcript
from duologue.speech.transcript import Word, parse, spread
from duologue.take import FPS

RATE: Final = 16_000
MAX_SECONDS: Final = 300
"""Longer recordings are not searched as one: the cost grows with length times words."""
_SPHINX_RATE: Final = 100  # its frames a second
_SHORTEST: Final = 0.08  # seconds that a word must have to be believed


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


def align(texts: Sequence[str], samples_16k: NDArray[np.float32]) -> tuple[Word, ...]:
    """Return the words with the times at which pocketsphinx finds them; words not in its dictionary lie between their neighbours.

    Raises:
        AlignmentError: pocketsphinx is not installed, knows too few of the words, or finds no path through the sound.
    """
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise AlignmentError(
            "has no times, and the aligner is not installed (`python3 backend install` in Duologue's folder brings it)"
        ) from error
    if len(samples_16k) > MAX_SECONDS * RATE:
        raise AlignmentError(
            f"has no times, and over {MAX_SECONDS // 60} minutes are not aligned (give it times, or cut the track)"
        )
    # Without dither the logarithm of digital silence, which edited tracks are full of, breaks the search.
    decoder = Decoder(samprate=RATE, lm=None, dither=True, seed=1, loglevel="FATAL")
    spoken = [re.sub(r"[^\w']|\d|_", "", text.lower().replace("’", "'")) for text in texts]
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


def spread_over(texts: Sequence[str], active: NDArray[np.bool_]) -> tuple[Word, ...]:
    """Lay words over the frames that are active, each as long as its letters; over all frames if none is.

    A word that falls on a pause keeps to the side of it on which it has more.
    """
    frames = np.flatnonzero(active) if active.any() else np.arange(len(active))
    letters = np.cumsum([0, *(len(text) + 1 for text in texts)])
    bounds = letters / letters[-1] * len(frames)
    words: list[Word] = []
    for text, begin, end in zip(texts, bounds[:-1], bounds[1:], strict=True):
        mine = frames[min(int(begin), len(frames) - 1) : max(int(begin) + 1, int(np.ceil(end)))]
        stretch = max(np.split(mine, np.flatnonzero(np.diff(mine) > 1) + 1), key=len)
        words.append(Word(float(stretch[0]) / FPS, float(stretch[-1] + 1) / FPS, text))
    return tuple(words)


def _filled(
    texts: Sequence[str], starts: NDArray[np.float64], ends: NDArray[np.float64], seconds: float
) -> tuple[Word, ...]:
    """Lay the words without times into the gaps between their timed neighbours, by their letters.

    Where there is no gap, the aligner has given their sound to the word before: then they share with that one.
    """
    timed: list[int] = np.flatnonzero(~np.isnan(starts)).tolist()
    words: list[Word] = []
    if timed[0] > 0:
        words += spread(" ".join(texts[: timed[0]]), 0.0, float(starts[timed[0]]))
    for this, following in zip(timed, [*timed[1:], len(texts)], strict=True):
        begin, end = float(starts[this]), float(ends[this])
        until = float(starts[following]) if following < len(texts) else seconds
        between = texts[this + 1 : following]
        if between and until - end < _SHORTEST * len(between):
            words += spread(" ".join(texts[this:following]), begin, until)
        else:
            words += [Word(begin, end, texts[this]), *spread(" ".join(between), end, until)]
    return tuple(words)


def _late(words: tuple[Word, ...], seconds: float, field: str) -> tuple[str, ...]:
    late = sum(word.start >= seconds for word in words)
    return (f"{field}: {late} of {len(words)} words begin after the end of the track and are left out",) if late else ()
