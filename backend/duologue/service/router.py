"""The router: one thread that speaks with all clients and all workers, and never computes.

It owns every job. Nothing in it waits: windows go to a file as they come from a worker, and from there to their client as far as
its credit goes; a client that is away costs nothing, and finds its windows when it is back.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from duologue import __version__
from duologue.errors import DuologueError
from duologue.service import admission, auth, health, logs
from duologue.service.clients import Clients, Session
from duologue.service.jobs import Job
from duologue.service.journal import Journal
from duologue.service.limits import Limits
from duologue.service.pool import Pool, told_error
from duologue.wire import messages
from duologue.wire.connection import Connection
from duologue.wire.framing import MAJOR, Array, Packet
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
        self._journal = Journal(settings.state / "jobs.sqlite")
        self._keys = auth.KeyStore(settings.state)
        strangers = self._keys.clients()
        auth.check_exposure(settings.host, strangers)
        self._spool = admission.spool_folder(settings.state, self.instance)
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
        self.jobs: dict[str, Job] = {}
        self.queue: list[Job] = []

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
        for job in self.jobs.values():
            if not job.over:
                self._journal.change(job.id, "retryable")
            job.remove()
        self._journal.close()
        shutil.rmtree(self._spool, ignore_errors=True)
        self._context.term()

    # What clients say -------------------------------------------------------------------------------------------------

    def _on_packet(self, session: Session, packet: Packet) -> None:
        message = packet.message
        if isinstance(message, messages.Hello):
            self._welcome(session)
        elif isinstance(message, messages.Ping):
            self.clients.send(session, messages.Pong(health.load(self)))
        elif isinstance(message, messages.Open):
            self._on_open(session, message, packet.arrays.get("brief"))
        elif isinstance(message, messages.Resume):
            job = self._job(session, message.job)
            if message.session != job.session:
                raise _unknown_job()
            self._accept(session, job, message.next_seq, message.credit)
        elif isinstance(message, messages.Audio):
            self._on_audio(self._job(session, message.job), message, packet.arrays.get("pcm"))
        elif isinstance(message, messages.AudioEnd):
            self._on_audio_end(self._job(session, message.job), message)
        elif isinstance(message, messages.Credit):
            job = self._job(session, message.job)
            job.credit(message.next_seq, message.bytes)
            self.clients.deliver(job)
        elif isinstance(message, messages.Cancel):
            self._on_cancel(self._job(session, message.job))
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
            capabilities=("resume", "cancel", "notice"),
            limits=admission.told(self.limits),
            credit=self.limits.output_credit,
            heartbeat_ms=int(self.limits.heartbeat * 1000),
            performance=self.pool.described,
        )
        self.clients.send(session, welcome)

    def _on_open(self, session: Session, message: messages.Open, brief: Array | None) -> None:
        asked = admission.check(message, brief, self.limits)
        job = next((job for job in self.jobs.values() if (job.user, job.key) == (session.user, message.key)), None)
        entry = self._journal.find(session.user, message.key)
        if (known := job or entry) is not None and known.params != asked.params:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "key-reused",
                "this key was used for another brief or speech; use a new one",
                field="key",
            )
        if job is not None and isinstance(job.ending, messages.Cancelled | messages.ErrorMessage):
            self.forget(job)  # what failed or was stopped is tried again
            job = None
        if job is None:
            if self.pool.failure is not None:
                raise self.pool.failure
            admission.make_room(self, session.user, message)
            job = Job(message, asked, session.user, self._spool / uuid.uuid4().hex)
            job.earlier_output = entry.output if entry else ""
            self.jobs[job.id] = job
            self._journal.begin(job.user, job.key, job.id, job.params)
            log.info("job opened", extra=logs.facts(job=job.id, seconds=round(asked.seconds, 2)))
        self._accept(session, job, message.next_seq, message.credit)

    def _accept(self, session: Session, job: Job, next_seq: int, credit: int) -> None:
        """Let a session have a job, from one of its windows on."""
        job.session = session.id
        job.rewind(next_seq, credit)
        accepted = messages.Accepted(
            job=job.id,
            key=job.key,
            state=job.state,
            position=self.queue.index(job) + 1 if job in self.queue else 0,
            received=tuple(upload.samples for upload in job.uploads),
            grant=job.received + self.limits.upload_credit,
        )
        self.clients.send(session, accepted)
        self.clients.deliver(job)

    def _on_audio(self, job: Job, message: messages.Audio, pcm: Array | None) -> None:
        step = self.limits.upload_credit // 2
        before = job.received // step
        job.take_speech(message.performer, message.offset, pcm)
        if job.received // step > before:
            self.clients.tell(job, messages.Grant(job.id, job.received + self.limits.upload_credit))

    def _on_audio_end(self, job: Job, message: messages.AudioEnd) -> None:
        if job.state != "uploading":
            return  # said twice around a broken connection
        if not job.speech_is_whole(message.sha256):
            text = "the speech did not arrive as it was sent; try again"
            self._fail(job, DuologueError("DATA_LOSS", "audio-damaged", text, retryable=True))
            return
        job.state = "queued"
        self._journal.change(job.id, "queued")
        self.queue.append(job)
        self.workers_ready()
        if job in self.queue:
            self.clients.tell(job, messages.ProgressMessage(job.id, "queue", 0, self.queue.index(job) + 1))

    def _on_cancel(self, job: Job) -> None:
        if job.state == "running":
            self.pool.stop_job(job)
        elif not job.over:
            self._end(job, messages.Cancelled(job.id, job.sent))
        else:  # it was whole before its client had all of it
            self.clients.tell(job, messages.Cancelled(job.id, job.sent))

    def _job(self, session: Session, name: str) -> Job:
        job = self.jobs.get(name)
        if job is None or job.user != session.user:
            raise _unknown_job()
        return job

    # What workers say (pool.Owner) --------------------------------------------------------------------------------------

    def workers_ready(self) -> None:
        """Welcome who waits for the first worker, and hand out jobs."""
        for session in self.clients:
            if not session.welcomed:
                self._welcome(session)
        while self.queue and (worker := self.pool.idle()) is not None:
            job = self.queue.pop(0)
            job.state = "running"
            self._journal.change(job.id, "running")
            self.pool.give(worker, job)
            for place, waiting in enumerate(self.queue, 1):
                self.clients.tell(waiting, messages.ProgressMessage(waiting.id, "queue", 0, place))

    def workers_failed(self, error: DuologueError) -> None:
        """End every job that waits for a worker, and tell every client that waits for a welcome."""
        for job in [job for job in self.jobs.values() if job.state in {"queued", "uploading"}]:
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
            if job.earlier_output not in {"", facts["digest"]}:
                log.warning("another take than the last time", extra=logs.facts(job=job.id))
            self._journal.finish(job.id, facts["windows"], facts["digest"])
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
            job.state = "queued"
            self.queue.insert(0, job)
            text = f"the server's worker died ({why}); the performance goes on with a new one"
            self.clients.tell(job, messages.Notice("worker-restarted", text, job.id))

    # Ends -------------------------------------------------------------------------------------------------------------

    def _fail(self, job: Job, error: DuologueError) -> None:
        self._end(job, messages.error_message(error, job=job.id))

    def _end(self, job: Job, ending: Message) -> None:
        state = {messages.Done: "done", messages.Cancelled: "cancelled"}.get(type(ending), "failed")
        if job in self.queue:
            self.queue.remove(job)
        job.state, job.ending, job.heard = state, ending, time.monotonic()
        if state != "done":
            self._journal.change(job.id, state)
        job.drop_speech()
        log.info("job ended", extra=logs.facts(job=job.id, state=state, windows=len(job.spool), attempts=job.attempts))
        self.clients.deliver(job)

    def forget(self, job: Job) -> None:
        """Drop a job and all that it has on disk."""
        if job in self.queue:
            self.queue.remove(job)
        del self.jobs[job.id]
        job.remove()

    def _tick(self) -> None:
        self.pool.tick()
        now = time.monotonic()
        for job in list(self.jobs.values()):
            patience = self.limits.keep if job.over else self.limits.upload_idle
            if (job.over or job.state == "uploading") and now - job.heard > patience:
                self.forget(job)  # its client opens it anew when it is back
            else:
                self.clients.deliver(job)
        self.clients.drop_silent(now)


def _unknown_job() -> DuologueError:
    return DuologueError(
        "NOT_FOUND", "job-unknown", "the server does not know this performance (any more); open it again"
    )
