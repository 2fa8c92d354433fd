"""One job as the client sees it: what it needs goes up, windows come down, in order, each once, and proven whole.

Two threads meet here. The IO thread of the client calls what is named ``on_…`` and ``pump``; the thread that wants the windows
iterates, drains or cancels. Between them stands a queue that credits keep small: the server is told to send no more than fits.
"""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, TypeVar

from duologue.errors import DuologueError
from duologue.take import Notice, Progress
from duologue.wire import messages
from duologue.wire.framing import Array, Packet
from duologue.wire.inbox import Inbox
from duologue.wire.messages import Message
from duologue.wire.render_messages import LeftMessage, PicturesMessage

REOPENINGS: Final = 3
"""How often a job that the server has lost is opened anew before that is an error."""

Send = Callable[[Message, dict[str, Array]], bool]
WindowOf = messages.WindowMessage | PicturesMessage | LeftMessage
Made = TypeVar("Made")
"""What windows become: of a take, or pictures."""


@dataclass(frozen=True)
class Finished:
    """The last event of a job that came to its end. ``cancelled``: it was stopped as asked."""

    windows: int
    digest: str = ""
    cancelled: bool = False
    timings: dict[str, Any] | None = None


Told = Progress | Notice | Finished | DuologueError
"""What else a job tells of."""


