"""A job on the server, and its spool: the speech (and take) that came up and the windows that go down lie on disk, not in memory.

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
    remake: dict[str, Any]
    """What of the take that comes with it is made again (``Edit``); empty for a whole performance."""
    params: str
    """sha256 of all of it: the brief, the speech, the take and what of it is made again."""
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
    """One performer's speech, or a take, on its way to a file of ``size`` bytes; it comes in order."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size
        self.received = 0
        """Bytes."""
        self._hash = hashlib.sha256()
        self._file: IO[bytes] = path.open("wb")

    def add(self, offset: int, data: Buffer, reason: str) -> None:
        """Add the bytes from ``offset`` on; those that are here already are passed over.

        Raises:
            DuologueError: DATA_LOSS ``reason``: some are missing, or more came than was told.
            OSError: the disk is full.
        """
        if offset < self.received:
            return
        if offset > self.received or offset + len(data) > self.size:
            raise DuologueError(
                "DATA_LOSS", reason, "a stretch of what is sent up is missing, or more came than was told"
            )
        self._file.write(data)
        self._hash.update(data)
        self.received += len(data)

    def is_whole(self, sha256: str) -> bool:
        """Close the file and return whether it holds what was told."""
        self._file.close()
        return self.received == self.size and self._hash.hexdigest() == sha256

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Job:
    """A performance that a client asked for."""

    def __init__(self, asked: Open, checked: Asked, user: str, folder: Path) -> None:
        self.id = uuid.uuid4().hex
        self.key, self.user = asked.key, user
        self.session = ""
        self.brief, self.remake, self.params = checked.brief, checked.remake, checked.params
        self.rates, self.take_sha256 = asked.rates, asked.take_sha256
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
        self.speech = [
            Upload(folder / name, samples * 4) for name, samples in zip(("a.f32", "b.f32"), asked.samples, strict=True)
        ]
        self.take = Upload(folder / "take", asked.take_bytes) if checked.remake else None
        self.spool = Spool(folder / "windows")

    @property
    def over(self) -> bool:
        """It has ended, well or not."""
        return self.ending is not None

    @property
    def uploads(self) -> list[Upload]:
        """All that comes up."""
        return [*self.speech, self.take] if self.take else self.speech

    @property
    def received(self) -> int:
        """Bytes of speech and take received."""
        return sum(upload.received for upload in self.uploads)

    @property
    def size(self) -> int:
        """Bytes of disk that it takes, or will take once all of it is here."""
        return sum(upload.size for upload in self.uploads) * (not self.over) + self.spool.size

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

    def add_speech(self, performer: int, offset: int, pcm: Array | None) -> None:
        """Add a stretch of speech, from a sample on.

        Raises:
            DuologueError: INVALID_ARGUMENT ``audio-message``; DATA_LOSS ``audio-order``.
        """
        if performer > 1 or pcm is None or pcm.dtype.str != "<f4" or pcm.ndim != 1:
            raise invalid("audio-message", "AUDIO needs a performer (0 or 1) and one track of float32")
        self._add(self.speech[performer], offset * 4, pcm, "audio-order")

    def add_take(self, offset: int, data: Array | None) -> None:
        """Add a stretch of the take's file, from a byte on.

        Raises:
            DuologueError: INVALID_ARGUMENT ``take-message``; DATA_LOSS ``take-order``.
        """
        if self.take is None or data is None or data.dtype.str != "|u1" or data.ndim != 1:
            raise invalid("take-message", "TAKE needs a job with a take, and one row of bytes")
        self._add(self.take, offset, data, "take-order")

    def _add(self, upload: Upload, offset: int, array: Array, reason: str) -> None:
        if self.state != "uploading":
            return
        upload.add(offset, array.data.cast("B") if array.size else b"", reason)
        self.heard = time.monotonic()

    def damaged(self, hashes: tuple[str, ...]) -> str:
        """Close what came up, and name what of it is not as it was sent: ``"audio"``, ``"take"`` or nothing."""
        whole = [upload.is_whole(sha256) for upload, sha256 in zip(self.speech, hashes, strict=False)]
        take_is_whole = self.take is None or self.take.is_whole(self.take_sha256)
        if len(hashes) != len(self.speech) or not all(whole):
            return "audio"
        return "" if take_is_whole else "take"

    def drop_uploads(self) -> None:
        """Remove what came up; a job that is over needs it no more."""
        for upload in self.uploads:
            upload.close()
            upload.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything of it from the disk."""
        self.drop_uploads()
        self.spool.close()
        (self.folder / "windows").unlink(missing_ok=True)
        if self.folder.exists():
            os.rmdir(self.folder)  # noqa: PTH106
