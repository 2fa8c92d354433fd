"""Forced alignment by pocketsphinx (extra ``align``), with its acoustic model of US English: words first, then what is in them.

Where the face's speech encoder has a phone head, words are set on the sound by that (``phone_aligner``); training, which makes
such encoders, aligns its data with this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from duologue.speech.alignment import AlignedWord, Pronounce
from duologue.speech.aloud import spoken
from duologue.speech.dictionary import bare
from duologue.speech.phones import INDEX, Phone
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES_A_SECOND: Final = 100
"""Of pocketsphinx."""
DITHER: Final = {"dither": True, "seed": 1}
"""Noise, always the same, below what is heard: the logarithm of digital silence, which edited tracks are full of, breaks every
search of pocketsphinx's."""
_PATIENT: Final = {"beam": 1e-200, "wbeam": 1e-180, "pbeam": 1e-200, "bestpath": False, **DITHER}
"""Search far, because the words are given. The default beams, and its pass over the lattice, lose the end of every other fast or
synthetic utterance; 1e-120 still lost German ones, which fit English phones less."""

_FIT: Final = -65.0
"""Mean score a frame, over a word and two on either side, from which they are believed to be there (0: no sound fits better).
Measured: transcripts of other recordings lie between -78 and -39, right ones between -48 and -12."""


class SphinxAligner:
    """Finds words that are known to be said (see :class:`~duologue.speech.alignment.Aligner`). Loading takes 0.1 s, a second of
    speech 0.05 s; use it from one thread at a time.

    ``pronounce``: how words are said that its dictionary lacks; ``dictionary``: whether that of US English is asked first.

    Raises:
        ImportError: pocketsphinx is not installed.
    """

    def __init__(self, pronounce: Pronounce | None = None, *, dictionary: bool = True) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(samprate=SPEECH_RATE, lm=None, loglevel="FATAL", **_PATIENT)
        self._pronounce, self._dictionary = pronounce, dictionary
        self._learnt = 0

    def _spell(self, texts: Sequence[str]) -> list[str | None]:
        """Return each of some consecutive words as ``align`` takes it: as the dictionary has it, else as it is pronounced; None
        of one that nobody knows how to say.
        """
        spelled = [self._in_dictionary(text) if self._dictionary else None for text in texts]
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

    def _in_dictionary(self, text: str) -> str | None:
        """Return a written word as the dictionary has it, without punctuation and case; None where it has not."""
        word = bare(text)
        return next((known for known in (word, word.strip("'")) if known and self._decoder.lookup_word(known)), None)

    def align(self, samples_16k: NDArray[np.float32], texts: Sequence[str]) -> list[AlignedWord | None]:
        """Return where each of some consecutive written words is in ``samples_16k`` (n,); None of one that nobody knows how to
        say, [] where they don't fit.
        """
        spelled = self._spell(texts)
        found = _searched(self._decoder, samples_16k, [word for word in spelled if word])
        # Silences are <s>, <sil>, fillers are [NOISE]; a second pronunciation is "the(2)".
        said = iter([(phones, fit) for name, phones, fit in found if name[:1] not in "<["])
        placed = [_placed(*next(said, ((), 0.0))) if word else None for word in spelled]
        complete = next(said, None) is None and all(at for at, word in zip(placed, spelled, strict=True) if word)
        return placed if complete else []


def _placed(phones: Sequence[Phone], fit: float) -> AlignedWord | None:
    return AlignedWord(phones[0].start, phones[-1].end, tuple(phones), fit - _FIT) if phones else None


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
