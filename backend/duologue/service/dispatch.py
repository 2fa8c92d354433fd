"""Between clients and workers: hands jobs out, passes on what comes of them, and ends them."""

from __future__ import annotations

import logging
from typing import Any

from duologue import __version__
from duologue.errors import DuologueError
from duologue.service import admission, logs
from duologue.service.clients import Clients, Session
from duologue.service.jobs import INTERACT, PERFORM, Job
from duologue.service.limits import Limits
from duologue.service.pool import Pool, worker_error
from duologue.service.registry import Registry
from duologue.wire import messages, render_messages
from duologue.wire.framing import MAJOR
from duologue.wire.messages import Message

log = logging.getLogger("duologue.dispatch")


class Dispatch:
    """The pool's owner (``pool.Owner``): what workers say becomes messages to clients."""

    def __init__(self, registry: Registry, clients: Clients, pool: Pool, limits: Limits, instance: str) -> None:
        self.registry, self.clients, self.pool = registry, clients, pool
        self.limits, self._instance = limits, instance

    def load(self) -> dict[str, Any]:
        """Return the server's load, for a PONG: JSON-safe, small, without anything about what it performs."""
        jobs = self.registry.jobs
        return {
            "workers": [{"device": worker.device, "state": worker.state} for worker in self.pool.workers],
            "renderers": [{"device": worker.device, "state": worker.state} for worker in self.pool.renderers],
            "running": sum(job.state == "running" for job in jobs.values()),
            "queue": len(self.registry.queue),
            "jobs": len(jobs),
            "spool_bytes": self.registry.size,
            "restarts": self.pool.restarts,
            "refused": self.clients.refused,
        }

    def welcome(self, session: Session) -> None:
        """Welcome a client, once a worker has said what it performs.

        Raises:
            DuologueError: why there is no worker.
        """
        if self.pool.described is None:
            if self.pool.failure is not None:
                raise self.pool.failure
            self.clients.send(session, messages.NoticeMessage("starting", "the server is loading its models"))
            return
        session.welcomed = True
        welcome = messages.Welcome(
            protocol=(MAJOR, MAJOR),
            session=session.id,
            instance=self._instance,
            version=__version__,
            capabilities=("resume", "cancel", "notice", *self.pool.capabilities, *self._interact()),
            limits=self.limits.public(),
            credit=self.limits.output_credit,
            heartbeat_ms=int(self.limits.heartbeat * 1000),
            performance=self.pool.described,
            backends=self.pool.backends,
        )
        self.clients.send(session, welcome)

    def _interact(self) -> tuple[str, ...]:
        return (render_messages.INTERACT, render_messages.GO_ON) if self.pool.backends else ()

    def fail(self, job: Job, error: DuologueError) -> None:
        """End a job with an error."""
        self.end(job, messages.ErrorMessage.of(error, job=job.id))

    def end(self, job: Job, ending: Message) -> None:
        """End a job, and send its client what it still takes."""
        self.registry.end(job, ending)
        self.deliver(job)

    def deliver(self, job: Job) -> None:
        """Send a job's client what it takes; a job whose spool can't be read any more ends, or is forgotten if it had ended."""
        try:
            self.clients.deliver(job)
        except OSError as fault:
            if not job.over:
                self.job_fault(job, fault)
            elif job.id in self.registry.jobs:
                log.error("storage", extra=logs.facts(job=job.id, fault=str(fault)))
                self.registry.forget(job)
                self.clients.notify(job, messages.ErrorMessage.of(admission.storage_error(fault), job=job.id))

    # What workers say (pool.Owner) --------------------------------------------------------------------------------------

    def workers_ready(self) -> None:
        """Welcome who waits for the first worker, and hand out jobs."""
        for session in self.clients:
            if not session.welcomed:
                self.welcome(session)
        for kind in (PERFORM, INTERACT):
            while self.registry.waiting(kind) and (worker := self.pool.idle(kind)) is not None:
                self.pool.give(worker, self.registry.take_next(kind))
                for place, waiting in enumerate(self.registry.waiting(kind), 1):
                    self.clients.notify(waiting, messages.ProgressMessage(waiting.id, "queue", 0, place))

    def workers_failed(self, kind: str, error: DuologueError) -> None:
        """End every job that waits for a worker of a kind, and tell every client that waits for a welcome."""
        for job in [job for job in self.registry.jobs.values() if job.state in {"queued", "uploading"}]:
            if job.kind == kind:
                self.fail(job, error)
        if kind != PERFORM:
            return
        for session in self.clients:
            if not session.welcomed:
                self.clients.send(session, messages.ErrorMessage.of(error))

    def job_window(self, job: Job, seq: int, frames: list[Any]) -> None:
        """Spool a window and send what the client takes."""
        if seq != len(job.spool) or job.over:
            return
        try:
            job.spool.append(frames)
        except OSError as fault:
            self.job_fault(job, fault)
            return
        self.deliver(job)

    def job_fault(self, job: Job, fault: Exception) -> None:
        """End a job that we could not deal with, and only it."""
        if job.over:
            return
        log.error("job can't go on", extra=logs.facts(job=job.id, fault=f"{type(fault).__name__}: {fault}"))
        self.pool.stop_job(job)
        self.fail(job, admission.storage_error(fault) if isinstance(fault, OSError) else admission.server_fault())

    def job_event(self, job: Job, kind: bytes, facts: dict[str, Any]) -> None:
        """Pass a worker's progress on, or end the job."""
        if job.over:
            return
        if kind == b"PROGRESS":
            self.clients.notify(job, messages.ProgressMessage(job.id, facts["stage"], facts["done"], facts["total"]))
        elif kind == b"NOTICE":
            self.clients.notify(job, messages.NoticeMessage(facts["reason"], facts["message"], job.id))
        elif kind == b"DONE":
            self.end(job, messages.Done(job.id, facts["windows"], facts["digest"], facts["timings"]))
        elif kind == b"CANCELLED":
            self.end(job, messages.Cancelled(job.id, len(job.spool)))
        else:
            self.fail(job, worker_error(facts))

    def job_lost(self, job: Job, why: str, *, stopped: bool) -> None:
        """Try a dead worker's job once more, and say so."""
        if job.over:
            return
        if stopped:
            self.end(job, messages.Cancelled(job.id, len(job.spool)))
        elif job.attempts > 1:
            text = f"the worker died twice in this job ({why}); try again, or look at the server's log"
            self.fail(job, DuologueError("UNAVAILABLE", "worker-died", text, retryable=True))
        else:
            self.registry.put_back(job)
            text = f"the server's worker died ({why}); the job goes on with a new one"
            self.clients.notify(job, messages.NoticeMessage("worker-restarted", text, job.id))
