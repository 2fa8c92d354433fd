"""The worker process: loads what it works with once, then does one job at a time.

The main thread computes. An IO thread owns the socket to the router: it beats, brings jobs and cancels in, and takes windows out.
A beat carries a count that rises whenever the work yields or asks ``should_stop``, so that the router can tell a long
computation from a hung one. The process ends with its parent: it watches a pipe, and on Linux the kernel kills it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import zmq

from duologue.errors import DuologueError
from duologue.service import logs
from duologue.service.jobs import PERFORM
from duologue.service.work import Work, named
from duologue.take import Progress
from duologue.wire import messages
from duologue.wire.codec import to_json
from duologue.wire.framing import Buffer

log = logging.getLogger("duologue.worker")

PROGRESS_SECONDS = 0.1
NICENESS = 5
"""Of those that make pictures: where both want a core, performances go first."""


class Worker:
    """One device's worker; ``work.Output`` of its jobs."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._context = zmq.Context()
        self._jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._current = ""
        self._ticks = 0
        self._throttle = _Throttle()
        self._out = self._context.socket(zmq.PAIR)
        self._out.bind("inproc://out")
        threading.Thread(target=self._exchange, name="worker-io", daemon=True).start()

    def run(self) -> None:
        """Load and do jobs, for ever."""
        try:
            work = _work(self._config)
        except DuologueError as error:
            self._fail(error)
            return
        self._send(b"READY", work.ready)
        while True:
            job = self._jobs.get()
            self._throttle = _Throttle()
            kind, facts = self._done(work, job)
            self._send(kind, {"job": job["job"], **facts})

    def _done(self, work: Work, job: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
        """Do a job and return how it ended."""
        try:
            ending = work.run(job, self)
        except Exception as problem:
            if not isinstance(problem, DuologueError | MemoryError):
                log.exception(work.failed[1], extra=logs.facts(job=job["job"]))
            error = named(problem, work.failed)
            return (b"CANCELLED", {}) if error.code == "CANCELLED" else (b"ERROR", _error_facts(error))
        if self._stop.is_set():
            return b"CANCELLED", {}
        return b"DONE", {"windows": ending.windows, "digest": ending.digest, "timings": ending.timings}

    def should_stop(self) -> bool:
        """See ``work.Output``."""
        self._ticks += 1
        return self._stop.is_set()

    def window(self, seq: int, frames: list[Buffer]) -> None:
        """See ``work.Output``."""
        self._send(b"WINDOW", {"job": self._current, "seq": seq}, frames)

    def progress(self, progress: Progress) -> None:
        """See ``work.Output``."""
        if self._throttle.passes(progress):
            facts = {"job": self._current, "stage": progress.stage, "done": progress.done, "total": progress.total}
            self._send(b"PROGRESS", facts)

    def notice(self, reason: str, message: str) -> None:
        """See ``work.Output``."""
        self._send(b"NOTICE", {"job": self._current, "reason": reason, "message": message})

    def _send(self, kind: bytes, facts: dict[str, Any], payload: list[Buffer] | None = None) -> None:
        self._out.send_multipart([kind, json.dumps(facts).encode(), *(payload or [])], copy=False)

    def _fail(self, error: DuologueError) -> None:
        self._send(b"FAILED", _error_facts(error))
        time.sleep(
            5.0
        )  # the router ends this process once it has read why; this is for when there is no router any more

    # The IO thread ----------------------------------------------------------------------------------------------------

    def _exchange(self) -> None:
        dealer = self._context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.ROUTING_ID, self._config["identity"].encode())
        for option, key in (
            (zmq.CURVE_SERVERKEY, "server_key"),
            (zmq.CURVE_PUBLICKEY, "public"),
            (zmq.CURVE_SECRETKEY, "secret"),
        ):
            dealer.setsockopt(option, self._config[key].encode())
        dealer.connect(self._config["endpoint"])
        out = self._context.socket(zmq.PAIR)
        out.connect("inproc://out")
        poller = zmq.Poller()
        poller.register(dealer, zmq.POLLIN)
        poller.register(out, zmq.POLLIN)
        beat, due = float(self._config["beat"]), 0.0
        while True:
            now = time.monotonic()
            if now >= due:
                due = now + beat
                dealer.send_multipart([b"BEAT", json.dumps({"ticks": self._ticks, "job": self._current}).encode()])
            ready = dict(poller.poll(max(1, int((due - now) * 1000))))
            if out in ready:
                frames = out.recv_multipart(copy=False)
                dealer.send_multipart(frames, copy=False)
                if frames[0].bytes in {b"DONE", b"CANCELLED", b"ERROR"}:
                    self._current = ""
            if dealer in ready:
                kind, text = dealer.recv_multipart()[:2]
                facts = json.loads(text)
                if kind == b"JOB":
                    self._stop.clear()
                    self._current = facts["job"]
                    self._jobs.put(facts)
                elif kind == b"STOP" and facts["job"] == self._current:
                    self._stop.set()


def _work(config: dict[str, Any]) -> Work:
    """Load what the jobs of this worker's kind need. Raises what that raises."""
    if config["kind"] == PERFORM:
        from duologue.service.performing import Performing

        return Performing(config["performance"], config["device"])
    from duologue.service.rendering import Rendering

    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(NICENESS)
    return Rendering(config["device"], {name: Path(folder) for name, folder in config["weights"].items()})


class _Throttle:
    """Lets through the first and last word of each stage, and about ten a second in between."""

    def __init__(self) -> None:
        self._stage, self._time = "", 0.0

    def passes(self, progress: Progress) -> bool:
        now = time.monotonic()
        if progress.stage == self._stage and progress.done < progress.total and now - self._time < PROGRESS_SECONDS:
            return False
        self._stage, self._time = progress.stage, now
        return True


def _error_facts(error: DuologueError) -> dict[str, Any]:
    return {"error": to_json(messages.ErrorMessage.of(error))}


def _end_with_parent() -> None:
    """Watch the pipe that the router holds; on Linux have the kernel kill us as well, for when this process is stopped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _read_line() -> bytes:
    """Read one line without buffering what follows it."""
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return bytes(line)


def main() -> None:
    """Run the worker: its configuration is one line of JSON on standard input, because keys don't belong on a command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the router decides when we end
    logs.to_stderr()
    config = json.loads(_read_line())
    _end_with_parent()
    Worker(config).run()
    logs.flush()


if __name__ == "__main__":
    main()
    os._exit(1)
