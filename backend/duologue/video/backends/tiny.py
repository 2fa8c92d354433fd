"""Our own network, from a checkpoint that was imported or trained here: a preview in the look of our renders, on a CPU."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from duologue.checkpoints.config import read_config
from duologue.checkpoints.store import MODEL as WEIGHTS
from duologue.checkpoints.store import open_checkpoint
from duologue.errors import DuologueError
from duologue.labels import check
from duologue.passes.pictures import MAKERS
from duologue.passes.sources import PassSource
from duologue.video.backends.headers import refuse_pickles
from duologue.video.backends.memory import Need, choose
from duologue.video.backends.protocol import Event, Pictures, References, Report, Wish, described, main_pattern
from duologue.video.conditions import Kept, SceneWindow, VideoConditions
from duologue.video.config import MODEL, VideoConfig
from duologue.video.latents import FRAMES, SIDE
from duologue.video.tokens import PATCH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from duologue.video.pipeline import VideoPipeline

_SCENE: Final = ("structure", "part", "contact", "carried", "hole")
"""Passes that the scene's modes read, in the order of ``SceneWindow``."""
_COPIES: Final = 6
"""Of a window's pictures that are in memory at once, at most."""
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
        conditions = self._conditions(pipeline, passes, references, main_pattern(events), wish, words)
        before = None if since is None else VideoWindow(since.start, since.rgb, since.left)
        inner = "base" if mode == DROPPED else mode
        windows = pipeline.stream(conditions, wish.seed, steps, self.strengths, should_stop, inner, before)
        return self._made(windows)

    @staticmethod
    def _made(windows: Iterator[Any]) -> Iterator[Pictures]:
        for window in windows:
            yield Pictures(window.start, window.pictures, window.left)

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


class TinyBackend(PipelineBackend):
    """Our own small network.

    Raises:
        DuologueError: NOT_FOUND ``weights-missing`` where there is no checkpoint, saying how to come by one; PERMISSION_DENIED
            ``weights-unsafe`` for a pickle; FAILED_PRECONDITION ``memory-short``; what ``VideoPipeline.load`` raises.
    """

    def __init__(self, weights: Path | None = None, device: str = "cpu", size: tuple[int, int] = (128, 128)) -> None:
        from duologue.video.pipeline import VideoPipeline

        if weights is not None:
            refuse_pickles(weights)
        try:
            checkpoint = open_checkpoint("video" if weights is None else weights)
        except DuologueError as error:
            if error.reason != "checkpoint-missing":
                raise
            where = "there is no checkpoint named video here" if weights is None else f"{weights} is no checkpoint"
            raise DuologueError(
                "NOT_FOUND",
                "weights-missing",
                f"{where}; train one (`duologue train video --clips CLIPS`), bring one in (`duologue models import FOLDER`), or "
                "take --backend carried, which needs none",
                field="--backend" if weights is None else "--weights",
            ) from error
        super().__init__("tiny")
        config = read_config(checkpoint.require(MODEL), VideoConfig)
        weights_take = 2 * (checkpoint.folder / WEIGHTS).stat().st_size  # 16 bits on disk
        choose(Need({"network": weights_take}, 0, _work(config, size)), device, tiers=("whole",))
        self._pipeline = VideoPipeline.load(checkpoint, device)
        self.weights = {checkpoint.name: checkpoint.sha256}

    def pipeline(self) -> VideoPipeline:
        """See ``PipelineBackend``."""
        return self._pipeline


def _work(config: VideoConfig, size: tuple[int, int]) -> int:
    """Return the bytes that a window of pictures of ``size`` is made in, in 32 bits: both streams' tokens, the pictures, and what
    is known of them."""
    pixels, frames = size[0] * size[1], FRAMES * (config.window - 1) + 1
    tokens = 2 * config.window * pixels // (SIDE * PATCH) ** 2
    return 4 * (tokens * (18 * config.width + 2 * config.feedforward) + _COPIES * 3 * frames * pixels)


def _scene(passes: PassSource, start: int, stop: int) -> SceneWindow:
    structure, part, contact, carried, hole = (passes.read(name, start, stop) for name in _SCENE)
    return SceneWindow(structure, part, np.ascontiguousarray(contact[..., 0]), carried, hole)


def _kept(passes: PassSource, wish: Wish) -> Callable[[int, int], Kept] | None:
    region = wish.region
    if region is None:
        return None
    return lambda start, stop: Kept(region.previous(start, stop), region.mask(passes, start, stop))
