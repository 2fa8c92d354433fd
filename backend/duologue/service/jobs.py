"""A job on the server, and its spool: the speech that came up and the windows that go down lie on disk, not in memory.

With the windows on disk a slow or frozen client costs no memory and does not hold up the worker; after a broken connection they
are sent again from any point; a worker that takes over a dead one's job goes on where the windows end.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from duologue.wire.framing import Buffer
from duologue.wire.messages import Message, Open


class Spool:
    """The encoded windows of a job, in a file of their own. Appended once, read any number of times."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("w+b", buffering=0)
        self._frames: list[tuple[int, ...]] = []
        self._ends: list[int] = [0]

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self._ends[-1]

    def append(self, frames: Sequence[Buffer]) -> None:
        """Add a window: the frames of its message. Raises OSError when the disk is full."""
        self._file.seek(self.size)
        sizes = tuple(len(frame) for frame in frames)
        for frame in frames:
            view = memoryview(frame)
            while view:  # an unbuffered write may take less than all
                view = view[self._file.write(view) :]
        self._frames.append(sizes)
        self._ends.append(self.size + sum(sizes))

    def read(self, seq: int) -> list[bytes]:
        """Return the frames of a window."""
        self._file.seek(self._ends[seq])
        return [self._file.read(size) for size in self._frames[seq]]

    def bytes_between(self, first: int, last: int) -> int:
        """Return the size of windows ``first`` to ``last`` - 1 together."""
        return self._ends[last] - self._ends[first]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Upload:
    """One performer's speech on its way to a file; it comes in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.samples = 0
        self._hash = hashlib.sha256()
        self._file: IO[bytes] = path.open("wb")

    def add(self, data: Buffer) -> None:
        """Add samples (float32 bytes). Raises OSError when the disk is full."""
        self._file.write(data)
        self._hash.update(data)
        self.samples += len(data) // 4

    def finish(self) -> str:
        """Close the file and return the sha256 (hex) of what is in it."""
        self._file.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass
class Job:
    """A performance that a client asked for."""

    key: str
    user: str
    session: str
    folder: Path
    brief: dict[str, Any]
    rates: tuple[int, ...]
    samples: tuple[int, ...]
    params: str
    window: int
    """Bytes that the client takes from ``acked`` on."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: str = "uploading"
    attempts: int = 0
    acked: int = 0
    sent: int = 0
    """The next window to send."""
    ending: Message | None = None
    ending_sent: bool = False
    earlier_output: str = ""
    heard: float = field(default_factory=time.monotonic)
    """When its client last had to do with it, or when it ended."""
    started: float = 0.0

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700)
        self.uploads = [Upload(self.folder / name) for name in ("a.f32", "b.f32")]
        self.spool = Spool(self.folder / "windows")

    @property
    def over(self) -> bool:
        """It has ended, well or not."""
        return self.ending is not None

    @property
    def received(self) -> int:
        """Bytes of speech received."""
        return sum(upload.samples for upload in self.uploads) * 4

    @property
    def size(self) -> int:
        """Bytes of disk that it takes, or will take once its speech is here."""
        return sum(self.samples) * 4 * (not self.over) + self.spool.size

    def may_send(self) -> bool:
        """Return whether the client takes the next window now. One is always under way, however large, unless it takes none."""
        if self.sent >= len(self.spool) or not self.window:
            return False
        under_way = self.spool.bytes_between(self.acked, self.sent)
        return not under_way or under_way + self.spool.bytes_between(self.sent, self.sent + 1) <= self.window

    def rewind(self, next_seq: int, window: int) -> None:
        """Go on from a window that the client names, after a broken connection."""
        self.acked = self.sent = min(next_seq, len(self.spool))
        self.window = window
        self.ending_sent = False
        self.heard = time.monotonic()

    def drop_speech(self) -> None:
        """Remove the speech; a job that is over needs it no more."""
        for upload in self.uploads:
            upload.close()
            upload.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything of it from the disk."""
        self.drop_speech()
        self.spool.close()
        (self.folder / "windows").unlink(missing_ok=True)
        if self.folder.exists():
            os.rmdir(self.folder)  # noqa: PTH106


def params_digest(message: Open, brief: bytes) -> str:
    """Return the sha256 of what an OPEN asks for."""
    asked = hashlib.sha256(brief)
    asked.update(repr((message.rates, message.samples, message.sha256)).encode())
    return asked.hexdigest()
