"""A job on the server: a performance that a client asked for, and how far both sides have come with it."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duologue.errors import invalid
from duologue.service.spool import Spool, Upload
from duologue.wire.framing import Array
from duologue.wire.messages import Message, Open

MOST_CREDIT = 64 * 1024 * 1024
"""Bytes of windows under way to one client, whatever it says that it takes."""


@dataclass(frozen=True)
class Request:
    """What an OPEN asks for, once it is checked."""

    brief: dict[str, Any]
    remake: dict[str, Any]
    """What of the take that comes with it is made again (``Edit``); empty for a whole performance."""
    params: str
    """sha256 of all of it: the brief, the speech, the take and what of it is made again."""
    seconds: float


class Job:
    """A performance that a client asked for."""

    def __init__(self, message: Open, request: Request, user: str, folder: Path) -> None:
        self.id = uuid.uuid4().hex
        self.key, self.user = message.key, user
        self.session = ""
        self.brief, self.remake, self.params = request.brief, request.remake, request.params
        self.rates, self.take_sha256 = message.rates, message.take_sha256
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
        self.last_active = time.monotonic()
        """When its client last had to do with it, or when it ended."""
        self.folder = folder
        folder.mkdir(parents=True, mode=0o700)
        self.speech = [
            Upload(folder / name, samples * 4)
            for name, samples in zip(("a.f32", "b.f32"), message.samples, strict=True)
        ]
        self.take = Upload(folder / "take", message.take_bytes) if request.remake else None
        self.spool = Spool(folder / "windows")

    @property
    def over(self) -> bool:
        """It has ended, well or not."""
        return self.ending is not None

    @property
    def delivered(self) -> bool:
        """Its client has had all of it."""
        return self.ending_sent

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
        self.last_active = time.monotonic()

    def credit(self, next_seq: int, window: int) -> None:
        """Note what the client has, and how much more it takes."""
        self.acked = max(self.acked, min(next_seq, self.sent))
        self.window = min(window, MOST_CREDIT)
        self.last_active = time.monotonic()

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
        self.last_active = time.monotonic()

    def damaged(self, hashes: tuple[str, ...]) -> str:
        """Close what came up, and name what of it is not as it was sent: ``"audio"``, ``"take"`` or nothing."""
        whole = [upload.is_whole(sha256) for upload, sha256 in zip(self.speech, hashes, strict=False)]
        take_is_whole = self.take is None or self.take.is_whole(self.take_sha256)
        if len(hashes) != len(self.speech) or not all(whole):
            return "audio"
        return "" if take_is_whole else "take"

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
