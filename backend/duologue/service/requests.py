"""What clients say, message by message."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from duologue.errors import DuologueError
from duologue.service import admission, render_admission
from duologue.service.allowance import Allowance
from duologue.service.clients import Session
from duologue.service.dispatch import Dispatch
from duologue.service.jobs import Job, Request
from duologue.service.performance_jobs import PerformanceJob
from duologue.service.registry import unknown_job
from duologue.service.render_jobs import RenderJob
from duologue.wire import messages
from duologue.wire.framing import Packet
from duologue.wire.messages import Message
from duologue.wire.render_messages import PassesMessage, Render


class Requests:
    """Answers clients. What it raises, ``Clients`` sends back to who caused it."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch, self._pool, self._limits = dispatch, dispatch.pool, dispatch.limits
        self._registry, self._clients = dispatch.registry, dispatch.clients
        self._allowance = Allowance(self._limits.brief_seconds, self._limits.brief_share)

    def handle(self, session: Session, packet: Packet) -> None:
        """Do what a message asks for.

        Raises:
            DuologueError: why not.
        """
        match packet.message:
            case messages.Hello():
                self._dispatch.welcome(session)
            case messages.Ping():
                self._clients.send(session, messages.Pong(self._dispatch.load()))
            case messages.Open() as message:
                self._on_open(session, message, packet)
            case Render() as message:
                self._on_render(session, message, packet)
            case messages.Resume() as message:
                job = self._registry.find(session.user, message.job)
                if message.session != job.session:
                    raise unknown_job()
                self._accept(session, job, message.next_seq, message.credit)
            case messages.Audio() | messages.TakeMessage() | messages.AudioEnd() | PassesMessage() as message:
                self._on_upload(session, message, packet)
            case messages.Credit() as message:
                job = self._registry.find(session.user, message.job)
                job.credit(message.next_seq, message.bytes)
                self._dispatch.deliver(job)
            case messages.Cancel() as message:
                self._on_cancel(self._registry.find(session.user, message.job))
            case message:
                text = f"{message.TYPE} is the server's to say"
                raise DuologueError("INVALID_ARGUMENT", "message-direction", text)

    def _on_upload(self, session: Session, message: Message, packet: Packet) -> None:
        match message:
            case messages.Audio():
                job = self._performance(session, message.job)
                with self._granting(job):
                    job.add_speech(message.performer, message.offset, packet.arrays.get("pcm"))
            case messages.TakeMessage():
                job = self._performance(session, message.job)
                with self._granting(job):
                    job.add_take(message.offset, packet.arrays.get("data"))
            case messages.AudioEnd():
                self._on_audio_end(self._performance(session, message.job), message)
            case PassesMessage():
                self._on_passes(session, message, packet)
            case _:
                raise unknown_job()

    def _on_open(self, session: Session, message: messages.Open, packet: Packet) -> None:
        if message.remake and messages.REMAKE not in self._pool.capabilities:
            text = "what this server performs can't make a part of a take again; ask for all of it"
            raise DuologueError("UNIMPLEMENTED", "remake-unsupported", text)
        with self._allowance.charged(session.user):
            request = admission.check(message, packet.arrays.get("brief"), self._limits)
            self._open(session, message, request, self._pool.failure)

    def _on_render(self, session: Session, message: Render, packet: Packet) -> None:
        with self._allowance.charged(session.user):
            request = render_admission.check(message, packet.arrays, self._limits, self._pool.backends)
            self._open(session, message, request, self._pool.render_failure)

    def _open(
        self, session: Session, message: messages.Open | Render, request: Request, failure: DuologueError | None
    ) -> None:
        job = self._registry.open(session.user, message.key, request, failure)
        self._pool.want(job.kind)  # it starts while things come up
        self._accept(session, job, message.next_seq, message.credit)

    def _performance(self, session: Session, name: str) -> PerformanceJob:
        job = self._registry.find(session.user, name)
        if not isinstance(job, PerformanceJob):
            raise unknown_job()
        return job

    def _on_passes(self, session: Session, message: PassesMessage, packet: Packet) -> None:
        job = self._registry.find(session.user, message.job)
        if not isinstance(job, RenderJob):
            raise unknown_job()
        with self._granting(job):
            job.add_pass(message.name, message.offset, packet.arrays.get("data"))
        if job.state != "uploading" or not job.is_here:
            return
        if damaged := job.damaged():
            text = f"the pass {damaged} did not arrive as it was sent; try again"
            self._dispatch.fail(job, DuologueError("DATA_LOSS", "passes-changed", text, field=damaged, retryable=True))
            return
        self._enqueue(job)

    def _accept(self, session: Session, job: Job, next_seq: int, credit: int) -> None:
        """Let a session have a job, from one of its windows on."""
        job.session = session.id
        job.rewind(next_seq, credit)
        accepted = messages.Accepted(
            job=job.id,
            key=job.key,
            state=job.state,
            position=self._registry.place(job),
            grant=job.received + self._limits.upload_credit,
            **job.held(),
        )
        self._clients.send(session, accepted)
        self._dispatch.deliver(job)

    @contextlib.contextmanager
    def _granting(self, job: Job) -> Iterator[None]:
        """Grant more when half of what was granted has come."""
        step = self._limits.upload_credit // 2
        before = job.received // step
        yield
        if job.received // step > before:
            self._clients.notify(job, messages.Grant(job.id, job.received + self._limits.upload_credit))

    def _on_audio_end(self, job: PerformanceJob, message: messages.AudioEnd) -> None:
        if job.state != "uploading":
            return  # said twice around a broken connection
        if damaged := job.damaged(message.sha256):
            text = f"the {'speech' if damaged == 'audio' else damaged} did not arrive as it was sent; try again"
            self._dispatch.fail(job, DuologueError("DATA_LOSS", f"{damaged}-damaged", text, retryable=True))
            return
        self._enqueue(job)

    def _enqueue(self, job: Job) -> None:
        self._registry.enqueue(job)
        self._dispatch.workers_ready()
        if place := self._registry.place(job):
            self._clients.notify(job, messages.ProgressMessage(job.id, "queue", 0, place))

    def _on_cancel(self, job: Job) -> None:
        if job.state == "running":
            self._pool.stop_job(job)
        elif not job.over:
            self._dispatch.end(job, messages.Cancelled(job.id, job.sent))
        else:  # it was whole before its client had all of it
            self._clients.notify(job, messages.Cancelled(job.id, job.sent))
