"""The kit's recordings of single speakers with the times of their phones: what the starter's face was trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile
import soxr

from duologue.datasets.labels.phones import cached_phones, read_phones_csv, recognise_phones
from duologue.speech.phones import Phone
from duologue.speech.sphinx import align_phones
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Clip:
    """One speaker's utterance: samples (n,) at 16 kHz and its phones; ``text`` is "" where nobody knows it."""

    name: str
    samples: NDArray[np.float32]
    phones: tuple[Phone, ...]
    text: str = ""
    lip_phones: tuple[Phone, ...] = ()
    """For evaluation: p, b, m, f and v as an aligner finds them in the sound from the text alone."""

    @property
    def source(self) -> str:
        """The folder of the kit, or ``espeak``."""
        return self.name.partition("/")[0]

    @property
    def laughs(self) -> bool:
        """Whether this is laughter, as a synthesiser laughs."""
        return self.text.lower().startswith("ha ha")


_BELIEVED: Final = -0.6
"""Mean log probability of a recording's words from which they are taken for what is said."""
RECORDED: Final = ("speech_matthes", "face_speech_grid", "speech_librispeech")
"""The kit's folders of recorded speech, in the order of ``recorded``."""


def recorded(kit: Path, cache: Path, sources: Sequence[str] = RECORDED) -> Iterator[Clip]:
    """Yield the kit's recordings that have, or can be given, phone times; those are kept in ``cache`` (minutes the first time).

    speech_matthes brings its own alignments; GRID, LibriSpeech and what is left of matthes are aligned with what they say. A
    folder's ``transcripts.json`` has a recogniser's words, and recordings that it doubts are passed over. Where nobody knows what
    is said, pocketsphinx's own hypothesis is aligned (``recognise_phones``).
    """
    cache.mkdir(parents=True, exist_ok=True)
    for source in sources:
        heard = recognised(kit / source)
        for path in sorted((kit / source).rglob("*.flac")):
            samples = _read_sound(path)
            transcript = path.with_suffix(".txt")
            text = transcript.read_text().strip() if transcript.exists() else heard.get(path.name, "")
            if (timed := path.with_suffix(".phones.csv")).exists():
                phones = read_phones_csv(timed)
            elif heard and not text:
                continue
            else:
                find = partial(align_phones, samples, text) if text else partial(recognise_phones, samples)
                phones = cached_phones(cache / f"{path.stem}{'.said' if heard else ''}.json", find)
            if phones:
                yield Clip(f"{source}/{path.stem}", samples, phones, text)


def recognised(folder: Path) -> dict[str, str]:
    """Return what a recogniser heard in a folder's recordings, by file name, less those it doubts; {} where none listened."""
    path = folder / "transcripts.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: clip["text"] for name, clip in found.items() if clip["logprob"] >= _BELIEVED}


def _read_sound(path: Path) -> NDArray[np.float32]:
    samples, rate = soundfile.read(path, dtype="float32")
    return np.asarray(samples if rate == SPEECH_RATE else soxr.resample(samples, rate, SPEECH_RATE), np.float32)
