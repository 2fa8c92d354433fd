"""``report.json``: what lies in a performance's folder, what the take is and how long it took; written last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from duologue import __version__
from duologue.files.atomic import write_text
from duologue.take import Take
from duologue.units import FPS

TAKE: Final = "take.safetensors"
REPORT: Final = "report.json"
"""What a finished performance's folder has, and the folder of all shots."""


def report_of(
    take: Take, files: Sequence[str], notes: Iterable[str], seconds: Mapping[str, float], **about: Any
) -> dict[str, Any]:
    """Return the report of a performance; ``files`` beside the take itself, ``about`` for what only some reports have."""
    return {
        "duologue": __version__,
        **about,
        "files": [TAKE, *files, REPORT],
        "notes": list(dict.fromkeys(notes)),
        "take": {
            "frames": take.frames,
            "seconds": round(take.seconds, 3),
            "fps": FPS,
            "complete": take.complete,
            "digest": take.digest(),
            "provenance": dict(take.provenance),
        },
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report. Raises what :mod:`duologue.files.atomic` raises."""
    write_text(path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")


def read_report(folder: Path) -> dict[str, Any] | None:
    """Return a folder's report if there is one of ours that can be read, else None."""
    try:
        report: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        return report if {"files", "take"} <= report.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def is_whole(folder: Path, report: Mapping[str, Any]) -> bool:
    """Return whether a folder's take was performed to its end and every file that its report names is there."""
    try:
        return bool(report["take"]["complete"]) and all((folder / name).stat().st_size for name in report["files"])
    except (OSError, KeyError, TypeError):
        return False


def named_files(report: Mapping[str, Any] | None) -> set[str]:
    """Return the files that a report names, so far as they are plain names in its own folder."""
    files: Any = report["files"] if report is not None else []
    return {name for name in files if isinstance(name, str) and Path(name).name == name}
