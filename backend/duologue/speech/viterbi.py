"""The likeliest way through known words: Viterbi's search over a hidden Markov model whose states are their phones.

Every phone is a chain of ``SHORTEST`` states, so it lasts as many frames at least; between two words, before the first and after
the last there may be silence; a word that is said in several ways is parallel branches (Rabiner 1989, sections III B and VI B).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.speech.dictionary import Ways
from duologue.speech.phones import INDEX, PHONES, SILENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN: Final = len(PHONES)
"""The symbol of a word that nobody knows how to say; the others are indices into ``PHONES``."""
SHORTEST: Final = 2
"""Frames."""
_UNKNOWN_FRAMES: Final = 5


@dataclass(frozen=True)
class Lattice:
    """S states in the order of time.

    ``symbols`` (S,): phones or ``UNKNOWN``; ``symbol_number`` (S,): states of one phone of one word share it; ``words`` (S,):
    which word, -1 between words; ``before`` (S, B): the states that each may follow, itself first, filled up with S, from which
    nobody comes; S + 1 is the beginning. ``last``: where it may end.
    """

    symbols: NDArray[np.int64]
    symbol_number: NDArray[np.int64]
    words: NDArray[np.int64]
    before: NDArray[np.int64]
    last: NDArray[np.int64]


class _Builder:
    def __init__(self) -> None:
        self.symbols: list[int] = []
        self.numbers: list[int] = []
        self.words: list[int] = []
        self.before: list[list[int]] = []

    def chain(self, symbols: Sequence[int], word: int, entries: list[int], frames: int = SHORTEST) -> int:
        """Add symbols one after the other behind the states ``entries``; return the last one's last state."""
        for symbol in symbols:
            number = len(self.symbols)
            for _ in range(frames):
                self.symbols.append(symbol)
                self.numbers.append(number)
                self.words.append(word)
                self.before.append(entries)
                entries = [len(self.symbols) - 1]
        return entries[0]


def lattice(words: Sequence[Ways]) -> Lattice:
    """Return the states of consecutive words by the ways in which each is said, () of one that nobody knows how to say."""
    built = _Builder()
    ends = [-1]
    for word, ways in enumerate(words):
        entries = [*ends, built.chain([INDEX[SILENCE]], -1, ends)]
        ends = [built.chain([INDEX[name] for name in way], word, entries) for way in ways]
        ends = ends or [built.chain([UNKNOWN], word, entries, _UNKNOWN_FRAMES)]
    last = [*ends, built.chain([INDEX[SILENCE]], -1, ends)]
    count = len(built.symbols)
    before = np.full((count, 1 + max(map(len, built.before))), count)
    before[:, 0] = np.arange(count)
    for state, entries in enumerate(built.before):
        before[state, 1 : 1 + len(entries)] = [count + 1 if entry < 0 else entry for entry in entries]
    symbols, numbers, owners = (np.array(column) for column in (built.symbols, built.numbers, built.words))
    return Lattice(symbols, numbers, owners, before, np.array(last))


def best_path(scores: NDArray[np.float32], states: Lattice) -> NDArray[np.int64]:
    """Return (T,) the state of each frame on the way with the highest sum of ``scores`` (T, 41), log likelihoods of the symbols;
    (0,) where the words need more frames.

    delta_t(s) = max over r in before(s) of delta_{t-1}(r), plus scores_t(symbol of s)   (Rabiner 1989, eq. 33a; every way on from
    a state is as likely as the others). Time grows with T times S: 3 ms a second of speech.
    """
    count, every = len(states.symbols), np.arange(len(states.symbols))
    best = np.full(count + 2, -np.inf)
    best[count + 1] = 0.0
    came = np.empty((len(scores), count), np.uint8)
    for frame, score in enumerate(scores):
        ways = best[states.before]
        came[frame] = choice = ways.argmax(axis=1)
        best[:count] = ways[every, choice] + score[states.symbols]
        best[count + 1] = -np.inf
    state = int(states.last[best[states.last].argmax()])
    if not len(scores) or not np.isfinite(best[state]):
        return np.zeros(0, np.int64)
    path = np.empty(len(scores), np.int64)
    for frame in range(len(scores) - 1, -1, -1):
        path[frame] = state
        state = int(states.before[state, came[frame, state]])
    return path
