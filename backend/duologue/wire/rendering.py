"""Pictures of a clip as the client sees them: passes going up, pictures coming down while they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Final

from duologue.errors import DuologueError
from duologue.passes.pictures import Event, References, RenderSettings
from duologue.passes.sources import PassSource
from duologue.take import Notice, Progress
from duologue.wire import clip, messages
from duologue.wire.framing import Array, Packet
from duologue.wire.job import Finished, Job, Send, WindowOf, window_missing
from duologue.wire.messages import Message
from duologue.wire.pass_upload import PassUpload
from duologue.wire.pictures import PictureDigest, PictureWindow, from_arrays, most_at_once
from duologue.wire.render_messages import INTERACT, PicturesMessage, Render

WINDOWS: Final = 2
"""Of pictures that wait unread in a client."""
_HEADER: Final = 4096
"""Bytes of a window beside its pixels, at most."""

RenderEvent = Progress | PictureWindow | Notice | Finished | DuologueError


class RenderJob(Job[PictureWindow]):
    """Pictures under way; ``Client.submit_render`` makes it. Two windows of them wait unread at most."""

    keeps_what_was_made: ClassVar = True

    def __init__(  # noqa: PLR0917
        self,
        passes: PassSource,
        settings: RenderSettings,
        told: tuple[References, Sequence[Event]],
        wake: Callable[[], None],
        previous: clip.Previous | None = None,
        key: str | None = None,
    ) -> None:
        """Raises what ``Client.submit_render`` does."""
        clip.check_settings(settings)
        clip.check_clip(passes.frames, passes.size)
        clip.check_source(passes, settings, previous)
        self._references = clip.reference_arrays(told[0])
        self._settings, self._touches = settings, told[1]
        width, height = self._size = passes.size
        super().__init__(WINDOWS * (3 * width * height * most_at_once(passes.size) + _HEADER), wake, key)
        self._clip: Mapping[str, Any] = {
            "size": passes.size,
            "frames": passes.frames,
            "fps": float(passes.fps),
            "depth_range": tuple(float(metres) for metres in passes.depth_range),
        }
        self._names = clip.names_of(settings)
        self._upload = PassUpload(passes, self._names, previous, wake)
        self._next = ("", 0)
        """The label and the first frame of the window that comes next."""
        self._digest = PictureDigest()

    def refused_by(self, welcome: messages.Welcome) -> DuologueError | None:
        """See ``Job``."""
        return refusal(welcome, self._settings.backend)

    def opening(self, next_seq: int, credit: int) -> tuple[Message, dict[str, Array]] | None:
        """See ``Job``."""
        digests = self._upload.digests()
        if digests is None:
            return None
        message = Render(
            self.key,
            **self._clip,
            **asdict(self._settings),
            passes=self._names,
            sha256=digests,
            events=tuple(asdict(touch) for touch in self._touches),
            next_seq=next_seq,
            credit=credit,
        )
        return message, {**self._references}

    def go_on(self, accepted: messages.Accepted) -> None:
        """See ``Job``."""
        self._upload.go_on(accepted)

    def grant(self, size: int) -> None:
        """See ``Job``."""
        self._upload.grant(size)

    def send_up(self, send: Send) -> None:
        """See ``Job``."""
        before = self._upload.under_way
        self._upload.pump(self.id, send)
        if (now := self._upload.under_way) > before:
            self._queue(Progress("upload", now, self._upload.total))

    def read(self, message: WindowOf, packet: Packet) -> PictureWindow:
        """See ``Job``."""
        if not isinstance(message, PicturesMessage):
            raise window_missing()
        label, start = self._next
        if message.start != (start if message.label == label else 0):
            raise window_missing()
        window = from_arrays(message, packet.arrays, self._size)
        self._digest.add(window.label, window.start, window.rgb)
        self._next = (window.label, window.stop)
        return window

    def digest(self) -> str:
        """See ``Job``."""
        return self._digest.hexdigest()

    def _finish(self, event: Finished | DuologueError) -> None:
        self._upload.give_up()
        super()._finish(event)


def refusal(welcome: messages.Welcome, backend: str) -> DuologueError | None:
    """Return why a server can't make pictures by a backend: UNIMPLEMENTED ``interact-unsupported``, ``weights-missing``."""
    if INTERACT in welcome.capabilities:
        return None if backend in welcome.backends else clip.no_weights(backend)
    text = (
        f"the server (Duologue {welcome.version}) makes no pictures of passes; it takes 0.2.0 or newer: update it, or make "
        "them on this machine"
    )
    return DuologueError("UNIMPLEMENTED", "interact-unsupported", text)
