"""The one exception Duologue raises on purpose: what is wrong, where, and what to do about it."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

Code = Literal[
    "INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND", "UNAUTHENTICATED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
    "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED", "UNIMPLEMENTED", "UNAVAILABLE", "DATA_LOSS", "INTERNAL",
]  # fmt: skip
"""gRPC's canonical names (https://grpc.io/docs/guides/status-codes), because every client author knows them."""


class DuologueError(Exception):
    """A named error. Programs branch on ``code`` and ``reason``; people read the message.

    ``code`` is one of gRPC's names; ``reason`` a stable slug such as ``"audio-silent"``; ``field`` the place in the brief or
    the argument that caused it (``"performers.A.speech"``); ``retryable`` says whether the same call may succeed later.
    The message names what is wrong, where, and what to do.
    """

    def __init__(
        self,
        code: Code,
        reason: str,
        message: str,
        *,
        field: str = "",
        retryable: bool = False,
        retry_after_ms: int = 0,
    ) -> None:
        super().__init__(message)
        self.code: Code = code
        self.reason = reason
        self.message = message
        self.field = field
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors come back whole from other processes: what pickle calls by itself lacks all but the message."""
        rest = {"field": self.field, "retryable": self.retryable, "retry_after_ms": self.retry_after_ms}
        return partial(type(self), self.code, self.reason, self.message, **rest), ()

    @property
    def exit_code(self) -> int:
        """The exit code of a process that this ends: 2 bad input, 3 something is missing here, 4 the server, 1 our fault."""
        if self.code in {"INVALID_ARGUMENT", "UNIMPLEMENTED"}:
            return 2
        if self.code in {"FAILED_PRECONDITION", "NOT_FOUND", "DATA_LOSS", "PERMISSION_DENIED"}:
            return 3
        if self.code in {"UNAVAILABLE", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED"}:
            return 4
        return 130 if self.code == "CANCELLED" else 1

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


def invalid(reason: str, message: str, *, field: str = "") -> DuologueError:
    """Return the error for input that can never work as it is: ``raise invalid("audio-silent", "…", field="…")``."""
    return DuologueError("INVALID_ARGUMENT", reason, message, field=field)
