# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's end of the wire: a client whose thread never touches Blender, and what the main thread does with its news.

In a window a timer pumps while something is under way and is gone when nothing is; without one (``blender -b``, the bpy module),
where timers never fire, :meth:`Session.wait` pumps and blocks. Both call the same :meth:`Session.pump`.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import bpy
from duologue import __version__
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton
from duologue.take import FPS, Progress, Take, Window
from duologue.wire.client import Client, Finished, Job, Notice, Pcm
from duologue.wire.connection import Connection
from duologue.wire.local import LocalServer, find_server

State = Literal["IDLE", "CONNECTING", "RUNNING", "CANCELLING", "DONE", "CANCELLED", "FAILED"]

TICK = 1 / 30
"""Seconds between two pumps while a take is being made: as often as its frames would be shown."""


@dataclass(frozen=True)
class Target:
    """Which server to use: a connection file, or this machine's, started with ``python`` where none runs."""

    file: Path | None = None
    python: str = ""


@dataclass(frozen=True)
class ServerState:
    """One line about the server for the preferences."""

    text: str
    failed: bool = False


@dataclass
class Request:
    """A performance that is wanted: what to ask for, and what to do with what comes, on the main thread."""

    brief: Brief
    audio: tuple[Pcm, Pcm]
    frames: int
    on_begin: Callable[[Skeleton], None]
    on_window: Callable[[Window], None]
    on_end: Callable[[Take | None], None]


