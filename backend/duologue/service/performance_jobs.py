"""A performance on the server: speech (and a take to make a part of again) comes up, windows of a take go down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from duologue.errors import invalid
from duologue.service.jobs import PERFORM, Job, Request
from duologue.service.spool import Upload
from duologue.units import FPS
from duologue.wire.framing import Array

FRAME_BYTES: Final = 2 * (3 + 3 * 60 + 2 * 52) * 4 + 4
"""Of a window, a frame, for two performers with our skeleton, raw weights included."""


@dataclass(frozen=True)
class PerformanceRequest(Request):
    """What an OPEN asks for, once it is checked."""

    brief: dict[str, Any]
    remake: dict[str, Any]
    """What of the take that comes with it is made again (``Edit``); empty for a whole performance."""
    rates: tuple[int, ...]
    samples: tuple[int, ...]
    take_bytes: int
    take_sha256: str
    params: str
    """sha256 of all of it: the brief, the speech, the take and what of it is made again."""
    seconds: float

    @property
    def disk(self) -> int:
        """See ``Request``."""
        return sum(self.samples) * 4 + self.take_bytes + int(self.seconds * FPS) * FRAME_BYTES

    def begin(self, key: str, user: str, folder: Path) -> PerformanceJob:
        """See ``Request``."""
        return PerformanceJob(self, key, user, folder)


class PerformanceJob(Job):
    """A performance that a client asked for."""

    kind: ClassVar = PERFORM

    def __init__(self, request: PerformanceRequest, key: str, user: str, folder: Path) -> None:
        super().__init__(request, key, user, folder)
        self._request = request
        self.speech = [
            Upload(folder / name, samples * 4)
            for name, samples in zip(("a.f32", "b.f32"), request.samples, strict=True)
        ]
        self.take = Upload(folder / "take", request.take_bytes) if request.remake else None

    @property
    def uploads(self) -> list[Upload]:
        """See ``Job``."""
        return [*self.speech, self.take] if self.take else self.speech

    def held(self) -> Mapping[str, Any]:
        """See ``Job``."""
        return {
            "received": tuple(upload.received // 4 for upload in self.speech),
            "received_take": self.take.received if self.take else 0,
        }

    def order(self) -> dict[str, Any]:
        """See ``Job``."""
        return {
            "brief": self._request.brief,
            "audio": [str(upload.path) for upload in self.speech],
            "rates": self._request.rates,
            "take": str(self.take.path) if self.take else "",
            "remake": self._request.remake,
        }

    def add_speech(self, performer: int, offset: int, pcm: Array | None) -> None:
        """Add a stretch of speech, from a sample on.

        Raises:
            DuologueError: INVALID_ARGUMENT ``audio-message``; DATA_LOSS ``audio-order``.
        """
        if performer > 1 or pcm is None or pcm.dtype.str != "<f4" or pcm.ndim != 1:
            raise invalid("audio-message", "AUDIO needs a performer (0 or 1) and one track of float32")
        self.add(self.speech[performer], offset * 4, pcm, "audio-order")

    def add_take(self, offset: int, data: Array | None) -> None:
        """Add a stretch of the take's file, from a byte on.

        Raises:
            DuologueError: INVALID_ARGUMENT ``take-message``; DATA_LOSS ``take-order``.
        """
        if self.take is None or data is None or data.dtype.str != "|u1" or data.ndim != 1:
            raise invalid("take-message", "TAKE needs a job with a take, and one row of bytes")
        self.add(self.take, offset, data, "take-order")

    def damaged(self, hashes: tuple[str, ...]) -> str:
        """Close what came up, and name what of it is not as it was sent: ``"audio"``, ``"take"`` or nothing."""
        whole = [upload.is_whole(sha256) for upload, sha256 in zip(self.speech, hashes, strict=False)]
        take_is_whole = self.take is None or self.take.is_whole(self._request.take_sha256)
        if len(hashes) != len(self.speech) or not all(whole):
            return "audio"
        return "" if take_is_whole else "take"
