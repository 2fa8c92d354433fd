"""What a clip of passes says of itself and of its frames, as it is read again: nothing of it is taken on trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

from duologue.errors import DuologueError
from duologue.files.reading import parse_json, read_bytes
from duologue.passes.contract import PASSES

_MOST_JSON: Final = 64 * 1024 * 1024


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON file of a clip holds; nothing where there is none.

    Raises:
        DuologueError: DATA_LOSS ``passes-damaged``.
    """
    if not path.is_file():
        return {}
    try:
        found: Any = parse_json(read_bytes(path, _MOST_JSON))
        if not isinstance(found, dict):
            raise ValueError("it holds no object")
        return cast("dict[str, Any]", found)
    except ValueError as error:
        raise damaged(path, str(error)) from error


def check_whole(about: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return what a finished clip says of itself, read from ``path``, once it is known to say all that is read of it.

    Raises:
        DuologueError: DATA_LOSS ``passes-damaged``, with what is missing.
    """
    frames, passes, records = about.get("frames"), _listed(about.get("passes")), _listed(about.get("about_frames"))
    right = {
        "passes": bool(passes) and all(isinstance(name, str) and name in PASSES for name in passes),
        "frames": isinstance(frames, int) and frames > 0,
        "depth_range": _is_range(about.get("depth_range")),
        "about_frames": len(records) == frames and all(map(is_record, records)),
    }
    if lacks := [key for key, is_right in right.items() if not is_right]:
        raise damaged(path, f"{', '.join(lacks)} is missing or means nothing here")
    return about


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def is_record(value: Any) -> bool:
    """Return whether a value says of a frame how deep it is, and how much is seen of whom."""
    record = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return _is_range(record.get("depth")) and isinstance(record.get("pixels"), dict)


def _is_range(value: Any) -> bool:
    ends = _listed(value)
    return len(ends) == 2 and all(isinstance(end, int | float) for end in ends)


def damaged(path: Path, why: str) -> DuologueError:
    """Return the error for a file that something else wrote, or not whole."""
    return DuologueError(
        "DATA_LOSS", "passes-damaged", f"{path} is damaged ({why}); remove the folder, or choose another one"
    )