class Session:
    """The one connection of this Blender, and the performance that runs over it."""

    def __init__(self) -> None:
        """Nothing is started or connected before something is asked for."""
        self.state: State = "IDLE"
        self.stage = ""
        self.message = ""
        self.notes: list[str] = []
        self._progress: dict[str, tuple[int, int]] = {}
        self._client: Client | None = None
        self._target: Target | None = None
        self._server: LocalServer | None = None
        self._failure: DuologueError | None = None
        self._opening: threading.Thread | None = None
        self._opened: list[tuple[Client, LocalServer | None] | DuologueError] = []
        self._request: Request | None = None
        self._job: Job | None = None
        self._skeleton: Skeleton | None = None
        self._windows: list[Window] = []
        self._began = 0.0

    # What the panel reads ---------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """A performance is under way."""
        return self.state in {"CONNECTING", "RUNNING", "CANCELLING"}

    @property
    def frames_done(self) -> int:
        """How many frames of the take have arrived."""
        return self._windows[-1].end if self._windows else 0

    def fraction(self) -> float:
        """Return how much of the take is there, in [0, 1]."""
        total = self._request.frames if self._request else 0
        return min(1.0, self.frames_done / total) if total else 0.0

    def seconds_left(self) -> float | None:
        """Return how long it will still take at the pace so far, or None while that can't be told."""
        done = self.fraction()
        return (time.monotonic() - self._began) * (1 - done) / done if done > 0.02 else None

    def server_state(self) -> ServerState:
        """Return the state of the connection in words."""
        if self._opening is not None:
            return ServerState("Connecting…")
        if self._failure is not None:
            return ServerState(str(self._failure), failed=True)
        if self._client is not None and self._client.ready:
            whose = "started by Blender" if self._server is not None else "running"
            return ServerState(f"Connected to {self._client.connection.endpoint} ({whose})")
        return ServerState("Not connected")

    @property
    def owns_server(self) -> bool:
        """Whether this Blender has started a server that still runs."""
        return self._server is not None and self._server.alive()

    # What operators call ----------------------------------------------------------------------------------------------

    def perform(self, target: Target, request: Request) -> None:
        """Begin a performance; connect first where there is no connection. Returns at once."""
        if self._client is not None and (self._client.error is not None or target != self._target):
            self.close()  # before the state says that something is under way, which closing would end
        self._request, self._job, self._skeleton, self._windows = request, None, None, []
        self._progress.clear()
        self.notes = list(request.brief.notes)
        self.state, self.stage, self.message = "CONNECTING", "Connecting", ""
        self.open(target)

    def open(self, target: Target) -> None:
        """Connect, in a thread of its own: a server that has to be started and load its models takes seconds."""
        self._failure = None
        if self._client is not None and (self._client.error is not None or target != self._target):
            self.close()
        if self._client is None and self._opening is None:
            self._target = target
            self._opening = threading.Thread(target=self._open, args=(target,), name="duologue-open", daemon=True)
            self._opening.start()
        start_pumping()

    def cancel(self) -> None:
        """Ask for the end of the performance. The state changes when the server has stopped it."""
        if self._job is not None:
            self._job.cancel()
            self.state, self.stage = "CANCELLING", "Cancelling"
        elif self.busy:
            self._end(None, "CANCELLED", "Cancelled before it began")

    def close(self) -> None:
        """Drop the connection and stop a server that was started here. May be called at any time, and twice."""
        if self.busy:
            self._end(None, "CANCELLED", "The connection was closed")
        if self._opening is not None:
            self._opening.join(40.0)
            self._opening = None
        for opened in self._opened:
            if not isinstance(opened, DuologueError):
                self._client, self._server = opened
        self._opened.clear()
        client, server = self._client, self._server
        self._client = self._server = self._target = None
        if client is not None:
            client.close()
        if server is not None:
            server.stop()

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
        if self._failure is not None:
            raise self._failure

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
        except DuologueError as error:
            self._fail(error)
        return self.busy or self._opening is not None

    def _open(self, target: Target) -> None:
        """Find or start the server and connect. Runs in its own thread; touches nothing of Blender's."""
        server = None
        try:
            connection = Connection.load(target.file) if target.file is not None else find_server()
            if connection is None:
                if not target.python:
                    raise DuologueError(
                        "FAILED_PRECONDITION",
                        "server-missing",
                        "no server runs on this computer, and no Python with Duologue is known to start one; set it in the "
                        "Duologue preferences, or run `duologue serve`",
                    )
                server = LocalServer.start(python=target.python)
                connection = server.connection
            client = Client(connection, name="blender", alive=server.alive if server else None)
            try:
                client.wait_ready()
            except DuologueError:
                client.close()
                raise
            self._opened.append((client, server))
        except DuologueError as error:
            if server is not None:
                server.stop()
            self._opened.append(error)
        except Exception as error:  # a fault in this thread must reach the panel
            if server is not None:
                server.stop()
            self._opened.append(DuologueError("INTERNAL", "client-fault", f"{type(error).__name__}: {error}"))

    def _take_opened(self) -> None:
        if not self._opened:
            return
        opened = self._opened.pop()
        self._opening = None
        if isinstance(opened, DuologueError):
            raise opened
        self._client, self._server = opened

    def _submit(self, client: Client) -> None:
        request = self._request
        assert request is not None
        self._skeleton = Skeleton.from_json(client.performance["skeleton"])
        request.on_begin(self._skeleton)
        self._job = client.submit(request.brief, request.audio)
        self.state, self.stage, self._began = "RUNNING", "Listening", time.monotonic()

    def _take_events(self, job: Job) -> None:
        fresh: list[Window] = []
        for event in job.drain():
            if isinstance(event, DuologueError):
                raise event
            if isinstance(event, Progress):
                self._progress[event.stage] = (event.done, event.total)
                if self.state == "RUNNING":
                    self.stage = event.stage.capitalize()
            elif isinstance(event, Notice):
                self.notes.append(event.message)
            elif isinstance(event, Window):
                fresh.append(event)
            elif isinstance(event, Finished):
                self._windows += fresh
                self._finish(event)
                return
        if fresh and self._request is not None:
            self._windows += fresh
            self._request.on_window(fresh[-1])  # the newest only: showing must never fall behind

    def _finish(self, event: Finished) -> None:
        assert self._request is not None
        assert self._skeleton is not None
        if event.cancelled:
            self._end(None, "CANCELLED", f"Cancelled after {self.frames_done / FPS:.1f} s of the take")
            return
        self._end(
            self._made(),
            "DONE",
            f"A take of {self.frames_done / FPS:.1f} s, made in {time.monotonic() - self._began:.1f} s",
        )

    def _made(self) -> Take:
        assert self._request is not None
        assert self._skeleton is not None
        brief = self._request.brief
        provenance = {
            "brief": brief.digest(self._request.audio),
            "seed": brief.seed,
            "steps": brief.steps,
            "checkpoints": self._client.performance.get("checkpoints", {}) if self._client else {},
            "duologue": __version__,
        }
        return Take.from_windows(self._skeleton, self._windows, provenance)

    def _fail(self, error: DuologueError) -> None:
        self._failure = error
        if self.busy:
            self._end(None, "FAILED", str(error))

    def _end(self, take: Take | None, state: State, message: str) -> None:
        """Leave the running state first: what ``on_end`` does may fail, and must not be tried again."""
        request = self._request
        self._job = None
        self.state, self.message, self.stage = state, message, ""
        if request is not None:
            try:
                request.on_end(take)
            except DuologueError as error:
                self.state, self.message = "FAILED", str(error)


session = Session()


def start_pumping() -> None:
    """Pump from a timer where there is a window; elsewhere timers never fire and the caller waits."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK, persistent=True)


def _tick() -> float | None:
    more = session.pump()
    redraw()
    return TICK if more else None


def redraw() -> None:
    """Have every panel of ours drawn anew."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()


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
