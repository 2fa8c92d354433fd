"""One performance as the client sees it: speech going up, windows coming down, in order, each once, and proven whole.

Two threads meet here. The client's IO thread calls what is named ``on_…`` and ``pump``; the thread that wants the take iterates,
drains or cancels. Between them stands a queue that credits keep small: the server is told to send no more than what fits.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from duologue import arkit
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.take import Notice, Progress, Take, Window
from duologue.take.edit import Edit, check_take
from duologue.units import Sound
from duologue.wire import messages, windows
from duologue.wire.framing import Packet
from duologue.wire.upload import Send, Upload

REOPENINGS: Final = 3
"""How often a job that the server has lost is opened anew before that is an error."""


@dataclass(frozen=True)
class Finished:
    """The last event of a performance that came to its end. ``cancelled``: it was stopped as asked."""

    windows: int
    digest: str = ""
    cancelled: bool = False
    timings: dict[str, Any] | None = None


Event = Progress | Window | Notice | Finished | DuologueError


class Job:
    """A performance under way; ``Client.submit`` makes it.

    Take its events in one of two ways: iterate (blocks; for a command line), or ``drain`` now and then (never blocks; for a
    timer). ``Finished`` or a ``DuologueError`` is the last event.
    """

    def __init__(
        self,
        brief: Brief,
        audio: Sequence[Sound],
        credit: int,
        wake: Callable[[], None],
        *,
        key: str | None = None,
        remake: tuple[Take, Edit] | None = None,
    ) -> None:
        """Raises what ``Client.submit`` does."""
        take, part = remake or (None, None)
        self._upload = Upload(audio, take)
        self._remake: dict[str, Any] = part.to_json() if part else {}
        if take is not None and part is not None:
            check_take(take, max(sound.frames for sound in audio))
            part.frames(take)
        self.key = key or uuid.uuid4().hex
        """The idempotency key: opening a job again with it finds the one that runs, or its windows."""
        self._brief = json.dumps(brief.to_json(), allow_nan=False).encode()
        self._credit = credit
        self._wake = wake
        # The IO thread's own.
        self.id = ""
        self.opened = False
        self._session = ""
        self._next_seq = 0
        self._next_frame = 0
        self._digest = windows.StreamDigest()
        self._reopenings = 0
        self._cancel_sent = False
        self._shapes: Sequence[str] | None = None
        # Shared, under the lock.
        self._news = threading.Condition()
        self._events: deque[tuple[Event, int]] = deque()
        self._buffered = 0
        self._credit_due = False
        self._cancelled = False
        self._over = False

    # The consumer's thread --------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """The last event has been queued (it may not have been taken yet)."""
        return self._over

    def drain(self, limit: int = 64) -> list[Event]:
        """Return the events that are there, at most ``limit``. Never blocks."""
        with self._news:
            events = [self._take() for _ in range(min(limit, len(self._events)))]
        self._tell_credit()
        return events

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event, or None when there is none within ``timeout`` seconds."""
        with self._news:
            if not self._news.wait_for(lambda: self._events, timeout):
                return None
            event = self._take()
        self._tell_credit()
        return event

    def __iter__(self) -> Iterator[Event]:
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
        with self._news:
            self._cancelled = True
        self._wake()

    def _take(self) -> Event:
        event, size = self._events.popleft()
        if size:
            self._buffered -= size
            self._credit_due = True
        return event

    def _tell_credit(self) -> None:
        if self._credit_due:
            self._wake()

    # The IO thread ----------------------------------------------------------------------------------------------------

    def connected(self, send: Send, welcome: messages.Welcome, *, resume: bool) -> None:
        """Ask for the job over a new connection: resume it if it was accepted before by the same server, else open it."""
        before, self._session = self._session, welcome.session
        self._shapes = welcome.performance.get("arkit_names")
        self._cancel_sent = False
        if self._remake and messages.REMAKE not in welcome.capabilities:
            self._finish(_no_remake(welcome.version))
            return
        if self.id and resume:
            self.opened = False  # until the server has said what it holds: what was sent before may be lost
            send(messages.Resume(before, self.id, self._next_seq, self._room()), {})
        else:
            self._open(send)

    def settle(self) -> None:
        """End a job that was cancelled before the server ever heard of it."""
        if self._cancelled and not self._session:
            self._finish(Finished(0, cancelled=True))

    def _open(self, send: Send) -> None:
        self.id, self.opened = "", False
        message = messages.Open(
            key=self.key,
            **self._upload.declared(),
            next_seq=self._next_seq,
            credit=self._room(),
            remake=self._remake,
        )
        send(message, {"brief": np.frombuffer(self._brief, np.uint8)})

    def pump(self, send: Send) -> None:
        """Send what may be sent: speech and take within the grant, credit for windows taken, a cancel."""
        if not self.opened or self._over:
            return
        if self._cancelled and not self._cancel_sent:
            self._cancel_sent = send(messages.Cancel(self.id), {})
        if self._cancelled:
            return
        self._upload.pump(self.id, send)
        with self._news:
            due, self._credit_due = self._credit_due, False
        if due:
            send(messages.Credit(self.id, self._room(), self._next_seq), {})

    def on_packet(self, packet: Packet, send: Send) -> None:
        """Take a message that belongs to this job."""
        message = packet.message
        try:
            if isinstance(message, messages.Accepted):
                self._on_accepted(message)
            elif isinstance(message, messages.Grant):
                self._upload.grant(message.bytes)
            elif isinstance(message, messages.WindowMessage):
                self._on_window(message, packet)
            elif isinstance(message, messages.ProgressMessage):
                self._queue(Progress(message.stage, message.done, message.total))
            elif isinstance(message, messages.NoticeMessage):
                self._queue(Notice(message.reason, message.message))
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
        self._upload.go_on(message)
        if message.position:
            self._queue(Progress("queue", 0, message.position))

    def _on_window(self, message: messages.WindowMessage, packet: Packet) -> None:
        if message.seq < self._next_seq:
            return  # sent twice around a broken connection
        if message.seq > self._next_seq or message.start != self._next_frame:
            raise DuologueError("DATA_LOSS", "window-missing", "a window of the take got lost; perform the brief again")
        window = windows.from_arrays(message.start, message.frames, packet.arrays, self._shapes or arkit.NAMES)
        self._digest.add(message.start, message.frames, packet.arrays)
        self._next_seq += 1
        self._next_frame = message.start + message.frames
        self._queue(window, sum(array.nbytes for array in packet.arrays.values()))

    def _on_done(self, message: messages.Done) -> None:
        if message.windows != self._next_seq or message.digest != self._digest.hexdigest():
            raise DuologueError(
                "DATA_LOSS",
                "digest-mismatch",
                "the take that arrived is not the one that was made; perform the brief again",
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

    def _room(self) -> int:
        with self._news:
            return max(0, self._credit - self._buffered)

    def _finish(self, event: Finished | DuologueError) -> None:
        if not self._over:
            self._over = True
            self._queue(event)

    def _queue(self, event: Event, size: int = 0) -> None:
        with self._news:
            last = self._events[-1][0] if self._events else None
            if isinstance(event, Progress) and isinstance(last, Progress) and last.stage == event.stage:
                self._events.pop()  # nobody took it; only the newest matters, and a frozen reader must not pile them up
            self._events.append((event, size))
            self._buffered += size
            self._news.notify_all()

    def wait_until_over(self, timeout: float) -> bool:
        """Wait until the last event is queued; False when it takes longer."""
        with self._news:
            return self._news.wait_for(lambda: self._over, timeout)


def _no_remake(version: str) -> DuologueError:
    return DuologueError(
        "UNIMPLEMENTED",
        "remake-unsupported",
        f"the server (Duologue {version}) can't make a part of a take again: it is an older one, or performs something of its "
        "own; update it, or perform the whole take",
    )
