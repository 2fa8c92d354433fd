"""Transcripts as people have them: SRT, Praat TextGrid, word-timed JSON, or plain text, which has no times of its own.

Formats: SubRip (.srt); Praat's TextGrid, long and short (https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html);
JSON as a list of ``{"start", "end", "text"}`` (or ``"word"``), alone or under ``"words"``, or under ``"segments"`` as Whisper
writes it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

from duologue.brief.speech import Transcript
from duologue.errors import DuologueError, invalid

MAX_WORDS: Final = 20_000
"""Of half an hour: eleven a second."""


@dataclass(frozen=True)
class Word:
    """One spoken word, seconds."""

    start: float
    end: float
    text: str
    line: tuple[float, float] | None = field(default=None, compare=False)
    """The interval of the transcript over which it was spread together with others; None where its times are its own."""


def parse(transcript: Transcript, field: str = "transcript") -> tuple[Word, ...] | str:
    """Return the words in the order of time, or the bare text where the transcript has no times (see ``speech.words``).

    Text that nobody wrote down is empty: the recogniser has yet to hear it.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-malformed`` (with the line or entry), ``transcript-times``,
        ``transcript-tier``, ``transcript-long``.
    """
    try:
        return _parsed(transcript)
    except DuologueError as error:
        raise DuologueError(error.code, error.reason, error.message, field=field) from error


@lru_cache(maxsize=4)
def _parsed(transcript: Transcript) -> tuple[Word, ...] | str:
    """Read once what is asked for twice: where a brief is checked, and where it is performed."""
    if transcript.format == "recognise":
        return ""
    if transcript.format == "text":
        texts = transcript.content.split()
        _check_count(len(texts))
        return " ".join(texts)
    words = {"srt": _srt, "textgrid": _textgrid, "json": _json}[transcript.format](transcript)
    _check_count(len(words))
    return tuple(sorted(words, key=lambda word: word.start))


def spread(text: str, start: float, end: float) -> list[Word]:
    """Give each word of a line a share of its time, by its number of letters."""
    words = text.split()
    shares = [len(word) + 1 for word in words]
    total, times = sum(shares), [start]
    for share in shares:
        times.append(times[-1] + (end - start) * share / total)
    line = (start, end) if len(words) > 1 else None
    return [Word(times[i], times[i + 1], word, line) for i, word in enumerate(words)]


def _word(start: float, end: float, text: str, where: str) -> Word:
    if not (math.isfinite(start) and math.isfinite(end) and 0 <= start <= end):
        raise invalid(
            "transcript-times", f"{where} goes from {start:g} s to {end:g} s; times must be finite and in order"
        )
    return Word(start, end, text)


def _check_count(words: int) -> None:
    if words > MAX_WORDS:
        raise invalid("transcript-long", f"has {words} words; at most {MAX_WORDS} can be said in a take")


def _malformed(where: str, what: str) -> DuologueError:
    return invalid("transcript-malformed", f"{where} {what}")


# --- SubRip ---------------------------------------------------------------------------------------------------------

# All patterns here take time in proportion to the text: none can begin at many places and run on to the text's end from each.
_CUE_TIMES = re.compile(r"\s*(\d{1,4}):(\d\d):(\d\d)[,.](\d{1,3})\s*-->\s*(\d{1,4}):(\d\d):(\d\d)[,.](\d{1,3})")
_STYLING = re.compile(r"<[^<>]*>|\{[^{}]*\}")


def _srt(transcript: Transcript) -> list[Word]:
    words: list[Word] = []
    lines = [*transcript.content.replace("\r\n", "\n").split("\n"), ""]
    at = 0
    while at < len(lines):
        if not lines[at].strip() or (lines[at].strip().isdigit() and "-->" in lines[at + 1]):
            at += 1
            continue
        match = _CUE_TIMES.match(lines[at])
        if match is None:
            raise _malformed(
                f"line {at + 1}", f"is {lines[at].strip()!r:.40} where a cue's times are needed (00:00:01,000 --> …)"
            )
        begin = at + 1
        at = next(index for index in range(begin, len(lines)) if not lines[index].strip())
        text = _STYLING.sub("", " ".join(lines[begin:at]))
        start, end = _clock(match.groups()[:4]), _clock(match.groups()[4:])
        cue = _word(start, end, text, f"the cue at line {begin}")
        words += spread(cue.text, cue.start, cue.end)
    return words


def _clock(parts: Sequence[str]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


# --- Praat TextGrid -------------------------------------------------------------------------------------------------

_SILENCES = {"", "sil", "sp", "spn", "<sil>", "<p:>", "<eps>", "_", "#"}
# Long and short files hold the same values in the same order; the long one has names between them, in which no number or
# text stands alone. So both are read by picking the values out. Quotes within a text are doubled.
_VALUE = re.compile(r'"([^"]*(?:""[^"]*)*)"|(?<![\w.\[-])(-?\d+(?:\.\d+)?(?:[eE]-?\d+)?)(?![\w.\]:])|<(exists|absent)>')


def _textgrid(transcript: Transcript) -> list[Word]:
    content = re.sub(r"^[^\S\n]*!.*$", "", transcript.content, flags=re.MULTILINE)
    values = iter([_value(*groups) for groups in _VALUE.findall(content)])
    try:
        if next(values) != "ooTextFile" or next(values) != "TextGrid":
            raise _malformed("the file", "is not a Praat TextGrid in text form")
        _skip(values, 3)
        tiers = [_tier(values) for _ in range(int(_number(values)))]
    except (StopIteration, RuntimeError, ValueError, OverflowError) as error:
        raise _malformed(
            "the TextGrid", "ends early or has a value of the wrong kind; open and save it in Praat"
        ) from error
    name, intervals = _chosen(tiers, transcript.tier)
    words: list[Word] = []
    for index, (start, end, text) in enumerate(intervals):
        cue = _word(start, end, text.strip(), f"interval {index + 1} of tier {name!r}")
        if cue.text.lower() not in _SILENCES:
            words += spread(cue.text, cue.start, cue.end)
    return words


def _value(text: str, number: str, flag: str) -> str | float | bool:
    if number:
        return float(number)
    return flag == "exists" if flag else text.replace('""', '"')


_Interval = tuple[float, float, str]


def _tier(values: Iterable[Any]) -> tuple[str, list[_Interval] | None]:
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


def _chosen(tiers: list[tuple[str, list[_Interval] | None]], wanted: str) -> tuple[str, list[_Interval]]:
    """Return the tier asked for; else the one named for words; else the first of intervals that isn't named for phones."""
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


