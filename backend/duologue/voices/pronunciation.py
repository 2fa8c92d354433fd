"""How words are said, in the International Phonetic Alphabet, by espeak-ng's rules and dictionaries."""

from __future__ import annotations

import ctypes
import re
from typing import Any, Final

from duologue.voices.espeak import LOCK, UTF8, choose, open_library

_IPA: Final = 0x02
_LEANING: Final = 3
"""Letters of the words that lean on the one after them: a, the, to, my."""


def pronunciations(text: str, language: str = "en-us") -> list[str]:
    """Return how each word of a text (between spaces) is said, in IPA with stress marks; "" for what is not said.

    Words are read in their clause ("the" before a vowel, "a" before its noun).

    Raises:
        DuologueError: what :func:`synthesise` raises of library and voice.
    """
    with LOCK:
        library, _ = open_library()
        choose(library, language)
        clauses = re.findall(r"(?:\S*[^\s.,;:!?…]\s+)*\S+", text)
        return [said for clause in clauses for said in _by_word(library, clause.split())]


def _by_word(library: Any, words: list[str]) -> list[str]:
    """Read a clause. Where espeak joins words ("on the") or parts one ("23"), its halves are read, down to the word itself."""
    pieces = " ".join(_ipa(library, " ".join(words))).split()
    if len(pieces) == len(words):
        return pieces
    if len(words) == 1:
        return [" ".join(pieces)]
    half = len(words) // 2
    while half > 1 and len(words[half - 1]) <= _LEANING:
        half -= 1
    return _by_word(library, words[:half]) + _by_word(library, words[half:])


def _ipa(library: Any, text: str) -> list[str]:
    """Return the IPA of each clause; espeak's marks of a change of language, ``(en)``, are left out."""
    data = ctypes.create_string_buffer(text.encode())
    at = ctypes.c_void_p(ctypes.addressof(data))
    clauses: list[str] = []
    while at.value:
        said = library.espeak_TextToPhonemes(ctypes.byref(at), UTF8, _IPA)
        clauses.append(re.sub(r"\([a-z-]+\)", "", (said or b"").decode()))
    return clauses
