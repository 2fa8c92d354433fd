# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python on this computer has Duologue's backend: looked for in files alone, so nothing is run and nothing installed."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from duologue.errors import DuologueError

_WINDOWS = sys.platform == "win32"
_BINARIES = "Scripts" if _WINDOWS else "bin"
_PYTHONS = ("python.exe",) if _WINDOWS else ("python", "python3")


@dataclass(frozen=True)
class Environment:
    """A Python that can start the server."""

    python: str
    version: str
    """Of Duologue in it; empty where it can't be told from its files."""


@lru_cache(maxsize=16)
def find(given: str) -> Environment | None:
    """Return the environment of a path that the user has given, else the one of the ``duologue`` command.

    ``given``: a Python, the ``duologue`` command, a virtual environment, or Duologue's folder (its ``.venv`` is taken); empty to
    look on PATH, in ``~/.local/bin`` (where pipx and uv put commands) and in ``~/duologue``. Remembered until
    ``find.cache_clear()``.

    Raises:
        DuologueError: FAILED_PRECONDITION ``python-missing``: the path that was given has none.
    """
    if not given:
        return _unasked()
    path = Path(given).expanduser()
    python = _beside(path) if path.is_file() else _inside(path)
    if python is not None:
        return Environment(str(python), _version(python))
    if (path / "backend" / "duologue").is_dir():
        what = f"{path} is Duologue's folder, but it is not installed yet; run `python3 backend install` there"
    else:
        what = f"{path} has no Python; choose Duologue's folder, a virtual environment or a Python in the preferences"
    raise DuologueError("FAILED_PRECONDITION", "python-missing", what)


def _unasked() -> Environment | None:
    home = Path.home()
    places = [os.environ.get("PATH", ""), str(home / ".local" / "bin")]
    command = shutil.which("duologue", path=os.pathsep.join(filter(None, places)))
    pythons = [_beside(Path(command))] if command else []
    pythons += [_inside(home / name) for name in ("duologue", "Duologue")]
    for python in filter(None, pythons):
        if version := _version(python):
            return Environment(str(python), version)
    return None


def _beside(file: Path) -> Path | None:
    """Return the Python itself, or the one that a command of it runs in: beside it, or named in its first line."""
    if file.stem.startswith("python"):
        return file
    for folder in (file.parent, file.resolve().parent):
        if python := _among(folder):
            return python
    with file.open("rb") as command:
        line = command.readline(4096)
    named = Path(os.fsdecode(line[2:].strip())) if line.startswith(b"#!/") else None
    return named if named is not None and named.is_file() and named.stem.startswith("python") else None


def _inside(folder: Path) -> Path | None:
    """Return the Python of a virtual environment, of the one in Duologue's folder, or of the folder of binaries itself."""
    for place in (folder / ".venv" / _BINARIES, folder / _BINARIES, folder):
        if python := _among(place):
            return python
    return None


def _among(folder: Path) -> Path | None:
    return next((folder / name for name in _PYTHONS if (folder / name).is_file()), None)


def _version(python: Path) -> str:
    """Return the version of Duologue beside a Python, as pip has noted it, or nothing."""
    for root in (python.parent.parent, python.parent):
        for pattern in ("lib/python3*/*-packages", "Lib/site-packages"):
            for note in root.glob(f"{pattern}/duologue-*.dist-info"):
                return note.name.removeprefix("duologue-").removesuffix(".dist-info")
    return ""
