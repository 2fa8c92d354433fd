"""Events of a job that wait between the client's IO thread and whoever takes them: no more than there is credit for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from duologue.take import Progress

Event = TypeVar("Event")


class Inbox(Generic[Event]):
    """A queue of events, and of the bytes of windows among them. All of it may be called from any thread."""

    def __init__(self, credit: int, wake: Callable[[], None]) -> None:
        """``credit``: bytes of windows that may wait. ``wake``: called when some were taken, so that more may come."""
        self._credit, self._wake = credit, wake
        self._news = threading.Condition()
        self._events: deque[tuple[Event, int]] = deque()
        self._waiting = 0
        self._credit_due = False

    def put(self, event: Event, size: int = 0) -> None:
        """Add an event, a window of so many bytes if it is one."""
        with self._news:
            last = self._events[-1][0] if self._events else None
            if isinstance(event, Progress) and isinstance(last, Progress) and last.stage == event.stage:
                self._events.pop()  # nobody took it; only the newest matters, and a frozen reader must not pile them up
            self._events.append((event, size))
            self._waiting += size
            self._news.notify_all()

    def take(self, timeout: float | None) -> Event | None:
        """Return the next event, or None when there is none within ``timeout`` seconds."""
        with self._news:
            if not self._news.wait_for(lambda: self._events, timeout):
                return None
            event = self._take()
        self._tell_credit()
        return event

    def take_all(self, limit: int) -> list[Event]:
        """Return the events that are there, at most ``limit``. Never blocks."""
        with self._news:
            events = [self._take() for _ in range(min(limit, len(self._events)))]
        self._tell_credit()
        return events

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until something is so, looked at whenever an event is put; return whether it is."""
        with self._news:
            return self._news.wait_for(condition, timeout)

    @property
    def room(self) -> int:
        """Bytes of windows that may come."""
        with self._news:
            return max(0, self._credit - self._waiting)

    def owe_credit(self) -> None:
        """Note that the server may be told of room, though nothing was taken."""
        with self._news:
            self._credit_due = True

    def credit_due(self) -> bool:
        """Return, once, whether the server is to be told that there is room again."""
        with self._news:
            due, self._credit_due = self._credit_due, False
        return due

    def _take(self) -> Event:
        event, size = self._events.popleft()
        if size:
            self._waiting -= size
            self._credit_due = True
        return event

    def _tell_credit(self) -> None:
        if self._credit_due:
            self._wake()
