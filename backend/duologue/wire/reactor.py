"""The client's IO thread: it owns the socket, keeps the connection alive, makes a new one with growing pauses when it breaks, and
resumes every job where it was.

What other threads may read and change is guarded by ``lock`` (the jobs) and ``state`` (what is known of the server).
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import zmq

from duologue.errors import DuologueError
from duologue.wire import messages
from duologue.wire.connection import Connection
from duologue.wire.framing import Packet
from duologue.wire.job import Job
from duologue.wire.link import CONNECT_SECONDS, Link

FIRST_PAUSE: Final = 0.1
"""Seconds before a broken connection is tried again; doubled with each attempt …"""
LONGEST_PAUSE: Final = 5.0
"""… up to this."""
REFUSALS: Final = 3
"""Handshakes that fail one after the other before a key counts as wrong."""
CLOSE_SECONDS: Final = 1.0
"""That cancels get to be sent when the client closes."""


class Reactor:
    """One client's thread. ``start`` it once; ``close`` never hangs."""

    def __init__(
        self,
        connection: Connection,
        *,
        name: str,
        patience: float,
        alive: Callable[[], bool] | None,
        reload: Callable[[], Connection] | None,
        plain: bool,
    ) -> None:
        """Prepare; the arguments are ``Client``'s."""
        self.connection, self._name, self._patience = connection, name, patience
        self._alive, self._reload, self._plain = alive, reload, plain
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.setsockopt(zmq.LINGER, 0)
        self._wake_in = self._context.socket(zmq.PAIR)
        self._wake_in.setsockopt(zmq.SNDHWM, 1)  # one wake-up is as good as many
        self._wake_out = self._context.socket(zmq.PAIR)
        self._wake_out.bind("inproc://wake")
        self._wake_in.connect("inproc://wake")
        self._lock = threading.Lock()
        self._jobs: dict[str, Job[Any]] = {}  # by key
        self.state = threading.Condition()
        """Notified when one of the five below changes."""
        self.welcome: messages.Welcome | None = None
        self.error: DuologueError | None = None
        self.notice = ""
        self.load: dict[str, Any] = {}
        self.pongs = 0
        self._ping_due = False
        self._closing, self._close_by = False, 0.0
        self._diagnosis: DuologueError | None = None
        self._refusals = 0
        """Handshakes that failed since there was a connection."""
        self._thread = threading.Thread(target=self._run, name="duologue-client", daemon=True)

    # For other threads ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def add(self, job: Job[Any]) -> None:
        """Take a job on; it ends with an error at once when there is no hope of a connection."""
        with self._lock:
            self._jobs[job.key] = job
        if self.error is not None or self._closing:
            job.fail(self.error or _closed())
        self.wake()

    def jobs(self) -> list[Job[Any]]:
        """Return the jobs that are not over."""
        with self._lock:
            return list(self._jobs.values())

    def ping(self) -> None:
        """Have the server asked for a sign of life; ``pongs`` counts the answers."""
        self._ping_due = True
        self.wake()

    def wake(self) -> None:
        """Have the thread look at its jobs."""
        # It fails when a wake-up is waiting already, or when the client is closed.
        with self._lock, contextlib.suppress(zmq.ZMQError):
            self._wake_in.send(b"", zmq.DONTWAIT)

    def close(self) -> None:
        """End the thread and its sockets, after ``CLOSE_SECONDS`` at the most."""
        if not self._closing:
            self._close_by = time.monotonic() + CLOSE_SECONDS
            self._closing = True
        self.wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)

    # The IO thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        error = _closed()
        try:
            self._keep_connected()
        except DuologueError as reason:
            error = reason
        except Exception as fault:  # a fault of ours must reach the caller, not die with the thread
            error = DuologueError("INTERNAL", "client-fault", f"the client broke: {type(fault).__name__}: {fault}")
        with self.state:
            self.error = error
            self.state.notify_all()
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
            link: Link | None = None
            try:
                link = Link(self._context, self.connection, self._wake_out, name=self._name, plain=self._plain)
                self._serve(link)
                return
            except DuologueError as error:
                if link is not None and link.welcomed:
                    pause, broken_at = FIRST_PAUSE, time.monotonic()
                    self._diagnosis, self._refusals = None, 0
                self._judge(error, time.monotonic() - broken_at)
            finally:
                if link is not None:
                    link.transport.close()
            self._wait(pause * random.uniform(0.8, 1.2))  # many clients of one server should not return as one
            pause = min(pause * 2, LONGEST_PAUSE if self._ever else LONGEST_PAUSE / 10)
            self._read_connection()

    def _read_connection(self) -> None:
        """A server that was started anew has other keys, and perhaps another port; its file says which."""
        if self._reload is not None:
            with contextlib.suppress(DuologueError):  # it is just being stopped or started
                self.connection = self._reload()

    @property
    def _ever(self) -> bool:
        """There was a welcome once."""
        return self.welcome is not None

    def _judge(self, error: DuologueError, waited: float) -> None:
        """Raise the error when trying again is of no use, or rather the one that tells most of those there were."""
        if error.reason in {"not-a-server", "server-key", "host-unknown"} or self._diagnosis is None:
            self._diagnosis = error
        if not error.retryable:
            # A handshake that is cut off looks like one with a wrong key; more tries tell. Keys that this server has taken
            # before are right, so then a bad line gets longer, and a server that was started anew has its time to say so.
            returns = self._ever and self._reload is not None and error.reason == "client-refused"
            self._refusals += 1
            if not (returns or error.reason == "server-key"):
                raise error
            if self._refusals >= REFUSALS and waited > (10.0 if self._ever else 1.0):
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
        waiting = any(job.opened and not job.over for job in self.jobs())
        return waiting and time.monotonic() < self._close_by

    def _pump(self, link: Link) -> None:
        if self._ping_due:
            self._ping_due = False
            link.send(messages.Ping(), {})
        assert self.welcome is not None
        for job in self._live_jobs():
            if job not in link.jobs:
                link.jobs.add(job)
                job.connected(link.send, self.welcome, resume=link.resuming)
            job.pump(link.send)

    def _live_jobs(self) -> list[Job[Any]]:
        with self._lock:
            for key, job in list(self._jobs.items()):
                job.settle()
                if job.over:
                    del self._jobs[key]
            return list(self._jobs.values())

    def _on_packet(self, packet: Packet, link: Link) -> None:
        message = packet.message
        if isinstance(message, messages.Welcome):
            link.welcome(message, self.welcome)
            with self.state:
                self.welcome, self.notice = message, ""
                self.state.notify_all()
        elif isinstance(message, messages.Pong):
            with self.state:
                self.load = message.load
                self.pongs += 1
                self.state.notify_all()
        elif isinstance(message, messages.NoticeMessage) and not message.job:
            self.notice = message.message
        elif isinstance(message, messages.ErrorMessage) and not message.job and not message.key:
            error = message.error()
            if error.reason == "session-unknown":  # the server was started anew behind our back
                raise DuologueError("UNAVAILABLE", error.reason, error.message, retryable=True)
            raise error
        elif job := self._job_of(getattr(message, "job", ""), getattr(message, "key", "")):
            job.on_packet(packet, link.send)

    def _job_of(self, name: str, key: str) -> Job[Any] | None:
        with self._lock:
            return self._jobs.get(key) or next((job for job in self._jobs.values() if name and job.id == name), None)


def _closed() -> DuologueError:
    return DuologueError("CANCELLED", "client-closed", "the connection was closed")
