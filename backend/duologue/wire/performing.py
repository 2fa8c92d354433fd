"""A performance as the client sees it: speech goes up (and a take to make a part of again), the windows of a take come down."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duologue import arkit
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.take import Notice, Progress, Take, Window
from duologue.take.edit import Edit, check_take
from duologue.units import Sound
from duologue.wire import messages, windows
from duologue.wire.framing import Array, Packet
from duologue.wire.job import Finished, Job, Send, WindowOf, window_missing
from duologue.wire.messages import Message
from duologue.wire.upload import Upload

Event = Progress | Window | Notice | Finished | DuologueError


class PerformanceJob(Job[Window]):
    """A performance under way; ``Client.submit`` makes it."""

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
        super().__init__(credit, wake, key)
        take, part = remake or (None, None)
        self._upload = Upload(audio, take)
        self._remake: dict[str, Any] = part.to_json() if part else {}
        if take is not None and part is not None:
            check_take(take, max(sound.frames for sound in audio))
            part.frames(take)
        self._brief = json.dumps(brief.to_json(), allow_nan=False).encode()
        self._next_frame = 0
        self._digest = windows.StreamDigest()
        self._shapes: Sequence[str] = arkit.NAMES

    def refused_by(self, welcome: messages.Welcome) -> DuologueError | None:
        """See ``Job``."""
        self._shapes = welcome.performance.get("arkit_names") or arkit.NAMES
        return _no_remake(welcome.version) if self._remake and messages.REMAKE not in welcome.capabilities else None

    def opening(self, next_seq: int, credit: int) -> tuple[Message, dict[str, Array]]:
        """See ``Job``."""
        declared = self._upload.declared()
        message = messages.Open(key=self.key, **declared, next_seq=next_seq, credit=credit, remake=self._remake)
        return message, {"brief": np.frombuffer(self._brief, np.uint8)}

    def go_on(self, accepted: messages.Accepted) -> None:
        """See ``Job``."""
        self._upload.go_on(accepted)

    def grant(self, size: int) -> None:
        """See ``Job``."""
        self._upload.grant(size)

    def send_up(self, send: Send) -> None:
        """See ``Job``."""
        self._upload.pump(self.id, send)

    def read(self, message: WindowOf, packet: Packet) -> Window:
        """See ``Job``."""
        if message.start != self._next_frame or not isinstance(message, messages.WindowMessage):
            raise window_missing()
        window = windows.from_arrays(message.start, message.frames, packet.arrays, self._shapes)
        self._digest.add(message.start, message.frames, packet.arrays)
        self._next_frame = message.start + message.frames
        return window

    def digest(self) -> str:
        """See ``Job``."""
        return self._digest.hexdigest()


def _no_remake(version: str) -> DuologueError:
    return DuologueError(
        "UNIMPLEMENTED",
        "remake-unsupported",
        f"the server (Duologue {version}) can't make a part of a take again: it is an older one, or performs something of its "
        "own; update it, or perform the whole take",
    )
