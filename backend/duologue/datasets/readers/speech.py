"""Sounds and transcripts of data sets, from files and from archives' members."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile

from duologue.brief import Speech, Transcript
from duologue.brief.formats import TRANSCRIPT_FORMATS, guess_format
from duologue.brief.transcript import parse
from duologue.errors import invalid
from duologue.files.encodings import read_foreign_text
from duologue.speech.decode import load_noted, load_speech
from duologue.units import Sound


def sound_of_file(path: Path) -> Sound:
    """Return a sound file's speech.

    Raises:
        DuologueError: what ``load_speech`` raises.
    """
    return load_speech(Speech(path), field=path.name)


def sound_of_one(path: Path) -> Sound:
    """Return a sound file's speech, of one of two: somebody may be silent throughout, who only listens.

    Raises:
        DuologueError: what ``load_speech`` raises of all others.
    """
    return load_noted(Speech(path), field=path.name)[0]


def sound_of_bytes(data: bytes, name: str) -> Sound:
    """Return the speech of an archive's member; somebody may be silent throughout, who only listens.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-not-audio``; what ``load_speech`` raises.
    """
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise invalid("audio-not-audio", f"{name} can't be decoded ({error.error_string.strip()})") from error
    return load_noted(Speech(sound=Sound(samples.mean(1), rate)), field=name)[0]


def read_words(path: Path) -> Transcript:
    """Return a transcript, parsed once to see that it can be.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-format``, ``transcript-…``; what reading a file raises.
    """
    form = TRANSCRIPT_FORMATS.get(path.suffix.lower())
    if form is None:
        raise invalid("transcript-format", f"{path.name} has none of the suffixes {', '.join(TRANSCRIPT_FORMATS)}")
    content = read_foreign_text(path)
    transcript = Transcript(content, guess_format(content) if form == "text" else form)
    parse(transcript, path.name)
    return transcript


def timed_words(words: Sequence[Mapping[str, Any]], name: str) -> Transcript:
    """Return a transcript of words with times: each ``word``, ``start``, ``end`` in seconds.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-…``.
    """
    transcript = Transcript(json.dumps(list(words)), "json")
    parse(transcript, name)
    return transcript
