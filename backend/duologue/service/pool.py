"""The router's side of its workers: starts them, hands them jobs, watches them, and starts them anew when they fail.

Paranoid Pirate's pattern (ZeroMQ guide, chapter 4): a worker says READY, then beats; a worker that is silent is dead and is
killed, not asked. Who ``start``s the pool hears what happens through the callbacks of ``Owner``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import zmq

from duologue.errors import DuologueError
from duologue.service import admission, auth, logs
from duologue.service.descriptors import SpareDescriptors
from duologue.service.jobs import INTERACT, PERFORM, Job
from duologue.service.limits import Limits
from duologue.service.worker_process import WorkerProcess
from duologue.wire import messages
from duologue.wire.codec import from_json

log = logging.getLogger("duologue.pool")

SPAWN_PAUSE = 1.0
"""Seconds until a worker that could not be started is tried again."""


class Owner(Protocol):
    """Who hears what becomes of jobs."""

    def workers_ready(self) -> None:
        """A worker waits for a job."""
        ...

    def workers_failed(self, kind: str, error: DuologueError) -> None:
        """No worker of a kind is left that could do anything."""
        ...

    def job_window(self, job: Job, seq: int, frames: list[Any]) -> None:
        """A window was made; ``frames`` is its whole message."""
        ...

    def job_event(self, job: Job, kind: bytes, facts: dict[str, Any]) -> None:
        """PROGRESS, NOTICE, or one of the endings DONE, CANCELLED, ERROR."""
        ...

    def job_lost(self, job: Job, why: str, *, stopped: bool) -> None:
        """The job's worker died; ``stopped``: it had been asked to stop this job."""
        ...

    def job_fault(self, job: Job, fault: Exception) -> None:
        """What the worker sent of a job could not be dealt with."""
        ...


