"""The phones of words that lips must not miss (``phones.ON_LIPS``), where the transcript tells and the sound bears it out.

They are never guessed: of a transcript most of whose words are not what is heard, there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from duologue.brief.transcript import Word
from duologue.speech.activity import level
from duologue.speech.alignment import AlignedWord, Aligner, MakeAligner, believed
from duologue.speech.phones import ON_LIPS, Phone
from duologue.units import FPS, SPEECH_RATE

NOT_INSTALLED: Final = "the aligner is not installed (`python3 backend install` in Duologue's folder brings it)"
_MARGIN: Final = 0.1
"""Seconds of sound around a stretch whose times are given."""
_GIVEN: Final = 0.15
"""Seconds by which a phone may lie outside its word's given time: recognisers' own times err as much."""
_PAUSE: Final = 0.25
_STRETCH: Final = 6.0
"""Seconds: pauses part stretches; longer ones are parted anyway."""
_OVER_QUIET_DB: Final = 6.0
_NEAR_VOICE: Final = 3
"""Frames."""
_TRUST: Final = 0.7
"""Share of the words that must be believed for any of them to be. Measured: right transcripts have 0.8 and more."""


class LipPhones:
    """The ``phones.ON_LIPS`` of one performer's words, in the order of time.

    Found as they are asked for, a stretch between two pauses at a time, so that a take of any length can begin at once; they may
    be gone through again. ``notes`` says how it went, once all have been asked for.
    """

    def __init__(
        self, stretches: Iterable[tuple[Phone, ...]] = (), notes: Callable[[], tuple[str, ...]] = tuple
    ) -> None:
        self._phones: list[Phone] = []
        self._stretches = iter(stretches)
        self._notes = notes

    def __iter__(self) -> Iterator[Phone]:
        at = 0
        while True:
            while at < len(self._phones):
                yield self._phones[at]
                at += 1
            if (more := next(self._stretches, None)) is None:
                return
            self._phones += more

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how they were found."""
        return self._notes()


def of_aligned(words: Sequence[AlignedWord], samples_16k: NDArray[np.float32], field: str) -> LipPhones:
    """Return the phones of words that were aligned with the whole track (n,)."""
    trusted = believed(words)
    if note := _doubt(trusted, field):
        return LipPhones(notes=lambda: note)
    phones = [phone for word in compress(words, trusted) for phone in word.on_lips]
    return LipPhones([near_sound(phones, audible(samples_16k))])


def within_times(words: Sequence[Word], samples_16k: NDArray[np.float32], field: str, make: MakeAligner) -> LipPhones:
    """Return the phones of words whose times are given, each within the time of its word or line.

    Every stretch between two pauses is aligned by itself, so a track may be as long as it likes. A stretch most of whose words
    are not what is heard has none. Where every word's phones are known (``Word.phones``), nothing is aligned.
    """
    if words and all(word.phones for word in words):
        known = [Phone(*phone) for word in words for phone in word.phones if phone[2] in ON_LIPS]
        return LipPhones([near_sound(sorted(known, key=lambda phone: phone.start), audible(samples_16k))])
    search = _Search(words, samples_16k, field, make)
    return LipPhones(search.stretches(), search.notes)


class _Search:
    """Aligns stretches one after the other, and remembers how far the transcript can be trusted."""

    def __init__(self, words: Sequence[Word], samples_16k: NDArray[np.float32], field: str, make: MakeAligner) -> None:
        self._words, self._samples, self._field, self._make = words, samples_16k, field, make
        self._trusted: list[bool] = []
        """Of each word of the stretches so far, whether it is what is heard."""
        self._unfit: list[bool] = []
        """Of each stretch so far, whether there was no way to fit it to the sound."""
        self._installed = True

    def stretches(self) -> Iterator[tuple[Phone, ...]]:
        """Yield the phones of one stretch after the other; what nobody asks for is not aligned."""
        if not self._words:
            return
        try:
            aligner = self._make()
        except ImportError:
            self._installed = False
            return
        heard = audible(self._samples)
        for words in stretches(self._words):
            phones = self._aligned(aligner, words)
            yield near_sound(sorted(phones, key=lambda phone: phone.start), heard)

    def _aligned(self, aligner: Aligner, words: Sequence[Word]) -> list[Phone]:
        """Return the phones of a stretch that is what is heard, else none."""
        first = max(words[0].start - _MARGIN, 0.0)
        last = max(word.end for word in words) + _MARGIN
        cut = self._samples[int(first * SPEECH_RATE) : int(last * SPEECH_RATE)]
        placed = aligner.align(cut, [word.text for word in words])
        aligned = [(word, at) for word, at in zip(words, placed, strict=False) if at is not None]
        trusted = believed([at for _, at in aligned])
        self._trusted += trusted
        if aligned or not placed:
            self._unfit.append(not placed)
        # What was heard so far counts too: two words alone say little about whose transcript this is.
        if not trusted or not _trustworthy(trusted) or not _trustworthy(self._trusted):
            return []
        phones: list[Phone] = []
        for word, at in compress(aligned, trusted):
            low, high = word.line or (word.start, word.end)
            moved = [phone.moved(first) for phone in at.on_lips]
            phones += [phone for phone in moved if low - _GIVEN <= phone.middle <= high + _GIVEN]
        return phones

    def notes(self) -> tuple[str, ...]:
        if not self._installed:
            return (f"{self._field}: {NOT_INSTALLED}; lips follow the voice alone",)
        if self._unfit and all(self._unfit):
            return (f"{self._field}: the aligner found no way to fit it to the sound; lips follow the voice alone",)
        return _doubt(self._trusted, self._field)


def stretches(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Yield runs of words without a pause between them, or at most ``_STRETCH`` seconds of them, a line always whole."""
    run: list[Word] = []
    for word in words:
        if run and (word.line is None or word.line != run[-1].line):
            end = max(before.end for before in run)
            if word.start - end >= _PAUSE or end - run[0].start >= _STRETCH:
                yield run
                run = []
        run.append(word)
    if run:
        yield run


def _trustworthy(trusted: Sequence[bool]) -> bool:
    return sum(trusted) >= _TRUST * len(trusted)


def _doubt(trusted: Sequence[bool], field: str) -> tuple[str, ...]:
    """Return a note if most words are not what is heard."""
    if _trustworthy(trusted):
        return ()
    note = f"{field}: {len(trusted) - sum(trusted)} of its {len(trusted)} words don't sound as written"
    return (f"{note}; lips follow the voice alone (is it the transcript of another recording?)",)


def audible(samples_16k: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return (T,) where sound is a tenth of a second away at most: a plosive is silent, but its vowel not far."""
    frames = int(len(samples_16k) / SPEECH_RATE * FPS)
    levels = level(samples_16k, SPEECH_RATE, frames)
    loud = levels > np.percentile(levels, 10) + _OVER_QUIET_DB if frames else np.zeros(1, bool)
    return np.asarray(binary_dilation(loud, np.ones(2 * _NEAR_VOICE + 1)), bool)


def near_sound(phones: Sequence[Phone], heard: NDArray[np.bool_]) -> tuple[Phone, ...]:
    """Return the phones in whose middle something is ``heard`` (T,)."""
    frames = [int(phone.middle * FPS) for phone in phones]
    return tuple(p for p, frame in zip(phones, frames, strict=True) if frame < len(heard) and heard[frame])
