"""A job on the server: what a client asked for, and how far both sides have come with it."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from duologue.service.spool import Spool, Upload
from duologue.wire.framing import Array, Buffer
from duologue.wire.messages import Message

MOST_CREDIT = 64 * 1024 * 1024
"""Bytes of windows under way to one client, whatever it says that it takes."""
PERFORM: Final = "perform"
INTERACT: Final = "interact"
"""Kinds of jobs: each has workers of its own, so that a long one of one kind holds up none of the other."""


class Request(ABC):
    """What a client asks for, once it is checked."""

    params: str
    """sha256 of all of it."""
    seconds: float
    """Of speech, or of pictures."""

    @property
    @abstractmethod
    def disk(self) -> int:
        """Bytes of disk that what comes up and what is made will take."""

    @abstractmethod
    def begin(self, key: str, user: str, folder: Path) -> Job:
        """Return a new job."""


class Job(ABC):
    """Something that a client asked for."""

    kind: ClassVar[str]
    keeps_what_was_made: ClassVar[bool] = False
    """What was made before a cancel still goes to its client."""

    def __init__(self, request: Request, key: str, user: str, folder: Path) -> None:
        self.id = uuid.uuid4().hex
        self.key, self.user, self.params = key, user, request.params
        self.session = ""
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
        """The digest of what the same key gave before, if it did."""
        self.last_active = time.monotonic()
        """When its client last had to do with it, or when it ended."""
        self.folder = folder
        folder.mkdir(parents=True, mode=0o700)
        self.spool = Spool(folder / "windows")

    # What a kind of job is -----------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def uploads(self) -> list[Upload]:
        """All that comes up."""

    @abstractmethod
    def held(self) -> Mapping[str, Any]:
        """Return the fields of ACCEPTED that say what is here."""

    @abstractmethod
    def order(self) -> dict[str, Any]:
        """Return what a worker is told of it, JSON-safe."""

    @property
    def over(self) -> bool:
        """It has ended, well or not."""
        return self.ending is not None

    @property
    def delivered(self) -> bool:
        """Its client has had all of it."""
        return self.ending_sent

    @property
    def received(self) -> int:
        """Bytes received."""
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
        self.last_active = time.monotonic()

    def credit(self, next_seq: int, window: int) -> None:
        """Note what the client has, and how much more it takes."""
        self.acked = max(self.acked, min(next_seq, self.sent))
        self.window = min(window, MOST_CREDIT)
        self.last_active = time.monotonic()

    def add(self, upload: Upload, offset: int, array: Array, reason: str) -> None:
        """Add a stretch of what comes up, from a byte on. Raises what ``Upload.add`` does."""
        if self.state != "uploading":
            return
        data: Buffer = array.data.cast("B") if array.size else b""
        upload.add(offset, data, reason)
        self.last_active = time.monotonic()

    def close(self) -> None:
        """Give descriptors back, and the disk that what came up took; a job that is over needs neither. Never fails."""
        for upload in self.uploads:
            with contextlib.suppress(OSError):
                upload.close()
                upload.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.spool.close()

    def remove(self) -> None:
        """Remove everything of it from the disk, and whatever else somebody has put there. Never fails."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
