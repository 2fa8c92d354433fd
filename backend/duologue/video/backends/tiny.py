"""Our own network, from a checkpoint that was imported or trained here: a preview in the look of our renders, on a CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from duologue.checkpoints.config import read_config
from duologue.checkpoints.store import MODEL as WEIGHTS
from duologue.checkpoints.store import open_checkpoint
from duologue.errors import DuologueError
from duologue.video.backends.headers import refuse_pickles
from duologue.video.backends.memory import Need, choose
from duologue.video.backends.pipeline import PipelineBackend
from duologue.video.config import MODEL, VideoConfig
from duologue.video.latents import FRAMES, SIDE
from duologue.video.pipeline import VideoPipeline
from duologue.video.tokens import PATCH

_COPIES: Final = 6
"""Of a window's pictures that are in memory at once, at most."""


class TinyBackend(PipelineBackend):
    """Our own small network.

    Raises:
        DuologueError: NOT_FOUND ``weights-missing`` where there is no checkpoint, saying how to come by one; PERMISSION_DENIED
            ``weights-unsafe`` for a pickle; FAILED_PRECONDITION ``memory-short``; what ``VideoPipeline.load`` raises.
    """

    def __init__(self, weights: Path | None = None, device: str = "cpu", size: tuple[int, int] = (128, 128)) -> None:
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
