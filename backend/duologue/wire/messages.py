"""The messages of DUO/1: one frozen dataclass each. ``wire.codec`` reads them from a header and writes them to one.

Those that pictures alone need are in ``wire.render_messages``.

Flow control is absolute, as TCP's window is: CREDIT says "send me at most this many bytes from this window on" and GRANT "you may
have sent this many bytes in all". A repeated or a lost one therefore does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, get_args

from duologue.errors import Code, DuologueError
from duologue.wire.fields import MAX_TEXT, Json


@dataclass(frozen=True)
class Message:
    """The base of all messages."""

    TYPE: ClassVar[str] = ""


# Hello ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hello(Message):
    """First message of a connection. ``protocol`` is the range of major versions that the client speaks."""

    TYPE: ClassVar = "HELLO"
    protocol: tuple[int, ...]
    client: str = ""
    version: str = ""
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Welcome(Message):
    """The server's answer to HELLO; names travel here, once. ``performance`` is what the performance says of itself."""

    TYPE: ClassVar = "WELCOME"
    protocol: tuple[int, ...]
    session: str
    instance: str
    version: str
    capabilities: tuple[str, ...]
    limits: Json
    credit: int
    """How many bytes of windows the server sends at most before the first CREDIT."""
    heartbeat_ms: int
    performance: Json
    backends: tuple[str, ...] = ()
    """What can make pictures here (``passes.pictures.MAKERS``), if anything."""


# A job ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Open(Message):
    """Ask for a performance. Array ``brief``: UTF-8 JSON. A repeated ``key`` finds the job it opened before."""

    TYPE: ClassVar = "OPEN"
    key: str
    rates: tuple[int, ...]
    """Samples a second of each performer's speech."""
    samples: tuple[int, ...]
    """How many samples each performer's speech has."""
    sha256: tuple[str, ...] = ()
    """(hex) of each performer's samples as little-endian float32, so that a key can't be taken for another speech."""
    next_seq: int = 0
    """The first window that the client still needs."""
    credit: int = 0
    remake: Json = field(default_factory=dict[str, Any])
    """The part (``duologue.take.edit.Edit``) of a take that is sent up as well; empty for a whole performance. Only for a server
    that has the capability ``REMAKE``: an older one would not see this field."""
    take_bytes: int = 0
    """How large that take's file is."""
    take_sha256: str = ""
    """(hex) of that file."""


REMAKE: Final = "remake"
"""The capability of a server (WELCOME) that makes a part of a take again."""


@dataclass(frozen=True)
class Accepted(Message):
    """A job was opened, found or resumed.

    ``received`` counts what the server holds: samples of each performer, or bytes of each pass in the order of RENDER.
    """

    TYPE: ClassVar = "ACCEPTED"
    job: str
    key: str
    state: str
    position: int
    received: tuple[int, ...]
    grant: int
    received_take: int = 0
    """Bytes of the take that the server holds."""


@dataclass(frozen=True)
class Audio(Message):
    """A stretch of one performer's speech from sample ``offset`` on. Array ``pcm``: mono float32."""

    TYPE: ClassVar = "AUDIO"
    job: str
    performer: int
    offset: int


@dataclass(frozen=True)
class TakeMessage(Message):
    """A stretch of the take of which a part is made again, from byte ``offset`` of its file on. Array ``data``: bytes."""

    TYPE: ClassVar = "TAKE"
    job: str
    offset: int


@dataclass(frozen=True)
class AudioEnd(Message):
    """All speech is sent, and the take if there is one; ``sha256`` as in OPEN."""

    TYPE: ClassVar = "AUDIO_END"
    job: str
    sha256: tuple[str, ...]


@dataclass(frozen=True)
class Grant(Message):
    """The client may have sent ``bytes`` of speech and take, or of passes, for this job in all."""

    TYPE: ClassVar = "GRANT"
    job: str
    bytes: int


@dataclass(frozen=True)
class WindowMessage(Message):
    """The ``seq``-th window: ``frames`` frames from ``start`` on. Its arrays are those of ``wire.windows``."""

    TYPE: ClassVar = "WINDOW"
    job: str
    seq: int
    start: int
    frames: int


@dataclass(frozen=True)
class ProgressMessage(Message):
    """How far a stage has come. May be dropped when the client is slow."""

    TYPE: ClassVar = "PROGRESS"
    job: str
    stage: str
    done: int
    total: int


@dataclass(frozen=True)
class NoticeMessage(Message):
    """Something a person should know that is no error: the server loads its models, or a job is retried."""

    TYPE: ClassVar = "NOTICE"
    reason: str
    message: str
    job: str = ""


@dataclass(frozen=True)
class Credit(Message):
    """The client has all windows before ``next_seq`` and takes ``bytes`` more from there on."""

    TYPE: ClassVar = "CREDIT"
    job: str
    bytes: int
    next_seq: int


@dataclass(frozen=True)
class Done(Message):
    """All is made: ``windows`` windows whose digest (``windows.StreamDigest``, ``pictures.PictureDigest``) is ``digest``."""

    TYPE: ClassVar = "DONE"
    job: str
    windows: int
    digest: str
    timings: Json = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Cancel(Message):
    """Stop a job."""

    TYPE: ClassVar = "CANCEL"
    job: str


@dataclass(frozen=True)
class Cancelled(Message):
    """A job was stopped as asked, after ``windows`` windows."""

    TYPE: ClassVar = "CANCELLED"
    job: str
    windows: int


@dataclass(frozen=True)
class Resume(Message):
    """After a broken connection: send the rest of a job. Answered by ACCEPTED, or by ERROR NOT_FOUND: then OPEN again."""

    TYPE: ClassVar = "RESUME"
    session: str
    job: str
    next_seq: int
    credit: int


@dataclass(frozen=True)
class ErrorMessage(Message):
    """A named error (``duologue.errors``). With a job it ends that job; with a key, the OPEN that had it."""

    TYPE: ClassVar = "ERROR"
    code: str
    reason: str
    message: str
    field: str = ""
    retryable: bool = False
    retry_after_ms: int = 0
    job: str = ""
    key: str = ""

    @classmethod
    def of(cls, error: DuologueError, *, job: str = "", key: str = "") -> ErrorMessage:
        """Return the message that carries an error. Its text is cut so that all of it fits a header, however it is escaped."""
        return cls(
            code=error.code,
            reason=error.reason,
            message=error.message[: MAX_TEXT // 2],
            field=error.field[: MAX_TEXT // 8],
            retryable=error.retryable,
            retry_after_ms=error.retry_after_ms,
            job=job,
            key=key,
        )

    def error(self) -> DuologueError:
        """Return the error that the message carries. A code that this version does not know becomes INTERNAL."""
        code: Code = self.code if self.code in get_args(Code) else "INTERNAL"  # pyright: ignore[reportAssignmentType]
        return DuologueError(
            code,
            self.reason,
            self.message,
            field=self.field,
            retryable=self.retryable,
            retry_after_ms=self.retry_after_ms,
        )


# Life -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ping(Message):
    """Are you there? Any message counts as a sign of life; this one is for when there is nothing else to say."""

    TYPE: ClassVar = "PING"


@dataclass(frozen=True)
class Pong(Message):
    """The answer to PING, with the server's load."""

    TYPE: ClassVar = "PONG"
    load: Json
