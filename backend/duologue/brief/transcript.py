"""Transcripts as people have them: subtitles, Praat TextGrid, word-timed JSON, or plain text, which has no times of its own.

Each format has a module: ``subtitles``, ``textgrid``, ``timed_json``. What is not said (``unspoken``) is left out of all.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from duologue.brief.formats import guess_format
from duologue.brief.speech import Transcript
from duologue.brief.textgrid import read_textgrid
from duologue.brief.timed_json import read_json
from duologue.brief.unspoken import Unspoken
from duologue.brief.words import Entry, Word, filled, spread
from duologue.errors import DuologueError, invalid

__all__ = ["MAX_WORDS", "Reading", "Word", "guess_format", "parse", "read", "spread"]

MAX_WORDS: Final = 20_000
"""Of half an hour: eleven a second."""


class Reading(NamedTuple):
    """What was read from a transcript."""

    words: tuple[Word, ...] | str
    """In the order of time; the bare text where the transcript has no times."""
    notes: tuple[str, ...] = ()
    """What was left out or filled in, for the person who wrote it."""
    entries: int = 0
    """How many lines or words with times it has of which something is said."""


def parse(transcript: Transcript, field: str = "transcript") -> tuple[Word, ...] | str:
    """Return the words in the order of time, or the bare text where the transcript has no times (see ``speech.words``).

    Text that nobody wrote down is empty: the recogniser has yet to hear it.

    Raises:
        DuologueError: what :func:`read` raises.
    """
    return read(transcript, field).words


def read(transcript: Transcript, field: str = "transcript") -> Reading:
    """Return the words of a transcript, and notes.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-malformed`` (with the line or entry), ``transcript-times``,
        ``transcript-tier``, ``transcript-long``.
    """
    try:
        return _read(transcript)
    except DuologueError as error:
        raise DuologueError(error.code, error.reason, error.message, field=field) from error


@lru_cache(maxsize=4)
def _read(transcript: Transcript) -> Reading:
    """Read once what is asked for twice: where a brief is checked, and where it is performed."""
    if transcript.format in {"recognise", "none"}:
        return Reading("")
    if transcript.format == "text":
        unspoken = Unspoken.of([transcript.content])
        text = unspoken.spoken(transcript.content)
        _check_count(text.count(" ") + 1)
        return Reading(text, unspoken.notes())
    return _timed(transcript)


def _timed(transcript: Transcript) -> Reading:
    are_words, notes = False, ()
    if transcript.format == "textgrid":
        entries = read_textgrid(transcript.content, transcript.tier)
    elif transcript.format == "json":
        entries, are_words, notes = read_json(transcript.content, transcript.tier)
    else:
        from duologue.brief.subtitles import read_subtitles  # pysubs2 is slow to import, for who has no subtitles

        entries = read_subtitles(transcript.content)
    _check_count(len(entries))
    unspoken = Unspoken.of([entry.text for entry in entries])
    entries, without_times = filled(unspoken.spoken_entries(entries, words=are_words))
    _check_count(sum(entry.text.count(" ") + 1 for entry in entries))
    words = [word for entry in entries for word in _words(entry)]
    if without_times:
        notes += (
            f"{without_times} of {len(entries)} entries had no times or impossible ones; they lie between their neighbours",
        )
    return Reading(tuple(sorted(words, key=lambda word: word.start)), (*notes, *unspoken.notes()), len(entries))


def _words(entry: Entry) -> list[Word]:
    words = spread(entry.text, entry.start or 0.0, entry.end or 0.0)
    return [replace(words[0], phones=entry.phones)] if len(words) == 1 else words


def _check_count(words: int) -> None:
    if words > MAX_WORDS:
        raise invalid("transcript-long", f"has {words} words; at most {MAX_WORDS} can be said in a take")
