"""Forced alignment: where words that are known to be said are in a recording, and their phones.

By the speech encoder of the face (``phone_aligner``), for every language whose phones are known; by pocketsphinx (``sphinx``)
where that encoder has no phone head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from duologue.speech.phones import ON_LIPS, Phone

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEIGHBOURS: Final = 2
_MEAN_PHONE: Final = (0.031, 0.35)
"""Seconds: a believable word's mean phone. Words crammed into no sound get the shortest phones there are."""
_LONGEST: Final = 0.35
"""Seconds: a longer consonant has swallowed something else."""


@dataclass(frozen=True)
class AlignedWord:
    """A word where it was found: seconds, its phones, and how well they fit the sound (over 0: it is believed to be there)."""

    start: float
    end: float
    phones: tuple[Phone, ...]
    fit: float

    @property
    def on_lips(self) -> list[Phone]:
        """Its phones that lips can be seen to get wrong, ``phones.ON_LIPS``."""
        return [phone for phone in self.phones if phone.name in ON_LIPS and phone.end - phone.start <= _LONGEST]

    def moved(self, seconds: float) -> AlignedWord:
        """Return it later by ``seconds``."""
        phones = tuple(phone.moved(seconds) for phone in self.phones)
        return AlignedWord(self.start + seconds, self.end + seconds, phones, self.fit)


Pronounce = Callable[[Sequence[str]], Sequence[Sequence[str]]]
"""Returns each word's phones (``PHONES`` without silence), of another language the nearest ones; none of what is not said."""


class Aligner(Protocol):
    """Finds words that are known to be said. Use it from one thread at a time."""

    def align(self, samples_16k: NDArray[np.float32], texts: Sequence[str]) -> list[AlignedWord | None]:
        """Return where each of some consecutive written words is in ``samples_16k`` (n,); None of one that nobody knows how to
        say, [] where they don't fit.
        """
        ...


MakeAligner = Callable[[], Aligner]
"""Makes one; raises ImportError where what it needs is not installed."""


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
    return ((means > _MEAN_PHONE[0]) & (means < _MEAN_PHONE[1]) & (around > 0)).tolist()
