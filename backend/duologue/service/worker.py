"""The worker process: loads a performance once, then performs one job at a time.

The main thread computes. An IO thread owns the socket to the router: it beats, brings jobs and cancels in, and takes windows out.
A beat carries a count that rises whenever the performance yields or asks ``should_stop``, so that the router can tell a long
computation from a hung one. The process ends with its parent: it watches a pipe, and on Linux the kernel kills it.
"""

from __future__ import annotations

import ctypes
import importlib
import inspect
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import zmq

from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.service import logs
from duologue.service.inputs import read_audio, read_take
from duologue.take import Notice, Progress, Window
from duologue.wire import messages, windows
from duologue.wire.codec import to_json
from duologue.wire.framing import encode

if TYPE_CHECKING:
    from duologue.performance.inpainting import KeptTake

log = logging.getLogger("duologue.worker")

PROGRESS_SECONDS = 0.1


class Performance(Protocol):
    """What the worker asks of a performance; ``duologue.performance.Performance`` is the one."""

    @classmethod
    def load(cls, device: str) -> Performance:
        """Load the models onto a device."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what clients should know of it: skeleton, names, checkpoints; JSON-safe."""
        ...

    def stream(
        self, brief: Brief, audio: Any, should_stop: Callable[[], bool], keep: KeptTake | None = None
    ) -> Iterator[Progress | Notice | Window]:
        """Perform; windows follow each other from frame 0 on. One that takes no ``keep`` can't make a part of a take again."""
        ...


class Worker:
    """One device's worker."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._context = zmq.Context()
        self._jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._current = ""
        self._ticks = 0
        self._out = self._context.socket(zmq.PAIR)
        self._out.bind("inproc://out")
        threading.Thread(target=self._exchange, name="worker-io", daemon=True).start()

    def run(self) -> None:
        """Load the performance and perform jobs, for ever."""
        try:
            performance = load(self._config["performance"], self._config["device"])
            described = performance.describe()
        except DuologueError as error:
            self._fail(error)
            return
        except Exception as fault:
            log.exception("the performance can't be loaded")
            self._fail(_fault("performance-load", "the models can't be loaded", fault))
            return
        keeps = "keep" in inspect.signature(performance.stream).parameters
        self._send(b"READY", {"performance": described, "capabilities": [messages.REMAKE] if keeps else []})
        while True:
            job = self._jobs.get()
            try:
                ending = self._perform(performance, job)
            except DuologueError as error:
                ending = (b"CANCELLED", {}) if error.code == "CANCELLED" else (b"ERROR", _error_facts(error))
            except MemoryError as fault:
                ending = (b"ERROR", _error_facts(_out_of_memory(fault)))
            except Exception as fault:
                log.exception("the performance failed", extra=logs.facts(job=job["job"]))
                ending = (b"ERROR", _error_facts(_named(fault)))
            self._send(ending[0], {"job": job["job"], **ending[1]})

    def _perform(self, performance: Performance, job: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
        begun, first = time.monotonic(), None
        options = {"keep": read_take(job)} if job["remake"] else {}
        brief, audio, notes = read_audio(job)
        for note in notes:
            self._notice(job, Notice("speech", note))
        digest, seq, end = windows.StreamDigest(), 0, 0
        throttle = _Throttle()
        for item in performance.stream(brief, audio, self._should_stop, **options):
            if self._should_stop():
                break
            if isinstance(item, Progress):
                if throttle.passes(item):
                    self._send(
                        b"PROGRESS", {"job": job["job"], "stage": item.stage, "done": item.done, "total": item.total}
                    )
                continue
            if isinstance(item, Notice):
                self._notice(job, item)
                continue
            if item.start != end:
                raise RuntimeError(f"a window begins at frame {item.start}, expected {end}")
            end = item.end
            for window in windows.cut(item):
                arrays = windows.to_arrays(window)
                digest.add(window.start, window.frames, arrays)
                if seq >= job["skip"]:
                    message = messages.WindowMessage(job["job"], seq, window.start, window.frames)
                    self._send(b"WINDOW", {"job": job["job"], "seq": seq}, encode(message, arrays))
                first = first or time.monotonic() - begun
                seq += 1
        if self._stop.is_set():
            return b"CANCELLED", {}
        timings = {"first_window": first, "total": time.monotonic() - begun, "frames": end}
        return b"DONE", {"windows": seq, "digest": digest.hexdigest(), "timings": timings}

    def _notice(self, job: dict[str, Any], notice: Notice) -> None:
        self._send(b"NOTICE", {"job": job["job"], "reason": notice.reason, "message": notice.message})

    def _should_stop(self) -> bool:
        self._ticks += 1
        return self._stop.is_set()

    def _send(self, kind: bytes, facts: dict[str, Any], payload: list[Any] | None = None) -> None:
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


def load(name: str, device: str) -> Performance:
    """Load a performance by its dotted name, ``"package.module:Class"``.

    Raises:
        DuologueError: FAILED_PRECONDITION ``performance-missing``; what its ``load`` raises.
    """
    module, _, attribute = name.partition(":")
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        log.exception("the performance can't be imported")
        raise DuologueError(
            "FAILED_PRECONDITION",
            "performance-missing",
            f"the performance {name!r} can't be imported; run `python3 backend install` in Duologue's folder",
        ) from error
    return factory.load(device)


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


def _named(fault: Exception) -> DuologueError:
    if "OutOfMemory" in type(fault).__name__ or "out of memory" in str(fault):
        return _out_of_memory(fault)
    return _fault("performance-failed", "the performance failed", fault)


def _out_of_memory(fault: BaseException) -> DuologueError:
    return DuologueError(
        "RESOURCE_EXHAUSTED",
        "out-of-memory",
        "the server's device has not enough memory for this; try again when it is less busy, or perform a shorter stretch",
        retryable=True,
    )


def _fault(reason: str, what: str, fault: BaseException) -> DuologueError:
    # Only the kind of fault: its text may hold paths, which a client has no business with. The log has it all.
    return DuologueError("INTERNAL", reason, f"{what} ({type(fault).__name__}); the server's log says more")


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
