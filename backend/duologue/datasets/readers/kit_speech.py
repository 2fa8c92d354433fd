"""The speech the starter's face was trained on: the kit's recordings and espeak-ng's voices, each with phone times."""

from __future__ import annotations

import re
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.datasets.labels.phones import from_espeak, kept_phones, read_phones_csv, recognise_phones
from duologue.datasets.labels.split import FACE_SPLIT
from duologue.speech.alignment import align_phones
from duologue.speech.phones import Phone
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HERE: Final = Path(__file__).parent
_ENGLISH: Final = ("en-us", "gmw/en", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-gb-x-gbcwmd", "en-029")
_LANGUAGES: Final = {
    "en": _ENGLISH, "de": ("de",), "fr": ("roa/fr", "fr-be"), "es": ("es", "es-419"), "it": ("it",),
    "pt": ("pt", "pt-br"), "pl": ("pl",),
}  # fmt: skip
_VARIANTS: Final = ("", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5", "+Annie", "+Andy",
    "+belinda", "+caleb", "+david", "+edward", "+linda", "+steph", "+travis", "+zac", "+adam", "+antonio", "+anika", "+klatt",
    "+klatt2", "+klatt4",
    "+grandma", "+grandpa", "+Mario", "+Michael", "+Alicia", "+Denis", "+Lee", "+quincy", "+whisper")  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """One speaker's utterance: samples (n,) at 16 kHz and its phones; ``text`` is "" where nobody knows it."""

    name: str
    samples: NDArray[np.float32]
    phones: tuple[Phone, ...]
    text: str = ""
    told: tuple[Phone, ...] = ()
    """For evaluation: p, b, m, f and v as an aligner finds them in the sound from the text alone."""

    @property
    def source(self) -> str:
        """The folder of the kit, or ``espeak``."""
        return self.name.partition("/")[0]

    @property
    def laughs(self) -> bool:
        """Whether this is laughter, as a synthesiser laughs."""
        return self.text.lower().startswith("ha ha")


def held_out() -> dict[str, tuple[str, ...]]:
    """Return the split: per source, the stems (or their beginnings) that training never sees. It is ``face_split.toml``."""
    return {source: tuple(stems) for source, stems in tomllib.loads(FACE_SPLIT.read_text()).items()}


def is_held_out(name: str) -> bool:
    """Say whether clip ``name`` (``source/stem``) belongs to the held-out part."""
    source, _, stem = name.partition("/")
    return stem.startswith(held_out().get(source, ()) or ("\0",))


RECORDED: Final = ("speech_matthes", "face_speech_grid", "speech_librispeech")
"""The kit's folders of recorded speech, in the order of ``recorded``."""


def recorded(kit: Path, cache: Path, sources: Sequence[str] = RECORDED) -> Iterator[Clip]:
    """Yield the kit's recordings that have, or can be given, phone times; those are kept in ``cache`` (minutes the first time).

    speech_matthes brings its own alignments; GRID and what is left of matthes are aligned with their transcripts; LibriSpeech has
    none here, so pocketsphinx's own hypothesis is aligned (``recognise_phones``).
    """
    import soundfile

    cache.mkdir(parents=True, exist_ok=True)
    for source in sources:
        for path in sorted((kit / source).rglob("*.flac")):
            read, rate = soundfile.read(path, dtype="float32")
            samples = np.asarray(read, np.float32)
            if rate != SPEECH_RATE:
                import soxr

                samples = np.asarray(soxr.resample(samples, rate, SPEECH_RATE), np.float32)
            transcript = path.with_suffix(".txt")
            text = transcript.read_text().strip() if transcript.exists() else ""
            if (timed := path.with_suffix(".phones.csv")).exists():
                phones = read_phones_csv(timed)
            else:
                find = partial(align_phones, samples, text) if text else partial(recognise_phones, samples)
                phones = kept_phones(cache / f"{path.stem}.json", find)
            if phones:
                yield Clip(f"{source}/{path.stem}", samples, phones, text)


def sentences(kit: Path | None = None) -> list[tuple[str, str]]:
    """Return (language, sentence): our own; with the kit also what speech_matthes reads, what callers say, and random words.

    Callers bring spoken English's own words and hesitations; random words bring sounds into company that sentences never do, so
    that a phone must be heard and can't be guessed from its neighbours.
    """
    lines = (_HERE / "face_sentences.txt").read_text().splitlines()
    ours = [(line.partition("\t")[0], line.partition("\t")[2]) for line in lines if line and not line.startswith("#")]
    theirs = (
        [("en", path.read_text().strip()) for path in sorted((kit / "speech_matthes").glob("LJ*.txt"))] if kit else []
    )
    return ours + theirs + ([("en", line) for line in (*_phone_calls(kit), *_random_words(kit, 800))] if kit else [])


def _phone_calls(kit: Path) -> list[str]:
    """Return turns of 4 to 16 words of NLTK's Switchboard sample, without the marks for cut-off words."""
    with zipfile.ZipFile(kit / "text_nltk" / "switchboard.zip") as archive:
        lines = archive.read("switchboard/transcript").decode("latin-1").splitlines()
    turns = (
        re.sub(r"\s+", " ", re.sub(r"[^A-Za-z',.?! ]|\b\w+-(?=\W)", " ", line.partition(":")[2])) for line in lines
    )
    return [turn.strip() for turn in turns if 4 <= len(turn.split()) <= 16]


def _random_words(kit: Path, count: int, seed: int = 0) -> list[str]:
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


LAUGHS: Final = [
    ("en", text) for text in ("Ha ha ha ha!", "Ha ha ha ha ha ha!", "Ha ha, ha ha ha ha ha!", "Ha ha ha ha ha, oh!")
]
"""Laughter for ``synthetic``."""


def synthetic(count: int, seed: int, texts: list[tuple[str, str]], *, held_out_voices: bool = False) -> Iterator[Clip]:
    """Yield ``count`` utterances by espeak-ng of random voice, pitch, speed, intonation; the split's voices are kept apart."""
    import soxr

    from duologue.datasets.synthesis.speech.espeak import synthesise

    rng = np.random.default_rng(seed)
    apart = held_out()["espeak"]
    variants = [variant for variant in _VARIANTS if (variant in apart) == held_out_voices]
    for number in range(count):
        language, text = texts[rng.integers(len(texts))]
        voice = str(rng.choice(_LANGUAGES[language])) + variants[rng.integers(len(variants))]
        made = synthesise(
            text, voice, int(rng.integers(15, 90)), int(rng.integers(115, 230)), pitch_range=int(rng.integers(20, 95))
        )
        phones = tuple(Phone(start, end, from_espeak(name)) for start, end, name in made.phones)
        yield Clip(
            f"espeak/{voice}-{number}",
            soxr.resample(made.samples, made.rate, SPEECH_RATE).astype(np.float32),
            phones,
            text,
        )
