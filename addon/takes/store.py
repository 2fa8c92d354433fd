# SPDX-License-Identifier: GPL-3.0-or-later
"""What made a take, and the take itself: files in the extension's own folder, and how to get from a scene's entry back to them.

A .blend holds the curves and the brief. The take's file serves to write the curves anew (another rig, other gains), and the
speech's to make the take again; both are named by what they hold, so nothing is there twice. They are never removed here: another
.blend, or an undo, may want them.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.files import safetensors as tensors
from duologue.files.atomic import write_bytes
from duologue.take import Take
from duologue.units import Sound

from ..identity import user_folder

if TYPE_CHECKING:
    from ..properties.settings import DUOLOGUE_PG_settings
    from ..properties.takes import DUOLOGUE_PG_take


_TAKE = re.compile(r"[0-9a-f]{16}\.safetensors")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def folder() -> Path:
    """Return where takes are kept: the extension's user folder."""
    return user_folder("takes")


def save_take(take: Take) -> str:
    """Keep a take, provenance included; return the name of its file."""
    data = take.to_bytes()
    name = f"{hashlib.sha256(data).hexdigest()[:16]}.safetensors"
    if not (folder() / name).is_file():
        write_bytes(folder() / name, data)
    return name


def save_speech(audio: tuple[Sound, Sound], sources: tuple[str, str]) -> str:
    """Keep both voices; return, as JSON, what they are and where they came from."""
    voices: list[dict[str, Any]] = []
    for sound, source in zip(audio, sources, strict=True):
        digest = hashlib.sha256(sound.samples.data).hexdigest()
        path = _speech_file(digest)
        if not path.is_file():
            tensors.save(path, {"samples": sound.samples})
        voices.append({"sha256": digest, "rate": sound.rate, "samples": len(sound.samples), "source": source})
    return json.dumps(voices)


def _speech_file(digest: str) -> Path:
    return folder() / f"speech-{digest[:16] if _DIGEST.fullmatch(digest) else 'none'}.safetensors"


def current_entry(settings: DUOLOGUE_PG_settings) -> DUOLOGUE_PG_take | None:
    """Return the take that is chosen in the list, or None where there is none."""
    index = settings.active_take
    return settings.takes[index] if 0 <= index < len(settings.takes) else None


def load_take(entry: DUOLOGUE_PG_take) -> Take:
    """Return an entry's take from its file.

    Raises:
        DuologueError: NOT_FOUND ``take-missing``; what ``Take.load`` raises.
    """
    # A .blend from somebody else must not make us open whatever its author likes: only what save_take names.
    path = folder() / (entry.file if _TAKE.fullmatch(entry.file) else "none")
    if not path.is_file():
        raise DuologueError(
            "NOT_FOUND",
            "take-missing",
            f"the file of {entry.name!r} is not on this computer ({path}); its curves are in the scene, and Run Again makes it "
            "anew",
        )
    return _load(str(path), path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _load(path: str, _: int) -> Take:
    """Read a take; the last one is kept, for a slider that is dragged asks for it again and again."""
    return Take.load(path)


def load_brief(entry: DUOLOGUE_PG_take) -> Brief:
    """Return what an entry was made from, without its sound.

    Raises:
        DuologueError: FAILED_PRECONDITION ``brief-missing``; what ``Brief.from_json`` raises.
    """
    if not entry.brief:
        raise DuologueError(
            "FAILED_PRECONDITION", "brief-missing", f"{entry.name!r} does not say what it was made from; press Perform"
        )
    return Brief.from_json(json.loads(entry.brief))


def load_speech(entry: DUOLOGUE_PG_take) -> tuple[Sound, Sound] | None:
    """Return the voices that an entry was made from, or None where their files are not on this computer."""
    voices: list[Sound] = []
    for about in json.loads(entry.speech or "[]"):
        path = _speech_file(about["sha256"])
        if not path.is_file():
            return None
        voices.append(Sound(tensors.load(path)[0]["samples"], about["rate"]))
    return (voices[0], voices[1]) if len(voices) == 2 else None


def is_speech(entry: DUOLOGUE_PG_take, audio: tuple[Sound, Sound]) -> bool:
    """Return whether these are the voices that an entry was made from."""
    stored = json.loads(entry.speech or "[]")
    return len(stored) == len(audio) and all(map(_same, audio, stored))


def _same(sound: Sound, about: dict[str, Any]) -> bool:
    """Silence that was added at the end makes no difference."""
    said, rest = np.split(sound.samples, [about["samples"]])
    return hashlib.sha256(said.data).hexdigest() == about["sha256"] and not rest.any()
