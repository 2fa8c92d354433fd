"""Words with times in JSON, in the layouts that recognisers and aligners write.

A list of ``{"start", "end", "text"}`` (or ``"word"``), alone or under ``words`` or ``segments``: ours, openai-whisper's,
faster-whisper's, WhisperX's and gentle's. Beside these: whisper.cpp (``transcription``, milliseconds), the Montreal Forced
Aligner's old and new (``tiers``), aeneas (``fragments``), vosk (``result``, one document after the other), Deepgram
(``results.channels``), Hugging Face's pipelines (``chunks``), Amazon Transcribe (``results.items``), Google's (``results`` with
``alternatives``), AssemblyAI (milliseconds).

A word may have ``phones``, a list of [start, end, name]: when whoever spoke it, a synthesiser, knows them exactly.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Any, Final, cast

from duologue.brief import textgrid
from duologue.brief.words import Entry, malformed

_LISTS: Final = ("words", "segments", "word_segments", "fragments", "transcription", "result", "chunks")
"""Where a document has its list, the most exact first."""
_TEXTS: Final = ("text", "word", "lines")
_SPACE = re.compile(r"\s*+")
_STARTS, _ENDS = ("start", "begin", "from", "start_time", "startTime"), ("end", "to", "end_time", "endTime")
_LONGEST_WORD: Final = 30.0


def read_json(content: str, tier: str) -> tuple[list[Entry], bool, tuple[str, ...]]:
    """Return a transcript's words or lines, whether each has been written as a word of its own, and notes.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-malformed`` with the entry, ``transcript-tier``.
    """
    try:
        documents = list(_documents(content.lstrip("\ufeff")))
    except (ValueError, RecursionError) as error:
        raise malformed("the transcript", f"is not valid JSON: {error}") from error
    value = documents[0] if len(documents) == 1 else documents
    if isinstance(value, dict):
        document = cast("dict[str, Any]", value)
        if "tiers" in document:
            return textgrid.entries_of(list(_mfa_tiers(document["tiers"])), tier), False, ()
        if isinstance(document.get("results"), dict):
            results = cast("dict[str, Any]", document["results"])
            words, notes = (_amazon(results), ()) if "items" in results else _deepgram(results)
            return list(_entries(words)), True, notes
        if isinstance(document.get("results"), list):
            return list(_entries(_google(document["results"]))), True, ()
    entries, notes = _in_seconds(list(_entries(_list_in(value))))
    return entries, all(" " not in entry.text for entry in entries), notes


def _in_seconds(entries: list[Entry]) -> tuple[list[Entry], tuple[str, ...]]:
    """Return entries in seconds: nobody's words last half a minute each, so whole numbers of that size are milliseconds."""
    times = [(entry.start, entry.end) for entry in entries if entry.start is not None and entry.end is not None]
    whole = all(math.isfinite(time) and time == int(time) for pair in times for time in pair)
    if not times or not whole or median(end - start for start, end in times) < _LONGEST_WORD:
        return entries, ()

    def seconds(time: float | None) -> float | None:
        return None if time is None else time / 1000

    moved = [replace(entry, start=seconds(entry.start), end=seconds(entry.end)) for entry in entries]
    return moved, ("has times in milliseconds, and was read so",)


def _documents(content: str) -> Iterator[Any]:
    """Yield one document after the other: most files hold one, a stream of vosk's results many."""
    decoder = json.JSONDecoder()
    at = _after_space(content, 0)
    while True:
        value, at = decoder.raw_decode(content, at)
        yield value
        at = _after_space(content, at)
        if at == len(content):
            return
        if content[at] not in "{[":
            raise ValueError(f"something stands after its end, at character {at}")


def _after_space(content: str, at: int) -> int:
    space = _SPACE.match(content, at)
    return space.end() if space else at


def _list_in(value: Any) -> list[Any]:
    if isinstance(value, dict):
        document = cast("dict[str, Any]", value)
        lists = [document[name] for name in _LISTS if isinstance(document.get(name), list)]
        value = next((items for items in lists if items), lists[0] if lists else None)
    if not isinstance(value, list):
        raise malformed(
            "the transcript", 'holds no list of words; write [{"start": 0.0, "end": 0.4, "text": "Hello"}, …]'
        )
    return cast("list[Any]", value)


def _entries(items: Sequence[Any]) -> Iterator[Entry]:
    for index, item in enumerate(items):
        where = f"entry {index}"
        if not isinstance(item, dict):
            raise malformed(where, f"needs start, end (seconds) and text, and is {item!r:.60}")
        table = cast("dict[str, Any]", item)
        words = table.get("words") or table.get("result")
        if isinstance(words, list) and words:
            yield from _words(cast("list[Any]", words), table, where)
        elif "partial" not in table:
            entry = _entry(table, where)
            if entry.text:
                yield entry


