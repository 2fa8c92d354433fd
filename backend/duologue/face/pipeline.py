"""From two voices to two faces, window by window: what a performance calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.diffusion.crossfade import OVERLAP, cross_fade, windows
from duologue.diffusion.pipeline import Pipeline, StoppedError
from duologue.diffusion.samplers import DpmSolver2M, Sampler
from duologue.face.checkpoint import Denoiser, FaceModel
from duologue.face.conditions import FaceConditions
from duologue.face.sampling import FaceWindow, Settings, TakeSampler
from duologue.facial.expression import Expression, ExpressionLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray


STEPS: Final = 4
"""Of the diffusion where nobody asks for another number: closures and the lips' error don't change with more (face/CARD.md)."""


class FacePipeline(Pipeline[FaceConditions, FaceWindow]):
    """A face checkpoint, ready to perform: ``load`` one, then ``stream`` as many takes as wanted."""

    def __init__(self, model: FaceModel, device: str | torch.device = "cpu", sampler: Sampler | None = None) -> None:
        self.model = model.to(device).eval().requires_grad_(False)
        self.sampler = sampler or DpmSolver2M()

    @classmethod
    def load(
        cls,
        checkpoint: str | Path | Checkpoint = "face",
        device: str | torch.device = "cpu",
        *,
        encoder: Path | None = None,
        denoiser: Denoiser | None = None,
    ) -> FacePipeline:
        """Load a checkpoint by name or folder; ``encoder`` and ``denoiser`` as for ``FaceModel.load``.

        Raises:
            DuologueError: what ``open_checkpoint`` and ``FaceModel.load`` raise.
        """
        return cls(FaceModel.load(open_checkpoint(checkpoint), encoder, denoiser), device)

    def stream(  # noqa: PLR0917
        self,
        conditions: FaceConditions,
        seed: int = 0,
        steps: int = STEPS,
        strengths: Mapping[str, float] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        expression: Expression | Sequence[Expression] | None = None,
    ) -> Iterator[FaceWindow]:
        """Yield both faces in consecutive windows that do not overlap; together they are ``conditions.frames`` long.

        Args:
            conditions: see ``FaceConditions``.
            seed: the same seed, conditions and device give the same weights bit for bit.
            steps: network calls a window; 1 to 50.
            strengths: guidance by condition (``config.CONDITIONS``); 1 or absent is as ``config.GUIDANCE`` says, 0 ignores it.
            should_stop: polled at every network call; the stream ends early when it says so.
            expression: the deterministic layer on top, one for both or one for each.

        Raises:
            DuologueError: INVALID_ARGUMENT ``steps``, ``strength``, ``style-unknown``.
        """
        layer = ExpressionLayer(conditions.samples_16k, conditions.frames, seed, expression, conditions.phones)
        bare = (window.weights for window in self.bare(conditions, seed, steps, strengths, should_stop))
        start = 0
        for weights in layer.spoken(bare):
            stop = start + weights.shape[1]
            raw = layer.unclamped(start, weights, np.asarray(conditions.facing(start, stop), bool))
            yield FaceWindow(start, raw.clip(0.0, 1.0), raw if layer.keeps_raw else None)
            start = stop

    def bare(
        self,
        conditions: FaceConditions,
        seed: int = 0,
        steps: int = STEPS,
        strengths: Mapping[str, float] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[FaceWindow]:
        """Yield what ``stream`` does as the model made it, not cut to [0, 1], for who puts ``ExpressionLayer`` on themselves."""
        take = TakeSampler(self.model, conditions, self.sampler, Settings(seed, steps, strengths or {}, should_stop))
        tail: NDArray[np.float32] | None = None
        for start, stop in windows(conditions.frames):
            try:
                weights = take.window(start, stop)
            except StoppedError:
                return
            if tail is not None:
                weights[:, : tail.shape[1]] = cross_fade(tail, weights[:, : tail.shape[1]])
            end = stop if stop == conditions.frames else stop - OVERLAP
            tail = weights[:, end - start :]
            yield FaceWindow(start, weights[:, : end - start])
