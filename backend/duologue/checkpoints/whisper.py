"""A user's Whisper models: imported once, verified whenever one is opened.

Each lies in a folder of its own beside the user's checkpoints, in CTranslate2's layout (``model.bin``, ``config.json``,
``tokenizer.json``, a vocabulary), with a ``manifest.json`` of all its files' sha256. transformers' layout is converted as it is
imported: one way to run them all, and nothing is unpickled.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from duologue.checkpoints.store import MANIFEST, NAME, digest, read_json, user_folder
from duologue.errors import DuologueError, invalid
from duologue.files.reading import is_file

HEAR: Final = "hear"
"""The name of the model that is used where a brief names none; without one of that name, the extra's."""
KIND: Final = "whisper"
_NEEDED: Final = ("model.bin", "config.json", "tokenizer.json")
_VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")
_OPTIONAL: Final = ("preprocessor_config.json",)


@dataclass(frozen=True)
class ImportedWhisper:
    """An imported model: its folder, the sha256 (hex) of each of its files, and whether it knows English alone."""

    name: str
    folder: Path
    sha256: Mapping[str, str]
    english_only: bool


def whisper_folder() -> Path:
    """Return the folder that Whisper models are imported into (it need not exist)."""
    return user_folder().parent / "whisper"


def is_whisper(folder: Path) -> bool:
    """Whether a folder looks like a Whisper model in one of the two layouts, whole or not."""
    if is_file(folder / MANIFEST) or not is_file(folder / "config.json"):
        return False
    return is_file(folder / "model.bin") or is_file(folder / "tokenizer.json") or _transformers(folder)


def find_whisper(name: str) -> ImportedWhisper | None:
    """Return the imported model of a name, its manifest read and its files not yet; None where there is none.

    Raises:
        DuologueError: FAILED_PRECONDITION ``checkpoint-format`` for a manifest that can't be read.
    """
    folder = whisper_folder() / name
    if not NAME.fullmatch(name) or not is_file(folder / MANIFEST):
        return None
    manifest = read_json(folder / MANIFEST)
    hashes = manifest.get("sha256")
    if manifest.get("kind") != KIND or not isinstance(hashes, dict) or not set(_NEEDED) <= hashes.keys():
        message = f"{folder / MANIFEST} is not of an imported Whisper; import the model again"
        raise DuologueError("FAILED_PRECONDITION", "checkpoint-format", message)
    return ImportedWhisper(name, folder, hashes, bool(manifest.get("english_only")))


def list_whispers() -> list[str]:
    """Return the names of all that are imported."""
    folder = whisper_folder()
    return sorted(entry.name for entry in folder.iterdir() if is_file(entry / MANIFEST)) if folder.is_dir() else []


def verify_whisper(name: str) -> str:
    """Check every file of an imported model, and return the sha256 of its weights.

    Raises:
        DuologueError: NOT_FOUND ``checkpoint-missing``; DATA_LOSS ``whisper-hash``; what :func:`find_whisper` raises.
    """
    found = find_whisper(name)
    if found is None:
        raise DuologueError("NOT_FOUND", "checkpoint-missing", f"no Whisper {name!r:.80} is imported")
    for file, expected in found.sha256.items():
        if not is_file(found.folder / file) or digest(found.folder / file) != expected:
            message = f"{found.folder / file} is missing or is not the file that was imported; import the model again"
            raise DuologueError("DATA_LOSS", "whisper-hash", message)
    return found.sha256["model.bin"]


def survey_whispers() -> list[dict[str, Any]]:
    """Verify every imported model and return a row each, as :func:`duologue.checkpoints.store.survey` does."""
    rows: list[dict[str, Any]] = []
    for name in list_whispers():
        folder = whisper_folder() / name
        row: dict[str, Any] = {"name": name, "folder": str(folder), "ok": True, "problem": "", "model": KIND}
        try:
            row |= {"sha256": verify_whisper(name)}
            row |= {"megabytes": round((folder / "model.bin").stat().st_size / 1e6, 2)}
        except DuologueError as error:
            row |= {"ok": False, "problem": error.message}
        rows.append(row)
    return rows


