"""How words of a language are said, for who looks for them in sound: espeak-ng's IPA as CMU phones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from duologue.errors import DuologueError
from duologue.speech.alignment import Pronounce
from duologue.voices.ipa import cmu_name
from duologue.voices.pronunciation import pronunciations

_VOICES: Final = {"en": "en-us", "fr": "fr-fr", "zh": "cmn", "no": "nb"}
"""espeak-ng's names of languages that ISO 639-1 calls otherwise."""


def pronouncer(language: str) -> Pronounce | None:
    """Return how words of a language (ISO 639-1) are said; None where espeak-ng isn't installed or doesn't speak it."""
    voice = _VOICES.get(language, language)

    def pronounce(texts: Sequence[str]) -> list[tuple[str, ...]]:
        try:
            said = pronunciations(" ".join(texts), voice)
        except DuologueError:
            return [()] * len(texts)
        if len(said) != len(texts):  # what is no word by itself
            said = [" ".join(pronunciations(text, voice)) for text in texts]
        return [tuple(phone for sign in ipa if (phone := cmu_name(sign))) for ipa in said]

    try:
        pronunciations("a", voice)
    except DuologueError:
        return None
    return pronounce
