"""What is written in figures and signs, in the words in which it is read aloud: $3.50, 24/7, 10:30, the 1st, 3.5 km, No. 5.

English, which is what the aligner knows (the words of other languages are left as they are; their figures are read in English).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from duologue.speech.figures import Place, completes, whole_of
from duologue.speech.numerals import digits, fraction, number, year
from duologue.speech.signs import SIGNS

_OPENING: Final = "\"'“”‘’«»„([{<¿¡*_-–—…"
_CLOSING: Final = "\"'“”’«»)]}>.,!?;:…*_-–—"
_BETWEEN_WORDS = re.compile(r"[^\W\d_]/[^\W\d_]")
_MOST_LETTERS: Final = 80
"""Of a word that is looked into: longer ones are addresses, and nothing that patterns should be tried on."""


class Spoken(NamedTuple):
    """Words as they are said."""

    words: tuple[tuple[str, ...], ...]
    """For each word as it was written those that are said; none of a sign that belongs to the next."""
    notes: tuple[str, ...]


def spoken(tokens: Sequence[str]) -> Spoken:
    """Return what is said of words as they are written, one after the other, and notes: what was read, what couldn't be."""
    bare = [_bare(token) for token in tokens]
    said: list[tuple[str, ...]] = []
    read: dict[str, str] = {}
    unread: dict[str, None] = {}
    for index, token in enumerate(tokens):
        place = Place(
            bare[index - 1].lower() if index else "", bare[index + 1].lower() if index + 1 < len(bare) else ""
        )
        if not _needs_reading(token) and not completes(bare[index].lower(), place):
            said.append((token,))
            continue
        words = _read(token, bare[index], place)
        unread |= dict.fromkeys(character for character in token if not _readable(character))
        if words != token:
            read[token] = words
        said.append(tuple(words.split()))
    return Spoken(tuple(said), _notes(read, unread))


def _notes(read: dict[str, str], unread: dict[str, None]) -> tuple[str, ...]:
    notes: list[str] = []
    if read:
        shown = ", ".join(f"{token!r:.30} as {words!r:.60}" for token, words in list(read.items())[:3] if words)
        notes.append(
            f"{len(read)} figures and signs were read aloud, in English: {shown}{', …' if len(read) > 3 else ''}"
        )
    if unread:
        notes.append(f"nobody knows how to say {', '.join(map(repr, list(unread)[:8]))}; write it out")
    return tuple(notes)


def _bare(token: str) -> str:
    """Return a word without the punctuation around it, its digits in ASCII."""
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() and not c.isascii() else c for c in token)
    minus = re.match(r"[-–−](?=[.\d$€£])", plain)
    bare = plain.lstrip(_OPENING).rstrip(_CLOSING)
    return f"-{bare}" if minus and bare else bare


def _needs_reading(token: str) -> bool:
    if _BETWEEN_WORDS.search(token):
        return True
    return any(character.isnumeric() or character in SIGNS or not _readable(character) for character in token)


def _readable(character: str) -> bool:
    return (
        character.isalnum() or character in SIGNS or character in _OPENING or character in _CLOSING
        or character in "/\\|‰·`´^~" or unicodedata.category(character)[0] in "MPZC"
    )  # fmt: skip


def _read(token: str, bare: str, place: Place) -> str:
    """Return the words of a token."""
    if len(bare) > _MOST_LETTERS:
        return token
    if not bare:
        return " ".join(SIGNS[sign] for sign in token if sign in SIGNS)
    if (whole := whole_of(bare, place)) is not None:
        return whole
    if token.rstrip(_CLOSING).lower() in {"no", "nr"} and place.after[:1].isdecimal():
        return "number" if token.endswith(".") else token
    return _in_parts(bare)


_PARTS = re.compile(
    r"(?P<figure>\d+(?:\.\d+)*)|(?P<fraction>[¼-¾⅐-⅞])|(?P<between>[-–/\\|_])|(?P<other>[^\d¼-¾⅐-⅞\-–/\\|_])"
)


def _in_parts(bare: str) -> str:
    """Return the words of what is made of parts: letters stay together, figures and signs between them are said."""
    if "@" in bare or bare.startswith("www."):
        bare = bare.replace(".", " dot ")
    if bare[0] == "#":
        bare = f"hashtag {bare[1:]}"
    bare = bare.replace("#", " sharp ")  # behind a letter: all else is a number
    words = ""
    for match in _PARTS.finditer(bare):
        if match["figure"]:
            words += f" {_within(match['figure'])} "
        elif match["fraction"]:
            above = unicodedata.numeric(match["fraction"]).as_integer_ratio()
            near = min(
                ((n, d) for d in range(2, 11) for n in range(1, d)),
                key=lambda f: abs(f[0] / f[1] - above[0] / above[1]),
            )
            words += f"{' and' if words.strip() else ''} {fraction(*near)} "
        elif match["between"]:
            words += " "
        else:
            sign = match["other"]
            words += f" {SIGNS[sign]} " if sign in SIGNS else sign if _readable(sign) else ""
    return " ".join(words.split()).replace("and one half", "and a half")


def _within(text: str) -> str:
    """Return a figure beside letters or signs: of a version, a model, a formula."""
    if text.count(".") > 1:
        return " point ".join(number(part) for part in text.split("."))
    if text.isdecimal() and len(text) == 4:
        return year(int(text)) if text[0] != "0" else digits(text)
    return digits(text) if text.isdecimal() and (len(text) > 4 or (len(text) > 1 and text[0] == "0")) else number(text)
