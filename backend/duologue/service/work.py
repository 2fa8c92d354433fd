"""What a worker's main thread does with jobs, whatever their kind, and what it may say while it does."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any, Protocol

from duologue.errors import DuologueError
from duologue.service import admission
from duologue.take import Progress
from duologue.wire.framing import Buffer


@dataclass(frozen=True)
class Ending:
    """A job that came to its end, or was stopped: how many windows there were, and their digest."""

    windows: int
    digest: str
    timings: dict[str, Any]


class Output(Protocol):
    """Where what comes of a job goes."""

    def should_stop(self) -> bool:
        """Return whether the job is to stop. Asking is the sign that it does not hang."""
        ...

    def window(self, seq: int, frames: list[Buffer]) -> None:
        """Hand a window out: its message, encoded."""
        ...

    def progress(self, progress: Progress) -> None:
        """Tell how far it has come; some ten a second get through."""
        ...

    def notice(self, reason: str, message: str) -> None:
        """Tell something that a person should know."""
        ...


class Work(Protocol):
    """One kind of job."""

    failed: tuple[str, str]
    """The reason and the words of an error that has none of its own."""
    ready: dict[str, Any]
    """What the router is told once this is loaded."""

    def run(self, job: dict[str, Any], out: Output) -> Ending:
        """Do a job; end early when it is to stop. Raises DuologueError, or anything else for a fault."""
        ...


def named(error: Exception, failed: tuple[str, str]) -> DuologueError:
    """Return the named error for whatever went wrong in a job."""
    if isinstance(error, DuologueError):
        return error
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return admission.disk_error()
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or "out of memory" in str(error):
        return DuologueError(
            "RESOURCE_EXHAUSTED",
            "out-of-memory",
            "the server's device has not enough memory for this; try again when it is less busy, or ask for less at once",
            retryable=True,
        )
    return fault(*failed, error)


def fault(reason: str, what: str, error: BaseException) -> DuologueError:
    """Return the error for a fault of ours."""
    # Only the kind of fault: its text may hold paths, which a client has no business with. The log has it all.
    return DuologueError("INTERNAL", reason, f"{what} ({type(error).__name__}); the server's log says more")
