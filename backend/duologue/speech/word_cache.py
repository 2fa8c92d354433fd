"""Recognised words kept on disk, by what was heard and by whom: the same sound is heard once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from duologue.files.atomic import write_text
from duologue.speech.whisper import VERSION, HeardSound, HeardWord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST: Final = 4000
"""Files that are kept, the newest: some twenty hours of speech, 16 MB."""


class WordCache:
    """A folder of recognised pieces. What can't be read or written is heard again, without a word."""

    def __init__(self, folder: Path | None = None) -> None:
        """``folder``: by default this user's cache; it is made when there is something to keep, for this user alone."""
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where it lies."""
        if self._folder is None:
            import platformdirs

            self._folder = platformdirs.user_cache_path("duologue", appauthor=False) / "words"
        return self._folder

    def key(self, samples: NDArray[np.float32], model: str, language: str) -> str:
        """Return the name under which the words of samples (n,) are kept: a sha256 of the sound, the model's and the settings."""
        digest = hashlib.sha256(f"{VERSION} {model} {language} {len(samples)}".encode())
        digest.update(samples.tobytes())
        return digest.hexdigest()

    def get(self, key: str) -> HeardSound | None:
        """Return the words that are kept under a key; None where there are none."""
        try:
            language, rows = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            words = [HeardWord(float(a), float(b), str(text), float(p)) for a, b, text, p in rows]
            return HeardSound(str(language), words)
        except (OSError, ValueError, TypeError):
            return None

    def put(self, key: str, heard: HeardSound) -> None:
        """Keep words; where that fails they are heard again another time."""
        with contextlib.suppress(Exception):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_text(self.folder / f"{key}.json", json.dumps(heard, ensure_ascii=False))
            kept = sorted(self.folder.glob("*.json"), key=os.path.getmtime)
            for old in kept[:-MOST]:
                old.unlink()
