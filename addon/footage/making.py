# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a clip into its folder, in a thread of its own that touches nothing of Blender's."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from duologue.errors import DuologueError
from duologue.files.lock import only_writer
from duologue.passes.pictures import Event, RenderSettings, inside
from duologue.passes.sources import StoredPasses
from duologue.take import Notice, Progress
from duologue.wire.pictures import Left, PictureWindow

from .folder import PASSES, Bytes, VideoFolder

if TYPE_CHECKING:
    from duologue.passes.sources import PassSource

_BUSY: Final = "another Blender makes a video in {folder}; wait until it is done, or choose another folder"


@dataclass(frozen=True)
class Work:
    """What pictures are made of. ``first``: the frame to begin at, those before are there; ``since``: what a server goes on from,
    ``made``: by what; ``previous``: ``(start, stop)`` to the pictures before, where a part of them is made again."""

    passes: StoredPasses
    settings: RenderSettings
    events: tuple[Event, ...]
    first: int
    since: Left | None
    made: Mapping[str, Any]
    previous: Callable[[int, int], Bytes] | None
    should_stop: Callable[[], bool]
    tell: Callable[[Progress | Notice], None]


Generate = Callable[[Work], Iterator[PictureWindow | Left]]
"""Yields pictures in order as they are made, in Blender's Python or by a server, and what it leaves. Ends when it should stop."""


@dataclass(frozen=True)
class Ended:
    """The last news. ``complete``: all is there that was asked for."""

    complete: bool


News = PictureWindow | Progress | Notice | Ended | DuologueError


class Making:
    """Pictures that are being made into a folder, from frame ``first`` on. Begins at once; :meth:`drain` its news."""

    def __init__(self, folder: VideoFolder, generate: Generate, first: int = 0) -> None:
        self._folder, self._generate, self._first = folder, generate, first
        self._news: deque[News] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="duologue-video", daemon=True)
        self._thread.start()

    def drain(self) -> list[News]:
        """Return what is new; ``Ended`` or a ``DuologueError`` is the last of all. Never blocks."""
        return [self._news.popleft() for _ in range(len(self._news))]

    def stop(self, patience: float = 0.0) -> None:
        """Ask for the end; the last news follow. Waits for that, not for ever."""
        self._stop.set()
        if patience:
            self._thread.join(patience)

    def _run(self) -> None:
        folder = self._folder
        try:
            with only_writer(folder.root, "pictures-busy", _BUSY.format(folder=folder.root)):
                self._news.append(Ended(self._make()))
        except DuologueError as error:
            self._news.append(error)
        except Exception as error:  # a fault in this thread must reach the panel
            self._news.append(DuologueError("INTERNAL", "addon-fault", f"{type(error).__name__}: {error}"))

    def _make(self) -> bool:
        folder, settings = self._folder, self._folder.settings
        passes = self._passes()
        region = settings.region
        previous = folder.before.read if region else None
        work = Work(
            passes, settings, folder.clip.events, self._first, folder.left, folder.about.get("made", {}), previous,
            self._stop.is_set, self._news.append,
        )  # fmt: skip
        label, done = "", self._first
        try:
            for window in self._generate(work):
                if isinstance(window, Left):
                    folder.keep(window)
                    continue
                kept = window if previous is None else _within(window, region, passes, previous)
                folder.write(kept)
                label, done = window.label, window.stop
                self._news.append(kept)
        finally:
            complete = done == passes.frames and label in {"", settings.presets[-1]}
            folder.finish(complete=complete)
        return complete

    def _passes(self) -> StoredPasses:
        """Return the clip's passes as they were when its first picture was made.

        Raises:
            DuologueError: NOT_FOUND ``passes-missing``; DATA_LOSS ``passes-mismatch``.
        """
        passes = StoredPasses.open(self._folder.root / PASSES)
        if self._folder.digest_of_passes() != self._folder.clip.passes:
            what = (
                f"{passes.root} has been changed since the video was begun, so it would not be the same; make it anew"
            )
            raise DuologueError("DATA_LOSS", "passes-mismatch", what)
        return passes


def _within(
    window: PictureWindow, region: str, passes: PassSource, previous: Callable[[int, int], Bytes]
) -> PictureWindow:
    """Return pictures whose pixels outside a region are those before, bit for bit, whoever made them."""
    again = inside(passes.read("part", window.start, window.stop), region)
    rgb = np.where(again[..., None], window.rgb, previous(window.start, window.stop))
    return PictureWindow(window.start, rgb, window.label, window.made)
