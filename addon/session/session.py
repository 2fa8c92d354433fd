# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's end of the wire: a client whose thread never touches Blender, and what the main thread does with its news.

In a window a timer pumps while something is under way and is gone when nothing is; without one (``blender -b``, the bpy module),
where timers never fire, :meth:`Session.wait` pumps and blocks. Both call the same :meth:`Session.pump`. What is being made is a
:class:`.request.Request`.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import time
import traceback
from typing import Literal

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton
from duologue.take import Notice, Track
from duologue.wire.client import Client, Finished, PerformanceJob

from ..briefing import in_the_panel
from . import redrawing, saving
from .link import Link
from .opening import ServerTarget
from .request import Request

State = Literal["IDLE", "CONNECTING", "RUNNING", "CANCELLING", "DONE", "CANCELLED", "FAILED"]

TICK = 1 / 30
"""Seconds between two pumps while a take is being made: as often as its frames would be shown."""

CANCEL_PATIENCE = 0.6
"""Seconds that a cancel waits for the server's word; without it (the line is down) the take ends here all the same."""


class Session(Link):
    """The one connection of this Blender, and the performance that runs over it."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = "IDLE"
        self.message = ""
        self.notes: list[str] = []
        self.error: DuologueError | None = None
        """Why the last performance failed."""
        self._request: Request | None = None
        self._job: PerformanceJob | None = None
        self._cancel_by = 0.0

    # What the panel reads ---------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """A performance is under way."""
        return self.state in {"CONNECTING", "RUNNING", "CANCELLING"}

    @property
    def stage(self) -> str:
        """What is being done, in a word."""
        if self.state in {"CONNECTING", "CANCELLING"}:
            return self.state.capitalize()
        return self._request.stage if self._request is not None and self.busy else ""

    @property
    def frames_done(self) -> int:
        """How many frames of the take have arrived."""
        return self._request.frames_done if self._request is not None else 0

    def fraction(self) -> float:
        """Return how much of the take is there, in [0, 1]."""
        return self._request.fraction() if self._request is not None else 0.0

    def seconds_left(self) -> float | None:
        """Return how long it will still take at the pace so far, or None while that can't be told."""
        return self._request.seconds_left() if self._request is not None else None

    def shown(self) -> tuple[Skeleton, tuple[Track, Track]] | None:
        """Return the one frame that the characters show while a take is made, of A and B; None while there is none."""
        return self._request.shown() if self._request is not None and self.busy else None

    def on_show(self) -> tuple[str, int] | None:
        """Return a scene's name and which frame of the take that is being made its characters show; None while none is made."""
        request = self._request if self.state == "RUNNING" else None
        return (request.scene, request.frame) if request is not None else None

    # What operators call ----------------------------------------------------------------------------------------------

    def perform(self, target: ServerTarget, request: Request) -> None:
        """Begin a performance; connect first where there is no connection. Returns at once."""
        self._drop_unfit(target)  # before the state says that something is under way, which closing would end
        self._request, self._job, self.error = request, None, None
        self.notes = list(request.brief.notes)
        self.state, self.message = "CONNECTING", ""
        self.open(target)

    def open(self, target: ServerTarget) -> None:
        """Connect. Returns at once; what comes of it is pumped in."""
        self.error = None
        super().open(target)
        start_pumping()

    def cancel(self) -> None:
        """Ask for the end of the performance. It ends when the server has stopped it, or soon without the server's word."""
        if self.state == "CANCELLING":
            return
        if self._job is not None:
            self._job.cancel()
            self.state, self._cancel_by = "CANCELLING", time.monotonic() + CANCEL_PATIENCE
        elif self.busy:
            self._end("CANCELLED", _t("Cancelled before it began"))

    def close(self) -> None:
        """Drop the connection and stop a server that was started here. May be called at any time, and twice."""
        if self.busy:
            self._end("CANCELLED", _t("The connection was closed"))
        super().close()

    def wait(self, timeout: float) -> None:
        """Pump until nothing is under way: for Blender without a window.

        Raises:
            DuologueError: the error that the performance or the connection ended with; DEADLINE_EXCEEDED ``too-slow``.
        """
        until = time.monotonic() + timeout
        while self.pump() and time.monotonic() < until:
            time.sleep(TICK)
        if self.busy or self._opening is not None:
            raise DuologueError("DEADLINE_EXCEEDED", "too-slow", f"the server was not done after {timeout:.0f} s")
        if (failure := self.error or self._failure) is not None:
            raise failure

    # The main thread's share ------------------------------------------------------------------------------------------

    def pump(self) -> bool:
        """Take the news from the client's thread and act on them; return whether more are to be expected."""
        try:
            self._take_opened()
            if self.state == "CONNECTING" and self._client is not None and self._client.ready:
                self._submit(self._client)
            elif self.state == "CONNECTING" and self._client is not None and self._client.error is not None:
                raise self._client.error
            elif self._job is not None:
                self._take_events(self._job)
            if self.state == "CANCELLING" and time.monotonic() > self._cancel_by:
                self._end("CANCELLED", self._request.cancelled_text() if self._request else "")
        except DuologueError as error:
            self._fail(error)
        except Exception as error:  # a fault must reach the panel, and the timer must live
            traceback.print_exc(file=sys.stderr)
            self._fail(
                DuologueError("INTERNAL", "addon-fault", f"a fault of Duologue: {type(error).__name__}: {error}")
            )
        return self.busy or self._opening is not None

    def _submit(self, client: Client) -> None:
        request = self._request
        assert request is not None
        request.begin(client.performance)
        saving.watch(request, self.cancel)
        # An older client of ours or a server without it says so by name.
        self._job = client.submit(request.brief, request.audio, **request.options())
        self.state = "RUNNING"

    def _take_events(self, job: PerformanceJob) -> None:
        request = self._request
        assert request is not None
        for event in job.drain():
            if isinstance(event, DuologueError):
                raise event
            if isinstance(event, Notice):
                if not request.hear(event):
                    self.notes.append(event.message)
            elif isinstance(event, Finished):
                if event.cancelled:
                    self._end("CANCELLED", request.cancelled_text())
                else:
                    self._end("DONE", request.done_text())
                return
            else:
                request.take(event)
        if self.state == "RUNNING":
            request.play()

    def _fail(self, error: DuologueError) -> None:
        if self.busy:
            self.error = error
            self._end("FAILED", str(in_the_panel(error)))  # the server speaks of the brief's fields

    def _end(self, state: State, message: str) -> None:
        """Leave the running state first: what is done at the end may fail, and must not be tried again."""
        request = self._request
        self._job = None
        self.state, self.message = state, message
        if request is None:
            return
        saving.unwatch()
        try:
            self.notes += request.end(complete=state == "DONE")
        except DuologueError as error:
            self.state, self.message, self.error = "FAILED", str(error), error


session = Session()


def start_pumping() -> None:
    """Pump from a timer where there is a window; elsewhere timers never fire and the caller waits."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK, persistent=True)


def _tick() -> float | None:
    more = session.pump()
    redrawing.while_busy(session.on_show()) if more else redrawing.everything()
    return TICK if more else None


def register() -> None:
    """Close the connection when Blender ends, whichever way it ends."""
    atexit.register(session.close)


def unregister() -> None:
    """Stop the timer first: one that is still registered at exit hangs Blender 4.5."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    with contextlib.suppress(Exception):
        session.close()
    atexit.unregister(session.close)
