"""A clip of passes on its way up, one pass after the other, a frame at a time in memory, as far as is granted.

Everything is read twice: once by a thread of its own for its digests, because a folder of 2,000 frames takes longer than a UI or
heartbeats can wait, and once as it is sent.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.wire import messages
from duologue.wire.clip import Source, type_of
from duologue.wire.job import Send
from duologue.wire.render_messages import PassesMessage

CHUNK: Final = 512 * 1024
"""Bytes in a PASSES message."""


class PassUpload:
    """One clip's way up. ``wake`` is called when its digests are known."""

    def __init__(self, source: Source, names: tuple[str, ...], wake: Callable[[], None]) -> None:
        self._source, self._names, self._wake = source, names, wake
        self._shapes = source.shapes
        self._sent = [0] * len(names)
        """Values of each."""
        self._grant = 0
        self._held: tuple[tuple[str, int], NDArray[Any]] | None = None
        self._sha256: tuple[str, ...] | None = None
        self._fault: DuologueError | None = None
        self._given_up = threading.Event()
        threading.Thread(target=self._read_all, name="duologue-passes", daemon=True).start()

    @property
    def total(self) -> int:
        """Bytes in all."""
        return sum(self._shapes.bytes(name) for name in self._names)

    @property
    def under_way(self) -> int:
        """Bytes that were sent."""
        return sum(sent * np.dtype(type_of(name)).itemsize for sent, name in zip(self._sent, self._names, strict=True))

    def digests(self) -> tuple[str, ...] | None:
        """Return the sha256 of each pass; None while they are read. Raises what reading them did."""
        if self._fault is not None:
            raise self._fault
        return self._sha256

    def give_up(self) -> None:
        """Read no more of it."""
        self._given_up.set()

    def _read_all(self) -> None:
        found: list[str] = []
        try:
            for name in self._names:
                digest = hashlib.sha256()
                for frame in range(self._shapes.of(name)[0]):
                    if self._given_up.is_set():
                        return
                    digest.update(self._source.read(name, frame).data)
                found.append(digest.hexdigest())
            self._sha256 = tuple(found)
        except DuologueError as error:
            self._fault = error
        except (
            Exception
        ) as fault:  # of whatever the passes come from: it must reach the caller, not die with the thread
            text = f"the passes can't be read: {type(fault).__name__}: {fault}"
            self._fault = DuologueError("INTERNAL", "client-fault", text)
        self._wake()

    def go_on(self, accepted: messages.Accepted) -> None:
        """Go on after what the server holds."""
        self._grant = accepted.grant
        if len(accepted.received) == len(self._names):
            self._sent = [
                size // np.dtype(type_of(name)).itemsize
                for size, name in zip(accepted.received, self._names, strict=True)
            ]

    def grant(self, size: int) -> None:
        """Note how many bytes may have been sent in all."""
        self._grant = max(self._grant, size)

    def pump(self, job: str, send: Send) -> None:
        """Send what may be sent now. Raises what reading raises."""
        for index, name in enumerate(self._names):
            size = self._shapes.values(name)
            while self._sent[index] < size:
                chunk = self._chunk(name, self._sent[index])
                if self.under_way + chunk.nbytes > self._grant:
                    return
                if not send(PassesMessage(job, name, self._sent[index]), {"data": chunk}):
                    return
                self._sent[index] += len(chunk)
        self._held = None

    def _chunk(self, name: str, offset: int) -> NDArray[Any]:
        """Return values of a pass from ``offset`` on, to the end of their frame at most."""
        frame, begin = divmod(offset, self._shapes.values(name) // self._shapes.of(name)[0])
        if self._held is None or self._held[0] != (name, frame):
            self._held = (name, frame), self._source.read(name, frame)
        values = self._held[1]
        return values[begin : begin + CHUNK // values.itemsize]
