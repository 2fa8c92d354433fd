"""Utterances by a network's voices, Kokoro's, each with the times of its phones: speech as natural as a recording's, of as many
voices as are asked for.

A voice is a random blend of the five style tables that the package carries. The halves of a style are blended apart, because one
is what a voice sounds like and the other how it speaks (``KModel.forward_with_tokens`` of hexgrad/kokoro), so a deep voice may
speak with the melody of a high one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile
import soxr

from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.readers.kit_speech import Clip, recognised
from duologue.datasets.synthesis.speech.utterances import phone_calls, random_words, sentences
from duologue.errors import DuologueError
from duologue.speech.phones import Phone
from duologue.units import SPEECH_RATE
from duologue.voices.kokoro import Kokoro, style_tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOICES: Final = 56
"""Blends that there are; the split file keeps some of them apart."""
_LOW: Final = "jm_kumo"
"""The one man among the tables: in every other voice he is the most of it."""
_LANGUAGES: Final = {
    "en": ("en-us", "en-us", "en-gb"),
    "es": ("es",),
    "fr": ("fr-fr",),
    "it": ("it",),
    "pt": ("pt-br",),
}
_RECOGNISED: Final = "speech_librispeech"
_WORDS: Final = 16
"""Of a line, at most: readers' sentences go on for longer than anybody's breath."""
_TIMBRE: Final = 128
"""Where the first half of a style ends."""
_PACES: Final = (-0.25, 0.4)
"""Logarithms of the slowest and the fastest: a quarter slower than a voice's own, to half as fast again."""
_LATE: Final = 0.0125
"""Seconds, half a step: p is quietest that much after the middle of its steps, and an aligner finds all phones as much later."""
_FRAME: Final = 320
_QUIET_DB: Final = -30.0
_SHORTEST: Final = 0.06
"""Seconds: a plosive before a pause is heard no longer."""
_SHORT: Final = 0.12
"""Seconds. Shorter stretches between two words are no pauses: the network gives every space a step or two, even where a
sentence runs on."""


def voice_name(number: int) -> str:
    """Return what the split file calls a voice."""
    return f"v{number:02d}"


def style_of(number: int) -> np.ndarray:
    """Return the styles (510, 1, 256) of a voice: convex sums of the tables, and of every third one a little beyond them."""
    rng = np.random.default_rng((29, number))
    tables = style_tables()
    low = list(tables).index(_LOW)

    def weights() -> np.ndarray:
        drawn = rng.dirichlet(np.full(len(tables), 0.6))
        if number % 2:
            drawn = drawn * 0.4
            drawn[low] += 0.6
        if number % 3 == 0:
            drawn *= 1.3
            drawn[(int(drawn.argmax()) + 1 + rng.integers(len(tables) - 1)) % len(tables)] -= 0.3
        return drawn

    stacked = np.stack([table[..., :256].reshape(-1, 1, 256) for table in tables.values()])
    timbre, other = weights(), weights()
    manner = 0.5 * timbre + 0.5 * other
    halves = np.tensordot(timbre, stacked[..., :_TIMBRE], 1), np.tensordot(manner, stacked[..., _TIMBRE:], 1)
    return np.concatenate(halves, axis=-1).astype(np.float32)


@dataclass(frozen=True)
class Lines:
    """What the voices say: pools of (language, text), drawn from evenly."""

    pools: Sequence[Sequence[tuple[str, str]]]

    def draw(self, rng: np.random.Generator) -> tuple[str, str]:
        """Return a line in a language that the network speaks."""
        while True:
            pool = self.pools[rng.integers(len(self.pools))]
            language, text = pool[rng.integers(len(pool))]
            if language in _LANGUAGES:
                return str(rng.choice(_LANGUAGES[language])), text


def kit_lines(kit: Path, *, held_out: bool = False) -> Lines:
    """Return our sentences, what the kit's readers read and its callers say, and random words; or those that are held out."""
    split = FaceSplit.read()
    folder = kit / "speech_matthes"
    texts = {f"speech_matthes/{path.stem}": path.read_text().strip() for path in sorted(folder.glob("LJ*.txt"))}
    texts |= {f"{_RECOGNISED}/{name}": text for name, text in recognised(kit / _RECOGNISED).items()}
    read = [text for name, text in texts.items() if split.holds(name) == held_out]
    if held_out:
        return Lines([_english(read), _english(random_words(kit, 100, 1))])
    return Lines([sentences(), _english(read), _english(phone_calls(kit)), _english(random_words(kit, 800))])


