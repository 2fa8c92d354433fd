"""From a written line to the signs that a network reads, each with the word that it is a part of, and back to timed words."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief.transcript import Word
from duologue.voices.ipa import cmu_name
from duologue.voices.pronunciation import pronunciations

_OPENING, _CLOSING = re.compile(r'^[("“]+'), re.compile(r'[.,;:!?…—)"”]+$')
_ONE_SIGN: Final = (("--", "—"), ("–", "—"), ("...", "…"))
_INTERJECTIONS: Final = {
    "mm": "m", "mmm": "m", "hm": "hm", "hmm": "hm", "mhm": "əmhˈəm", "mm-hm": "əmhˈəm", "mm-hmm": "əmhˈəm", "mmhm": "əmhˈəm",
    "uh-huh": "ʌhˈʌ", "uh-uh": "ˈʌʔʌ", "shh": "ʃː", "sh": "ʃː", "psst": "pst", "brr": "bɹ", "pfft": "pft", "tsk": "tsk",
}  # fmt: skip
"""What espeak-ng would spell out, letter by letter."""


@dataclass(frozen=True)
class Token:
    """One sign that a network reads; ``word``: the written word that it is a phone of, "" between words."""

    sign: str
    word: str = ""
    first: bool = False
    """Whether the word begins with it."""


SPACE: Final = Token(" ")


def pronounced(text: str, language: str, own_signs: Callable[[str], str], known: Container[str]) -> list[list[Token]]:
    """Return the tokens of each written word, its punctuation around it; signs that are not ``known`` are left out.

    ``own_signs`` turns espeak-ng's IPA into the network's.

    Raises:
        DuologueError: what :func:`duologue.voices.pronunciation.pronunciations` raises.
    """
    for signs, sign in _ONE_SIGN:
        text = text.replace(signs, sign)
    texts = text.split()
    words: list[list[Token]] = []
    for written, ipa in zip(texts, pronunciations(" ".join(texts), language), strict=True):
        bare = re.sub(r"^\W+|\W+$", "", written)
        before, after = _OPENING.match(written), _CLOSING.search(written)
        said = _INTERJECTIONS.get(bare.lower(), ipa)
        signs = [sign for sign in own_signs(said) if sign in known] if bare else []
        tokens = [Token(sign) for sign in (before[0] if before else "") if sign in known]
        tokens += [Token(sign, bare, first=index == 0) for index, sign in enumerate(signs)]
        tokens += [Token(sign) for sign in (after[0] if after else "") if sign in known]
        if tokens:
            words.append(tokens)
    return words


def words_of(tokens: Sequence[Token], starts: NDArray[np.float64], ends: NDArray[np.float64]) -> list[Word]:
    """Return the words with their phones, by each token's (tokens,) start and end in seconds.

    What a stress mark lasts is the beginning of the phone behind it.
    """
    words: list[Word] = []
    phones: list[tuple[float, float, str]] = []
    begin = -1.0
    for token, start, end in zip(tokens, starts.tolist(), ends.tolist(), strict=True):
        if not token.word:
            continue
        if token.first:
            phones, begin = [], -1.0
            words.append(Word(start, end, token.word))
        begin = start if begin < 0 else begin
        if name := cmu_name(token.sign):
            phones.append((begin, end, name))
            begin = -1.0
        words[-1] = Word(words[-1].start, end, token.word, phones=tuple(phones))
    return words
