"""Face captures as tables: Live Link Face's CSV, and any CSV whose columns are ARKit names beside a time in seconds.

Columns are matched by name, without regard to case, underscores or the ``_L``/``Left`` spellings, never by position.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import NAMES
from duologue.errors import invalid
from duologue.files.encodings import decode_foreign
from duologue.files.reading import read_bytes
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_FILE: Final = 200_000_000
"""Bytes: an hour and a half at 60 rows a second."""
_TIMECODE = re.compile(r"(\d+):(\d+):(\d+)[:;](\d+)(?:\.(\d+))?$")


@dataclass(frozen=True)
class FaceCapture:
    """Measured weights at 30 fps: ``weights`` (T, 52), columns ``arkit.NAMES``; ``missing``: shapes the file lacked, 0 here."""

    weights: NDArray[np.float32]
    missing: tuple[str, ...]


def read_face_csv(path: Path, *, fps: float = 60.0) -> FaceCapture:
    """Read a capture and resample it to 30 fps, linearly.

    Args:
        path: a Live Link Face CSV (``Timecode,BlendshapeCount,…``) or a table with a ``time`` column in seconds.
        fps: the rate that Live Link's timecodes count in; its app records 60 unless told otherwise.

    Raises:
        DuologueError: INVALID_ARGUMENT ``face-csv-malformed`` for a table without time, without ARKit columns or with a bad row;
            what :func:`duologue.files.reading.read_bytes` raises.
    """
    found = decode_foreign(read_bytes(path, _MAX_FILE))
    if found is None:
        raise invalid("face-csv-malformed", "it is no text.", field=str(path))
    rows = [row for row in csv.reader(io.StringIO(found.text, newline="")) if row]
    if len(rows) < 2:
        raise invalid("face-csv-malformed", "it has no rows.", field=str(path))
    columns = {_plain(name): index for index, name in enumerate(rows[0])}
    shapes = {name: columns[_plain(name)] for name in NAMES if _plain(name) in columns}
    if "jawOpen" not in shapes:
        raise invalid(
            "face-csv-malformed", f"no column is named jawOpen; it has {', '.join(rows[0][:5])}, …", field=str(path)
        )
    try:
        times = _times(
            [row[columns["time"]] for row in rows[1:]] if "time" in columns else [row[0] for row in rows[1:]], fps
        )
        values = np.array([[float(row[index]) for index in shapes.values()] for row in rows[1:]])
    except (ValueError, IndexError) as error:
        raise invalid("face-csv-malformed", f"a row can't be read: {error}", field=str(path)) from error
    if not np.isfinite(values).all() or (np.diff(times) <= 0).any():
        raise invalid("face-csv-malformed", "values are not finite, or time does not go forward.", field=str(path))
    at = np.arange(int((times[-1] - times[0]) * FPS + 1e-6) + 1) / FPS + times[0]
    weights = np.zeros((len(at), len(NAMES)), np.float32)
    for (name, _), column in zip(shapes.items(), values.T, strict=True):
        weights[:, NAMES.index(name)] = np.interp(at, times, column)
    return FaceCapture(weights, tuple(name for name in NAMES if name not in shapes))


def _plain(name: str) -> str:
    bare = name.strip().lower()
    bare = re.sub(r"_l$", "left", bare)
    bare = re.sub(r"_r$", "right", bare)
    return bare.replace("_", "")


def _times(cells: list[str], fps: float) -> NDArray[np.float64]:
    """Return seconds from plain numbers or from ``HH:MM:SS:FF.mmm`` timecodes."""
    if ":" not in cells[0]:
        return np.array([float(cell) for cell in cells])
    seconds: list[float] = []
    for cell in cells:
        match = _TIMECODE.match(cell.strip())
        if match is None:
            raise ValueError(f"{cell!r} is no timecode")
        hours, minutes, whole, frame = (int(part) for part in match.groups()[:4])
        seconds.append(hours * 3600 + minutes * 60 + whole + (frame + float(f"0.{match.group(5) or 0}")) / fps)
    return np.array(seconds)
