# SPDX-License-Identifier: GPL-3.0-or-later
"""Who makes the pictures: Blender's own Python, for those that are carried along the surface, or the server, for all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from duologue.errors import DuologueError
from duologue.passes.relit import RelitPictures
from duologue.take import Notice, Progress
from duologue.wire.client import Client
from duologue.wire.job import Finished
from duologue.wire.pictures import Left, PictureWindow
from duologue.wire.rendering import goes_on

from .folder import CARRIED
from .making import Generate, Work

_WAIT: Final = 0.2
"""Seconds between two looks at whether it should stop."""
_PATIENCE: Final = 2.0
"""Seconds that a server is given to end what is not wanted."""


def carried(work: Work) -> Iterator[PictureWindow]:
    """Yield the pass ``relit``: the first picture's colours, carried along in its light, without any model."""
    passes, label = work.passes, work.settings.presets[-1]
    made = {"backend": CARRIED, "mode": CARRIED, "steps": 0, "weights": {}}
    relit = RelitPictures(passes, work.first, work.should_stop)
    for start, pictures in relit:
        yield PictureWindow(start, pictures, label, made)
        work.tell(Progress(label, start + len(pictures), passes.frames))
    if relit.told and not work.should_stop():
        work.tell(Notice("pictures", relit.told))


def served(client: Client) -> Generate:
    """Return who has a server make them, after what it left before a stop; all of them again where it is too old for that."""

    def make(work: Work) -> Iterator[PictureWindow | Left]:
        on = client.server is not None and goes_on(client.server)
        job = client.submit_render(
            work.passes,
            work.settings,
            references=work.passes.references,
            events=work.events,
            previous=work.previous,
            since=work.since if on else None,
            keep=on,
        )
        while True:
            if work.should_stop():
                job.cancel()
            event = job.next_event(_WAIT)
            if isinstance(event, DuologueError):
                raise event
            if isinstance(event, Finished):
                return
            if isinstance(event, PictureWindow) and on and work.since is not None and event.made != work.made:
                job.abandon(_PATIENCE)
                raise _other_weights()
            if isinstance(event, PictureWindow | Left):
                yield event
            elif event is not None:
                work.tell(event)

    return make


def _other_weights() -> DuologueError:
    what = "the pictures that are there were made by other weights than the server has now; tick Replace Video and make it anew"
    return DuologueError("FAILED_PRECONDITION", "pictures-there", what)


def check_offered(client: Client, backend: str) -> None:
    """Check that a server makes pictures this way, before any work begins.

    Raises:
        DuologueError: UNIMPLEMENTED ``interact-unsupported``; NOT_FOUND ``weights-missing``.
    """
    offered = client.server.backends if client.server is not None else ()
    if not offered:
        what = "this server makes no pictures: it is too old; update Duologue there, or choose Carried, which needs no server"
        raise DuologueError("UNIMPLEMENTED", "interact-unsupported", what)
    if backend not in offered:
        what = (
            f"this server has no weights for {backend}; it has: {', '.join(offered)}. Start it with "
            f"`duologue serve --weights {backend}=FOLDER`, or choose Carried, which needs no server"
        )
        raise DuologueError("NOT_FOUND", "weights-missing", what)
