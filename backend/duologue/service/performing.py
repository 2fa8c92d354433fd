"""What a worker does with a performance: load one, run it, hand its windows out."""

from __future__ import annotations

import importlib
import inspect
import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.service.inputs import read_audio, read_take
from duologue.service.work import Ending, Output, fault
from duologue.take import Notice, Progress, Window
from duologue.wire import messages, windows
from duologue.wire.framing import encode

if TYPE_CHECKING:
    from duologue.performance.inpainting import KeptTake

log = logging.getLogger("duologue.worker")


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


class Performing:
    """The performances of one worker; see ``work.Work``."""

    failed: tuple[str, str] = ("performance-failed", "the performance failed")

    def __init__(self, name: str, device: str) -> None:
        """Load a performance by its dotted name. Raises what ``load`` and its own loading raise."""
        try:
            self._performance = load(name, device)
            described = self._performance.describe()
        except DuologueError:
            raise
        except Exception as error:
            log.exception("the performance can't be loaded")
            raise fault("performance-load", "the models can't be loaded", error) from error
        keeps = "keep" in inspect.signature(self._performance.stream).parameters
        self.ready: dict[str, Any] = {"performance": described, "capabilities": [messages.REMAKE] if keeps else []}

    def run(self, job: dict[str, Any], out: Output) -> Ending:
        """Perform a job; see ``work.Work``."""
        begun, first = time.monotonic(), None
        options = {"keep": read_take(job)} if job["remake"] else {}
        brief, audio, notes = read_audio(job)
        for note in notes:
            out.notice("speech", note)
        digest, seq, end = windows.StreamDigest(), 0, 0
        for item in self._performance.stream(brief, audio, out.should_stop, **options):
            if out.should_stop():
                break
            if isinstance(item, Progress):
                out.progress(item)
                continue
            if isinstance(item, Notice):
                out.notice(item.reason, item.message)
                continue
            if item.start != end:
                raise RuntimeError(f"a window begins at frame {item.start}, expected {end}")
            end = item.end
            for window in windows.cut(item):
                arrays = windows.to_arrays(window)
                digest.add(window.start, window.frames, arrays)
                if seq >= job["skip"]:
                    message = messages.WindowMessage(job["job"], seq, window.start, window.frames)
                    out.window(seq, encode(message, arrays))
                first = first or time.monotonic() - begun
                seq += 1
        timings = {"first_window": first, "total": time.monotonic() - begun, "frames": end}
        return Ending(seq, digest.hexdigest(), timings)


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
