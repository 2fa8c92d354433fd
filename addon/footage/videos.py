# SPDX-License-Identifier: GPL-3.0-or-later
"""The video that is being made: its news from the thread that makes it, its strip, and what the panel says of it.

As with takes (:mod:`..session.session`), a timer pumps where there is a window and :meth:`Videos.wait` where there is none.
Blender goes on meanwhile: what was read of the scene lies in the folder.
"""

from __future__ import annotations

import atexit
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import bpy
from bpy.app.handlers import persistent
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.take import Notice, Progress
from duologue.wire.pictures import PictureWindow

from ..scene import video_strips
from ..session import redrawing
from ..session.opening import ServerTarget
from ..session.session import session
from . import preview
from .folder import VideoFolder
from .generating import CARRIED, carried, check_offered, served
from .making import Ended, Generate, Making, News

if TYPE_CHECKING:
    from bpy.types import Scene, Strip

State = Literal["IDLE", "CONNECTING", "MAKING", "STOPPING", "DONE", "STOPPED", "FAILED"]

_TICK: Final = 0.1
_PATIENCE: Final = 1.0
"""Seconds that another file waits for the pictures of this one to be written."""


class Videos:
    """One video at a time. What it shows of the scene it keeps by name, never by pointer."""

    def __init__(self) -> None:
        self.state: State = "IDLE"
        self.message = ""
        self.notes: list[str] = []
        self.error: DuologueError | None = None
        self._folder: VideoFolder | None = None
        self._making: Making | None = None
        self._first = 0
        self._scene = ""
        self._number = 0
        self._progress = Progress("", 0, 1)
        self._began = 0.0

    # What the panel reads ---------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """A video is being made."""
        return self.state in {"CONNECTING", "MAKING", "STOPPING"}

    @property
    def folder(self) -> Path | None:
        """Where the last video is, or is being made."""
        return self._folder.root if self._folder is not None else None

    def progress(self) -> Progress:
        """Return how far what is being done has come."""
        return self._progress

    # What operators call ----------------------------------------------------------------------------------------------

    def start(self, scene: Scene, folder: VideoFolder, target: ServerTarget | None, first: int = 0) -> None:
        """Make the pictures that a folder's note asks for, from frame ``first`` on. Returns at once.

        ``target``: the server for what Blender can't make itself.
        """
        self._folder, self._first, self._scene, self._number = folder, first, scene.name, 0
        self.notes, self.message, self.error = [], "", None
        self._progress, self._began = Progress("", 0, 1), time.monotonic()
        strip = video_strips.of_folder(scene, folder.root)
        if strip is not None:
            self._number = video_strips.number_of(strip)
            if "before" not in folder.about:  # another clip takes its place
                video_strips.put(strip, folder.clip.span.first)
        bpy.app.handlers.load_pre.append(_before_load)
        if folder.settings.backend == CARRIED:
            self._make(carried)
        else:
            self.state = "CONNECTING"
            if target is not None:
                session.open(target)
        if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
            bpy.app.timers.register(_tick, first_interval=_TICK, persistent=True)

    def stop(self) -> None:
        """Ask for the end: what is there is kept."""
        if self._making is not None and self.state == "MAKING":
            self.state = "STOPPING"
            self._making.stop()
        elif self.state == "CONNECTING":
            self._end("STOPPED", _t("Stopped before it began"))

    def wait(self, seconds: float) -> None:
        """Pump until it is over: for Blender without a window.

        Raises:
            DuologueError: what it ended with; DEADLINE_EXCEEDED ``too-slow``.
        """
        until = time.monotonic() + seconds
        while self.pump() and time.monotonic() < until:
            session.pump()
            time.sleep(0.02)
        if self.busy:
            self.leave()
            raise DuologueError("DEADLINE_EXCEEDED", "too-slow", f"the video was not made in {seconds:.0f} s")
        if self.error is not None:
            raise self.error

    def leave(self) -> None:
        """Let go of the scene and of what is being made. May be called at any time, and twice."""
        if self._making is not None:
            self._making.stop(_PATIENCE)
        self._scene = ""
        if self.busy:
            self._end("STOPPED", _t("Stopped; what was made is in its folder"))

    # The main thread's share ------------------------------------------------------------------------------------------

    def pump(self) -> bool:
        """Take the news and act on them; return whether more are to be expected."""
        try:
            if self.state == "CONNECTING":
                self._connect()
            elif self._making is not None and self.busy:
                self._take(self._making.drain())
        except DuologueError as error:
            self._fail(error)
        except Exception as error:  # a fault must reach the panel, and the timer must live
            traceback.print_exc(file=sys.stderr)
            self._fail(
                DuologueError("INTERNAL", "addon-fault", f"a fault of Duologue: {type(error).__name__}: {error}")
            )
        return self.busy

    def _connect(self) -> None:
        client = session.connected()
        if client is not None and self._folder is not None:
            check_offered(client, self._folder.settings.backend)
            self._make(served(client))

    def _make(self, generate: Generate) -> None:
        assert self._folder is not None
        self.state = "MAKING"
        self._making = Making(self._folder, generate, self._first)

    def _take(self, news: list[News]) -> None:
        """Take news in their order; of many pictures the newest is shown."""
        windows = [one for one in news if isinstance(one, PictureWindow)]
        if windows:
            self._show(windows[-1])
        for one in news:
            if isinstance(one, DuologueError):
                raise one
            if isinstance(one, Progress):
                self._progress = one
            elif isinstance(one, Notice):
                self.notes.append(one.message)
            elif isinstance(one, Ended):
                self._finish(complete=one.complete)

    def _show(self, window: PictureWindow) -> None:
        """Let the strip and the preview show what has come. A strip that was removed meanwhile is not laid again."""
        folder, scene = self._folder, bpy.data.scenes.get(self._scene)
        assert folder is not None
        if not self._progress.stage:
            self._progress = Progress(window.label, window.stop, folder.clip.span.count)
        if scene is None:
            return
        strip = self._strip(scene)
        if strip is not None:
            pictures = [folder.pictures.path(index) for index in range(max(folder.shown, window.stop))]
            video_strips.fill(strip, pictures, folder.clip.span.step)
            video_strips.refresh(strip)
            video_strips.keep(strip, folder.about)
        preview.put(folder.pictures.path(window.stop - 1))
        preview.redraw()

    def _strip(self, scene: Scene) -> Strip | None:
        folder = self._folder
        assert folder is not None
        if self._number:
            return video_strips.find(scene, self._number)
        strip = video_strips.lay(scene, f"Video {folder.root.name}", folder.clip.span.first, folder.pictures.path(0))
        self._number = video_strips.number_of(strip)
        return strip

    def _finish(self, *, complete: bool) -> None:
        folder = self._folder
        assert folder is not None
        scene = bpy.data.scenes.get(self._scene)
        strip = video_strips.find(scene, self._number) if scene is not None else None
        if strip is not None:
            video_strips.keep(strip, folder.about)
        if complete:
            self._end("DONE", _told(folder, time.monotonic() - self._began))
        else:
            self._end("STOPPED", _told_of_part(folder))
        if strip is not None and not bpy.app.background:
            bpy.ops.ed.undo_push(message="Duologue: Video")  # it was laid by a timer, long after the button's own step

    def _fail(self, error: DuologueError) -> None:
        if not self.busy:
            return
        self.error = error
        kept = self._folder.shown if self._folder is not None else 0
        message = str(error)
        if kept:
            message = _t("{error}. {count} pictures are kept").format(error=message, count=kept)
        self._end("FAILED", message)

    def _end(self, state: State, message: str) -> None:
        self.state, self.message, self._making = state, message, None
        _forget()


