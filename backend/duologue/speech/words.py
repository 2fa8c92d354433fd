"""When a transcript's words are said: as it says itself, as an aligner finds them (``alignment``), else by guess.

Where the aligner isn't installed, doesn't know the language, or fails on the recording, words without times are laid over the
voiced stretches of the track by their number of letters: worse, and said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Transcript
from duologue.brief.transcript import Word, read, spread
from duologue.speech.aligners import Aligners
from duologue.speech.alignment import AlignedWord, MakeAligner, Pronounce
from duologue.speech.aloud import spoken
from duologue.speech.lip_phones import NOT_INSTALLED, LipPhones, of_aligned, within_times
from duologue.speech.recognise import recognised_words
from duologue.units import FPS, SPEECH_RATE

MAX_SECONDS: Final = 300
"""Longer recordings are not searched as one: the cost grows with length times words."""
_LONGEST_SIGN: Final = 2.0
"""Seconds before a word from which on a sign that is said with it does not belong to it."""
_SHORTEST: Final = 0.08
"""Seconds that a word must have to be believed."""


class TimedWords(NamedTuple):
    """What is said, and when."""

    words: tuple[Word, ...]
    phones: LipPhones
    notes: tuple[str, ...] = ()
    """How the words' times were found, where that is not as the user would expect."""


def timed_words(
    transcript: Transcript | None,
    samples_16k: NDArray[np.float32],
    active: NDArray[np.bool_],
    field: str = "transcript",
    pronounce: Pronounce | None = None,
    *,
    aligners: Aligners | None = None,
) -> TimedWords:
    """Return a performer's words with times, the phones of their lips, and notes on how they were found.

    Args:
        transcript: None is no words at all.
        samples_16k: (n,) mono at 16 kHz.
        active: (T,) whether the performer speaks at each frame (see ``activity``).
        field: the place of the transcript, for errors.
        pronounce: how words are said in the transcript's language, where that is not English.
        aligners: who sets words on the sound; by default pocketsphinx.

    Raises:
        DuologueError: what :func:`duologue.brief.transcript.read` raises.
    """
    make = partial((aligners or Aligners()).make, pronounce, dictionary=pronounce is None)
    if transcript is None or transcript.format == "none":
        return TimedWords((), LipPhones())
    if transcript.format == "recognise":
        return _recognised(samples_16k, field)
    reading = read(transcript, field)
    if isinstance(reading.words, str):
        # How numbers are read is known of English; espeak-ng reads other languages' itself.
        given = reading.words.split()
        texts, noted = spoken(given) if pronounce is None else ([[word] for word in given], ())
        notes = tuple(f"{field}: {note}" for note in (*reading.notes, *noted))
        aligned = _aligned([word for words in texts for word in words], samples_16k, active, field, make)
        return aligned._replace(notes=(*notes, *aligned.notes))
    words, noted = read_aloud(reading.words) if pronounce is None else (reading.words, ())
    notes = tuple(f"{field}: {note}" for note in (*reading.notes, *noted))
    late = _late(words, len(active) / FPS, field)
    return TimedWords(words, within_times(words, samples_16k, field, make), (*notes, *late))


def read_aloud(words: Sequence[Word]) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    """Return timed words with figures and signs in the words in which they are said (see ``aloud``), and notes on it.

    What is said of one word shares its time; what is said of a line is spread over the line anew. The time of a sign that is
    said with the word behind it goes to that. A word whose phones are known stays as it is.
    """
    texts, notes = spoken([word.text for word in words])
    read: list[Word] = []
    begins: float | None = None
    for line, group in groupby(zip(words, texts, strict=True), key=lambda pair: pair[0].line):
        together = list(group)
        if line is not None:
            changed = any(said != (word.text,) for word, said in together)
            flat = " ".join(text for _, said in together for text in said)
            read += spread(flat, *line) if changed else [word for word, _ in together]
            begins = None
            continue
        for word, said in together:
            start = word.start if begins is None or word.start - begins > _LONGEST_SIGN else begins
            begins = start if not said else None
            if said == (word.text,) or word.phones:
                read.append(replace(word, start=start))
            else:
                read += spread(" ".join(said), start, word.end)
    return tuple(read), notes


def _recognised(samples_16k: NDArray[np.float32], field: str) -> TimedWords:
    """Return the words that a recogniser hears. The body is given them, which can bear a wrong one; lips can't."""
    try:
        words = tuple(Word(start, end, text) for start, end, text in recognised_words(samples_16k))
    except ImportError:
        note = f"{field}: {NOT_INSTALLED}, and neither is the recogniser; there are no words"
        return TimedWords((), LipPhones(), (note,))
    note = f"{field}: {len(words)} words were guessed by a recogniser of US English; about one in three is wrong"
    return TimedWords(words, LipPhones(), (note,))


def _aligned(
    texts: Sequence[str],
    samples_16k: NDArray[np.float32],
    active: NDArray[np.bool_],
    field: str,
    make: MakeAligner,
) -> TimedWords:
    """Return words without times where they are heard, else spread over the voice."""
    if not texts:
        return TimedWords((), LipPhones())
    try:
        words, aligned = align(texts, samples_16k, make)
    except AlignmentError as error:
        note = f"{field}: {error}; its words were spread over the voiced parts of the track by their length"
        return TimedWords(spread_over(texts, active), LipPhones(), (note,))
    return TimedWords(words, of_aligned(aligned, samples_16k, field))


class AlignmentError(Exception):
    """Why a transcript could not be aligned; the caller has another way."""


def align(
    texts: Sequence[str], samples_16k: NDArray[np.float32], make: MakeAligner
) -> tuple[tuple[Word, ...], tuple[AlignedWord, ...]]:
    """Return the words with the times at which an aligner finds them, and those that it knows with their phones.

    Words that it doesn't know lie between their neighbours.

    Raises:
        AlignmentError: there is no aligner, or it knows too few of the words, or finds no path through the sound.
    """
    try:
        aligner = make()
    except ImportError as error:
        raise AlignmentError(f"has no times, and {NOT_INSTALLED}") from error
    if len(samples_16k) > MAX_SECONDS * SPEECH_RATE:
        raise AlignmentError(
            f"has no times, and over {MAX_SECONDS // 60} minutes are not aligned (give it times, or cut the track)"
        )
    placed = aligner.align(samples_16k, texts)
    if not placed:
        raise AlignmentError("has no times, and the aligner found no way to fit it to the sound")
    aligned = [at for at in placed if at is not None]
    if 2 * len(aligned) < len(texts):
        raise AlignmentError(
            "has no times, and the aligner (US English, else name its `language`) knows fewer than half of its words"
        )
    starts = np.array([np.nan if at is None else at.start for at in placed])
    ends = np.array([np.nan if at is None else at.end for at in placed])
    return _filled(texts, starts, ends, len(samples_16k) / SPEECH_RATE), tuple(aligned)


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
