"""Our networks as backends: a clip's passes become what ``video.pipeline`` goes by, its windows become pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.labels import check
from duologue.passes.pictures import MAKERS
from duologue.passes.sources import PassSource
from duologue.video.backends.padding import cropped, padded
from duologue.video.backends.protocol import Event, Pictures, References, Report, Wish, described, main_pattern
from duologue.video.conditions import Kept, SceneWindow, VideoConditions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from duologue.video.pipeline import VideoPipeline

_SCENE: Final = ("structure", "part", "contact", "relit", "hole")
"""Passes that the scene's modes read, in the order of ``SceneWindow``."""
DROPPED: Final = "dropped"
"""What the paper calls ``base``: structure is dropped."""


class PipelineBackend(ABC):
    """Any network of ours behind ``protocol.Backend``; ``name``: one of ``passes.pictures.MAKERS``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.modes, self.needs = MAKERS[name].modes, MAKERS[name].needs
        self.weights: dict[str, str] = {}
        """What tells the weights apart, by name."""
        self.strengths: dict[str, float] = {}
        """Guidance, by ``config.CONDITIONS``."""
        self.report = Report(name)

    @abstractmethod
    def pipeline(self) -> VideoPipeline:
        """Return the pipeline, loaded at the first call."""

    def text(self, prompt: str) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
        """Return a prompt as the network takes it (S, W), and what guidance leads away from; None for one that takes no text."""
        del prompt
        return None, None

    def steps(self, preset: str) -> int:
        """See ``protocol.Backend``."""
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
        from duologue.video.pipeline import VideoWindow

        mode = check(wish.mode or self.modes[0], self.modes, field="--mode")
        steps = wish.steps or self.steps("draft")
        self.report = Report(self.name, mode, steps, dict(self.weights))
        words = self.text(wish.prompt or described(events))  # before the network takes its memory
        pipeline = self.pipeline()
        whole, wish = padded(passes, wish)
        conditions = self._conditions(pipeline, whole, references, main_pattern(events), wish, words)
        before = None if since is None else VideoWindow(since.start, since.rgb, since.left)
        inner = "base" if mode == DROPPED else mode
        windows = pipeline.stream(conditions, wish.seed, steps, self.strengths, should_stop, inner, before)
        made = (Pictures(window.start, window.pictures, window.left) for window in windows)
        return cropped(made, passes.size)

    def _conditions(  # noqa: PLR0917
        self, pipeline: VideoPipeline, passes: PassSource, references: References, pattern: str, wish: Wish,
        words: tuple[NDArray[np.float32] | None, NDArray[np.float32] | None],
    ) -> VideoConditions:  # fmt: skip
        known = pipeline.model.config.patterns
        if pattern and pattern not in known:
            if known:
                self.report.notes.append(
                    f"the model has not learned {pattern}; it is told none, and goes by the passes alone"
                )
            pattern = ""
        crops = {
            (person, kind): found[kind]
            for person, found in references.items()
            for kind in ("face", "hand")
            if kind in found
        }
        return VideoConditions(
            passes.frames,
            passes.size,
            lambda start, stop: _scene(passes, start, stop),
            first=passes.read("beauty", 0, 1)[0],
            crops=crops,
            pattern=pattern,
            text=words[0],
            unsaid=words[1],
            kept=_kept(passes, wish),
        )


def _scene(passes: PassSource, start: int, stop: int) -> SceneWindow:
    structure, part, contact, relit, hole = (passes.read(name, start, stop) for name in _SCENE)
    return SceneWindow(structure, part, np.ascontiguousarray(contact[..., 0]), relit, hole)


def _kept(passes: PassSource, wish: Wish) -> Callable[[int, int], Kept] | None:
    region = wish.region
    if region is None:
        return None
    return lambda start, stop: Kept(region.previous(start, stop), region.mask(passes, start, stop))
