"""Pictures of a clip as the client sees them: passes going up, pictures coming down while they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Final

from duologue.errors import DuologueError
from duologue.passes.pictures import Event, References, RenderSettings
from duologue.take import Notice, Progress
from duologue.wire import clip, messages
from duologue.wire.framing import Array, Packet
from duologue.wire.job import Finished, Job, Send, WindowOf, window_missing
from duologue.wire.messages import Message
from duologue.wire.pass_upload import PassUpload
from duologue.wire.pictures import Joining, Left, PictureWindow, most_at_once
from duologue.wire.render_messages import GO_ON, INTERACT, LeftMessage, PicturesMessage, Render

WINDOWS: Final = 2
"""Of pictures that wait unread in a client."""
_HEADER: Final = 4096
"""Bytes of a window beside its pixels, at most."""

RenderEvent = Progress | PictureWindow | Left | Notice | Finished | DuologueError


class RenderJob(Job["PictureWindow | Left"]):
    """Pictures under way; ``Client.submit_render`` makes it. Two windows of them wait unread at most."""

    keeps_what_was_made: ClassVar = True

    def __init__(
        self,
        source: clip.Source,
        settings: RenderSettings,
        told: tuple[References, Sequence[Event]],
        wake: Callable[[], None],
        *,
        keep: bool = False,
        key: str | None = None,
    ) -> None:
        """Raises what ``Client.submit_render`` does."""
        passes, since = source.passes, source.since
        clip.check_settings(settings)
        clip.check_clip(passes.frames, passes.size)
        clip.check_source(source, settings)
        self._references = clip.reference_arrays(told[0])
        self._settings, self._touches, self._keep = settings, told[1], keep
        width, height = passes.size
        super().__init__(WINDOWS * (3 * width * height * most_at_once(passes.size) + _HEADER), wake, key)
        first = since.start if since else 0
        self._clip: Mapping[str, Any] = {
            "size": passes.size,
            "frames": passes.frames,
            "fps": float(passes.fps),
            "depth_range": tuple(float(metres) for metres in passes.depth_range),
            "start": first,
            "left_bytes": source.shapes.left,
        }
        self._names = clip.names_of(settings, left=since is not None)
        self._upload = PassUpload(source, self._names, wake)
        self._coming = Joining(passes.size, first)

    def refused_by(self, welcome: messages.Welcome) -> DuologueError | None:
        """See ``Job``."""
        on = self._keep or self._clip["start"]
        return refusal(welcome, self._settings.backend) or (no_going_on() if on and not goes_on(welcome) else None)

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
            keep=self._keep,
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
            self._inbox.put(Progress("upload", now, self._upload.total))

    def read(self, message: WindowOf, packet: Packet) -> PictureWindow | Left | None:
        """See ``Job``."""
        if isinstance(message, PicturesMessage):
            return self._coming.add(message, packet.arrays)
        if isinstance(message, LeftMessage):
            return self._coming.add_left(message, packet.arrays)
        raise window_missing()

    def digest(self) -> str:
        """See ``Job``."""
        return self._coming.hexdigest()

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


def goes_on(welcome: messages.Welcome) -> bool:
    """Return whether a server goes on with pictures where they were stopped."""
    return GO_ON in welcome.capabilities


def no_going_on() -> DuologueError:
    """Return the error of a server that begins at the first frame whatever is there."""
    text = "the server is too old to go on with pictures where they were stopped; update it, or make them anew"
    return DuologueError("UNIMPLEMENTED", "interact-unsupported", text)
