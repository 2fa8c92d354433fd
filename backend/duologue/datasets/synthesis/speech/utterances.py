"""Utterances by espeak-ng's voices, each with the times of its phones: what the recordings of the kit lack in voices, languages
and sounds. The sentences are our own (``face_sentences.txt``) and, with the kit, what others read and say.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from duologue.datasets.labels.phones import from_espeak
from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.readers.kit_speech import Clip
from duologue.speech.phones import Phone
from duologue.units import SPEECH_RATE
from duologue.voices.espeak import synthesise

_SENTENCES: Final = Path(__file__).with_name("face_sentences.txt")
_ENGLISH: Final = ("en-us", "gmw/en", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-gb-x-gbcwmd", "en-029")
_LANGUAGES: Final = {
    "en": _ENGLISH, "de": ("de",), "fr": ("roa/fr", "fr-be"), "es": ("es", "es-419"), "it": ("it",),
    "pt": ("pt", "pt-br"), "pl": ("pl",),
}  # fmt: skip
_VARIANTS: Final = ("", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5", "+Annie", "+Andy",
    "+belinda", "+caleb", "+david", "+edward", "+linda", "+steph", "+travis", "+zac", "+adam", "+antonio", "+anika", "+klatt",
    "+klatt2", "+klatt4",
    "+grandma", "+grandpa", "+Mario", "+Michael", "+Alicia", "+Denis", "+Lee", "+quincy", "+whisper")  # fmt: skip


LAUGHS: Final = [
    ("en", text) for text in ("Ha ha ha ha!", "Ha ha ha ha ha ha!", "Ha ha, ha ha ha ha ha!", "Ha ha ha ha ha, oh!")
]
"""Laughter for ``synthetic``."""


def sentences(kit: Path | None = None) -> list[tuple[str, str]]:
    """Return (language, sentence): our own; with the kit also what speech_matthes reads, what callers say, and random words.

    Callers bring spoken English's own words and hesitations; random words bring sounds into company that sentences never do, so
    that a phone must be heard and can't be guessed from its neighbours.
    """
    lines = _SENTENCES.read_text(encoding="utf-8").splitlines()
    ours = [(line.partition("\t")[0], line.partition("\t")[2]) for line in lines if line and not line.startswith("#")]
    theirs = (
        [("en", path.read_text().strip()) for path in sorted((kit / "speech_matthes").glob("LJ*.txt"))] if kit else []
    )
    return ours + theirs + ([("en", line) for line in (*phone_calls(kit), *random_words(kit, 800))] if kit else [])


def phone_calls(kit: Path) -> list[str]:
    """Return turns of 4 to 16 words of NLTK's Switchboard sample, without the marks for cut-off words."""
    with zipfile.ZipFile(kit / "text_nltk" / "switchboard.zip") as archive:
        lines = archive.read("switchboard/transcript").decode("latin-1").splitlines()
    turns = (
        re.sub(r"\s+", " ", re.sub(r"[^A-Za-z',.?! ]|\b\w+-(?=\W)", " ", line.partition(":")[2])) for line in lines
    )
    return [turn.strip() for turn in turns if 4 <= len(turn.split()) <= 16]


def random_words(kit: Path, count: int, seed: int = 0) -> list[str]:
    """Return ``count`` strings of 4 to 8 words of the CMU dictionary; half of all words have a p, b, m or n in them."""
    with zipfile.ZipFile(kit / "text_nltk" / "cmudict.zip") as archive:
        rows = [line.split() for line in archive.read("cmudict/cmudict").decode("latin-1").splitlines()]
    known = {row[0].lower(): row[2:] for row in rows if row[0].isalpha() and 3 <= len(row[0]) <= 8}
    wanted = [word for word, phones in known.items() if {"P", "B", "M", "N"} & set(phones)]
    every = list(known)
    rng = np.random.default_rng(seed)

    def word() -> str:
        pool = wanted if rng.random() < 0.4 else every
        return pool[rng.integers(len(pool))]

    return [" ".join(word() for _ in range(rng.integers(4, 9))) + "." for _ in range(count)]


def synthetic(count: int, seed: int, texts: list[tuple[str, str]], *, held_out_voices: bool = False) -> Iterator[Clip]:
    """Yield ``count`` utterances by espeak-ng of random voice, pitch, speed, intonation; the split's voices are kept apart."""
    rng = np.random.default_rng(seed)
    apart = FaceSplit.read().voices
    variants = [variant for variant in _VARIANTS if (variant in apart) == held_out_voices]
    for number in range(count):
        language, text = texts[rng.integers(len(texts))]
        voice = str(rng.choice(_LANGUAGES[language])) + variants[rng.integers(len(variants))]
        speech = synthesise(
            text, voice, int(rng.integers(15, 90)), int(rng.integers(115, 230)), pitch_range=int(rng.integers(20, 95))
        )
        phones = tuple(Phone(start, end, from_espeak(name)) for start, end, name in speech.phones)
        yield Clip(
            f"espeak/{voice}-{number}",
            soxr.resample(speech.samples, speech.rate, SPEECH_RATE).astype(np.float32),
            phones,
            text,
        )