def _told(folder: VideoFolder, seconds: float) -> str:
    """Return what was made."""
    region, before = folder.settings.region, folder.about.get("before", "")
    count = folder.clip.span.count
    if region == "hand":
        return _t("Hands made again in {count} pictures; all else is as it was").format(count=count)
    if region == "face":
        return _t("Faces made again in {count} pictures; all else is as it was").format(count=count)
    if before == folder.about["digest"]:
        return _t("Made again: the same, bit for bit")
    if before:
        return _t("Made again, and not the same: other settings, another model, machine or Duologue")
    return _t("{count} pictures, made in {seconds:.1f} s").format(count=count, seconds=seconds)


def _told_of_part(folder: VideoFolder) -> str:
    """Return what there is after a stop."""
    count, done = folder.clip.span.count, folder.done
    if not folder.shown:
        return _t("Stopped before the first picture")
    if folder.shown > done:
        return _t("Stopped: {done} of {count} pictures are new, the others as they were. Go On makes the rest").format(
            done=done, count=count
        )
    return _t("Stopped: {done} of {count} pictures are kept. Go On makes the rest").format(done=done, count=count)


videos = Videos()


def _tick() -> float | None:
    more = videos.pump()
    redrawing.while_busy(session.on_show()) if more else redrawing.everything()
    return _TICK if more else None


@persistent
def _before_load(*_: object) -> None:
    """Another file is opened: no strip of it is ours."""
    videos.leave()


def _forget() -> None:
    """Listen to loading no longer. The timer ends by itself when nothing is made."""
    while _before_load in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_before_load)


def register() -> None:
    """Stop when Blender ends, whichever way it ends."""
    atexit.register(videos.leave)


def unregister() -> None:
    """Stop, and the timer with it: one that is still registered at exit hangs Blender 4.5."""
    videos.leave()
    atexit.unregister(videos.leave)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
