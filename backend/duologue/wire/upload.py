"""What goes up for a job: both performers' speech, and the take of which a part is made again; in order, as far as is granted.

For the client's IO thread alone. What the server has taken in need not be sent again after a broken connection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.take import Take
from duologue.units import Sound
from duologue.wire import messages
from duologue.wire.job import Send

CHUNK: Final = 128 * 1024
"""Bytes in an AUDIO or TAKE message."""


class Upload:
    """One job's way up."""

    def __init__(self, audio: Sequence[Sound], take: Take | None = None) -> None:
        """Prepare to send the speech of A and of B, and a take."""
        self._rates = tuple(sound.rate for sound in audio)
        self._take = take
        self._parts: list[NDArray[Any]] = [sound.samples for sound in audio]
        self._sha256: tuple[str, ...] = ()
        self._sent = [0, 0, 0]
        """Samples of A and of B, bytes of the take."""
        self._grant = 0
        self._end_sent = False

    def declared(self) -> dict[str, Any]:
        """Return the fields of OPEN that say what will come.

        Here and not in ``__init__`` everything is read once: half an hour takes a second, which a UI does not have.
        """
        if not self._sha256:
            if self._take is not None:
                self._parts.append(np.frombuffer(self._take.to_bytes(), np.uint8))
            self._sha256 = tuple(hashlib.sha256(part.data).hexdigest() for part in self._parts)
        fields: dict[str, Any] = {
            "rates": self._rates,
            "samples": tuple(len(samples) for samples in self._parts[:2]),
            "sha256": self._sha256[:2],
        }
        if self._take is not None:
            fields |= {"take_bytes": len(self._parts[2]), "take_sha256": self._sha256[2]}
        return fields

    def go_on(self, accepted: messages.Accepted) -> None:
        """Go on after what the server holds."""
        self._grant = accepted.grant
        self._sent = [*accepted.received[:2], accepted.received_take]
        self._end_sent = accepted.state != "uploading"

    def grant(self, size: int) -> None:
        """Note how many bytes may have been sent in all."""
        self._grant = max(self._grant, size)

    def pump(self, job: str, send: Send) -> None:
        """Send what may be sent now."""
        for index, part in enumerate(self._parts):
            step = CHUNK // part.itemsize
            while self._sent[index] < len(part):
                offset = self._sent[index]
                chunk = part[offset : offset + step]
                under_way = sum(sent * one.itemsize for sent, one in zip(self._sent, self._parts, strict=False))
                if under_way + chunk.nbytes > self._grant:
                    return
                if index < 2:
                    gone = send(messages.Audio(job, index, offset), {"pcm": chunk})
                else:
                    gone = send(messages.TakeMessage(job, offset), {"data": chunk})
                if not gone:
                    return
                self._sent[index] += len(chunk)
        if not self._end_sent:
            self._end_sent = send(messages.AudioEnd(job, self._sha256[:2]), {})
