"""Dialogue as people type it: ``ANNA: …``, a speech a line; what has no name in front goes on with the speech before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from duologue.script.parts import parted
from duologue.script.speech import ScriptSpeech

_NAMED = re.compile(r"[ \t]*([^\W\d_][\w.'’& -]{0,40}?)[ \t]*(\([^()]{0,200}\))?[ \t]*[:：][ \t]*(?=\S|$)")
TITLE_KEYS: Final = (
    "title",
    "author",
    "authors",
    "credit",
    "source",
    "draft date",
    "contact",
    "copyright",
    "notes",
    "relationship",
)
_BRACKETED = re.compile(r"\s*(\[.*\]|\(.*\))\s*")


def read_plain(text: str) -> tuple[list[ScriptSpeech], dict[str, str], list[str]]:
    """Return the speeches, the title page's keys, and lines that are no speech: directions, headings."""
    title: dict[str, str] = {}
    speeches: list[tuple[str, str, int]] = []
    other: list[str] = []
    fresh = True
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.replace("*", "").replace("\u200b", "").rstrip()
        named = _NAMED.match(line)
        if named and not speeches and named[1].lower() in TITLE_KEYS:
            title[named[1].lower()] = line[named.end() :].strip()
        elif named:
            speeches.append((named[1], f"{named[2] or ''} {line[named.end() :]}", number))
        elif line.strip() and speeches and not fresh and not _BRACKETED.fullmatch(line):
            speaker, said, where = speeches[-1]
            speeches[-1] = (speaker, f"{said} {line.strip()}", where)
        elif line.strip():
            other.append(line.strip())
        fresh = not line.strip()
    return list(_speeches(speeches)), title, other


def _speeches(named: list[tuple[str, str, int]]) -> Iterator[ScriptSpeech]:
    for speaker, said, where in named:
        for directions, text in parted(said):
            yield ScriptSpeech(speaker, text, directions, where=where)
