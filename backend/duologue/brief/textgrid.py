"""Praat's TextGrid, long and short (https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html).

Own code: praatio 6.2 and TextGrid 1.6 (tried on 2026-11-29) refuse the manual's own example, which has comments and several
values a line. They read the long and short form as Praat saves them, and so does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from duologue.brief.words import Entry, malformed
from duologue.errors import invalid

SILENCES: Final = {"", "sil", "sp", "spn", "<sil>", "<p:>", "<eps>", "_", "#"}
"""How aligners write that nobody speaks."""

# Long and short files hold the same values in the same order; the long one has names between them, in which no number or
# text stands alone. So both are read by picking the values out. Quotes within a text are doubled; what stands between a "!" and
# the line's end is a comment.
_VALUE = re.compile(
    r'"([^"]*(?:""[^"]*)*)"|![^\n]*|(?<![\w.\[-])(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.\]:])|<(exists|absent)>'
)

Interval = tuple[float, float, str]
Tiers = Sequence[tuple[str, Sequence[Interval] | None]]
"""Tiers by name; those of points have no intervals."""


def read_textgrid(content: str, tier: str) -> list[Entry]:
    """Return the intervals of a tier in which somebody speaks (see :func:`chosen`).

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-malformed``, ``transcript-tier``.
    """
    values = _values(content)
    try:
        if next(values) != "ooTextFile" or next(values) != "TextGrid":
            raise malformed("the file", "is not a Praat TextGrid in text form")
        _skip(values, 3)
        tiers = [_tier(values) for _ in range(int(_number(values)))]
    except (StopIteration, RuntimeError, ValueError, OverflowError) as error:
        raise malformed(
            "the TextGrid", "ends early or has a value of the wrong kind; open and save it in Praat"
        ) from error
    return entries_of(tiers, tier)


def entries_of(tiers: Tiers, wanted: str) -> list[Entry]:
    """Return the intervals of the tier asked for in which somebody speaks.

    Without a name: of the one named for words, else of the first of intervals that isn't named for phones.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-tier``.
    """
    name, intervals = _chosen(tiers, wanted)
    entries = (
        Entry(start, end, text.strip(), f"interval {number} of tier {name!r}")
        for number, (start, end, text) in enumerate(intervals, start=1)
    )
    return [entry for entry in entries if entry.text.lower() not in SILENCES]


def _values(content: str) -> Iterator[str | float | bool]:
    for match in _VALUE.finditer(content):
        text, number, flag = match.groups()
        if text is not None:
            yield text.replace('""', '"')
        elif number is not None:
            yield float(number)
        elif flag is not None:
            yield flag == "exists"


def _tier(values: Iterable[Any]) -> tuple[str, list[Interval] | None]:
    """Read one tier; a point tier has no intervals."""
    read = iter(values)
    kind, name = next(read), next(read)
    _skip(read, 2)
    count = int(_number(read))
    if kind == "IntervalTier":
        return str(name), [(_number(read), _number(read), _text(read)) for _ in range(count)]
    for _ in range(count):
        _skip(read, 2)
    return str(name), None


def _skip(values: Iterable[Any], count: int) -> None:
    for _ in range(count):
        next(iter(values))


def _number(values: Iterable[Any]) -> float:
    value = next(iter(values))
    if not isinstance(value, float):
        raise ValueError(f"{value!r} is not a number")
    return value


def _text(values: Iterable[Any]) -> str:
    value = next(iter(values))
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _chosen(tiers: Tiers, wanted: str) -> tuple[str, Sequence[Interval]]:
    usable = [(name, intervals) for name, intervals in tiers if intervals is not None]
    if wanted:
        for name, intervals in usable:
            if name == wanted:
                return name, intervals
    else:
        is_words = [tier for tier in usable if re.search(r"\bwords?\b", tier[0], re.IGNORECASE)]
        others = [tier for tier in usable if not re.search(r"phone|segment", tier[0], re.IGNORECASE)]
        if is_words or others:
            return (is_words or others)[0]
    names = ", ".join(repr(name) for name, _ in usable) or "none"
    lacking = f"no interval tier {wanted!r}" if wanted else "no interval tier with words"
    raise invalid("transcript-tier", f"the TextGrid has {lacking}; its interval tiers: {names}")
