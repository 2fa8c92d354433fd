"""The client: the one way to a Duologue server, for the command line, headless Blender and the add-on alike.

A thread (``wire.reactor``) owns the socket; whoever wants a take only meets queues.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.passes.pictures import Event as Touch
from duologue.passes.pictures import References, RenderSettings
from duologue.passes.sources import PassSource
from duologue.take import Notice, Progress, Take, Window
from duologue.take.edit import Edit
from duologue.units import Sound
from duologue.wire import messages
from duologue.wire.clip import Previous, Source
from duologue.wire.connection import Connection
from duologue.wire.job import Finished, Job, Made, Told
from duologue.wire.performing import Event, PerformanceJob
from duologue.wire.pictures import Left, PictureWindow
from duologue.wire.reactor import Reactor
from duologue.wire.rendering import RenderEvent, RenderJob

__all__ = [
    "Client",
    "Event",
    "Finished",
    "Job",
    "Left",
    "Notice",
    "PerformanceJob",
    "PictureWindow",
    "RenderEvent",
    "RenderJob",
]

CREDIT: Final = 1024 * 1024
"""Bytes of windows that may wait in a client: about 18 s of a take."""
PATIENCE: Final = 120.0
"""How long a broken connection is tried again: as long as the server keeps its windows."""
START_SECONDS: Final = 180.0
"""How long a server that answers may take to load its models."""


class Client:
    """A connection to a server, made and kept in the background.

    ``Client.connect`` waits until the server has answered; ``Client(connection)`` returns at once (for a UI): read
    ``ready`` and ``error`` now and then, or just submit.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        name: str = "python",
        patience: float = PATIENCE,
        credit: int = CREDIT,
        alive: Callable[[], bool] | None = None,
        reload: Callable[[], Connection] | None = None,
        plain: bool = False,
    ) -> None:
        """Begin to connect.

        ``patience``: seconds that a broken connection is retried. ``credit``: bytes of windows that may wait unread.
        ``alive``: asked before each retry whether there is still a server (see ``wire.local``). ``reload``: reads the connection
        again before each retry, because a server that was started anew has other keys. ``plain``: no CURVE, for measuring only.
        """
        self._credit = credit
        self._reactor = Reactor(connection, name=name, patience=patience, alive=alive, reload=reload, plain=plain)
        self._reactor.start()

    @classmethod
    def connect(cls, target: Connection | Path | str, **options: Any) -> Client:
        """Connect and wait for the server's welcome; ``options`` as for ``Client``. A file is read again after a break.

        Raises:
            DuologueError: UNAUTHENTICATED ``server-key`` or ``client-refused``; UNAVAILABLE ``server-not-reachable``,
                ``not-a-server``, ``server-silent`` or ``worker-…``; UNIMPLEMENTED ``protocol-version``; what
                ``Connection.load`` raises; what loading the models raised on the server.
        """
        if not isinstance(target, Connection):
            file, target = target, Connection.load(target)
            options.setdefault("reload", lambda: Connection.load(file))
        client = cls(target, **options)
        try:
            client.wait_ready()
        except BaseException:
            client.close()
            raise
        return client

    @property
    def connection(self) -> Connection:
        """Where the server is; another one after it was started anew."""
        return self._reactor.connection

    @property
    def ready(self) -> bool:
        """The server has welcomed us."""
        return self._reactor.welcome is not None

    @property
    def error(self) -> DuologueError | None:
        """Why there is no connection and none will be tried any more; None while there is hope."""
        return self._reactor.error

    @property
    def notice(self) -> str:
        """What the server last said about itself (``"the models are being loaded"``), for a status line."""
        return self._reactor.notice

    @property
    def performance(self) -> dict[str, Any]:
        """What the server's performance says of itself: skeleton, names, checkpoints. Empty before the welcome."""
        return self.server.performance if self.server else {}

    @property
    def server(self) -> messages.Welcome | None:
        """The server's welcome."""
        return self._reactor.welcome

    @property
    def load(self) -> dict[str, Any]:
        """The load that the server last told in a PONG."""
        return self._reactor.load

    def wait_ready(self, timeout: float = START_SECONDS) -> messages.Welcome:
        """Wait for the welcome. Raises what ``connect`` raises."""
        until = time.monotonic() + timeout
        with self._reactor.state:
            while self.server is None and self.error is None and time.monotonic() < until:
                # In slices: on Windows a wait without end can't be interrupted by Ctrl-C.
                self._reactor.state.wait(0.2)
        if self.error is not None:
            raise self.error
        if self.server is None:
            raise _slow(timeout)
        return self.server

    def ping(self, timeout: float = 10.0) -> float:
        """Return the seconds that a message takes there and back; ``load`` is new afterwards.

        Raises:
            DuologueError: DEADLINE_EXCEEDED ``server-slow``; why the connection is gone.
        """
        reactor, begun = self._reactor, time.monotonic()
        with reactor.state:
            before = reactor.pongs
        reactor.ping()
        with reactor.state:
            answered = reactor.state.wait_for(lambda: reactor.pongs > before or reactor.error is not None, timeout)
        if self.error is not None:
            raise self.error
        if not answered:
            raise _slow(timeout)
        return time.monotonic() - begun

    def submit(
        self,
        brief: Brief,
        audio: tuple[Sound, Sound],
        *,
        key: str | None = None,
        remake: tuple[Take, Edit] | None = None,
    ) -> PerformanceJob:
        """Begin a performance and return it; never blocks. ``audio``: what A says, and B.

        ``key`` makes it repeatable: the server gives the same job for the same key while it remembers it. ``remake``: a take of
        the same speech, and what of it is to be made again; the windows are of the whole take, the rest of it as it was.

        Raises:
            DuologueError: INVALID_ARGUMENT ``take-length``, ``span-empty``. That the server can't remake
                (UNIMPLEMENTED ``remake-unsupported``) the job says.
        """
        job = PerformanceJob(brief, audio, self._credit, self._reactor.wake, key=key, remake=remake)
        self._reactor.add(job)
        return job

    def perform(
        self,
        brief: Brief,
        audio: tuple[Sound, Sound],
        on_event: Callable[[Event], None] | None = None,
        *,
        key: str | None = None,
        remake: tuple[Take, Edit] | None = None,
    ) -> Iterator[Progress | Window]:
        """Perform a brief: yield progress and windows as they are made. Leaving the loop cancels the performance.

        ``key``, ``remake``: as for ``submit``. ``on_event`` also hears of notices and of the end (``Finished``). Raises what
        ``submit`` does, the server's named errors, and CANCELLED ``cancelled`` when another thread cancelled the job.
        """
        yield from _followed(self.submit(brief, audio, key=key, remake=remake), on_event)

    def submit_render(  # noqa: PLR0913
        self,
        passes: PassSource,
        settings: RenderSettings,
        *,
        references: References | None = None,
        events: Sequence[Touch] = (),
        previous: Previous | None = None,
        since: Left | None = None,
        keep: bool = False,
        key: str | None = None,
    ) -> RenderJob:
        """Begin to make pictures of a clip's passes and return the job; never blocks.

        Args:
            passes: the clip; read from other threads, twice, a frame at a time.
            settings: how they are made.
            references: what the people look like.
            events: the touches in it.
            previous: the pictures of which ``settings.region`` is made again.
            since: what an earlier job with the same arguments left: only the pictures after it are made, as they would have been.
            keep: whether that is wanted: a ``Left`` comes after each whole chunk of pictures.
            key: see ``submit``.

        Raises:
            DuologueError: what ``wire.clip``'s checks raise: ``unknown-label``, ``steps``, ``frames-empty``, ``frames-shape``,
                ``size-unsupported``, ``passes-missing``, ``pictures-missing``, ``reference-malformed``. That
                the server can't (UNIMPLEMENTED ``interact-unsupported``) the job says.
        """
        source = Source(passes, previous, since)
        job = RenderJob(source, settings, (references or {}, events), self._reactor.wake, keep=keep, key=key)
        self._reactor.add(job)
        return job

    def render(
        self,
        passes: PassSource,
        settings: RenderSettings,
        on_event: Callable[[RenderEvent], None] | None = None,
        **more: Any,
    ) -> Iterator[Progress | PictureWindow | Left]:
        """Make pictures of a clip's passes: yield progress and pictures as they are made. Leaving the loop cancels.

        ``more``: as for ``submit_render``. ``on_event`` also hears of notices and of the end (``Finished``). Raises what
        ``submit_render`` does, the server's named errors, and CANCELLED ``cancelled`` when another thread cancelled the job.
        """
        yield from _followed(self.submit_render(passes, settings, **more), on_event)

    def cancel(self) -> None:
        """Stop every job of this client."""
        for job in self._reactor.jobs():
            job.cancel()

    def close(self) -> None:
        """Stop every job, then the thread and its sockets. Takes at most about a second; may be called twice."""
        self.cancel()
        self._reactor.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _followed(job: Job[Made], on_event: Callable[[Told | Made], None] | None) -> Iterator[Progress | Made]:
    """Yield a job's progress and windows; cancel it when the loop is left."""
    try:
        for event in job:
            if on_event is not None:
                on_event(event)
            if isinstance(event, Finished) and event.cancelled:
                raise DuologueError("CANCELLED", "cancelled", f"it was stopped after {event.windows} windows")
            if not isinstance(event, Notice | Finished | DuologueError):
                yield event
    finally:
        job.abandon(2.0)


def _slow(timeout: float) -> DuologueError:
    return DuologueError(
        "DEADLINE_EXCEEDED",
        "server-slow",
        f"the server did not answer in {timeout:.0f} s; look at its log",
        retryable=True,
    )
