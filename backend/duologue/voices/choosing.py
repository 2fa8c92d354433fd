"""Which voice a name means: one of ours, a table of a Kokoro file, or a Piper file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from duologue.errors import invalid
from duologue.labels import check
from duologue.voices.kokoro import LANGUAGES, VOICES, Kokoro
from duologue.voices.piper import Piper
from duologue.voices.voice import Voice

DEFAULTS: Final = ("mezzo", "baritone")
"""Of A and of B."""


def voice_of(name: str, language: str = "en-us", field: str = "voice") -> Voice:
    """Return the voice that ``mezzo``, ``voices-v1.0.bin:af_heart``, ``de_DE-thorsten.onnx`` or ``many.onnx:speaker`` names.

    ``language``: how Kokoro's voices read, one of ``LANGUAGES``; a Piper file has its own.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label`` for a name or a language that isn't known; what the voices raise.
    """
    path, _, part = name.rpartition(":") if Path(name.rpartition(":")[0]).suffix else (name, "", "")
    match Path(path).suffix.lower():
        case ".onnx":
            return Piper(Path(path), part)
        case ".bin" | ".npz":
            return Kokoro.of_file(Path(path), part, check(language, LANGUAGES, field="--language"))
        case ".pt" | ".pth":
            what = f"{Path(path).name} is a pickle, which is never opened; take Kokoro's voices-v1.0.bin, which holds all voices"
            raise invalid("voice-file", what, field=field)
        case _:
            check(language, LANGUAGES, field="--language")
            return Kokoro.named(check(name, list(VOICES), field=field), language)
