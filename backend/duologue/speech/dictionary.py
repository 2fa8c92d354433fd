"""How words of US English are said: the CMU pronouncing dictionary, as pocketsphinx's package (extra ``align``) carries it."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Final

_FILE: Final = Path("model", "en-us", "cmudict-en-us.dict")

Ways = tuple[tuple[str, ...], ...]
"""The ways in which a word is said, each as phones (``speech.phones.PHONES`` without silence)."""


def bare(text: str) -> str:
    """Return a written word without punctuation, figures and case."""
    return re.sub(r"[^\w']|\d|_", "", text.lower().replace("’", "'"))


def english(text: str) -> Ways:
    """Return the ways in which a written word is said; () of one that the dictionary lacks, or where there is no dictionary."""
    rows = _rows()
    word = bare(text)
    lines = rows.get(word) or rows.get(word.strip("'")) or ()
    return tuple(dict.fromkeys(tuple(line.split()) for line in lines))


@cache
def _rows() -> dict[str, list[str]]:
    """Return the dictionary's lines by word: "the" has two, "the DH AH" and "the(2) DH IY". 0.15 s, 30 MB."""
    found = importlib.util.find_spec("pocketsphinx")
    rows: dict[str, list[str]] = {}
    if found is None or not found.submodule_search_locations:
        return rows
    for line in Path(found.submodule_search_locations[0], _FILE).read_text(encoding="utf-8").splitlines():
        word, _, phones = line.partition(" ")
        rows.setdefault(word.partition("(")[0] or word, []).append(phones)
    return rows
