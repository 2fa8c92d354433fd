"""Training an adapter on Wan: the trainer and the loss of our own model, what happens in words, and Wan's weights as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from duologue.datasets.corpus.video import PATTERNS, Clip, VideoCorpus
from duologue.training.loop import recipe_of, train
from duologue.video.backends.protocol import Event, described
from duologue.video.backends.wan_adapter import Trained, save_adapter
from duologue.video.backends.wan_denoiser import WanModel
from duologue.video.training import VideoTrainer
from duologue.video.training_data import Latents
from duologue.video.training_settings import VideoTraining

if TYPE_CHECKING:
    from numpy.typing import NDArray


def said_of(clip: Clip) -> str:
    """Return what happens in a clip as a text encoder is told in performing."""
    if clip.about["pattern"] == PATTERNS[0]:
        return described(())
    touched = "A" if clip.about.get("target") == "own" else "B"
    return described((Event(clip.about["pattern"], "A", touched, 0.0, 1.0),))


def prompts_of(corpus: VideoCorpus, numbers: Sequence[int]) -> list[str]:
    """Return what happens in each of some clips."""
    return [said_of(corpus.load(number, ())) for number in numbers]


@dataclass(frozen=True)
class WordedLatents(Latents):
    """Encoded clips, and what is said of each: ``texts`` (P, S, W) of a text encoder, ``which`` of them is a clip's (N,)."""

    texts: NDArray[np.float32]
    which: NDArray[np.int64]

    def rows(self, which: NDArray[np.int64]) -> dict[str, Tensor]:
        """See ``Latents``; ``text`` (B, S, W) beside the rest."""
        return {**super().rows(which), "text": torch.from_numpy(self.texts[self.which[which]])}


class AdapterTrainer(VideoTrainer):
    """``VideoTrainer`` for an adapted network: what is trained and stored is the adapter alone."""

    def __init__(self, model: Any, clips: Latents, settings: VideoTraining, trained: Trained) -> None:
        super().__init__(model, clips, settings)
        self._trained = trained

    @property
    def module(self) -> Trained:  # pyright: ignore[reportIncompatibleMethodOverride]  what is trained is a part of the denoiser
        """The adapter."""
        return self._trained

    @property
    def clipped(self) -> tuple[Trained]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """All of it."""
        return (self._trained,)


def train_on_wan(  # noqa: PLR0917
    model: WanModel, trained: Trained, clips: Latents, out: Path, settings: VideoTraining, report: Any = lambda _: None
) -> None:
    """Train; ``out/adapter`` is written at every save with the moving average. The same call resumes from what ``out`` holds.

    Raises:
        DuologueError: what ``training.loop.train`` raises.
    """
    recipe: Mapping[str, Any] = {"rank": trained.rank, **recipe_of(settings)}

    def save(adapter: Trained, step: int) -> None:
        save_adapter(adapter, model.config, out / "adapter", "adapter", {**recipe, "step": step, "clips": len(clips)})

    trainer = AdapterTrainer(model, clips, settings, trained)
    train(trainer, settings.optimisation, out, recipe=recipe, saved=save, report=report)
