"""Seconds out of the timecodes of a recording's rows: at which rate they count is found, not assumed.

SMPTE ST 12-1: HH:MM:SS:FF, and HH:MM:SS;FF where frame numbers are dropped so that 29.97 (59.94) frames a second keep up with the
clock. Live Link Face writes HH:MM:SS:FF.mmm, thousandths of a frame behind the point; others leave them out, or the frames.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATES: Final = (24, 25, 30, 48, 50, 60, 90, 100, 120, 240, 1000)
"""Frames a second that timecodes count; 1000 is of those that write milliseconds in the frames' place."""
USUAL: Final = 60
"""What Live Link Face counts unless told otherwise: for a recording that is too short to tell."""
_CODE = re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2})(?:([:;.,])(\d{1,4})(?:[.,](\d{1,9}))?)?\s*")
_DAY: Final = 86_400.0
_MOST_BACKWARD: Final = 0.05
"""Of the rows, that may lie before one that is written above them: a clock that was set, and not another recording."""


class Times(NamedTuple):
    """When each row was recorded."""

    seconds: Floats
    """(n,)."""
    rate: float
    """Frames a second that the timecodes count; 0: they have no frames."""
    notes: tuple[str, ...]


class _Codes(NamedTuple):
    whole: Floats
    """(n,) seconds since midnight without the frames."""
    frames: Floats
    """(n,) frames and their fraction; seconds' fraction where they have none."""
    has_frames: bool
    dropping: bool


def seconds_of(cells: list[str]) -> Times:
    """Return the seconds of timecodes; over midnight they go on.

    Raises:
        ValueError: one is no timecode, or they count seconds alone.
    """
    codes = _parsed(cells)
    if not codes.has_frames:
        return Times(_over_midnight(codes.whole + codes.frames), 0, ())
    if len(cells) > 1 and not codes.frames.any() and (np.diff(codes.whole) == 1).all():
        raise ValueError("the timecodes go on a second a row, without frames: they say no rate")
    rate, notes = _rate(codes)
    dropping = codes.dropping or _drops(codes, rate)
    if dropping:
        minutes = codes.whole // 60
        dropped = rate / 15 * (minutes - minutes // 10)
        seconds = (codes.whole * rate + codes.frames - dropped) * 1.001 / rate
        day = (_DAY * rate - rate / 15 * (1440 - 144)) * 1.001 / rate
        return Times(_over_midnight(seconds, day), rate / 1.001, notes)
    return Times(_over_midnight(codes.whole + codes.frames / rate), rate, notes)


def spread_out(seconds: Floats) -> tuple[Floats, NDArray[np.bool_], tuple[str, ...]]:
    """Return times that go forward, which rows to keep, and notes.

    Rows of one time (a clock that counts slower than the rows come) are spread until the next; single rows that lie before the
    one above them are left out.

    Raises:
        ValueError: more than single rows go backward.
    """
    if not np.isfinite(seconds).all():
        raise ValueError("times are not finite")
    keep = seconds >= np.maximum.accumulate(seconds)
    if (~keep).sum() > _MOST_BACKWARD * len(seconds):
        row = int(np.argmin(keep)) + 1
        raise ValueError(
            f"time does not go forward: row {row} and {(~keep).sum() - 1} others lie before one that is above them"
        )
    notes = (f"{(~keep).sum()} rows lie before one that is above them, and were left out",) if not keep.all() else ()
    kept = seconds[keep]
    begins = np.flatnonzero(np.r_[True, np.diff(kept) > 0])
    counts = np.diff(np.r_[begins, len(kept)])
    if (counts == 1).all():
        return kept, keep, notes
    steps = np.diff(kept[begins])
    if not len(steps):
        raise ValueError("all rows have the same time")
    # The last one's rows go on as those before it did, and no stretch without rows is filled with rows of before.
    usual = float(np.median(steps))
    steps = np.minimum(np.r_[steps, usual], 2 * usual)
    within = np.arange(len(kept)) - np.repeat(begins, counts)
    spread = np.repeat(kept[begins], counts) + within * np.repeat(steps / counts, counts)
    doubled = len(kept) - len(begins)
    return (
        spread,
        keep,
        (*notes, f"{doubled} of {len(kept)} rows have the time of the row before; they were spread until the next"),
    )


def _parsed(cells: list[str]) -> _Codes:
    whole, frames = np.zeros(len(cells)), np.zeros(len(cells))
    has_frames = dropping = False
    for row, cell in enumerate(cells):
        match = _CODE.fullmatch(cell.strip())
        if match is None:
            raise ValueError(f"{cell!r} is no timecode")
        hours, minutes, seconds, mark, part, fraction = match.groups()
        whole[row] = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        if mark in {":", ";"}:
            has_frames, dropping = True, dropping or mark == ";"
            frames[row] = float(f"{part}.{fraction or 0}")
        elif part:
            frames[row] = float(f"0.{part}")
    return _Codes(whole, frames, has_frames, dropping)


def _rate(codes: _Codes) -> tuple[int, tuple[str, ...]]:
    """Return the frames a second, and a note where they had to be assumed: seen where a second ends and frames begin again."""
    highest = int(codes.frames.max())
    least = next((rate for rate in RATES if rate > highest), RATES[-1])
    step_whole, step = np.diff(codes.whole), np.diff(codes.frames)
    forward = step[(step_whole == 0) & (step > 0)]
    turns = step[step_whole == 1]
    if not len(forward) or not len(turns):
        rate = max(least, USUAL)
        return rate, (f"it is too short to tell its rate; its timecodes were taken to count {rate} frames a second",)
    seen = float(np.median(np.median(forward) - turns))
    nearest = min(RATES, key=lambda rate: abs(rate - seen))
    return max(nearest, least), ()


def _drops(codes: _Codes, rate: int) -> bool:
    """Whether frame numbers are dropped at every minute but each tenth, though no semicolon says so."""
    if rate not in {30, 60}:
        return False
    inside = np.diff(codes.frames)[np.diff(codes.whole) == 0]
    usual = float(np.median(inside[inside > 0])) if (inside > 0).any() else 1.0
    change = np.diff(codes.whole // 60) == 1
    skipped = np.diff(codes.whole * rate + codes.frames)[change] - usual
    tenth = (codes.whole[1:][change] // 60) % 10 == 0
    expected = np.where(tenth, 0, rate / 15)
    return bool((~tenth).any()) and bool((np.abs(skipped - expected) < 0.5).all())


def _over_midnight(seconds: Floats, day: float = _DAY) -> Floats:
    days = np.cumsum(np.r_[0, np.diff(seconds) < -day / 2])
    return seconds + days * day