class Job(ABC, Generic[Made]):
    """Something under way on a server.

    Take its events in one of two ways: iterate (blocks; for a command line), or ``drain`` now and then (never blocks; for a
    timer). ``Finished`` or a ``DuologueError`` is the last event.
    """

    keeps_what_was_made: ClassVar[bool] = False
    """Windows that were made before a cancel are still taken."""

    def __init__(self, credit: int, wake: Callable[[], None], key: str | None) -> None:
        """``credit``: bytes of windows that may wait unread. ``wake``: has the IO thread look at this job."""
        self.key = key or uuid.uuid4().hex
        """The idempotency key: opening a job again with it finds the one that runs, or its windows."""
        self._inbox: Inbox[Told | Made] = Inbox(credit, wake)
        self._wake = wake
        # The IO thread's own.
        self.id = ""
        self.opened = False
        self._opening_due = False
        self._session = ""
        self._next_seq = 0
        self._in_parts = 0
        """Bytes of a window of which more is to come."""
        self._reopenings = 0
        self._cancel_sent = False
        # Both threads'.
        self._cancelled = False
        self._over = False

    # What a kind of job is -----------------------------------------------------------------------------------------------

    @abstractmethod
    def refused_by(self, welcome: messages.Welcome) -> DuologueError | None:
        """Return why a server can't do it."""

    @abstractmethod
    def opening(self, next_seq: int, credit: int) -> tuple[Message, dict[str, Array]] | None:
        """Return the message that opens it; None while that is not known: ``wake`` when it is. Raises DuologueError."""

    @abstractmethod
    def go_on(self, accepted: messages.Accepted) -> None:
        """Go on sending up after what the server holds."""

    @abstractmethod
    def grant(self, size: int) -> None:
        """Note how many bytes may have been sent up in all."""

    @abstractmethod
    def send_up(self, send: Send) -> None:
        """Send what may be sent up now. Raises DuologueError."""

    @abstractmethod
    def read(self, message: WindowOf, packet: Packet) -> Made | None:
        """Return what the next window makes whole, checked; None where more of it is to come. Raises DuologueError."""

    @abstractmethod
    def digest(self) -> str:
        """Return the digest of all windows so far."""

    # The consumer's thread --------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """The last event has been queued (it may not have been taken yet)."""
        return self._over

    def drain(self, limit: int = 64) -> list[Told | Made]:
        """Return the events that are there, at most ``limit``. Never blocks."""
        return self._inbox.take_all(limit)

    def next_event(self, timeout: float | None = None) -> Told | Made | None:
        """Return the next event, or None when there is none within ``timeout`` seconds."""
        return self._inbox.take(timeout)

    def __iter__(self) -> Iterator[Told | Made]:
        """Yield every event up to ``Finished``; an error is raised."""
        while True:
            # Waits in slices: on Windows a wait without end can't be interrupted by Ctrl-C.
            event = self.next_event(0.5)
            if isinstance(event, DuologueError):
                raise event
            if event is not None:
                yield event
            if isinstance(event, Finished):
                return

    def cancel(self) -> None:
        """Ask the server to stop. Returns at once; ``Finished(cancelled=True)`` follows."""
        self._cancelled = True
        self._wake()

    def abandon(self, seconds: float) -> None:
        """Stop it if it is not over, take what still comes, and wait so long for its end."""
        if self._over:
            return
        self.cancel()
        until = time.monotonic() + seconds
        while not self._over and (left := until - time.monotonic()) > 0:
            self.next_event(left)

    # The IO thread ----------------------------------------------------------------------------------------------------

    def connected(self, send: Send, welcome: messages.Welcome, *, resume: bool) -> None:
        """Ask for the job over a new connection: resume it if it was accepted before by the same server, else open it."""
        before, self._session = self._session, welcome.session
        self._cancel_sent = False
        if refusal := self.refused_by(welcome):
            self._finish(refusal)
        elif self.id and resume:
            self.opened = False  # until the server has said what it holds: what was sent before may be lost
            send(messages.Resume(before, self.id, self._next_seq, self._inbox.room), {})
        else:
            self._open(send)

    def settle(self) -> None:
        """End a job that was cancelled before the server ever heard of it."""
        if self._cancelled and (not self._session or self._opening_due):
            self._finish(Finished(0, cancelled=True))

    def _open(self, send: Send) -> None:
        self.id, self.opened = "", False
        opening = self.opening(self._next_seq, self._inbox.room)
        self._opening_due = opening is None
        if opening is not None:
            send(*opening)

    def pump(self, send: Send) -> None:
        """Send what may be sent: what goes up, within the grant; credit for windows taken; a cancel."""
        try:
            self._pump(send)
        except DuologueError as error:
            self._finish(error)

    def _pump(self, send: Send) -> None:
        if self._opening_due and not self._over:
            self._open(send)
        if not self.opened or self._over:
            return
        if self._cancelled and not self._cancel_sent:
            self._cancel_sent = send(messages.Cancel(self.id), {})
        if self._cancelled and not self.keeps_what_was_made:
            return
        if not self._cancelled:
            self.send_up(send)
        if self._inbox.credit_due():
            send(messages.Credit(self.id, self._inbox.room, self._next_seq), {})

    def on_packet(self, packet: Packet, send: Send) -> None:
        """Take a message that belongs to this job."""
        message = packet.message
        try:
            if isinstance(message, messages.Accepted):
                self._on_accepted(message)
            elif isinstance(message, messages.Grant):
                self.grant(message.bytes)
            elif isinstance(message, WindowOf):
                self._on_window(message, packet)
            elif isinstance(message, messages.ProgressMessage):
                self._inbox.put(Progress(message.stage, message.done, message.total))
            elif isinstance(message, messages.NoticeMessage):
                self._inbox.put(Notice(message.reason, message.message))
            elif isinstance(message, messages.Done):
                self._on_done(message)
                send(messages.Credit(self.id, 0, self._next_seq), {})
            elif isinstance(message, messages.Cancelled):
                self._finish(Finished(self._next_seq, cancelled=True))
            elif isinstance(message, messages.ErrorMessage):
                self._on_error(message, send)
        except DuologueError as error:
            self._finish(error)
            send(messages.Cancel(self.id), {})
        self.pump(send)

    def _on_accepted(self, message: messages.Accepted) -> None:
        self.id, self.opened = message.job, True
        self.go_on(message)
        if message.position:
            self._inbox.put(Progress("queue", 0, message.position))

    def _on_window(self, message: WindowOf, packet: Packet) -> None:
        if message.seq < self._next_seq:
            return  # sent twice around a broken connection
        if message.seq > self._next_seq:
            raise window_missing()
        window = self.read(message, packet)
        self._next_seq += 1
        self._in_parts += sum(array.nbytes for array in packet.arrays.values())
        if window is None:
            self._inbox.owe_credit()  # its other parts have to come, whatever waits
            return
        self._inbox.put(window, self._in_parts)
        self._in_parts = 0

    def _on_done(self, message: messages.Done) -> None:
        if message.windows != self._next_seq or message.digest != self.digest():
            raise DuologueError(
                "DATA_LOSS",
                "digest-mismatch",
                "what arrived is not what was made; ask for it again",
            )
        self._finish(Finished(message.windows, message.digest, timings=message.timings))

    def _on_error(self, message: messages.ErrorMessage, send: Send) -> None:
        if message.reason == "job-unknown" and self._reopenings < REOPENINGS:
            # The server was started anew or has forgotten the job; the same key makes the same take.
            self._reopenings += 1
            self._open(send)
            return
        self._finish(message.error())

    def fail(self, error: DuologueError) -> None:
        """End the job with an error."""
        self._finish(error)

    def _finish(self, event: Finished | DuologueError) -> None:
        if not self._over:
            self._over = True
            self._inbox.put(event)

    def wait_until_over(self, timeout: float) -> bool:
        """Wait until the last event is queued; False when it takes longer."""
        return self._inbox.wait_for(lambda: self._over, timeout)


def window_missing() -> DuologueError:
    """Return the error for a window that got lost on the way."""
    return DuologueError("DATA_LOSS", "window-missing", "a window got lost on the way; ask for it again")
