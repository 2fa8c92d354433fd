"""The client: the one way to a Duologue server, for the command line, headless Blender and the add-on alike.

One IO thread owns the socket. It says hello, keeps the connection alive, makes a new one with growing pauses when it breaks and
resumes every job where it was; whoever wants a take only meets queues. ``close`` never hangs.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import zmq

from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.take import Notice, Progress, Take, Window
from duologue.take.edit import Edit
from duologue.wire import messages
from duologue.wire.connection import Connection
from duologue.wire.framing import Packet
from duologue.wire.job import Event, Finished, Job
from duologue.wire.link import CONNECT_SECONDS, Link
from duologue.wire.upload import Pcm

__all__ = ["Client", "Event", "Finished", "Job", "Notice", "Pcm"]

CREDIT: Final = 1024 * 1024
"""Bytes of windows that may wait in a client: about 18 s of a take."""
PATIENCE: Final = 120.0
"""How long a broken connection is tried again: as long as the server keeps its windows."""
START_SECONDS: Final = 180.0
"""How long a server that answers may take to load its models."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


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
        plain: bool = False,
    ) -> None:
        """Begin to connect.

        ``patience``: seconds that a broken connection is retried. ``credit``: bytes of windows that may wait unread.
        ``alive``: asked before each retry whether there is still a server (see ``wire.local``). ``plain``: no CURVE, for
        measuring only.
        """
        self.connection = connection
        self._name, self._patience, self._credit = name, patience, credit
        self._alive, self._plain = alive, plain
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.setsockopt(zmq.LINGER, 0)
        self._wake_in = self._context.socket(zmq.PAIR)
        self._wake_in.setsockopt(zmq.SNDHWM, 1)  # one wake-up is as good as many
        self._wake_out = self._context.socket(zmq.PAIR)
        self._wake_out.bind("inproc://wake")
        self._wake_in.connect("inproc://wake")
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}  # by key
        self._state = threading.Condition()
        self._welcome: messages.Welcome | None = None
        self._error: DuologueError | None = None
        self._notice = ""
        self._load: dict[str, Any] = {}
        self._closing = False
        self._ever = False
        """There was a welcome once."""
        self._diagnosis: DuologueError | None = None
        self._close_by = 0.0
        self._ping_due, self._pongs = False, 0
        self._thread = threading.Thread(target=self._run, name="duologue-client", daemon=True)
        self._thread.start()

    @classmethod
    def connect(cls, target: Connection | Path | str, **options: Any) -> Client:
        """Connect and wait for the server's welcome; ``options`` as for ``Client``.

        Raises:
            DuologueError: UNAUTHENTICATED ``server-key`` or ``client-refused``; UNAVAILABLE ``server-not-reachable``,
                ``not-a-server``, ``server-silent`` or ``worker-…``; UNIMPLEMENTED ``protocol-version``; what
                ``Connection.load`` raises; what loading the models raised on the server.
        """
        client = cls(target if isinstance(target, Connection) else Connection.load(target), **options)
        try:
            client.wait_ready()
        except BaseException:
            client.close()
            raise
        return client

    # For the caller's thread ------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """The server has welcomed us."""
        return self._welcome is not None

    @property
    def error(self) -> DuologueError | None:
        """Why there is no connection and none will be tried any more; None while there is hope."""
        return self._error

    @property
    def notice(self) -> str:
        """What the server last said about itself (``"the models are being loaded"``), for a status line."""
        return self._notice

    @property
    def performance(self) -> dict[str, Any]:
        """What the server's performance says of itself: skeleton, names, checkpoints. Empty before the welcome."""
        return self._welcome.performance if self._welcome else {}

    @property
    def server(self) -> messages.Welcome | None:
        """The server's welcome."""
        return self._welcome

    @property
    def load(self) -> dict[str, Any]:
        """The load that the server last told in a PONG."""
        return self._load

    def wait_ready(self, timeout: float = START_SECONDS) -> messages.Welcome:
        """Wait for the welcome. Raises what ``connect`` raises."""
        until = time.monotonic() + timeout
        with self._state:
            while self._welcome is None and self._error is None and time.monotonic() < until:
                self._state.wait(0.2)
        if self._error is not None:
            raise self._error
        if self._welcome is None:
            raise _slow(timeout)
        return self._welcome

    def ping(self, timeout: float = 10.0) -> float:
        """Return the seconds that a message takes there and back; ``load`` is new afterwards.

        Raises:
            DuologueError: DEADLINE_EXCEEDED ``server-slow``; why the connection is gone.
        """
        begun = time.monotonic()
        with self._state:
            before, self._ping_due = self._pongs, True
        self._wake()
        with self._state:
            answered = self._state.wait_for(lambda: self._pongs > before or self._error is not None, timeout)
        if self._error is not None:
            raise self._error
        if not answered:
            raise _slow(timeout)
        return time.monotonic() - begun

    def submit(
        self,
        brief: Brief,
        audio: tuple[Pcm, Pcm],
        *,
        key: str | None = None,
        remake: tuple[Take, Edit] | None = None,
    ) -> Job:
        """Begin a performance and return it; never blocks. ``audio``: (samples (n,), rate) of A and of B.

        ``key`` makes it repeatable: the server gives the same job for the same key while it remembers it. ``remake``: a take of
        the same speech, and what of it is to be made again; the windows are of the whole take, the rest of it as it was.

        Raises:
            DuologueError: INVALID_ARGUMENT ``audio-not-mono``, ``take-length``, ``span-empty``. That the server can't remake
                (UNIMPLEMENTED ``remake-unsupported``) the job says.
        """
        job = Job(brief, audio, self._credit, self._wake, key=key, remake=remake)
        with self._lock:
            self._jobs[job.key] = job
        if self._error is not None or self._closing:
            job.fail(self._error or _closed())
        self._wake()
        return job

    def perform(
        self,
        brief: Brief,
        audio: tuple[Pcm, Pcm],
        on_event: Callable[[Event], None] | None = None,
        *,
        key: str | None = None,
        remake: tuple[Take, Edit] | None = None,
    ) -> Iterator[Progress | Window]:
        """Perform a brief: yield progress and windows as they are made. Leaving the loop cancels the performance.

        ``key``, ``remake``: as for ``submit``. ``on_event`` also hears of notices and of the end (``Finished``). Raises what
        ``submit`` does, the server's named errors, and CANCELLED ``cancelled`` when another thread cancelled the job.
        """
        job = self.submit(brief, audio, key=key, remake=remake)
        try:
            for event in job:
                if on_event is not None:
                    on_event(event)
                if isinstance(event, Progress | Window):
                    yield event
                elif isinstance(event, Finished) and event.cancelled:
                    raise DuologueError(
                        "CANCELLED", "cancelled", f"the performance was stopped after {event.windows} windows"
                    )
        finally:
            if not job.over:
                job.cancel()
                job.wait_until_over(2.0)

    def cancel(self) -> None:
        """Stop every performance of this client."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()

    def close(self) -> None:
        """Stop every performance, then the thread and its sockets. Takes at most about a second; may be called twice."""
        self.cancel()
        if not self._closing:
            self._close_by = time.monotonic() + 1.0
            self._closing = True
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wake(self) -> None:
        # It fails when a wake-up is waiting already, or when the client is closed.
        with self._lock, contextlib.suppress(zmq.ZMQError):
            self._wake_in.send(b"", zmq.DONTWAIT)

    # The IO thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        error = _closed()
        try:
            self._keep_connected()
        except DuologueError as reason:
            error = reason
        except Exception as fault:  # a fault of ours must reach the caller, not die with the thread
            error = DuologueError("INTERNAL", "client-fault", f"the client broke: {type(fault).__name__}: {fault}")
        with self._state:
            self._error = error
            self._state.notify_all()
        with self._lock:
            for job in self._jobs.values():
                job.fail(error)
            self._wake_in.close(linger=0)
        self._wake_out.close(linger=0)
        self._context.term()

    def _keep_connected(self) -> None:
        """Connect, and connect again after every break, until closing or until it is hopeless (raises)."""
        pause, broken_at = FIRST_PAUSE, time.monotonic()
        while not self._closing:
            link = Link(self._context, self.connection, self._wake_out, name=self._name, plain=self._plain)
            try:
                self._serve(link)
                return
            except DuologueError as error:
                if link.welcomed:
                    pause, broken_at, self._diagnosis = FIRST_PAUSE, time.monotonic(), None
                self._judge(error, time.monotonic() - broken_at)
            finally:
                link.transport.close()
            self._wait(pause * random.uniform(0.8, 1.2))  # many clients of one server should not return as one
            pause = min(pause * 2, LONGEST_PAUSE if self._ever else LONGEST_PAUSE / 10)

    def _judge(self, error: DuologueError, waited: float) -> None:
        """Raise the error when trying again is of no use, or rather the one that tells most of those there were."""
        if error.reason in {"not-a-server", "server-key"} or self._diagnosis is None:
            self._diagnosis = error
        if not error.retryable:
            # A handshake that is cut off looks like one with a wrong key; a second try tells. Keys that this server has taken
            # before are right, so then a bad line gets longer.
            if error.reason != "server-key" or waited > (10.0 if self._ever else 1.0):
                raise error
        elif waited > (self._patience if self._ever else min(self._patience, CONNECT_SECONDS - 1)):
            raise self._diagnosis
        elif self._alive is not None and not self._alive():
            raise DuologueError("UNAVAILABLE", "server-died", "the server has stopped; start it again", retryable=True)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._closing and (left := until - time.monotonic()) > 0:
            if self._wake_out.poll(int(left * 1000) + 1):
                self._wake_out.recv()
                self._live_jobs()

    def _serve(self, link: Link) -> None:
        """Use one connection until closing; raise when it breaks."""
        while True:
            if self._closing and not self._busy():
                return
            for packet in link.wait():
                self._on_packet(packet, link)
            if link.welcomed:
                self._pump(link)
            else:
                self._live_jobs()

    def _busy(self) -> bool:
        """Give cancels a moment to be sent; sockets close with nothing lingering."""
        with self._lock:
            waiting = any(job.opened and not job.over for job in self._jobs.values())
        return waiting and time.monotonic() < self._close_by

    def _pump(self, link: Link) -> None:
        if self._ping_due:
            self._ping_due = False
            link.send(messages.Ping(), {})
        welcome = self._welcome
        assert welcome is not None
        for job in self._live_jobs():
            if job not in link.asked:
                link.asked.add(job)
                job.connected(link.send, welcome, resume=link.resuming)
            job.pump(link.send)

    def _live_jobs(self) -> list[Job]:
        with self._lock:
            for key, job in list(self._jobs.items()):
                job.settle()
                if job.over:
                    del self._jobs[key]
            return list(self._jobs.values())

    def _on_packet(self, packet: Packet, link: Link) -> None:
        message = packet.message
        if isinstance(message, messages.Welcome):
            link.welcome(message, self._welcome)
            self._ever = True
            with self._state:
                self._welcome, self._notice = message, ""
                self._state.notify_all()
        elif isinstance(message, messages.Pong):
            self._load = message.load
            with self._state:
                self._pongs += 1
                self._state.notify_all()
        elif isinstance(message, messages.Notice) and not message.job:
            self._notice = message.message
        elif isinstance(message, messages.ErrorMessage) and not message.job and not message.key:
            error = messages.as_error(message)
            if error.reason == "session-unknown":  # the server was started anew behind our back
                raise DuologueError("UNAVAILABLE", error.reason, error.message, retryable=True)
            raise error
        else:
            job_id, key = getattr(message, "job", ""), getattr(message, "key", "")
            with self._lock:
                job = self._jobs.get(key) or next(
                    (job for job in self._jobs.values() if job_id and job.id == job_id), None
                )
            if job is not None:
                job.on_packet(packet, link.send)


def _slow(timeout: float) -> DuologueError:
    return DuologueError(
        "DEADLINE_EXCEEDED",
        "server-slow",
        f"the server did not answer in {timeout:.0f} s; look at its log",
        retryable=True,
    )


def _closed() -> DuologueError:
    return DuologueError("CANCELLED", "client-closed", "the connection was closed")
