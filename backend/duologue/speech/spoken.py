"""What is heard of a track at a time: its spoken stretches joined to pieces, long pauses cut out, so that every second counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.units import FPS, SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN: Final = 6
"""Frames of sound kept before and after a spoken stretch; two that are nearer than both margins are one."""
_SHORTEST: Final = 0.3
"""Of the longest piece, from which on a piece is cut at its next pause."""


@dataclass(frozen=True)
class Piece:
    """A piece of a track: the stretches (first frame, frame after the last) that are heard as one sound."""

    stretches: tuple[tuple[int, int], ...]

    @property
    def start(self) -> float:
        """Seconds of the track."""
        return self.stretches[0][0] / FPS

    @property
    def end(self) -> float:
        """Seconds of the track."""
        return self.stretches[-1][1] / FPS

    @property
    def seconds(self) -> float:
        """How long its sound is."""
        return sum(last - first for first, last in self.stretches) / FPS

    def cut(self, samples_16k: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return its sound (m,) of a track's samples (n,)."""
        return np.concatenate([samples_16k[_sample(a) : _sample(b)] for a, b in self.stretches])

    def at(self, seconds: float) -> tuple[float, int]:
        """Return the second of the track that is at a second of its sound, and of which stretch."""
        frame = seconds * FPS
        for index, (first, last) in enumerate(self.stretches):
            if frame < last - first or index == len(self.stretches) - 1:
                return (first + min(frame, last - first)) / FPS, index
            frame -= last - first
        raise AssertionError("a piece has a stretch")


def pieces(active: NDArray[np.bool_], longest: float, first_longest: float | None = None) -> Iterator[Piece]:
    """Yield the pieces of a track whose speaker is ``active`` (T,), of ``longest`` seconds of sound at most; the first may be
    held shorter.

    A piece ends at a pause where there is one after a third of its longest; who never pauses is cut where the time is up.
    """
    most = int((first_longest or longest) * FPS)
    held: list[tuple[int, int]] = []
    for first, last in _stretches(active):
        length = sum(b - a for a, b in held)
        if held and (length >= _SHORTEST * most or length + last - first > most):
            yield Piece(tuple(held))
            held, most = [], int(longest * FPS)
        whole = (last - first - 1) // most  # of somebody who never pauses
        yield from (Piece(((at, at + most),)) for at in range(first, first + whole * most, most))
        held.append((first + whole * most, last))
    if held:
        yield Piece(tuple(held))


def _stretches(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the spoken stretches with their margins, in order and apart from each other."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(np.int8)))
    joined: list[tuple[int, int]] = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        first, last = max(begin - MARGIN, 0), min(end + MARGIN, len(active))
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    return joined


def _sample(frame: int) -> int:
    return frame * SPEECH_RATE // FPS