# --- JSON -----------------------------------------------------------------------------------------------------------


def _json(transcript: Transcript) -> list[Word]:
    try:
        value: Any = json.loads(transcript.content)
    except (ValueError, RecursionError) as error:
        raise _malformed("the transcript", f"is not valid JSON: {error}") from error
    if isinstance(value, dict):
        document = cast("dict[str, Any]", value)
        value = document.get("words", document.get("segments"))
    if not isinstance(value, list):
        raise _malformed(
            "the transcript", 'holds no list of words; write [{"start": 0.0, "end": 0.4, "text": "Hello"}, …]'
        )
    entries = cast("list[Any]", value)
    try:
        return [word for index, entry in enumerate(entries) for word in _json_words(entry, f"entry {index}")]
    except RecursionError as error:
        raise _malformed("the transcript", "holds words within words within words") from error


def _json_words(entry: Any, where: str) -> list[Word]:
    """Read a word, or a segment of Whisper's: its words where it has them, else its text spread over its time."""
    table = cast("dict[str, Any]", entry)  # or it is none, which reading it tells
    words: Any = table.get("words") if isinstance(entry, dict) else None
    if isinstance(words, list) and words:
        return [
            word
            for index, part in enumerate(cast("list[Any]", words))
            for word in _json_words(part, f"{where}, word {index}")
        ]
    try:
        text = str(table["text"] if "text" in table else table["word"]).strip()
        start, end = float(table["start"]), float(table["end"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _malformed(where, f"needs start, end (seconds) and text, and is {entry!r:.60}") from error
    word = _word(start, end, text, where)
    return spread(word.text, word.start, word.end)
