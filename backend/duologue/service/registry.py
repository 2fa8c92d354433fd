"""All jobs: opened, looked up by their keys, queued, ended, forgotten. The registry keeps the journal in step."""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from pathlib import Path

from duologue.errors import DuologueError
from duologue.service import admission, logs
from duologue.service.jobs import Job, Request
from duologue.service.journal import Journal
from duologue.service.limits import Limits
from duologue.service.spool import spool_folder
from duologue.wire import messages
from duologue.wire.messages import Message

SPARE_BYTES = 256 * 1024**2
"""Disk that is left to others."""

log = logging.getLogger("duologue.registry")


class Registry:
    """The jobs of one server. ``jobs`` are all that are remembered, ``queue`` those that wait for a worker, the first first."""

    def __init__(self, state: Path, instance: str, limits: Limits) -> None:
        """Open the journal in the state folder and make a spool folder there.

        Raises:
            DuologueError: the folder can't be used.
        """
        self._limits, self._state = limits, state
        self._journal = Journal(state / "jobs.sqlite")
        self._spool = spool_folder(state, instance)
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

    def open(self, user: str, key: str, request: Request, failure: DuologueError | None) -> Job:
        """Return the job that a key has opened before, if it runs or is done; else a new one.

        Args:
            user: Who asks.
            key: By what name.
            request: What for.
            failure: Why no new job can be taken, if so.

        Raises:
            DuologueError: FAILED_PRECONDITION ``key-reused``; RESOURCE_EXHAUSTED ``jobs-per-client``, ``queue-full`` or
                ``disk-full``; ``failure``; what beginning the job raises.
        """
        job = next((job for job in self.jobs.values() if (job.user, job.key) == (user, key)), None)
        entry = self._journal.find(user, key)
        if (known := job or entry) is not None and known.params != request.params:
            text = (
                "this key was used for another brief or speech, another part of a take or another clip; use a new one"
            )
            raise DuologueError("FAILED_PRECONDITION", "key-reused", text, field="key")
        if job is not None and not isinstance(job.ending, messages.Cancelled | messages.ErrorMessage):
            return job
        if job is not None:
            self.forget(job)  # what failed or was stopped is tried again
        if failure is not None:
            raise failure
        self._make_room(user, request.disk)
        job = request.begin(key, user, self._spool / uuid.uuid4().hex)
        job.earlier_output = entry.output if entry else ""
        self.jobs[job.id] = job
        self._journal.begin(job.user, job.key, job.id, job.params)
        log.info("job opened", extra=logs.facts(job=job.id, seconds=round(request.seconds, 2)))
        return job

    def _make_room(self, user: str, needed: int) -> None:
        """See that a new job fits that needs so many bytes; drop finished jobs, the oldest first, when the disk is needed."""
        limits, live = self._limits, [job for job in self.jobs.values() if not job.over]
        if sum(job.user == user for job in live) >= limits.jobs_per_client:
            text = f"{limits.jobs_per_client} jobs of this client are under way; wait for one"
            raise admission.busy("jobs-per-client", text)
        if len(live) >= limits.queue:
            raise admission.busy("queue-full", "the server's queue is full; try again later")
        over = sorted((job for job in self.jobs.values() if job.over), key=lambda job: job.last_active)
        while over and self.size + needed > limits.spool_bytes:
            self.forget(over.pop(0))
        if self.size + needed > limits.spool_bytes or shutil.disk_usage(self._state).free < needed + SPARE_BYTES:
            raise admission.disk_error()

    @property
    def size(self) -> int:
        """Bytes of disk that all jobs take, or will take."""
        return sum(job.size for job in self.jobs.values())

    def place(self, job: Job) -> int:
        """Return a job's place among those of its kind that wait, from 1; 0 when it does not wait."""
        waiting = self.waiting(job.kind)
        return waiting.index(job) + 1 if job in waiting else 0

    def waiting(self, kind: str) -> list[Job]:
        """Return the jobs of a kind that wait for a worker, the first first."""
        return [job for job in self.queue if job.kind == kind]

    def enqueue(self, job: Job) -> None:
        """Let a job wait for a worker."""
        job.state = "queued"
        self._journal.change(job.id, "queued")
        self.queue.append(job)

    def put_back(self, job: Job) -> None:
        """Let a job whose worker died go first."""
        job.state = "queued"
        self.queue.insert(0, job)

    def take_next(self, kind: str) -> Job:
        """Take the first job of a kind out of the queue, to be worked on."""
        job = self.waiting(kind)[0]
        self.queue.remove(job)
        job.state = "running"
        self._journal.change(job.id, "running")
        return job

    def end(self, job: Job, ending: Message) -> None:
        """Note how a job ended. It is kept for its client for a while."""
        if job in self.queue:
            self.queue.remove(job)
        job.ending, job.last_active = ending, time.monotonic()
        if isinstance(ending, messages.Done):
            job.state = "done"
            if job.earlier_output not in {"", ending.digest}:
                log.warning("something else than the last time", extra=logs.facts(job=job.id))
            self._journal.finish(job.id, ending.windows, ending.digest)
        else:
            job.state = "cancelled" if isinstance(ending, messages.Cancelled) else "failed"
            self._journal.change(job.id, job.state)
        job.close()
        self._forget_surplus(job.user)
        facts = logs.facts(job=job.id, state=job.state, windows=len(job.spool), attempts=job.attempts)
        log.info("job ended", extra=facts)

    def _forget_surplus(self, user: str) -> None:
        """Keep no more ended jobs of a key than ``Limits`` says: those that were delivered go first, the oldest of them first."""
        ended = [job for job in self.jobs.values() if job.over and job.user == user]
        ended.sort(key=lambda job: (not job.delivered, job.last_active))
        for job in ended[: max(0, len(ended) - self._limits.ended_per_client)]:
            self.forget(job)

    def forget(self, job: Job) -> None:
        """Drop a job. Its files go first: what the registry no longer lists, the disk no longer holds."""
        if job in self.queue:
            self.queue.remove(job)
        job.remove()
        del self.jobs[job.id]

    def forget_old(self, now: float) -> None:
        """Drop ended jobs that were kept long enough, and those that nothing comes up for any more: clients open them anew."""
        for job in list(self.jobs.values()):
            patience = self._limits.keep if job.over else self._limits.upload_idle
            if (job.over or job.state == "uploading") and now - job.last_active > patience:
                self.forget(job)

    def tick(self, now: float) -> None:
        """Forget what is old, and let the journal catch up."""
        self.forget_old(now)
        self._journal.catch_up()

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
    return DuologueError("NOT_FOUND", "job-unknown", "the server does not know this job (any more); open it again")
