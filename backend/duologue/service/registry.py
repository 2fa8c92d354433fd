"""The book of all jobs: opened, found again by their keys, queued, ended, forgotten. It keeps the journal in step."""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from pathlib import Path

from duologue.errors import DuologueError
from duologue.service import admission, logs
from duologue.service.jobs import Job
from duologue.service.journal import Journal
from duologue.service.limits import Limits
from duologue.wire import messages
from duologue.wire.framing import Array
from duologue.wire.messages import Message

log = logging.getLogger("duologue.book")


class Book:
    """The jobs of one server. ``jobs`` are all that are remembered, ``queue`` those that wait for a worker, the first first."""

    def __init__(self, state: Path, instance: str, limits: Limits) -> None:
        """Open the journal in the state folder and make a spool folder there.

        Raises:
            DuologueError: the folder can't be used.
        """
        self._limits, self._state = limits, state
        self._journal = Journal(state / "jobs.sqlite")
        self._spool = admission.spool_folder(state, instance)
        self.jobs: dict[str, Job] = {}
        self.queue: list[Job] = []

    def find(self, user: str, name: str) -> Job:
        """Return a job of a user.

        Raises:
            DuologueError: NOT_FOUND ``job-unknown``: it never was, it is forgotten, or it is another's.
        """
        job = self.jobs.get(name)
        if job is None or job.user != user:
            raise unknown_job()
        return job

    def open(self, user: str, message: messages.Open, brief: Array | None, failure: DuologueError | None) -> Job:
        """Return the job that a key has opened before, if it runs or is done; else a new one.

        Args:
            user: Who asks.
            message: What for.
            brief: The brief, as bytes of JSON.
            failure: Why no new job can be taken, if so.

        Raises:
            DuologueError: what ``admission`` raises; FAILED_PRECONDITION ``key-reused``; ``failure``.
        """
        asked = admission.check(message, brief, self._limits)
        job = next((job for job in self.jobs.values() if (job.user, job.key) == (user, message.key)), None)
        entry = self._journal.find(user, message.key)
        if (known := job or entry) is not None and known.params != asked.params:
            text = "this key was used for another brief or speech, or for another part of a take; use a new one"
            raise DuologueError("FAILED_PRECONDITION", "key-reused", text, field="key")
        if job is not None and not isinstance(job.ending, messages.Cancelled | messages.ErrorMessage):
            return job
        if job is not None:
            self.forget(job)  # what failed or was stopped is tried again
        if failure is not None:
            raise failure
        admission.make_room(self, self._state, self._limits, user, message)
        job = Job(message, asked, user, self._spool / uuid.uuid4().hex)
        job.earlier_output = entry.output if entry else ""
        self.jobs[job.id] = job
        self._journal.begin(job.user, job.key, job.id, job.params)
        log.info("job opened", extra=logs.facts(job=job.id, seconds=round(asked.seconds, 2)))
        return job

    def place(self, job: Job) -> int:
        """Return a job's place in the queue, from 1; 0 when it does not wait."""
        return self.queue.index(job) + 1 if job in self.queue else 0

    def enqueue(self, job: Job) -> None:
        """Let a job wait for a worker."""
        job.state = "queued"
        self._journal.change(job.id, "queued")
        self.queue.append(job)

    def put_back(self, job: Job) -> None:
        """Let a job whose worker died go first."""
        job.state = "queued"
        self.queue.insert(0, job)

    def take_next(self) -> Job:
        """Take the first job out of the queue, to be performed."""
        job = self.queue.pop(0)
        job.state = "running"
        self._journal.change(job.id, "running")
        return job

    def end(self, job: Job, ending: Message) -> None:
        """Note how a job ended. It is kept for its client for a while."""
        if job in self.queue:
            self.queue.remove(job)
        job.ending, job.heard = ending, time.monotonic()
        if isinstance(ending, messages.Done):
            job.state = "done"
            if job.earlier_output not in {"", ending.digest}:
                log.warning("another take than the last time", extra=logs.facts(job=job.id))
            self._journal.finish(job.id, ending.windows, ending.digest)
        else:
            job.state = "cancelled" if isinstance(ending, messages.Cancelled) else "failed"
            self._journal.change(job.id, job.state)
        job.drop_uploads()
        told = logs.facts(job=job.id, state=job.state, windows=len(job.spool), attempts=job.attempts)
        log.info("job ended", extra=told)

    def forget(self, job: Job) -> None:
        """Drop a job and all that it has on disk."""
        if job in self.queue:
            self.queue.remove(job)
        del self.jobs[job.id]
        job.remove()

    def forget_old(self, now: float) -> None:
        """Drop ended jobs that were kept long enough, and those whose speech stopped coming: their clients open them anew."""
        for job in list(self.jobs.values()):
            patience = self._limits.keep if job.over else self._limits.upload_idle
            if (job.over or job.state == "uploading") and now - job.heard > patience:
                self.forget(job)

    def close(self) -> None:
        """Drop all jobs; those under way are noted as retryable."""
        for job in self.jobs.values():
            if not job.over:
                self._journal.change(job.id, "retryable")
            job.remove()
        self._journal.close()
        shutil.rmtree(self._spool, ignore_errors=True)


def unknown_job() -> DuologueError:
    """Return the error that makes a client open its job anew."""
    return DuologueError(
        "NOT_FOUND", "job-unknown", "the server does not know this performance (any more); open it again"
    )