def _english(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return the sentences of texts, long ones cut."""
    cut: list[tuple[str, str]] = []
    for sentence in (sentence for text in texts for sentence in re.split(r"(?<=[.!?])\s+", text)):
        words = sentence.split()
        pieces = (words[at : at + _WORDS] for at in range(0, len(words), _WORDS))
        cut += [("en", " ".join(piece)) for piece in pieces if len(piece) >= 3]
    return cut


def natural(count: int, lines: Lines, cache: Path, *, held_out_voices: bool = False) -> Iterator[Clip]:
    """Yield ``count`` utterances, voice after voice; the split's voices are kept apart.

    ``cache`` keeps what was spoken (a second takes half a second), so that a run which stopped goes on. Lines that the network
    can't say are passed over.

    Raises:
        DuologueError: FAILED_PRECONDITION ``voices-missing`` where the extra ``speak`` is not installed.
    """
    split = FaceSplit.read()
    voices = [k for k in range(VOICES) if split.holds(f"kokoro/{voice_name(k)}-") == held_out_voices]
    cache.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        voice = voices[number % len(voices)]
        path = cache / f"{voice_name(voice)}-{number:04d}.flac"
        if not path.exists():
            try:
                _record(path, voice, *lines.draw(rng := np.random.default_rng((31, held_out_voices, number))), rng)
            except DuologueError as error:
                if error.reason != "voice-cannot-say":
                    raise
                continue
        yield _read(path)


def _record(path: Path, voice: int, language: str, text: str, rng: np.random.Generator) -> None:
    spoken = Kokoro(style_of(voice), language).speak(text, float(np.exp(rng.uniform(*_PACES))))
    samples = soxr.resample(spoken.sound.samples, spoken.sound.rate, SPEECH_RATE).astype(np.float32)
    about = {"text": text, "language": language, "phones": [phone for word in spoken.words for phone in word.phones]}
    path.with_suffix(".json").write_text(json.dumps(about), encoding="utf-8")
    temporary = path.with_suffix(".tmp")
    soundfile.write(temporary, samples, SPEECH_RATE, format="FLAC")
    temporary.replace(path)


def _read(path: Path) -> Clip:
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    samples, _ = soundfile.read(path, dtype="float32")
    samples = np.asarray(samples, np.float32)
    phones = joined([Phone(*phone).moved(_LATE) for phone in about["phones"]])
    return Clip(f"kokoro/{path.stem}", samples, ended(phones, samples), about["text"])


def joined(phones: Sequence[Phone]) -> tuple[Phone, ...]:
    """Return phones without the short stretches between words: each goes to the phone after it, as plosives are silent first."""
    closed: list[Phone] = []
    for phone in phones:
        gap = phone.start - closed[-1].end if closed else 0.0
        closed.append(Phone(phone.start - gap, phone.end, phone.name) if 0 < gap < _SHORT else phone)
    return tuple(closed)


def ended(phones: Sequence[Phone], samples_16k: NDArray[np.float32]) -> tuple[Phone, ...]:
    """Return phones of which those before a pause end with their sound: the network counts the pause as theirs.

    The sound of ``samples_16k`` (n,) ends where it falls 30 dB under the loud frames (95th percentile of 20 ms RMS).
    """
    frames = samples_16k[: len(samples_16k) // _FRAME * _FRAME].reshape(-1, _FRAME)
    level = np.sqrt(np.square(frames).mean(1))
    loud = level > 10 ** (_QUIET_DB / 20) * np.percentile(level, 95)
    cut: list[Phone] = []
    for phone, after in zip(phones, [*phones[1:], None], strict=True):
        end = phone.end
        if after is None or after.start - phone.end > 0:
            first = int(phone.start * SPEECH_RATE / _FRAME)
            sounding = np.flatnonzero(loud[first : int(phone.end * SPEECH_RATE / _FRAME) + 1])
            heard = (first + sounding[-1] + 1) * _FRAME / SPEECH_RATE if len(sounding) else phone.start
            end = min(phone.end, max(heard, phone.start + _SHORTEST))
        cut.append(Phone(phone.start, end, phone.name))
    return tuple(cut)
