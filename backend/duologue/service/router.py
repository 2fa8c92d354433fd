"""The router: one thread that speaks with all clients and all workers, and never computes.

Nothing in it waits: windows go to a file as they come from a worker, and from there to their client as far as
its credit goes; a client that is away costs nothing, and finds its windows when it is back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from duologue import __version__
from duologue.errors import DuologueError
from duologue.service import admission, auth, logs
from duologue.service import selfcheck as health
from duologue.service.clients import Clients, Session
from duologue.service.jobs import Job
from duologue.service.limits import Limits
from duologue.service.pool import Pool, told_error
from duologue.service.registry import Book, unknown_job
from duologue.wire import messages
from duologue.wire.connection import Connection
from duologue.wire.framing import MAJOR, Packet
from duologue.wire.messages import Message

log = logging.getLogger("duologue.router")

TICK_MS = 200


@dataclass(frozen=True)
class Settings:
    """Where the server listens and what it runs."""

    state: Path
    host: str = "127.0.0.1"
    port: int = 0
    devices: tuple[str, ...] = ("auto",)
    performance: str = "duologue.performance:Performance"
    limits: Limits = field(default_factory=Limits)
    plain: bool = False
    """No CURVE: for measuring what it costs, on loopback, from our own code alone; no command sets it."""


class Router:
    """A server in one thread: ``bind``, then ``run`` until told to stop, then ``close``."""

    def __init__(self, settings: Settings) -> None:
        """Open the journal and the key store.

        Raises:
            DuologueError: the state folder can't be used; FAILED_PRECONDITION ``no-clients``.
        """
        self.settings, self.limits = settings, settings.limits
        self.instance = uuid.uuid4().hex
        self._keys = auth.KeyStore(settings.state)
        strangers = self._keys.clients()
        auth.check_exposure(settings.host, strangers)
        self.book = Book(settings.state, self.instance, self.limits)
        self._context = zmq.Context()
        self._authority = auth.Authority(self._context)
        for public in strangers.values():
            self._authority.allow(auth.CLIENTS, public)
        self.clients = Clients(self._context, self.limits, self._on_packet)
        self.pool = Pool(
            self._context,
            self._authority,
            self,
            devices=settings.devices,
            performance=settings.performance,
            limits=self.limits,
        )

    def bind(self) -> Connection:
        """Listen, and return what a client on this machine needs to connect.

        Raises:
            DuologueError: FAILED_PRECONDITION ``port-in-use`` or ``address``.
        """
        host = self.settings.host
        keys = self._keys.server_keys() if self._keys.clients() else auth.KeyPair.new()
        client = auth.KeyPair.new()
        self._authority.allow(auth.CLIENTS, client.public)
        plain = self.settings.plain and auth.is_loopback(host)
        endpoint = self.clients.bind(host, self.settings.port, self._authority, None if plain else keys)
        log.info("listening", extra=logs.facts(endpoint=endpoint, pid=os.getpid(), version=__version__))
        return Connection(
            endpoint.replace("//0.0.0.0:", "//127.0.0.1:"),
            keys.public,
            client.public,
            client.secret,
            version=__version__,
            pid=os.getpid(),
            instance=self.instance,
        )

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set."""
        self.pool.start()
        poller = zmq.Poller()
        poller.register(self.clients.socket, zmq.POLLIN)
        poller.register(self.pool.socket, zmq.POLLIN)
        poller.register(self._authority.socket, zmq.POLLIN)
        due = 0.0
        while not stop.is_set():
            ready = dict(poller.poll(TICK_MS))
            if self._authority.socket in ready:
                self._authority.answer()
            if self.clients.socket in ready:
                self.clients.receive()
            if self.pool.socket in ready:
                self.pool.receive()
            if time.monotonic() >= due:
                self._tick()
                due = time.monotonic() + TICK_MS / 1000

    def close(self) -> None:
        """End the workers, drop all jobs and give everything back."""
        self.pool.close()
        self.clients.close()
        self._authority.close()
        self.book.close()
        self._context.term()

    # What clients say -------------------------------------------------------------------------------------------------

    def _on_packet(self, session: Session, packet: Packet) -> None:
        message = packet.message
        if isinstance(message, messages.Hello):
            self._welcome(session)
        elif isinstance(message, messages.Ping):
            self.clients.send(session, messages.Pong(health.load(self)))
        elif isinstance(message, messages.Open):
            if message.remake and messages.REMAKE not in self.pool.capabilities:
                text = "what this server performs can't make a part of a take again; ask for all of it"
                raise DuologueError("UNIMPLEMENTED", "remake-unsupported", text)
            job = self.book.open(session.user, message, packet.arrays.get("brief"), self.pool.failure)
            self._accept(session, job, message.next_seq, message.credit)
        elif isinstance(message, messages.Resume):
            job = self.book.find(session.user, message.job)
            if message.session != job.session:
                raise unknown_job()
            self._accept(session, job, message.next_seq, message.credit)
        elif isinstance(message, messages.Audio):
            job = self.book.find(session.user, message.job)
            with self._granting(job):
                job.add_speech(message.performer, message.offset, packet.arrays.get("pcm"))
        elif isinstance(message, messages.TakeMessage):
            job = self.book.find(session.user, message.job)
            with self._granting(job):
                job.add_take(message.offset, packet.arrays.get("data"))
        elif isinstance(message, messages.AudioEnd):
            self._on_audio_end(self.book.find(session.user, message.job), message)
        elif isinstance(message, messages.Credit):
            job = self.book.find(session.user, message.job)
            job.credit(message.next_seq, message.bytes)
            self.clients.deliver(job)
        elif isinstance(message, messages.Cancel):
            self._on_cancel(self.book.find(session.user, message.job))
        else:
            raise DuologueError("INVALID_ARGUMENT", "message-direction", f"{message.TYPE} is the server's to say")

    def _welcome(self, session: Session) -> None:
        if self.pool.described is None:
            if self.pool.failure is not None:
                raise self.pool.failure
            self.clients.send(session, messages.Notice("starting", "the server is loading its models"))
            return
        session.welcomed = True
        welcome = messages.Welcome(
            protocol=(MAJOR, MAJOR),
            session=session.id,
            instance=self.instance,
            version=__version__,
            capabilities=("resume", "cancel", "notice", *self.pool.capabilities),
            limits=admission.told(self.limits),
            credit=self.limits.output_credit,
            heartbeat_ms=int(self.limits.heartbeat * 1000),
            performance=self.pool.described,
        )
        self.clients.send(session, welcome)

    def _accept(self, session: Session, job: Job, next_seq: int, credit: int) -> None:
        """Let a session have a job, from one of its windows on."""
        job.session = session.id
        job.rewind(next_seq, credit)
        accepted = messages.Accepted(
            job=job.id,
            key=job.key,
            state=job.state,
            position=self.book.place(job),
            received=tuple(upload.received // 4 for upload in job.speech),
            received_take=job.take.received if job.take else 0,
            grant=job.received + self.limits.upload_credit,
        )
        self.clients.send(session, accepted)
        self.clients.deliver(job)

    @contextlib.contextmanager
    def _granting(self, job: Job) -> Iterator[None]:
        """Grant more when half of what was granted has come."""
        step = self.limits.upload_credit // 2
        before = job.received // step
        yield
        if job.received // step > before:
            self.clients.tell(job, messages.Grant(job.id, job.received + self.limits.upload_credit))

    def _on_audio_end(self, job: Job, message: messages.AudioEnd) -> None:
        if job.state != "uploading":
            return  # said twice around a broken connection
        if damaged := job.damaged(message.sha256):
            text = f"the {'speech' if damaged == 'audio' else damaged} did not arrive as it was sent; try again"
            self._fail(job, DuologueError("DATA_LOSS", f"{damaged}-damaged", text, retryable=True))
            return
        self.book.enqueue(job)
        self.workers_ready()
        if place := self.book.place(job):
            self.clients.tell(job, messages.ProgressMessage(job.id, "queue", 0, place))

    def _on_cancel(self, job: Job) -> None:
        if job.state == "running":
            self.pool.stop_job(job)
        elif not job.over:
            self._end(job, messages.Cancelled(job.id, job.sent))
        else:  # it was whole before its client had all of it
            self.clients.tell(job, messages.Cancelled(job.id, job.sent))

    # What workers say (pool.Owner) --------------------------------------------------------------------------------------

    def workers_ready(self) -> None:
        """Welcome who waits for the first worker, and hand out jobs."""
        for session in self.clients:
            if not session.welcomed:
                self._welcome(session)
        while self.book.queue and (worker := self.pool.idle()) is not None:
            self.pool.give(worker, self.book.take_next())
            for place, waiting in enumerate(self.book.queue, 1):
                self.clients.tell(waiting, messages.ProgressMessage(waiting.id, "queue", 0, place))

    def workers_failed(self, error: DuologueError) -> None:
        """End every job that waits for a worker, and tell every client that waits for a welcome."""
        for job in [job for job in self.book.jobs.values() if job.state in {"queued", "uploading"}]:
            self._fail(job, error)
        for session in self.clients:
            if not session.welcomed:
                self.clients.send(session, messages.error_message(error))

    def job_window(self, job: Job, seq: int, frames: list[Any]) -> None:
        """Keep a window and send what the client takes."""
        if seq != len(job.spool) or job.over:
            return
        try:
            job.spool.append(frames)
        except OSError as fault:
            log.error("disk", extra=logs.facts(job=job.id, fault=str(fault)))
            self.pool.stop_job(job)
            self._fail(job, admission.disk_error())
            return
        self.clients.deliver(job)

    def job_told(self, job: Job, kind: bytes, facts: dict[str, Any]) -> None:
        """Pass a worker's progress on, or end the job."""
        if job.over:
            return
        if kind == b"PROGRESS":
            self.clients.tell(job, messages.ProgressMessage(job.id, facts["stage"], facts["done"], facts["total"]))
        elif kind == b"NOTICE":
            self.clients.tell(job, messages.Notice(facts["reason"], facts["message"], job.id))
        elif kind == b"DONE":
            self._end(job, messages.Done(job.id, facts["windows"], facts["digest"], facts["timings"]))
        elif kind == b"CANCELLED":
            self._end(job, messages.Cancelled(job.id, len(job.spool)))
        else:
            self._fail(job, told_error(facts))

    def job_lost(self, job: Job, why: str, *, stopped: bool) -> None:
        """Try a dead worker's job once more, and say so."""
        if job.over:
            return
        if stopped:
            self._end(job, messages.Cancelled(job.id, len(job.spool)))
        elif job.attempts > 1:
            text = f"the worker died twice in this performance ({why}); try again, or look at the server's log"
            self._fail(job, DuologueError("UNAVAILABLE", "worker-died", text, retryable=True))
        else:
            self.book.put_back(job)
            text = f"the server's worker died ({why}); the performance goes on with a new one"
            self.clients.tell(job, messages.Notice("worker-restarted", text, job.id))

    # Ends -------------------------------------------------------------------------------------------------------------

    def _fail(self, job: Job, error: DuologueError) -> None:
        self._end(job, messages.error_message(error, job=job.id))

    def _end(self, job: Job, ending: Message) -> None:
        self.book.end(job, ending)
        self.clients.deliver(job)

    def _tick(self) -> None:
        self.pool.tick()
        now = time.monotonic()
        self.book.forget_old(now)
        for job in self.book.jobs.values():
            self.clients.deliver(job)
        self.clients.drop_silent(now)
