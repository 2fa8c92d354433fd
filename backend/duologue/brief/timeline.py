"""Timelines of a brief: labels that hold from a second on, read, checked and laid out over frames."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue import labels
from duologue.errors import invalid
from duologue.files.document import Table, as_list, number, within, wrong_type
from duologue.units import FPS

Timeline = tuple[tuple[float, str], ...]
"""(seconds, label) pairs in the order of time, the first at 0: each label holds until the next."""

EmotionTimeline = tuple[tuple[float, str] | tuple[float, str, float], ...]
"""The same with a strength as an optional third: 1 is the emotion as it was learnt, 0 is none, 2 is twice as much."""

MAX_EMOTION_STRENGTH: Final = 3.0
DAY: Final = 86400.0


def read_timeline(table: Table, key: str, default: str) -> Timeline:
    """Read one label, or a list of ``[seconds, label]``."""
    value = table.get(key, default)
    if isinstance(value, str):
        return ((0.0, value),)
    return tuple((seconds, label) for seconds, label, _ in _entries(table, key, "[seconds, label]", (2,)))


def read_emotions(table: Table, key: str, default: str) -> EmotionTimeline:
    """Read one label, or a list of ``[seconds, label]`` and ``[seconds, label, strength]``."""
    value = table.get(key, default)
    if isinstance(value, str):
        return ((0.0, value),)
    return tuple(_entries(table, key, "[seconds, label] or [seconds, label, strength]", (2, 3)))


def _entries(table: Table, key: str, wanted: str, lengths: tuple[int, ...]) -> list[tuple[float, str, float]]:
    entries: list[tuple[float, str, float]] = []
    for index, entry in enumerate(table.items(key)):
        place = f"{table.at(key)}[{index}]"
        parts = as_list(entry, place, wanted)
        if len(parts) not in lengths or not isinstance(parts[1], str):
            raise wrong_type(parts, wanted, place)
        entries.append((number(parts[0], place), parts[1], number(parts[2], place) if len(parts) > 2 else 1.0))
    return entries


def check_timeline(timeline: Timeline, known: Sequence[str], default: str, place: str) -> Timeline:
    """Return the timeline in the order of time; before a first entry later than 0 the default label holds.

    Raises:
        DuologueError: INVALID_ARGUMENT ``timeline-empty``, ``timeline-twice``, ``unknown-label``, ``out-of-range``,
            ``not-finite``; ``place`` is where the timeline stands.
    """
    if not timeline:
        raise invalid("timeline-empty", "has no entry; leave it out or give at least one label", field=place)
    for index, (seconds, label) in enumerate(timeline):
        within(seconds, 0, DAY, f"{place}[{index}]")
        labels.check(label, known, field=f"{place}[{index}]")
    ordered = sorted((float(seconds), label) for seconds, label in timeline)
    for (seconds, first), (following, second) in itertools.pairwise(ordered):
        if seconds == following:
            raise invalid(
                "timeline-twice", f"has both {first!r} and {second!r} at {seconds:g} s; keep one", field=place
            )
    return tuple(ordered) if ordered[0][0] == 0 else ((0.0, default), *ordered)


def check_emotions(timeline: EmotionTimeline, default: str, place: str) -> EmotionTimeline:
    """Check as ``check_timeline`` does, and the strengths. Entries at strength 1 come back as pairs: one way to say one thing.

    Raises:
        DuologueError: what ``check_timeline`` raises, also for a strength outside 0 to ``MAX_EMOTION_STRENGTH``.
    """
    for index, entry in enumerate(timeline):
        within(strength(entry), 0, MAX_EMOTION_STRENGTH, f"{place}[{index}]")
    given = {float(entry[0]): float(strength(entry)) for entry in timeline}
    pairs = check_timeline(tuple((entry[0], entry[1]) for entry in timeline), labels.EMOTIONS, default, place)
    return tuple(
        (seconds, label) if given.get(seconds, 1.0) == 1.0 else (seconds, label, given[seconds])
        for seconds, label in pairs
    )


def strength(entry: tuple[float, str] | tuple[float, str, float]) -> float:
    """Return an entry's strength, 1 where it names none."""
    return entry[2] if len(entry) == 3 else 1.0


def frame_labels(timeline: EmotionTimeline, known: Sequence[str], frames: int) -> NDArray[np.uint8]:
    """(frames,): for frame t the index in ``known`` of the label that holds at t / 30 seconds."""
    return np.array([known.index(entry[1]) for entry in timeline], np.uint8)[_entry_of_frame(timeline, frames)]


def frame_strengths(timeline: EmotionTimeline, frames: int) -> NDArray[np.float32]:
    """(frames,): the strength that holds at frame t."""
    return np.array([strength(entry) for entry in timeline], np.float32)[_entry_of_frame(timeline, frames)]


def _entry_of_frame(timeline: EmotionTimeline, frames: int) -> NDArray[np.intp]:
    times = np.array([entry[0] for entry in timeline])
    # A label set at 1.0 s must hold at frame 30 though 30 / 30 and 1.0 may differ in the last bit.
    return np.searchsorted(times, np.arange(frames) / FPS + 1e-9, side="right") - 1