class Pool:
    """The workers of one server. All methods are for the router's thread."""

    def __init__(
        self,
        context: zmq.Context,
        authority: auth.Authority,
        *,
        devices: tuple[str, ...],
        performance: str,
        weights: Mapping[str, Path],
        limits: Limits,
    ) -> None:
        self._owner: Owner
        self._performance, self._weights, self._limits = performance, weights, limits
        self._server_keys, self._worker_keys = auth.KeyPair.new(), auth.KeyPair.new()
        authority.allow(auth.WORKERS, self._worker_keys.public)
        self.socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.socket.setsockopt(zmq.HANDSHAKE_IVL, 5000)
        authority.guard(self.socket, auth.WORKERS, self._server_keys)
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self._endpoint = f"tcp://127.0.0.1:{port}"
        self._spare = SpareDescriptors()
        self.workers = [WorkerProcess(PERFORM, device) for device in devices]
        self.renderers = [WorkerProcess(INTERACT, device, start_at=float("inf")) for device in devices]
        """Those that make pictures. They are started when the first are asked for."""
        self.backends = ("carried", "tiny", *sorted(weights.keys() - {"carried", "tiny"})) if devices else ()
        """What can make pictures; weights of ``tiny`` may be in the store of checkpoints."""
        self.restarts = 0
        self.described: dict[str, Any] | None = None
        """What the performance says of itself, once a worker has loaded it."""
        self.capabilities: tuple[str, ...] = ()
        """What it can do beyond performing."""
        self.failure: DuologueError | None = None
        """Why there is no worker; None while there is one or one is being started."""
        self.render_failure: DuologueError | None = None
        """The same of those that make pictures."""

    def start(self, owner: Owner) -> None:
        """Start all workers; ``owner`` hears of them."""
        self._owner = owner
        for worker in self.workers:
            self._spawn(worker)

    def idle(self, kind: str = PERFORM) -> WorkerProcess | None:
        """Return a worker that waits for a job of a kind."""
        return next((worker for worker in self._of(kind) if worker.ready and worker.job is None), None)

    def want(self, kind: str) -> None:
        """See that a worker for a kind of job is being started, unless one waits."""
        if self.idle(kind) is None:
            asleep = (worker for worker in self._of(kind) if worker.start_at == float("inf"))
            if (worker := next(asleep, None)) is not None:
                worker.start_at = 0.0

    def _of(self, kind: str) -> list[WorkerProcess]:
        return self.workers if kind == PERFORM else self.renderers

    @property
    def _all(self) -> list[WorkerProcess]:
        return [*self.workers, *self.renderers]

    def give(self, worker: WorkerProcess, job: Job) -> None:
        """Hand a job to a waiting worker; the windows that its spool has need not be sent again."""
        worker.job, worker.stop_by = job, float("inf")
        worker.ticks, worker.moved = -1, time.monotonic()
        job.attempts += 1
        job.started = time.monotonic()
        self._send(worker, b"JOB", {"job": job.id, "skip": len(job.spool), **job.order()})

    def stop_job(self, job: Job) -> None:
        """Ask the worker of a job to stop it; one that does not listen is killed."""
        for worker in self._all:
            if worker.job is job and worker.stop_by == float("inf"):
                worker.stop_by = time.monotonic() + self._limits.cancel_grace
                self._send(worker, b"STOP", {"job": job.id})

    def receive(self) -> None:
        """Take in all that workers have sent."""
        for _ in range(64):  # clients must have their turn
            try:
                identity, kind, text, *payload = self.socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            name = identity.bytes.decode()
            worker = next((worker for worker in self._all if worker.identity == name), None)
            if worker is None:  # a dead worker's last words
                continue
            job = worker.job
            try:
                self._on_message(worker, kind.bytes, json.loads(text.bytes), [frame.buffer for frame in payload])
            except Exception as fault:
                log.exception("fault in what a worker sent", extra=logs.facts(job=job and job.id))
                if job is not None:
                    self._owner.job_fault(job, fault)

    def tick(self) -> None:
        """Find dead, silent and hung workers; start those whose time has come."""
        self.receive()  # if it was us who were busy, their beats lie in the socket
        now = time.monotonic()
        for worker in self._all:
            if worker.process is None:
                if now >= worker.start_at:
                    self._spawn(worker)
            elif why := self._wrong(worker, now):
                self._lose(worker, why)

    def close(self) -> None:
        """End all workers."""
        for worker in self._all:
            if worker.process is not None and worker.process.stdin is not None:
                with contextlib.suppress(OSError):
                    worker.process.stdin.close()
        for worker in self._all:
            worker.end(patience=2.0)
        self._spare.close()
        self.socket.close(linger=0)

    def _on_message(self, worker: WorkerProcess, kind: bytes, facts: dict[str, Any], payload: list[Any]) -> None:
        now = worker.beat = time.monotonic()
        job = worker.job
        if kind == b"BEAT":
            if facts["ticks"] != worker.ticks:
                worker.ticks, worker.moved = facts["ticks"], now
        elif kind == b"READY":
            worker.ready = True
            self._note_failure(worker.kind, None)
            if worker.kind == PERFORM:
                self.described, self.capabilities = facts["performance"], tuple(facts["capabilities"])
            seconds = round(now - worker.started, 2)
            log.info("worker ready", extra=logs.facts(kind=worker.kind, device=worker.device, seconds=seconds))
            self._owner.workers_ready()
        elif kind == b"FAILED":
            error = worker_error(facts)
            self._lose(worker, error.message, error)
        elif job is None or facts["job"] != job.id:
            return
        elif kind == b"WINDOW":
            self._owner.job_window(job, facts["seq"], payload)
        elif kind in {b"PROGRESS", b"NOTICE"}:
            self._owner.job_event(job, kind, facts)
        else:
            worker.job, worker.failures, worker.stop_by = None, 0, float("inf")
            self._owner.job_event(job, kind, facts)
            self._owner.workers_ready()

    def _wrong(self, worker: WorkerProcess, now: float) -> str:
        assert worker.process is not None
        limits, job = self._limits, worker.job
        signs = {
            "it did not get ready in time": not worker.ready and now - worker.started > limits.worker_start,
            "it fell silent": worker.ready and now - worker.beat > limits.worker_silence,
            "it did not stop when asked": now > worker.stop_by,
            "it hangs": job is not None and now - worker.moved > limits.worker_stall,
            "the job took too long": job is not None and now - job.started > limits.job_seconds,
        }
        if (code := worker.process.poll()) is not None:
            return f"it ended with code {code}"
        return next((sign for sign, seen in signs.items() if seen), "")

    def _lose(self, worker: WorkerProcess, why: str, error: DuologueError | None = None) -> None:
        """Kill a worker, plan its next start, and tell of its job. A named error while loading will not go away by itself."""
        log.warning("worker lost", extra=logs.facts(device=worker.device, why=why, job=worker.job and worker.job.id))
        worker.end(patience=0.0)
        job, asked_to_stop = worker.job, worker.stop_by != float("inf")
        worker.process, worker.ready, worker.identity = None, False, ""
        worker.job, worker.stop_by = None, float("inf")
        limits = self._limits
        if job is None:  # else it counts against the job, which is tried once more and no oftener
            worker.failures += 1
        given_up = worker.failures > limits.worker_restarts or (error is not None and not error.retryable)
        pause = limits.worker_rest if given_up else min(0.1 * 2**worker.failures, 5.0)
        worker.start_at = time.monotonic() + pause
        self.restarts += 1
        if given_up and all(other.process is None for other in self._of(worker.kind)):
            failing = DuologueError(
                "UNAVAILABLE",
                "worker-failing",
                f"the server's worker has failed {worker.failures} times in a row; look at the server's log",
                retryable=True,
                retry_after_ms=int(limits.worker_rest * 1000),
            )
            self._note_failure(worker.kind, error or failing)
        if job is not None:
            self._owner.job_lost(job, why, stopped=asked_to_stop)
        if (failure := self.failure if worker.kind == PERFORM else self.render_failure) is not None:
            self._owner.workers_failed(worker.kind, failure)

    def _note_failure(self, kind: str, failure: DuologueError | None) -> None:
        if kind == PERFORM:
            self.failure = failure
        else:
            self.render_failure = failure

    def _spawn(self, worker: WorkerProcess) -> None:
        now = time.monotonic()
        worker.identity = f"{worker.kind}-{worker.device}-{uuid.uuid4().hex[:8]}"
        worker.ready, worker.started, worker.beat = False, now, now
        try:
            with self._spare.lent():
                worker.start()
        except OSError as fault:  # no descriptors, no memory for a process: those pass
            reason = admission.storage_error(fault).reason
            log.warning("a worker can't be started", extra=logs.facts(reason=reason, fault=str(fault)))
            worker.start_at = now + SPAWN_PAUSE
            return
        config = {
            "identity": worker.identity,
            "endpoint": self._endpoint,
            "server_key": self._server_keys.public,
            "public": self._worker_keys.public,
            "secret": self._worker_keys.secret,
            "kind": worker.kind,
            "performance": self._performance,
            "weights": {name: str(folder) for name, folder in self._weights.items()},
            "device": worker.device,
            "beat": self._limits.worker_beat,
        }
        worker.tell(config)

    def _send(self, worker: WorkerProcess, kind: bytes, facts: dict[str, Any]) -> None:
        with contextlib.suppress(zmq.ZMQError):  # it is dead; the next tick sees that
            self.socket.send_multipart([worker.identity.encode(), kind, json.dumps(facts).encode()], zmq.DONTWAIT)


def worker_error(facts: dict[str, Any]) -> DuologueError:
    """Return the error that a worker reports."""
    message = from_json("ERROR", facts["error"])
    assert isinstance(message, messages.ErrorMessage)
    return message.error()
