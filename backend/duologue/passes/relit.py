"""A clip's pass ``relit`` as the pictures of a video, without any model, a few frames at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from duologue.passes.contract import Bytes
from duologue.passes.sources import PassSource

_AT_ONCE: Final = 8
"""Frames that are handed on together."""


class RelitPictures:
    """Pictures from frame ``first`` on until the end or a stop, each with its start: (n, H, W, 3) sRGB."""

    def __init__(self, passes: PassSource, first: int, should_stop: Callable[[], bool]) -> None:
        self._passes, self._first, self._should_stop = passes, first, should_stop
        self._people = self._holes = 0

    def __iter__(self) -> Iterator[tuple[int, Bytes]]:
        passes = self._passes
        for start in range(self._first, passes.frames, _AT_ONCE):
            if self._should_stop():
                return
            stop = min(start + _AT_ONCE, passes.frames)
            pictures = passes.read("relit", start, stop)
            people = passes.read("part", start, stop) > 0
            self._people += int(people.sum())
            self._holes += int((passes.read("hole", start, stop) > 0)[people].sum())
            yield start, pictures

    @property
    def told(self) -> str:
        """How much of the people, so far, the first picture did not show; empty where nobody was there."""
        if not self._people:
            return ""
        share = f"{100 * self._holes / self._people:.0f} %"
        return f"{share} of the people was not in the first picture and has the rig's own colours, in its light"
