"""Checkpoints: finding, checking, loading and writing them.

Safetensors plus a JSON config; nothing is unpickled or downloaded.

A checkpoint is a folder with three files::

    config.json        {"model": "body", ...}: what the network needs to be built, and where it came from
    model.safetensors  its tensors, usually 16-bit on disk
    manifest.json      {"format": 1, "name": ..., "sha256": {file: digest}}: written last, checked at every load

This module imports torch only inside the functions that touch tensors, so that listing checkpoints stays quick.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from duologue.errors import DuologueError, invalid
from duologue.files.folders import checkpoints_folder
from duologue.files.reading import is_file, parse_json, read_bytes

if TYPE_CHECKING:
    import torch

FORMAT = 1
_MAX_JSON = 4_000_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CONFIG, MODEL, MANIFEST = "config.json", "model.safetensors", "manifest.json"


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint on disk. ``sha256`` is the digest of its tensors file, the one that provenance records."""

    name: str
    folder: Path
    config: dict[str, Any]
    sha256: str

    @property
    def model(self) -> str:
        """What it is for, as its config says: "body", "face", …; empty where it says nothing."""
        return str(self.config.get("model", ""))

    def tensors(self, device: str = "cpu") -> dict[str, torch.Tensor]:
        """Return the tensors by name, widened to float32 (they are 16-bit on disk)."""
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            loaded = load_file(self.folder / MODEL, device=device)
        except (SafetensorError, OSError) as error:
            raise DuologueError(
                "DATA_LOSS",
                "checkpoint-malformed",
                f"{self.folder / MODEL} is no whole safetensors file ({error}); fetch the checkpoint again.",
                field=self.model,
            ) from error
        return {name: t.to(torch.float32) if t.is_floating_point() else t for name, t in loaded.items()}

    def require(self, model: str) -> Checkpoint:
        """Return this checkpoint if it holds a ``model`` ("body", "face", …).

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` when it was written for another model.
        """
        if self.model != model:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "checkpoint-foreign",
                f"{self.folder} is a checkpoint for {self.model or 'an unknown model'!r}, not for {model!r}; "
                f"`duologue models list` shows the ones that fit.",
                field=model,
            )
        return self

    def part(self, key: str) -> dict[str, Any]:
        """Return a table of its config.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` when it has none of that name.
        """
        value = self.config.get(key)
        if not isinstance(value, dict):
            raise self.foreign(f"its config has no {key!r}")
        return cast("dict[str, Any]", value)

    def foreign(self, why: str) -> DuologueError:
        """Return the error for one that names the right model and yet can't be used as it: another version's, or edited."""
        return DuologueError(
            "FAILED_PRECONDITION",
            "checkpoint-foreign",
            f"{self.folder} can't be used as a {self.model}: {why}.",
            field=self.model,
        )


def import_checkpoint(folder: Path) -> Path:
    """Copy a checkpoint folder into the user's, verified, under the name that its manifest gives; return where it lies now.

    What had that name is replaced, and only once the new one is whole beside it. Nothing outside ``user_folder()`` is touched.

    Raises:
        DuologueError: INVALID_ARGUMENT ``checkpoint-name`` for a name that is no plain file name; what ``open_checkpoint`` and
            writing raise.
    """
    found = open_checkpoint(folder)
    if not NAME.fullmatch(found.name):
        raise invalid(
            "checkpoint-name",
            f"{folder / MANIFEST} names its checkpoint {found.name!r:.80}; a name has letters, digits, '-', '_' and '.' and "
            "begins with a letter or digit.",
            field="manifest.name",
        )
    target = user_folder() / found.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=target.parent) as staging:
        new, old = Path(staging, "new"), Path(staging, "old")
        new.mkdir()
        for file in (CONFIG, MODEL, MANIFEST):
            shutil.copyfile(found.folder / file, new / file)
        open_checkpoint(new)
        if target.is_symlink() or target.exists():
            target.replace(old)  # goes with the staging folder; a link goes, what it leads to stays
        new.replace(target)
    return target


def user_folder() -> Path:
    """Return the folder that ``duologue models import`` copies into (it need not exist)."""
    import platformdirs

    return platformdirs.user_data_path("duologue", appauthor=False) / "checkpoints"


def list_checkpoints() -> list[Path]:
    """Return the folders of all checkpoints found, the user's before the shipped ones."""
    folders = [user_folder(), checkpoints_folder()]
    entries = [entry for folder in folders if folder.is_dir() for entry in sorted(folder.iterdir())]
    return [entry for entry in entries if (entry / MANIFEST).is_file()]


