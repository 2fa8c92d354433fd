"""Words with times: an interval's text spread over it, and the words that a tool left without times filled in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from duologue.errors import DuologueError, invalid

_LETTER: Final = 0.07
"""Seconds a letter of unhurried speech takes: 14 a second."""
_SHORTEST: Final = 0.08
"""Seconds below which no word is said."""
_LONGEST: Final = 1.0
"""Seconds that a word without times is given at most, however long the gap is that it lies in."""


@dataclass(frozen=True)
class Word:
    """One spoken word, seconds."""

    start: float
    end: float
    text: str
    line: tuple[float, float] | None = field(default=None, compare=False)
    """The interval of the transcript over which it was spread together with others; None where its times are its own."""
    phones: tuple[tuple[float, float, str], ...] = ()
    """(start, end, name) of its phones, in the CMU dictionary's names, where whoever spoke it knew them; else ()."""


@dataclass(frozen=True)
class Entry:
    """A word, or a line of words, as a transcript has it: its times may be missing (None) or wrong."""

    start: float | None
    end: float | None
    text: str
    where: str
    """Its place in the transcript, for errors."""
    within: tuple[float, float] = (0.0, math.inf)
    """The segment that it is a part of."""
    phones: tuple[tuple[float, float, str], ...] = ()
    """Of a single word, where the transcript has them (see :class:`Word`)."""

    @property
    def timed(self) -> bool:
        """Whether its times can be: finite, in order and after the beginning."""
        return self.start is not None and self.end is not None and 0 <= self.start <= self.end < math.inf


def spread(text: str, start: float, end: float) -> list[Word]:
    """Give each word of a line a share of its time, by its number of letters."""
    words = text.split()
    shares = [len(word) + 1 for word in words]
    total, times = sum(shares), [start]
    for share in shares:
        times.append(times[-1] + (end - start) * share / total)
    line = (start, end) if len(words) > 1 else None
    return [Word(times[i], times[i + 1], word, line) for i, word in enumerate(words)]


def filled(entries: Sequence[Entry]) -> tuple[list[Entry], int]:
    """Return entries that all have times, and how many of them had none or impossible ones.

    Those lie between their neighbours and within their segment, by their number of letters: aligners leave out numerals
    (WhisperX) and words they didn't find (gentle), recognisers end a word before it begins.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-times`` or ``transcript-malformed`` when no entry has times that can be.
    """
    if entries and not any(entry.timed for entry in entries):
        raise _without_times(entries[0])
    timed: list[Entry] = []
    begin = 0
    following = _next_starts(entries)
    for end in _runs(entries):
        run = entries[begin:end]
        timed += run if run[0].timed else _laid(run, timed, following[end])
        begin = end
    return timed, sum(not entry.timed for entry in entries)


def malformed(where: str, what: str) -> DuologueError:
    """Return the error for a transcript that can't be read, with the place that is wrong."""
    return invalid("transcript-malformed", f"{where} {what}")


def _without_times(entry: Entry) -> DuologueError:
    if entry.start is None or entry.end is None:
        return malformed(entry.where, f"needs start, end (seconds) and text, and is {entry.text!r:.60}")
    times = f"goes from {entry.start:g} s to {entry.end:g} s"
    return invalid("transcript-times", f"{entry.where} {times}; times must be finite and in order")


def _next_starts(entries: Sequence[Entry]) -> list[float]:
    """Return, for each place, when the first timed entry from there on begins (infinity: there is none)."""
    starts = [math.inf]
    for entry in reversed(entries):
        starts.append(entry.start if entry.timed and entry.start is not None else starts[-1])
    return starts[::-1]


def _runs(entries: Sequence[Entry]) -> Iterator[int]:
    """Yield the ends of the stretches of entries that are all timed, or all not and of one segment."""
    for index in range(1, len(entries) + 1):
        this = entries[index - 1]
        if (
            index == len(entries)
            or this.timed != entries[index].timed
            or (not this.timed and this.within != entries[index].within)
        ):
            yield index


def _laid(run: Sequence[Entry], before: list[Entry], next_start: float) -> list[Entry]:
    """Return a run of entries without times, laid between what is before (whose last gives way to it) and what follows."""
    letters = sum(len(entry.text) + 1 for entry in run)
    begin, until = run[0].within
    until = min(until, next_start)
    if before and before[-1].end is not None:
        begin = max(begin, before[-1].end)
    elif not before and math.isfinite(until):
        begin = max(begin, until - letters * _LETTER)
    if not math.isfinite(until):
        until = begin + letters * _LETTER
    if until - begin < _SHORTEST * len(run) and before and before[-1].start is not None:
        # Its sound was given to the word before: then they share.
        run = [before.pop(), *run]
        begin = min(run[0].start or 0.0, until)
    until = max(begin, min(until, begin + _LONGEST * len(run)))
    parts: list[Entry] = []
    total = sum(len(entry.text) + 1 for entry in run)
    for entry in run:
        end = begin + (until - begin) * (len(entry.text) + 1) / total
        parts.append(replace(entry, start=begin, end=end))
        begin, total = end, total - len(entry.text) - 1
    return parts
