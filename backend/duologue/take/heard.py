"""Words that were recognised while a take was made: how they travel beside its windows, and as subtitles to correct."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from duologue.errors import invalid
from duologue.take.track import Notice

REASON: Final = "words"
"""Of the notices that carry words."""
_A_NOTICE: Final = 60
"""Words a notice carries at most: the wire's texts are short."""
_LONGEST: Final = 40
"""Letters of a word."""
_LINE, _PAUSE, _SECONDS = 42, 0.6, 6.0
"""What ends a subtitle: letters, seconds of quiet, seconds in all."""


@dataclass(frozen=True)
class HeardWord:
    """One recognised word of a performer's, seconds of the take; ``sure`` enough for the lips to follow it."""

    start: float
    end: float
    text: str
    sure: bool = True


@dataclass(frozen=True)
class HeardWords:
    """Words of one performer in the order of time."""

    performer: str
    words: tuple[HeardWord, ...]


def to_notices(heard: HeardWords) -> Iterator[Notice]:
    """Yield what carries the words to who asked for the take."""
    for at in range(0, len(heard.words), _A_NOTICE):
        rows = [
            [round(w.start, 2), round(w.end, 2), w.text[:_LONGEST], int(w.sure)]
            for w in heard.words[at : at + _A_NOTICE]
        ]
        yield Notice(
            REASON, json.dumps([heard.performer, rows], ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        )


def from_notice(notice: Notice) -> HeardWords | None:
    """Return the words that a notice carries; None of any other notice.

    Raises:
        DuologueError: INVALID_ARGUMENT ``message-field`` for words that are none.
    """
    if notice.reason != REASON:
        return None
    try:
        performer, rows = json.loads(notice.message)
        words = tuple(_word(*row) for row in rows)
        if performer not in {"A", "B"}:
            raise ValueError(performer)
    except (ValueError, TypeError) as error:
        raise invalid("message-field", f"recognised words that can't be read: {notice.message:.80}") from error
    return HeardWords(performer, words)


def _word(start: Any, end: Any, text: Any, sure: Any) -> HeardWord:
    return HeardWord(float(start), float(end), str(text), bool(sure))


class Listener:
    """Gathers the words that come with a take's windows."""

    def __init__(self) -> None:
        self._words: dict[str, list[HeardWord]] = {"A": [], "B": []}

    def take(self, notice: Notice) -> bool:
        """Take a notice; return whether it carried words, which are nothing to be read as it is."""
        if (heard := from_notice(notice)) is None:
            return False
        self._words[heard.performer] += heard.words
        return True

    def words(self, performer: str) -> tuple[HeardWord, ...]:
        """Return what was heard of a performer so far, in the order of time."""
        return tuple(sorted(set(self._words[performer]), key=lambda word: (word.start, word.end)))


def subtitles(words: Sequence[HeardWord]) -> str:
    """Return words as SubRip: a cue a line of up to six seconds, to be corrected and given back as a transcript."""
    cues = (
        f"{number}\n{_time(line[0].start)} --> {_time(max(line[-1].end, line[0].start + 0.02))}\n"
        + " ".join(word.text for word in line)
        + "\n"
        for number, line in enumerate(_lines(words), 1)
    )
    return "\n".join(cues)


def _lines(words: Iterable[HeardWord]) -> Iterator[list[HeardWord]]:
    line: list[HeardWord] = []
    for word in words:
        if line:
            letters = sum(len(before.text) + 1 for before in line) + len(word.text)
            over = word.start - line[-1].end >= _PAUSE or word.end - line[0].start > _SECONDS or letters > 2 * _LINE
            if over or (line[-1].text[-1:] in ".?!" and letters > _LINE):
                yield line
                line = []
        line.append(word)
    if line:
        yield line


def _time(seconds: float) -> str:
    milliseconds = round(max(seconds, 0.0) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02},{rest % 1000:03}"