def survey() -> list[dict[str, Any]]:
    """Open every checkpoint there is and return a row each: name, folder, model, digest, size, and what is wrong with it."""
    rows: list[dict[str, Any]] = []
    for folder in list_checkpoints():
        row: dict[str, Any] = {"name": folder.name, "folder": str(folder), "ok": True, "problem": ""}
        try:
            checkpoint = open_checkpoint(folder)
            size = (folder / MODEL).stat().st_size
            model = checkpoint.config.get("model")
            row |= {"model": model, "sha256": checkpoint.sha256, "megabytes": round(size / 1e6, 2)}
        except DuologueError as error:
            row |= {"ok": False, "problem": error.message}
        rows.append(row)
    return rows


def digest(path: Path) -> str:
    """Return the sha256 of a file as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_checkpoint(name_or_folder: str | Path | Checkpoint) -> Checkpoint:
    """Find a checkpoint by folder or by name (``"body"``), check its hashes and read its config.

    An open one is returned as it is.

    Raises:
        DuologueError: NOT_FOUND ``checkpoint-missing``; DATA_LOSS ``checkpoint-hash`` when a file is not the one that
            the manifest names; FAILED_PRECONDITION ``checkpoint-format`` for a manifest or config that can't be read.
    """
    if isinstance(name_or_folder, Checkpoint):
        return name_or_folder
    folder = Path(name_or_folder)
    if not is_file(folder / MANIFEST):
        matches = [path for path in list_checkpoints() if path.name == str(name_or_folder)]
        if not matches:
            known = ", ".join(path.name for path in list_checkpoints()) or "none"
            raise DuologueError(
                "NOT_FOUND",
                "checkpoint-missing",
                f"no checkpoint at or named {str(name_or_folder)!r:.200} (found: {known}); give a folder with {MANIFEST}, "
                "or import one with `duologue models import FOLDER`.",
            )
        folder = matches[0]
    manifest = read_json(folder / MANIFEST)
    hashes = manifest.get("sha256")
    if manifest.get("format") != FORMAT or not isinstance(hashes, dict) or not {CONFIG, MODEL} <= hashes.keys():
        raise _bad_format(folder / MANIFEST, f"its format is {manifest.get('format')!r}; this version reads {FORMAT}")
    for file in (CONFIG, MODEL):
        if not is_file(folder / file) or digest(folder / file) != hashes[file]:
            raise DuologueError(
                "DATA_LOSS",
                "checkpoint-hash",
                f"{folder / file} is missing or is not the file its manifest names (sha256 differs); "
                "restore it from where it came from, or remove the folder.",
            )
    return Checkpoint(str(manifest.get("name", folder.name)), folder, read_json(folder / CONFIG), hashes[MODEL])


def write_checkpoint(
    folder: Path, name: str, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], *, half: bool = True
) -> Checkpoint:
    """Write a checkpoint folder; floating tensors become 16-bit when ``half``. ``config["model"]`` names the model.

    The manifest is written last and each file is moved into place whole, so a crash leaves the old checkpoint or none.
    """
    import torch
    from safetensors.torch import save_file

    if not config.get("model"):
        raise invalid("checkpoint-format", "a config needs 'model': what it is for.", field="config.model")
    folder.mkdir(parents=True, exist_ok=True)
    stored = {
        key: (value.half() if half and value.is_floating_point() else value).detach().cpu().contiguous()
        for key, value in sorted(tensors.items())
    }
    for key, value in stored.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise DuologueError("INTERNAL", "checkpoint-not-finite", f"{key} has NaN or overflows 16 bits.")
    save_file(stored, folder / f"{MODEL}.tmp")
    (folder / f"{CONFIG}.tmp").write_text(json.dumps(dict(config), indent=2) + "\n")
    (folder / f"{MODEL}.tmp").replace(folder / MODEL)
    (folder / f"{CONFIG}.tmp").replace(folder / CONFIG)
    hashes = {file: digest(folder / file) for file in (CONFIG, MODEL)}
    manifest = {"format": FORMAT, "name": name, "sha256": hashes}
    (folder / f"{MANIFEST}.tmp").write_text(json.dumps(manifest, indent=2) + "\n")
    (folder / f"{MANIFEST}.tmp").replace(folder / MANIFEST)
    return Checkpoint(name, folder, dict(config), hashes[MODEL])


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a manifest or config.

    Raises:
        DuologueError: FAILED_PRECONDITION ``checkpoint-format``.
    """
    try:
        value = parse_json(read_bytes(path, _MAX_JSON))
    except (DuologueError, ValueError) as error:
        raise _bad_format(path, str(error)) from error
    if not isinstance(value, dict):
        raise _bad_format(path, "it is not a JSON object")
    return value


def _bad_format(path: Path, why: str) -> DuologueError:
    return DuologueError("FAILED_PRECONDITION", "checkpoint-format", f"{path} can't be read: {why}.")
