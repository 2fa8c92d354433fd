"""No model: the first picture, carried along the surface, in the light of where it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from duologue.labels import check
from duologue.passes.pictures import MAKERS
from duologue.passes.sources import PassSource
from duologue.video.backends.protocol import Event, Pictures, References, Report, Wish

_AT_ONCE: Final = 8
"""Frames that are handed out together."""


class CarriedBackend:
    """See ``protocol.Backend``. It is the pass ``relit``, a few frames at a time: at once, anywhere."""

    name = "carried"
    modes, needs = MAKERS[name].modes, MAKERS[name].needs

    def __init__(self) -> None:
        self.weights: dict[str, str] = {}
        self.report = Report(self.name)

    def steps(self, preset: str) -> int:
        """See ``protocol.Backend``: there is no diffusion."""
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
        """See ``protocol.Backend``."""
        del references, events
        self.report = Report(self.name, check(wish.mode or self.modes[0], self.modes, field="--mode"))
        first = 0 if since is None else since.stop
        return self._made(passes, wish, should_stop, first)

    def _made(self, passes: PassSource, wish: Wish, should_stop: Callable[[], bool], first: int) -> Iterator[Pictures]:
        holes = seen = 0
        for start in range(first, passes.frames, _AT_ONCE):
            if should_stop():
                return
            stop = min(start + _AT_ONCE, passes.frames)
            made = passes.read("relit", start, stop)
            people = passes.read("part", start, stop) > 0
            seen, holes = seen + int(people.sum()), holes + int((passes.read("hole", start, stop) > 0)[people].sum())
            yield Pictures(start, made if wish.region is None else wish.region.put(passes, start, made))
        if seen:
            share = f"{100 * holes / seen:.0f} %"
            self.report.notes.append(
                f"{share} of the people was not in the first picture and has the rig's own colours, in its light"
            )
