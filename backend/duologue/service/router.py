"""The router: one thread that speaks with all clients and all workers, and never computes.

It owns every session and job. Nothing in it waits: windows go to a file as they come from a worker and from there to their
client as far as its credit goes; a client that is away costs nothing, and finds its windows when it is back.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
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
from duologue.service.jobs import Job
from duologue.service.journal import Journal
from duologue.service.limits import Limits
from duologue.service.pool import Pool, told_error
from duologue.wire import messages
from duologue.wire.connection import Connection
from duologue.wire.framing import MAJOR, MAX_FRAME, Array, Packet, decode, encode
from duologue.wire.messages import Message
from duologue.wire.transport import HIGH_WATER

log = logging.getLogger("duologue.router")

TICK_MS = 200


@dataclass(eq=False)
class Session:
    """A client's connection. It outlasts none: a client that comes back has a new one and resumes its jobs in it."""

    id: str
    user: str
    identity: bytes
    heard: float
    welcomed: bool = False


@dataclass(frozen=True)
class Settings:
    """Where the server listens and what it runs."""

    host: str = "127.0.0.1"
    port: int = 0
    devices: tuple[str, ...] = ("auto",)
    performance: str = "duologue.performance:Performance"
    state: Path = field(default_factory=Path)
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
        self._keys = auth.KeyStore(settings.state)
        clients = self._keys.clients()
        auth.check_exposure(settings.host, clients)
        self.instance = uuid.uuid4().hex
        self._journal = Journal(settings.state / "jobs.sqlite")
        self._spool = admission.spool_folder(settings.state, self.instance)
        self._context = zmq.Context()
        self._authority = auth.Authority(self._context)
        for public in clients.values():
            self._authority.allow(auth.CLIENTS, public)
        self.pool = Pool(
            self._context,
            self._authority,
            self,
            devices=settings.devices,
            performance=settings.performance,
            limits=self.limits,
        )
        self._socket = self._context.socket(zmq.ROUTER)
        self._sessions: dict[bytes, Session] = {}  # by the connection's routing id
        self.jobs: dict[str, Job] = {}
        self.queue: list[Job] = []
        self.refused = 0
        """Messages refused so far."""

    def bind(self) -> Connection:
        """Listen, and return what a client on this machine needs to connect.

        Raises:
            DuologueError: FAILED_PRECONDITION ``port-in-use`` or ``address``.
        """
        host, port = self.settings.host, self.settings.port
        local = auth.is_loopback(host)
        keys = auth.KeyPair.new() if local and not self._keys.clients() else self._keys.server_keys()
        client = auth.KeyPair.new()
        self._authority.allow(auth.CLIENTS, client.public)
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.SNDHWM, HIGH_WATER),
            (zmq.RCVHWM, HIGH_WATER),
            (zmq.MAXMSGSIZE, MAX_FRAME),
            (zmq.HANDSHAKE_IVL, 5000),
            (zmq.ROUTER_MANDATORY, 1),
            (zmq.TCP_KEEPALIVE, 1),
        ):
            self._socket.setsockopt(option, value)
        if not (self.settings.plain and local):
            self._authority.guard(self._socket, auth.CLIENTS, keys)
        try:
            self._socket.bind(f"tcp://{host}:{port or '*'}")
        except zmq.ZMQError as error:
            raise _bind_error(error, host, port) from error
        bound = self._socket.getsockopt(zmq.LAST_ENDPOINT)
        assert isinstance(bound, bytes)
        endpoint = bound.rstrip(b"\0").decode()
        log.info("listening", extra=logs.facts(endpoint=endpoint, pid=os.getpid(), version=__version__))
        return Connection(
            endpoint.replace("0.0.0.0", "127.0.0.1"),
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
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self.pool.socket, zmq.POLLIN)
        due = 0.0
        while not stop.is_set():
            ready = dict(poller.poll(TICK_MS))
            if self._socket in ready:
                self._receive()
            if self.pool.socket in ready:
                self.pool.receive()
            if time.monotonic() >= due:
                self._tick()
                due = time.monotonic() + TICK_MS / 1000

    def close(self) -> None:
        """End the workers, drop all jobs and give everything back."""
        self.pool.close()
        self._socket.close(linger=0)
        self._authority.close()
        for job in self.jobs.values():
            if not job.over:
                self._journal.change(job.id, "retryable")
            job.remove()
        self._journal.close()
        shutil.rmtree(self._spool, ignore_errors=True)
        self._context.term()

    # Clients ----------------------------------------------------------------------------------------------------------

    def _receive(self) -> None:
        for _ in range(64):  # workers must have their turn
            try:
                identity, *frames = self._socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            self._on_frames(identity.bytes, frames)

    def _on_frames(self, identity: bytes, frames: list[zmq.Frame]) -> None:
        session = self._sessions.get(identity)
        packet: Packet | None = None
        try:
            packet = decode([frame.buffer for frame in frames])
            if isinstance(packet.message, messages.Hello):
                session = self._on_hello(identity, _user(frames), packet.message)
            elif session is None:
                raise DuologueError("FAILED_PRECONDITION", "session-unknown", "say HELLO first")
            session.heard = time.monotonic()
            self._on_packet(session, packet)
        except DuologueError as error:
            self.refused += 1
            log.info("refused", extra=logs.facts(reason=error.reason, field=error.field))
            about = packet.message if packet else None
            told = messages.error_message(error, job=getattr(about, "job", ""), key=getattr(about, "key", ""))
            self._send(identity, told)
        except (OSError, sqlite3.Error) as fault:
            # The disk is full or gone; this client's request fails, the server goes on.
            log.error("disk", extra=logs.facts(fault=str(fault)))
            about = packet.message if packet else None
            told = messages.error_message(
                admission.disk_error(), job=getattr(about, "job", ""), key=getattr(about, "key", "")
            )
            self._send(identity, told)

    def _on_hello(self, identity: bytes, user: str, message: messages.Hello) -> Session:
        if not message.protocol or not min(message.protocol) <= MAJOR <= max(message.protocol):
            raise DuologueError(
                "UNIMPLEMENTED",
                "protocol-version",
                f"this server (Duologue {__version__}) speaks DUO/{MAJOR}, the client another version; install the same on both",
            )
        if len(self._sessions) >= self.limits.sessions:
            raise admission.busy("sessions", "the server has as many clients as it takes; try again later")
        session = self._sessions[identity] = Session(uuid.uuid4().hex, user, identity, time.monotonic())
        return session

    def _on_packet(self, session: Session, packet: Packet) -> None:
        message = packet.message
        if isinstance(message, messages.Hello):
            self._welcome(session)
        elif isinstance(message, messages.Ping):
            self._send(session.identity, messages.Pong(health.load(self)))
        elif isinstance(message, messages.Open):
            self._on_open(session, message, packet.arrays.get("brief"))
        elif isinstance(message, messages.Resume):
            job = self._job(session, message.job)
            if message.session != job.session:
                raise _unknown_job()
            job.session = session.id
            self._accept(session, job, message.next_seq, message.credit)
        elif isinstance(message, messages.Audio):
            self._on_audio(self._job(session, message.job), message, packet.arrays.get("pcm"))
        elif isinstance(message, messages.AudioEnd):
            self._on_audio_end(self._job(session, message.job), message)
        elif isinstance(message, messages.Credit):
            job = self._job(session, message.job)
            job.acked = max(job.acked, min(message.next_seq, job.sent))
            job.window = min(message.bytes, self.limits.output_credit * 64)
            job.heard = time.monotonic()
            self._pump(job)
        elif isinstance(message, messages.Cancel):
            self._on_cancel(self._job(session, message.job))
        else:
            raise DuologueError("INVALID_ARGUMENT", "message-direction", f"{message.TYPE} is the server's to say")

    def _welcome(self, session: Session) -> None:
        if self.pool.described is None:
            if self.pool.failure is not None:
                raise self.pool.failure
            self._send(session.identity, messages.Notice("starting", "the server is loading its models"))
            return
        session.welcomed = True
        self._send(
            session.identity,
            messages.Welcome(
                protocol=(MAJOR, MAJOR),
                session=session.id,
                instance=self.instance,
                version=__version__,
                capabilities=("resume", "cancel", "notice"),
                limits=admission.told(self.limits),
                credit=self.limits.output_credit,
                heartbeat_ms=int(self.limits.heartbeat * 1000),
                performance=self.pool.described,
            ),
        )

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
            job = Job(
                message.key, session.user, session.id, self._spool / uuid.uuid4().hex, asked.brief,
                message.rates, message.samples, asked.params, message.credit,
            )  # fmt: skip
            job.earlier_output = entry.output if entry else ""
            self.jobs[job.id] = job
            self._journal.begin(job.user, job.key, job.id, job.params)
            log.info("job opened", extra=logs.facts(job=job.id, seconds=round(asked.seconds, 2)))
        job.session = session.id
        self._accept(session, job, message.next_seq, message.credit)

    def _accept(self, session: Session, job: Job, next_seq: int, credit: int) -> None:
        job.rewind(next_seq, min(credit, self.limits.output_credit * 64))
        self._send(
            session.identity,
            messages.Accepted(
                job=job.id,
                key=job.key,
                state=job.state,
                position=self.queue.index(job) + 1 if job in self.queue else 0,
                received=tuple(upload.samples for upload in job.uploads),
                grant=job.received + self.limits.upload_credit,
            ),
        )
        self._pump(job)

    def _on_audio(self, job: Job, message: messages.Audio, pcm: Array | None) -> None:
        if job.state != "uploading":
            return  # sent twice around a broken connection
        if message.performer > 1 or pcm is None or pcm.dtype.str != "<f4" or pcm.ndim != 1:
            raise DuologueError(
                "INVALID_ARGUMENT", "audio-message", "AUDIO needs a performer (0, 1) and one track of float32"
            )
        upload = job.uploads[message.performer]
        if message.offset < upload.samples:
            return
        if message.offset > upload.samples or message.offset + len(pcm) > job.samples[message.performer]:
            raise DuologueError(
                "DATA_LOSS", "audio-order", "a stretch of speech is missing, or there is more than was told"
            )
        before = job.received // (self.limits.upload_credit // 2)
        upload.add(pcm.data.cast("B"))
        job.heard = time.monotonic()
        if job.received // (self.limits.upload_credit // 2) > before:
            self._send_job(job, messages.Grant(job.id, job.received + self.limits.upload_credit))

    def _on_audio_end(self, job: Job, message: messages.AudioEnd) -> None:
        if job.state != "uploading":
            return
        whole = all(upload.samples == samples for upload, samples in zip(job.uploads, job.samples, strict=True))
        if not whole or tuple(upload.finish() for upload in job.uploads) != message.sha256:
            self._end(job, messages.error_message(
                DuologueError("DATA_LOSS", "audio-damaged", "the speech did not arrive as it was sent; try again", retryable=True),
                job=job.id,
            ))  # fmt: skip
            return
        job.state = "queued"
        self._journal.change(job.id, "queued")
        self.queue.append(job)
        self.workers_ready()
        if job in self.queue:
            self._send_job(job, messages.ProgressMessage(job.id, "queue", 0, self.queue.index(job) + 1))

    def _on_cancel(self, job: Job) -> None:
        if job.over:
            return
        if job.state == "running":
            self.pool.stop_job(job)
            return
        self._end(job, messages.Cancelled(job.id, job.sent))

    def _job(self, session: Session, name: str) -> Job:
        job = self.jobs.get(name)
        if job is None or job.user != session.user:
            raise _unknown_job()
        return job

    # Workers (pool.Owner) -----------------------------------------------------------------------------------------------

    def workers_ready(self) -> None:
        """Welcome who waits for the first worker, and hand out jobs."""
        for session in list(self._sessions.values()):
            if not session.welcomed:
                self._welcome(session)
        while self.queue and (worker := self.pool.idle()) is not None:
            job = self.queue.pop(0)
            job.state = "running"
            self._journal.change(job.id, "running")
            self.pool.give(worker, job)
            for place, waiting in enumerate(self.queue, 1):
                self._send_job(waiting, messages.ProgressMessage(waiting.id, "queue", 0, place))

    def workers_failed(self, error: DuologueError) -> None:
        """End every job that waits for a worker, and tell every client that waits for a welcome."""
        for job in [job for job in self.jobs.values() if job.state in {"queued", "uploading"}]:
            self._end(job, messages.error_message(error, job=job.id))
        for session in self._sessions.values():
            if not session.welcomed:
                self._send(session.identity, messages.error_message(error))

    def job_window(self, job: Job, seq: int, frames: list[Any]) -> None:
        """Keep a window and send what the client takes."""
        if seq == len(job.spool) and not job.over:
            try:
                job.spool.append(frames)
            except OSError as fault:
                log.error("disk", extra=logs.facts(job=job.id, fault=str(fault)))
                self.pool.stop_job(job)
                self._end(job, messages.error_message(admission.disk_error(), job=job.id))
                return
            self._pump(job)

    def job_told(self, job: Job, kind: bytes, facts: dict[str, Any]) -> None:
        """Pass a worker's progress on, or end the job."""
        if job.over:
            return
        if kind == b"PROGRESS":
            self._send_job(job, messages.ProgressMessage(job.id, facts["stage"], facts["done"], facts["total"]))
        elif kind == b"DONE":
            if job.earlier_output not in {"", facts["digest"]}:
                log.warning("another take than the last time", extra=logs.facts(job=job.id))
            self._journal.finish(job.id, facts["windows"], facts["digest"])
            self._end(job, messages.Done(job.id, facts["windows"], facts["digest"], facts["timings"]))
        elif kind == b"CANCELLED":
            self._end(job, messages.Cancelled(job.id, len(job.spool)))
        else:
            self._end(job, messages.error_message(told_error(facts), job=job.id))

    def job_lost(self, job: Job, why: str, *, stopped: bool) -> None:
        """Try a dead worker's job once more, and say so."""
        if job.over:
            return
        if stopped:
            self._end(job, messages.Cancelled(job.id, len(job.spool)))
        elif job.attempts > 1:
            error = DuologueError(
                "UNAVAILABLE",
                "worker-died",
                f"the worker died twice in this performance ({why}); try again, or look at the server's log",
                retryable=True,
            )
            self._end(job, messages.error_message(error, job=job.id))
        else:
            job.state = "queued"
            self.queue.insert(0, job)
            told = f"the server's worker died ({why}); the performance goes on with a new one"
            self._send_job(job, messages.Notice("worker-restarted", told, job.id))

    # Sending ----------------------------------------------------------------------------------------------------------

    def _end(self, job: Job, ending: Message) -> None:
        state = {messages.Done: "done", messages.Cancelled: "cancelled"}.get(type(ending), "failed")
        if job in self.queue:
            self.queue.remove(job)
        job.state, job.ending, job.heard = state, ending, time.monotonic()
        if state != "done":
            self._journal.change(job.id, state)
        job.drop_speech()
        log.info("job ended", extra=logs.facts(job=job.id, state=state, windows=len(job.spool), attempts=job.attempts))
        self._pump(job)

    def _pump(self, job: Job) -> None:
        """Send windows as far as the client's credit goes, and the ending after the last."""
        session = self._session_of(job)
        while session is not None and job.may_send():
            if not self._send_frames(session.identity, job.spool.read(job.sent)):
                return
            job.sent += 1
        if session is None or job.ending is None or job.ending_sent:
            return
        # A take that is whole is delivered whole before DONE; what failed or was stopped has nothing to wait for.
        if not isinstance(job.ending, messages.Done) or job.sent == len(job.spool):
            job.ending_sent = self._send(session.identity, job.ending)

    def _session_of(self, job: Job) -> Session | None:
        return next((session for session in self._sessions.values() if session.id == job.session), None)

    def _send_job(self, job: Job, message: Message) -> None:
        session = self._session_of(job)
        if session is not None:
            self._send(session.identity, message)

    def _send(self, identity: bytes, message: Message) -> bool:
        return self._send_frames(identity, encode(message))

    def _send_frames(self, identity: bytes, frames: list[Any]) -> bool:
        try:
            self._socket.send_multipart([identity, *frames], zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False  # its queue is full; the next tick tries again
        except zmq.ZMQError:
            self._sessions.pop(identity, None)  # it is gone; its jobs wait for it
            return False
        return True

    def _tick(self) -> None:
        self.pool.tick()
        now = time.monotonic()
        for job in list(self.jobs.values()):
            if job.over and now - job.heard > self.limits.keep:
                self.forget(job)
            elif job.state == "uploading" and now - job.heard > self.limits.upload_idle:
                self.forget(job)  # its client opens it anew when it is back
            else:
                self._pump(job)
        for session in list(self._sessions.values()):
            if now - session.heard > self.limits.keep:
                del self._sessions[session.identity]

    def forget(self, job: Job) -> None:
        """Drop a job and all that it has on disk."""
        if job in self.queue:
            self.queue.remove(job)
        del self.jobs[job.id]
        job.remove()


def _user(frames: list[zmq.Frame]) -> str:
    """Return who a client is: its public key, as the handshake proved it. Never a name that it gives itself."""
    try:
        return str(frames[-1].get("User-Id"))
    except (zmq.ZMQError, UnicodeDecodeError):
        return ""


def _unknown_job() -> DuologueError:
    return DuologueError(
        "NOT_FOUND", "job-unknown", "the server does not know this performance (any more); open it again"
    )


def _bind_error(error: zmq.ZMQError, host: str, port: int) -> DuologueError:
    if error.errno == zmq.EADDRINUSE:
        return DuologueError(
            "FAILED_PRECONDITION",
            "port-in-use",
            f"port {port} on {host} is in use; stop what listens there (another server?), or choose another with --port",
            field="port",
        )
    return DuologueError(
        "FAILED_PRECONDITION", "address", f"can't listen on {host}:{port}: {error.strerror}", field="host"
    )
