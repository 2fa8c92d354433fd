"""Face captures as tables: Live Link Face's CSV, and any CSV whose columns are ARKit names beside a time.

Columns are matched by name, without regard to case, underscores or the ``_L``/``Left`` spellings, never by position. As
spreadsheets save them, too: semicolons or tabs between cells, decimal commas, UTF-16.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import NAMES
from duologue.datasets.readers.timecode import seconds_of, spread_out
from duologue.errors import invalid
from duologue.files.encodings import decode_foreign
from duologue.files.reading import read_bytes
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TIMES: Final = {
    "time": 1.0,
    "times": 1.0,
    "time(s)": 1.0,
    "seconds": 1.0,
    "timestamp": 1.0,
    "timems": 1e-3,
    "timestampms": 1e-3,
}
"""Columns of plain numbers, and how many seconds one of them is."""
_MOST_BYTES: Final = 256_000_000
"""An hour and a half at 60 rows a second."""
_LONGEST: Final = 4 * 3600.0
_GAP: Final = 1.5
"""Of the usual distance between rows: more is a stretch without rows."""


@dataclass(frozen=True)
class FaceCapture:
    """Measured weights at 30 fps: ``weights`` (T, 52), columns ``arkit.NAMES``; ``missing``: shapes the file lacked, 0 here."""

    weights: NDArray[np.float32]
    missing: tuple[str, ...]
    rate: float = float(FPS)
    """Rows a second that it was recorded with."""
    notes: tuple[str, ...] = ()
    """What was filled in, spread out or left out."""


def read_face_csv(path: Path) -> FaceCapture:
    """Read a capture and resample it to 30 fps, linearly, over stretches without rows or without a face as well.

    Args:
        path: a Live Link Face CSV (``Timecode,BlendshapeCount,…``), whose rate is found by its timecodes, or a table with a
            ``time`` column in seconds.

    Raises:
        DuologueError: INVALID_ARGUMENT ``face-csv-malformed`` for a table without time, without ARKit columns or with a bad row;
            ``file-too-large``; what :func:`duologue.files.reading.read_bytes` raises.
    """
    found = decode_foreign(read_bytes(path, _MOST_BYTES))
    if found is None:
        raise invalid("face-csv-malformed", "it is no text.", field=str(path))
    try:
        rows = _rows(found.text)
        if len(rows) < 2:
            raise ValueError("it has no rows.")
        columns = {_plain(name): index for index, name in enumerate(rows[0])}
        shapes = {name: columns[_plain(name)] for name in NAMES if _plain(name) in columns}
        if "jawOpen" not in shapes:
            raise ValueError(f"no column is named jawOpen; it has {', '.join(rows[0][:5])}, …")
        seconds, noted = _seconds(rows[1:], columns)
        values, lost = _values(rows[1:], list(shapes.values()), columns)
        times, keep, spread = spread_out(seconds)
        usual = float(np.median(np.diff(times))) if len(times) > 1 else 1 / FPS
        notes = (*noted, *spread, *_filled(times, lost[keep], usual))
        begin, end = seconds[keep][0], max(times[-1], seconds[keep][-1])
        seen = ~lost[keep]
        resampled = _resampled(times[seen], values[keep][seen], begin, end)
    except (ValueError, IndexError, csv.Error) as error:
        raise invalid("face-csv-malformed", str(error), field=str(path)) from error
    weights = np.zeros((len(resampled), len(NAMES)), np.float32)
    weights[:, [NAMES.index(name) for name in shapes]] = resampled
    return FaceCapture(weights, tuple(name for name in NAMES if name not in shapes), 1 / usual, notes)


def _resampled(
    times: NDArray[np.float64], values: NDArray[np.float64], begin: float, end: float
) -> NDArray[np.float64]:
    """Return values (frames, shapes) at 30 fps from ``begin`` to ``end``.

    Raises:
        ValueError: there is nothing to do it from, or it would be too long.
    """
    if not len(times) or not np.isfinite(values).all():
        raise ValueError("no row has a face, or values are not finite.")
    if end - begin > _LONGEST:
        raise ValueError(f"it lasts {(end - begin) / 3600:.1f} hours; cut it")
    at = np.arange(int((end - begin) * FPS + 1e-6) + 1) / FPS + begin
    return np.stack([np.interp(at, times, column) for column in values.T], axis=1)


def _rows(text: str) -> list[list[str]]:
    """Return the cells of a table, by what stands between those of its header."""
    text = text.replace("\0", "")
    header = next((line for line in text.splitlines() if line.strip()), "")
    between = max(",;\t", key=header.count)
    return [row for row in csv.reader(text.splitlines(), delimiter=between) if any(cell.strip() for cell in row)]


def _seconds(rows: list[list[str]], columns: dict[str, int]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return when each row was recorded, and notes: by its timecode, else by a column of numbers."""
    named = next((name for name in _TIMES if name in columns), None)
    place = columns.get("timecode", columns[named] if named else 0)
    cells = [row[place] for row in rows]
    if any(":" in cell for cell in cells):
        times = seconds_of(cells)
        return times.seconds, times.notes
    if named is None or "timecode" in columns:
        raise ValueError(f"its first column counts rows ({cells[0]!r}), and says no rate; a time in seconds is needed")
    return np.array([_number(cell) for cell in cells]) * _TIMES[named], ()


def _values(
    rows: list[list[str]], places: list[int], columns: dict[str, int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the values (n, shapes) of the rows, and in which of them there was no face: no shapes counted, or none written."""
    values, lost = np.zeros((len(rows), len(places))), np.zeros(len(rows), bool)
    counted = columns.get("blendshapecount")
    for index, row in enumerate(rows):
        cells = [row[place].strip() if place < len(row) else "" for place in places]
        none_counted = counted is not None and counted < len(row) and row[counted].strip() in {"0", "0.0"}
        if none_counted or not any(cells):
            lost[index] = True
        else:
            values[index] = [_number(cell) for cell in cells]
    return values, lost


def _number(cell: str) -> float:
    return float(cell.replace(",", ".") if "." not in cell else cell)


def _filled(times: NDArray[np.float64], lost: NDArray[np.bool_], usual: float) -> tuple[str, ...]:
    """Return what is to be said of stretches that nobody recorded."""
    notes: list[str] = []
    if lost.any():
        notes.append(f"{lost.sum()} of {len(lost)} rows have no face; they were filled in between their neighbours")
    steps = np.diff(times)
    gaps = steps[steps > _GAP * usual]
    if len(gaps):
        rows = int(np.rint(gaps / usual - 1).sum())
        longest = gaps.max()
        notes.append(f"{rows} rows are missing in {len(gaps)} places, {longest:.2f} s at most; they were filled in")
    return tuple(notes)


def _plain(name: str) -> str:
    bare = name.strip().lower()
    bare = re.sub(r"_l$", "left", bare)
    bare = re.sub(r"_r$", "right", bare)
    return bare.replace("_", "").replace(" ", "")
