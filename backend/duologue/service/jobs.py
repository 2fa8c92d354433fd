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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from duologue.errors import DuologueError, invalid
from duologue.wire.framing import Array, Buffer
from duologue.wire.messages import Message, Open

MOST_CREDIT = 64 * 1024 * 1024
"""Bytes of windows under way to one client, whatever it says that it takes."""


@dataclass(frozen=True)
class Asked:
    """What an OPEN asks for, once it is checked."""

    brief: dict[str, Any]
    params: str
    """sha256 of all of it: the brief and the speech."""
    seconds: float


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


class Job:
    """A performance that a client asked for."""

    def __init__(self, asked: Open, checked: Asked, user: str, folder: Path) -> None:
        self.id = uuid.uuid4().hex
        self.key, self.user = asked.key, user
        self.session = ""
        self.brief, self.params = checked.brief, checked.params
        self.rates, self.samples = asked.rates, asked.samples
        self.state = "uploading"
        self.attempts = 0
        self.started = 0.0
        self.acked = 0
        """Windows that the client has for sure."""
        self.sent = 0
        """The next window to send."""
        self.window = 0
        """Bytes that the client takes from ``acked`` on."""
        self.ending: Message | None = None
        self.ending_sent = False
        self.earlier_output = ""
        """The digest of the take that the same key gave before, if it did."""
        self.heard = time.monotonic()
        """When its client last had to do with it, or when it ended."""
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.uploads = [Upload(folder / name) for name in ("a.f32", "b.f32")]
        self.spool = Spool(folder / "windows")

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
        self.window = min(window, MOST_CREDIT)
        self.ending_sent = False
        self.heard = time.monotonic()

    def credit(self, next_seq: int, window: int) -> None:
        """Note what the client has, and how much more it takes."""
        self.acked = max(self.acked, min(next_seq, self.sent))
        self.window = min(window, MOST_CREDIT)
        self.heard = time.monotonic()

    def take_speech(self, performer: int, offset: int, pcm: Array | None) -> None:
        """Add a stretch of speech; one that is here already is passed over.

        Raises:
            DuologueError: INVALID_ARGUMENT ``audio-message``; DATA_LOSS ``audio-order``.
        """
        if performer > 1 or pcm is None or pcm.dtype.str != "<f4" or pcm.ndim != 1:
            raise invalid("audio-message", "AUDIO needs a performer (0 or 1) and one track of float32")
        upload = self.uploads[performer]
        if self.state != "uploading" or offset < upload.samples:
            return
        if offset > upload.samples or offset + len(pcm) > self.samples[performer]:
            raise DuologueError(
                "DATA_LOSS", "audio-order", "a stretch of speech is missing, or more came than was told"
            )
        upload.add(pcm.data.cast("B") if pcm.size else b"")
        self.heard = time.monotonic()

    def speech_is_whole(self, hashes: tuple[str, ...]) -> bool:
        """Close the speech's files and return whether they hold what the client has sent."""
        told = [upload.samples for upload in self.uploads] == list(self.samples)
        return tuple(upload.finish() for upload in self.uploads) == hashes and told

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