def _words(words: list[Any], segment: dict[str, Any], where: str) -> Iterator[Entry]:
    """Yield a segment's words, which lie in it."""
    start, end = _time(segment, _STARTS, where), _time(segment, _ENDS, where)
    ordered = start is not None and end is not None and 0 <= start < end < math.inf
    within = (start, end) if ordered and start is not None and end is not None else (0.0, math.inf)
    for index, word in enumerate(words):
        place = f"{where}, word {index}"
        if not isinstance(word, dict):
            raise malformed(place, f"needs start, end (seconds) and text, and is {word!r:.60}")
        entry = _entry(cast("dict[str, Any]", word), place, within)
        if entry.text:
            yield entry


def _entry(table: dict[str, Any], where: str, within: tuple[float, float] = (0.0, math.inf)) -> Entry:
    text = next((table[name] for name in _TEXTS if name in table), None)
    if isinstance(text, list):
        text = "\n".join(str(line) for line in cast("list[Any]", text))
    if text is None:
        raise malformed(where, f"needs start, end (seconds) and text, and is {table!r:.60}")
    offsets, pair = table.get("offsets"), table.get("timestamp")
    if isinstance(offsets, dict):  # whisper.cpp
        start, end = (_time(cast("dict[str, Any]", offsets), (name,), where) for name in ("from", "to"))
        start, end = start and start / 1000, end and end / 1000
    elif isinstance(pair, list) and len(cast("list[Any]", pair)) == 2:
        start, end = (_time({"": value}, ("",), where) for value in cast("list[Any]", pair))
    else:
        start, end = _time(table, _STARTS, where), _time(table, _ENDS, where)
    return Entry(start, end, str(text).strip(), where, within, _phones(table, where))


def _phones(table: dict[str, Any], where: str) -> tuple[tuple[float, float, str], ...]:
    """Return a word's phones; those of gentle, which have lengths and no times, are not read."""
    value = table.get("phones")
    rows: list[Any] = cast("list[Any]", value) if isinstance(value, list) else []
    if not rows or not all(isinstance(row, list) for row in rows):
        return ()
    try:
        phones = tuple((float(start), float(end), str(name)) for start, end, name in rows)
    except (TypeError, ValueError, OverflowError) as error:
        raise malformed(where, "has phones that are not [start, end, name]") from error
    times = [0.0, *(time for start, end, _ in phones for time in (start, end)), math.inf]
    if not all(before <= after for before, after in pairwise(times)) or times[-2] == math.inf:
        raise malformed(where, "has phones whose times are not finite and in order")
    return phones


def _time(table: dict[str, Any], names: Sequence[str], where: str) -> float | None:
    """Return seconds, which are text in some layouts; None where there are none."""
    value = next((table[name] for name in names if table.get(name) is not None), None)
    try:
        return None if value is None else float(value.removesuffix("s") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError) as error:
        raise malformed(where, f"needs start, end (seconds) and text, and is {table!r:.60}") from error


def _mfa_tiers(tiers: Any) -> Iterator[tuple[str, list[textgrid.Interval] | None]]:
    """Yield tiers as MFA has them: by name, with a ``type`` (3.x); as a list, with ``name`` and ``class`` (2.x)."""
    if isinstance(tiers, dict):
        named = [(name, tier) for name, tier in cast("dict[str, Any]", tiers).items()]
    else:
        named = [("", tier) for tier in cast("list[Any]", tiers)] if isinstance(tiers, list) else []
    for name, tier in named:
        if not isinstance(tier, dict):
            raise malformed("tiers", f"hold {tier!r:.60} where a tier is needed")
        table = cast("dict[str, Any]", tier)
        kind = str(table.get("type", table.get("class", "interval"))).lower()
        try:
            intervals = [(float(start), float(end), str(text)) for start, end, text in table["entries"]]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if not kind.startswith("interval"):
                yield str(table.get("name", name)), None
                continue
            raise malformed(f"tier {name!r}", "needs entries of [start, end, text]") from error
        yield str(table.get("name", name)), intervals if kind.startswith("interval") else None


def _amazon(results: Any) -> list[Any]:
    """Return the likeliest words of Amazon Transcribe's items; punctuation has no time and is left out."""
    try:
        items = [item for item in results["items"] if "start_time" in item]
        return [{**item, "text": item["alternatives"][0]["content"]} for item in items]
    except (KeyError, IndexError, TypeError) as error:
        raise malformed("results", "need items with alternatives, as Amazon Transcribe writes them") from error


def _google(results: Any) -> list[Any]:
    """Return the words of the likeliest hearing of each of Google's results."""
    try:
        return [word for result in results for word in result["alternatives"][0].get("words", [])]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise malformed("results", "need alternatives with words, as Google's Speech-to-Text writes them") from error


def _deepgram(results: Any) -> tuple[list[Any], tuple[str, ...]]:
    """Return the words of the likeliest hearing of the first channel on which somebody speaks."""
    try:
        channels = [channel["alternatives"][0]["words"] for channel in results["channels"]]
        spoken = [words for words in channels if words]
        first = list(spoken[0]) if spoken else []
    except (KeyError, IndexError, TypeError) as error:
        raise malformed("results", "need channels with alternatives with words, as Deepgram writes them") from error
    note = "has words on several channels; the first of them was taken"
    return first, (note,) if len(spoken) > 1 else ()
