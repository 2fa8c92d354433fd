"""From the International Phonetic Alphabet to the CMU dictionary's phones; which letters a language is written in."""

from __future__ import annotations

import unicodedata
from typing import Final

from duologue.errors import invalid

_PHONES: Final = {
    "P": "pɸ", "B": "bβ", "M": "mɱ", "F": "f", "V": "vʋ", "W": "wʍɥ", "T": "tʈT", "D": "dɖɾ", "K": "kqc", "G": "ɡgɟɣ",
    "N": "nɲɳ", "NG": "ŋɴ", "S": "sʦɕ", "Z": "zʣ", "SH": "ʃʂ", "ZH": "ʒʝ", "TH": "θ", "DH": "ð", "CH": "ʧʨ", "JH": "ʤʥ",
    "HH": "hɦçxχħ", "L": "lɫɭʎ", "R": "ɹrʁɻʀɽ", "Y": "j", "AA": "ɑaɒ", "AE": "æ", "AH": "ʌəɐᵊɘɤ", "AO": "ɔ", "AW": "W", "AY": "I",
    "EH": "ɛe", "ER": "ɜɚɝ", "EY": "A", "IH": "ɪɨᵻ", "IY": "i", "OW": "OoQ", "OY": "Y", "UH": "ʊøœ", "UW": "uyɯ",
}  # fmt: skip
"""Each CMU phone and the signs nearest to it on the face; capitals are Kokoro's own signs of diphthongs and of the flap."""
_NAMES: Final = {sign: name for name, signs in _PHONES.items() for sign in signs}
_LONGEST_WORD: Final = 100
_SCRIPTS: Final = {"hi": "DEVANAGARI"}
"""Of languages that aren't written in Latin letters: how Unicode names their letters."""


def cmu_name(sign: str) -> str:
    """Return the CMU phone of a sign; "" for stress marks, lengths and punctuation."""
    return _NAMES.get(sign, "")


def check_letters(text: str, language: str) -> None:
    """Check that a text is written in words and letters that a language has.

    Raises:
        DuologueError: INVALID_ARGUMENT ``voice-cannot-say``, with the letters or the endless word.
    """
    script = _SCRIPTS.get(language, "LATIN")
    foreign = {sign for sign in text if sign.isalpha() and not unicodedata.name(sign, "").startswith((script, "LATIN"))}
    if endless := next((word for word in text.split() if len(word) > _LONGEST_WORD), ""):
        raise invalid("voice-cannot-say", f"{endless[:30]!r}… is a word of {len(endless)} letters; no voice says it")
    if foreign:
        shown = " ".join(sorted(foreign)[:12])
        raise invalid(
            "voice-cannot-say",
            f"this voice speaks {language} and can't say the letters {shown}; write them in {script.title()} letters, or "
            "choose a voice of that language (a Piper file)",
        )
