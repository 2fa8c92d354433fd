"""A server's way to make pictures, as one of this machine's: passes go up, pictures come down as they are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from duologue.errors import DuologueError
from duologue.labels import check
from duologue.passes.pictures import MAKERS, Event, References, RenderSettings
from duologue.passes.sources import PassSource
from duologue.take import Notice
from duologue.video.backends import Pictures, Report, Wish
from duologue.wire.client import Client, Finished, Left, PictureWindow, RenderJob
from duologue.wire.rendering import goes_on, refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MADE: Final = "made"
_LEFT: Final = "left"
_LOOK: Final = 0.2
"""Seconds between two looks at whether it is to stop."""


class ServedBackend:
    """See ``video.backends.Backend``.

    Pictures come a whole chunk at a time, with what the server left for those after it: a run that was stopped or killed goes on
    there, on that server or another one. One too old for that makes all of them anew; then only what is missing is kept.
    """

    def __init__(self, client: Client, name: str) -> None:
        """Raises ``unknown-label``, and what ``wire.rendering.refusal`` returns where the server can't."""
        self.name = check(name, tuple(MAKERS), field="--backend")
        self.modes, self.needs = MAKERS[name].modes, MAKERS[name].needs
        self.weights: dict[str, str] = {}
        """Known with the first pictures: the report has them."""
        self.report = Report(name)
        self._client = client
        self._goes_on = client.server is not None and goes_on(client.server)
        if client.server is not None and (error := refusal(client.server, name)) is not None:
            raise error

    def steps(self, preset: str) -> int:
        """See ``Backend``."""
        return MAKERS[self.name].steps_of(preset)

    def generate(
        self,
        passes: PassSource,
        references: References,
        events: Sequence[Event],
        wish: Wish,
        should_stop: Callable[[], bool] = lambda: False,
        *,
        since: Pictures | None = None,
    ) -> Iterator[Pictures]:
        """See ``Backend``. Raises what the server raises, and FAILED_PRECONDITION ``pictures-there`` for weights that changed."""
        region = wish.region
        settings = RenderSettings(
            self.name, wish.mode, ("final",), wish.steps, wish.seed, wish.prompt, region.name if region else ""
        )
        self.report = Report(self.name, wish.mode or self.modes[0], wish.steps)
        job = self._client.submit_render(
            passes,
            settings,
            references=references,
            events=events,
            previous=region.previous if region else None,
            since=_left(since) if self._goes_on else None,
            keep=self._goes_on,
        )
        done = 0 if since is None else since.stop
        before = None if since is None else since.left.get(_MADE)
        chunks = self._chunks(self._events(job, should_stop), before)
        return (_after(chunk, done) for chunk in chunks if chunk.stop > done)

    def _events(self, job: RenderJob, should_stop: Callable[[], bool]) -> Iterator[PictureWindow | Left]:
        """Yield what comes; what else is told goes into the report."""
        try:
            while True:
                if should_stop():
                    job.cancel()
                event = job.next_event(_LOOK)
                if isinstance(event, DuologueError):
                    raise event
                if isinstance(event, Finished):
                    return
                if isinstance(event, Notice):
                    self.report.notes.append(event.message)
                elif isinstance(event, PictureWindow | Left):
                    yield event
        finally:
            job.abandon(2.0)

    def _chunks(self, events: Iterator[PictureWindow | Left], before: NDArray[Any] | None) -> Iterator[Pictures]:
        """Yield pictures with what those after them go on from; each window by itself where the server leaves nothing."""
        waiting: list[PictureWindow] = []
        made = np.zeros(0, np.uint8)
        for event in events:
            if isinstance(event, PictureWindow):
                made = self._note(event.made, before)
                waiting.append(event)
                if self._goes_on:
                    continue
            left = {_MADE: made}
            if isinstance(event, Left) and event.data:
                left[_LEFT] = np.frombuffer(event.data, np.uint8)
            yield Pictures(waiting[0].start, np.concatenate([window.rgb for window in waiting]), left)
            waiting = []

    def _note(self, made: Mapping[str, Any], before: NDArray[Any] | None) -> NDArray[np.uint8]:
        """Note by what pictures were made, and that it is what those before were made by."""
        self.report.weights = dict(made.get("weights", {}))
        told = np.frombuffer(json.dumps(made, sort_keys=True).encode(), np.uint8)
        if before is not None and not np.array_equal(before, told):
            raise DuologueError(
                "FAILED_PRECONDITION",
                "pictures-there",
                "the pictures that are there were made by other weights than the server has now; --replace them",
                field="--server",
            )
        return told


def _left(since: Pictures | None) -> Left | None:
    """Return what a server left for the pictures that come now, if one did."""
    data = None if since is None else since.left.get(_LEFT)
    return None if since is None or data is None else Left("final", since.stop, data.tobytes())


def _after(chunk: Pictures, done: int) -> Pictures:
    """Return what of a chunk is not there already."""
    return Pictures(max(chunk.start, done), chunk.rgb[max(0, done - chunk.start) :], chunk.left)
