"""No model: the first picture, carried along the surface, in the light of where it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from duologue.labels import check
from duologue.passes.pictures import MAKERS
from duologue.passes.relit import RelitPictures
from duologue.passes.sources import PassSource
from duologue.video.backends.protocol import Event, Pictures, References, Report, Wish


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
        relit = RelitPictures(passes, first, should_stop)
        for start, made in relit:
            yield Pictures(start, made if wish.region is None else wish.region.put(passes, start, made))
        if relit.told and not should_stop():
            self.report.notes.append(relit.told)
