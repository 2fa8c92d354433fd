# SPDX-License-Identifier: GPL-3.0-or-later
"""Transcripts from texts and files, checked where they are chosen, and moved along with the strip whose words they are."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duologue.brief import Transcript
from duologue.brief.formats import TRANSCRIPT_FORMATS, guess_format
from duologue.brief.transcript import Word, parse, read
from duologue.errors import invalid
from duologue.files.encodings import read_foreign_text


@dataclass(frozen=True)
class Stretch:
    """A stretch of a sound as it plays on the timeline, in seconds: ``t`` of the sound is ``t + shift`` of the take."""

    begin: float
    end: float
    shift: float


def read_text_block(content: str, tier: str = "") -> Transcript:
    """Return a text's words.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-empty``; what :func:`duologue.brief.transcript.parse` raises.
    """
    return _checked(Transcript(content, guess_format(content), tier))


def read_file(path: Path, tier: str = "") -> Transcript:
    """Return a file's words.

    Raises:
        DuologueError: NOT_FOUND ``file-not-found``; INVALID_ARGUMENT ``transcript-format`` for an unknown suffix,
            ``transcript-empty``; what ``read_foreign_text`` and ``parse`` raise.
    """
    form = TRANSCRIPT_FORMATS.get(path.suffix.lower())
    if form is None:
        raise invalid("transcript-format", f"{path.name} has none of the suffixes {', '.join(TRANSCRIPT_FORMATS)}")
    content = read_foreign_text(path)
    return _checked(Transcript(content, guess_format(content) if form == "text" else form, tier))


def _checked(transcript: Transcript) -> Transcript:
    if not parse(transcript):
        raise invalid("transcript-empty", "the transcript has no words")
    return transcript


def on_timeline(transcript: Transcript, stretches: Sequence[Stretch]) -> tuple[Transcript, tuple[str, ...]]:
    """Return a transcript with its times in the take: moved and cut as its sound is. Text without times stays as it is.

    A line that is heard whole keeps its own interval; of one that is cut the words stay whose middle is heard. What was noted
    when it was read comes along where it is written anew: who reads it then can't know it any more.
    """
    reading = read(transcript)
    words = reading.words
    whole = len(stretches) == 1 and abs(stretches[0].shift) < 1e-6 and stretches[0].begin <= 1e-6
    if isinstance(words, str) or (whole and all(word.end <= stretches[0].end for word in words)):
        return transcript, ()
    entries = [entry for part in stretches for entry in _moved(words, part)]
    entries.sort(key=lambda entry: entry["start"])
    return Transcript(json.dumps(entries, ensure_ascii=False), "json"), reading.notes


def _moved(words: Sequence[Word], part: Stretch) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for line, group in itertools.groupby(words, key=lambda word: word.line or (word.start, word.end)):
        spoken = list(group)
        inside = part.begin - 1e-6 <= line[0] + part.shift and line[1] + part.shift <= part.end + 1e-6
        if inside:
            phones = spoken[0].phones if len(spoken) == 1 else ()
            entries.append(_entry(Word(*line, " ".join(word.text for word in spoken), phones=phones), part.shift))
            continue
        for word in spoken:
            if part.begin <= (word.start + word.end) / 2 + part.shift < part.end:
                entries.append(_entry(word, part.shift))
    return entries


def _entry(word: Word, shift: float) -> dict[str, Any]:
    def moved(seconds: float) -> float:
        return round(max(0.0, seconds + shift), 4)

    entry: dict[str, Any] = {"start": moved(word.start), "end": moved(word.end), "text": word.text}
    if word.phones:
        entry["phones"] = [[moved(start), moved(end), name] for start, end, name in word.phones]
    return entry
