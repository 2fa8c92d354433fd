"""Forced alignment: when known words and their phones are spoken, by pocketsphinx; words first, then what is in them.

pocketsphinx (extra ``align``) carries a US English dictionary and acoustic model; words that it lacks have no phones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from duologue.speech.aloud import spoken
from duologue.speech.phones import BILABIALS, INDEX, LABIODENTALS, Phone
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES_A_SECOND: Final = 100
"""Of pocketsphinx."""
DITHER: Final = {"dither": True, "seed": 1}
"""Noise, always the same, below what is heard: the logarithm of digital silence, which edited tracks are full of, breaks every
search of pocketsphinx's."""
_PATIENT: Final = {"beam": 1e-120, "wbeam": 1e-100, "pbeam": 1e-120, "bestpath": False, **DITHER}
"""Search far, because the words are given. The default beams, and its pass over the lattice, lose the end of every other fast or
synthetic utterance."""

_NEIGHBOURS: Final = 2
_FIT: Final = -65.0
"""Mean score a frame, over a word and two on either side, from which they are believed to be there (0: no sound fits better).
Measured: transcripts of other recordings lie between -78 and -39, right ones between -48 and -12."""
_MEAN_PHONE: Final = (0.031, 0.35)
"""Seconds: a believable word's mean phone. Words crammed into no sound get the shortest phones there are, 30 ms each."""
_LONGEST: Final = 0.35
"""Seconds: a longer consonant has swallowed something else."""


@dataclass(frozen=True)
class AlignedWord:
    """A word where it was found: seconds, its phones, and how well they fit the sound (mean score a frame, 0 is best)."""

    start: float
    end: float
    phones: tuple[Phone, ...]
    fit: float

    @property
    def on_lips(self) -> list[Phone]:
        """Its p, b, m, f and v."""
        lips = BILABIALS + LABIODENTALS
        return [phone for phone in self.phones if phone.name in lips and phone.end - phone.start <= _LONGEST]

    def moved(self, seconds: float) -> AlignedWord:
        """Return it later by ``seconds``."""
        phones = tuple(phone.moved(seconds) for phone in self.phones)
        return AlignedWord(self.start + seconds, self.end + seconds, phones, self.fit)


Pronounce = Callable[[Sequence[str]], Sequence[Sequence[str]]]
"""Returns each word's phones (``PHONES`` without silence), of another language the nearest ones; none of what is not said."""


class Aligner:
    """Finds words that are known to be said. Loading takes 0.1 s, a second of speech 0.05 s; use it from one thread at a time.

    ``pronounce``: how words are said that its dictionary lacks; ``english``: whether the dictionary is asked first.

    Raises:
        ImportError: pocketsphinx is not installed.
    """

    def __init__(self, pronounce: Pronounce | None = None, *, english: bool = True) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(samprate=SPEECH_RATE, lm=None, loglevel="FATAL", **_PATIENT)
        self._pronounce, self._english = pronounce, english
        self._learnt = 0

    def spell(self, texts: Sequence[str]) -> list[str | None]:
        """Return each of some consecutive words as ``align`` takes it: as the dictionary has it, else as it is pronounced; None
        of one that nobody knows how to say.
        """
        spelled = [self.spelled(text) if self._english else None for text in texts]
        if self._pronounce is not None and None in spelled:
            said = self._pronounce(texts)
            spelled = [known or self._learn(phones) for known, phones in zip(spelled, said, strict=True)]
        return spelled

    def _learn(self, phones: Sequence[str]) -> str | None:
        if not phones:
            return None
        self._learnt += 1
        name = f"said{self._learnt}x"
        self._decoder.add_word(name, " ".join(phones), True)
        return name

    def spelled(self, text: str) -> str | None:
        """Return a written word as the dictionary has it, without punctuation and case; None where it has not."""
        bare = re.sub(r"[^\w']|\d|_", "", text.lower().replace("’", "'"))
        return next((word for word in (bare, bare.strip("'")) if word and self._decoder.lookup_word(word)), None)

    def align(self, samples_16k: NDArray[np.float32], words: Sequence[str]) -> tuple[AlignedWord, ...]:
        """Return where ``words`` (as ``spelled`` gives them) are in ``samples_16k`` (n,): all, or () if they don't fit."""
        # Silences are <s>, <sil>, fillers are [NOISE]; a second pronunciation is "the(2)".
        spoken = [
            (phones, fit) for name, phones, fit in _searched(self._decoder, samples_16k, words) if name[:1] not in "<["
        ]
        if len(spoken) != len(words):
            return ()
        return tuple(AlignedWord(phones[0].start, phones[-1].end, phones, fit) for phones, fit in spoken)


def believed(words: Sequence[AlignedWord]) -> list[bool]:
    """Say which of an utterance's words are really where they were found: they last as long as words do, and sound like it.

    A wrong transcript is often aligned as well, with words crammed together or drawn out over sound that does not fit.
    """
    if not words:
        return []
    lengths = np.array([word.end - word.start for word in words])
    fits = np.array([word.fit for word in words]) * lengths
    means = lengths / np.array([max(len(word.phones), 1) for word in words])
    near = np.ones(2 * _NEIGHBOURS + 1)
    middle = slice(_NEIGHBOURS, _NEIGHBOURS + len(words))
    around = np.convolve(fits, near)[middle] / np.convolve(lengths, near)[middle].clip(1e-6)
    return ((means > _MEAN_PHONE[0]) & (means < _MEAN_PHONE[1]) & (around > _FIT)).tolist()


def align_phones(samples_16k: NDArray[np.float32], text: str) -> tuple[Phone, ...]:
    """Return all phones of ``text``, those of silence and noise too, as pocketsphinx's default search finds them: training data.
    Where that finds no way through, the patient one does.

    Figures and signs are read aloud (see ``aloud``), words that its dictionary lacks are left out; an utterance that cannot be
    aligned gives ``()``.
    """
    from pocketsphinx import Decoder

    said = " ".join(chain.from_iterable(spoken(text.split()).words))
    found: list[tuple[str, tuple[Phone, ...], float]] = []
    for search in (DITHER, _PATIENT):
        decoder = Decoder(samprate=SPEECH_RATE, loglevel="FATAL", lm=None, **search)
        words = [word for word in re.findall(r"[a-z']+", said.lower()) if decoder.lookup_word(word)]
        found = found or _searched(decoder, samples_16k, words)
    return tuple(chain.from_iterable(phones for _, phones, _ in found))


def listen(decoder: Any, samples_16k: NDArray[np.float32]) -> None:
    """Give a pocketsphinx decoder a whole utterance (n,)."""
    decoder.start_utt()
    decoder.process_raw((np.clip(samples_16k, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()


def _searched(
    decoder: Any, samples_16k: NDArray[np.float32], words: Sequence[str]
) -> list[tuple[str, tuple[Phone, ...], float]]:
    """Return (name, phones, mean score a frame) of every word and silence in the order of time; [] where there is no path."""
    if not words or not len(samples_16k):
        return []
    try:  # two passes: words first, then the states inside them
        decoder.set_align_text(" ".join(words))
        listen(decoder, samples_16k)
        decoder.set_alignment()
        listen(decoder, samples_16k)
        aligned = decoder.get_alignment() or ()
        return [(word.name, tuple(map(_phone, word)), word.score / max(word.duration, 1)) for word in aligned]
    except RuntimeError:
        return []


def _phone(entry: Any) -> Phone:
    start, end = entry.start / FRAMES_A_SECOND, (entry.start + entry.duration) / FRAMES_A_SECOND
    return Phone(start, end, entry.name if entry.name in INDEX else "SIL")