def import_whisper(folder: Path, name: str = HEAR) -> Path:
    """Copy or convert a Whisper model into the user's, open it once to see that it can be, and return where it lies now.

    One of that name is replaced, and only once the new one is whole beside it.

    Raises:
        DuologueError: NOT_FOUND ``whisper-incomplete`` with the file that is missing; INVALID_ARGUMENT ``checkpoint-name``;
            FAILED_PRECONDITION ``whisper-missing`` where the extra ``hear`` isn't installed, ``whisper-unreadable``.
    """
    if not NAME.fullmatch(name):
        raise invalid("checkpoint-name", f"{name!r:.80} is no name: letters, digits, '-', '_' and '.'", field="--name")
    target = whisper_folder() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=target.parent) as staging:
        new, old = Path(staging, "new"), Path(staging, "old")
        _convert(folder, new) if _transformers(folder) else _copy(folder, new)
        english_only = _opened(new, folder)
        hashes = {file.name: digest(file) for file in sorted(new.iterdir())}
        manifest = {"format": 1, "kind": KIND, "name": name, "english_only": english_only, "sha256": hashes}
        (new / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        if target.is_symlink() or target.exists():
            target.replace(old)
        new.replace(target)
    return target


def _transformers(folder: Path) -> bool:
    """Whether a folder has transformers' layout, as far as its config says."""
    if is_file(folder / "model.bin"):
        return False
    config = read_json(folder / "config.json") if is_file(folder / "config.json") else {}
    return config.get("model_type") == "whisper"


def _copy(folder: Path, target: Path) -> None:
    missing = [name for name in _NEEDED if not is_file(folder / name)]
    if not any(is_file(folder / name) for name in _VOCABULARIES):
        missing.append(_VOCABULARIES[0])
    if missing:
        raise _incomplete(folder, missing)
    target.mkdir()
    for name in (*_NEEDED, *_VOCABULARIES, *_OPTIONAL):
        if is_file(folder / name):
            shutil.copyfile(folder / name, target / name)


def _convert(folder: Path, target: Path) -> None:
    needed = ("model.safetensors", "tokenizer.json", "preprocessor_config.json")
    if missing := [name for name in needed if not is_file(folder / name)]:
        raise _incomplete(folder, missing)
    try:
        from ctranslate2.converters import TransformersConverter
    except ImportError as error:
        raise _not_installed() from error
    with tempfile.TemporaryDirectory(prefix="duologue-whisper-") as copied:
        # A copy without what is pickled or would be run, for the converter takes what it finds.
        for file in folder.glob("*.json"):
            shutil.copyfile(file, Path(copied, file.name))
        for name in ("model.safetensors", "merges.txt"):
            if is_file(folder / name):
                shutil.copyfile(folder / name, Path(copied, name))
        kept = [name for name in ("tokenizer.json", *_OPTIONAL) if is_file(Path(copied, name))]
        converter: Any = TransformersConverter(copied, copy_files=kept, trust_remote_code=False)
        try:
            converter.convert(str(target), quantization="int8")
        except Exception as error:  # whatever transformers says of a file that it can't read
            raise _unreadable(folder, error) from error


def _opened(new: Path, folder: Path) -> bool:
    """Open a model to see that it can be; return whether it knows English alone."""
    try:
        from ctranslate2.models import Whisper
    except ImportError as error:
        raise _not_installed() from error
    try:
        return not Whisper(str(new), device="cpu", compute_type="int8", intra_threads=1).is_multilingual
    except (RuntimeError, ValueError) as error:
        raise _unreadable(folder, error) from error


def _incomplete(folder: Path, missing: list[str]) -> DuologueError:
    message = f"{folder} lacks {', '.join(missing)}; a Whisper needs them all: fetch the folder again, whole"
    return DuologueError("NOT_FOUND", "whisper-incomplete", message)


def _unreadable(folder: Path, error: Exception) -> DuologueError:
    message = f"{folder} can't be opened as a Whisper: {' '.join(str(error).split())[:300]}"
    return DuologueError("FAILED_PRECONDITION", "whisper-unreadable", message)


def _not_installed() -> DuologueError:
    message = "a Whisper needs the extra `hear`: pip install 'duologue[hear]'"
    return DuologueError("FAILED_PRECONDITION", "whisper-missing", message)
