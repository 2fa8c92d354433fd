"""Training of the FaceFormer baseline on the conversations and through the frozen encoder that our own face learns from.

FaceFormer trains on what it generated itself, not on the truth (section 3.3 of the paper), so that its errors at inference are
those it has learned to live with. Here a rollout without gradients generates the past and one parallel pass learns from it: the
same inputs as the published training, less the gradient through the past, at a fiftieth of its time. Before that it learns
from true pasts for a while, which the first steps of a rollout can't give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from duologue.checkpoints.store import Checkpoint, write_checkpoint
from duologue.datasets.corpus.face import Dialogue
from duologue.evaluation.baselines.faceformer import MODEL, FaceFormer, FaceFormerConfig, FaceFormerPipeline
from duologue.face.training import Encoded, encode, weights_scale
from duologue.speech.encoder import SpeechEncoder
from duologue.training.loop import Losses, Optimisation, recipe_of, train

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FaceFormerTraining:
    """How the baseline is trained. The loss is the paper's: the mean squared error, of standardised weights."""

    network: FaceFormerConfig = field(default_factory=FaceFormerConfig)
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(steps=2400, learning_rate=5e-4, batch=12, save_every=600)
    )
    frames: int = 150
    teacher_forced: float = 0.4
    """Share of the steps, the first ones, that learn from true pasts; the others from the model's own."""
    floor: float = 0.02
    """As for our face: the smallest standard deviation a shape is divided by."""


@dataclass(frozen=True)
class Batch:
    """What a step learns from: B performers over T frames."""

    weights: Tensor
    """(B, T, 52)"""
    speech: Tensor
    """(B, T, D)"""
    style: Tensor
    """(B,)"""
    own_past: bool
    """Learn from what the network generated itself, not from the truth."""


@dataclass(frozen=True)
class FaceFormerTrainer:
    """The baseline, and what it learns from."""

    module: FaceFormer
    dialogues: Sequence[Encoded]
    settings: FaceFormerTraining
    mean: Tensor
    std: Tensor

    @property
    def clipped(self) -> tuple[FaceFormer]:
        """All of it."""
        return (self.module,)

    def batch(self, rng: np.random.Generator, step: int) -> Batch:
        """Draw performers; the first steps are teacher-forced."""
        settings = self.settings
        drawn = rng.integers(len(self.dialogues), size=settings.optimisation.batch)
        chosen = [self.dialogues[index] for index in drawn]
        length = min(settings.frames, *(item.dialogue.weights.shape[1] for item in chosen))
        examples = [self._example(item, length, rng) for item in chosen]
        weights, speech, style = (torch.from_numpy(np.stack(column)) for column in zip(*examples, strict=True))
        teacher_until = round(settings.teacher_forced * settings.optimisation.steps)
        return Batch(weights, speech, style, own_past=step >= teacher_until)

    def losses(self, batch: Batch) -> Losses:
        """Return the squared error of every frame, given those before it."""
        true = (batch.weights - self.mean) / self.std
        past = self.module.generate(batch.speech, batch.style) if batch.own_past else true
        error = nn.functional.mse_loss(self.module(past[:, :-1], batch.speech, batch.style), true)
        return Losses({"error": error}, {"own_past": float(batch.own_past)})

    @staticmethod
    def _example(item: Encoded, length: int, rng: np.random.Generator) -> tuple[NDArray[np.generic], ...]:
        """Return weights (T, 52), own speech (T, D) and style of a random performer at a random moment."""
        dialogue = item.dialogue
        me = int(rng.choice(dialogue.performers))
        start = int(rng.integers(dialogue.weights.shape[1] - length + 1))
        at = slice(start, start + length)
        return dialogue.weights[me, at], item.features[me, at].astype(np.float32), dialogue.style[me]


def train_faceformer(
    encoder: SpeechEncoder,
    dialogues: Sequence[Dialogue],
    out: Path,
    settings: FaceFormerTraining | None = None,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Train the baseline and write ``out/faceformer``, a checkpoint with this encoder in it; resumes from what ``out`` holds."""
    settings = settings or FaceFormerTraining()
    torch.manual_seed(settings.optimisation.seed)
    network = FaceFormer(settings.network)
    mean, std = weights_scale(dialogues, settings.floor)
    trainer = FaceFormerTrainer(network, encode(encoder, dialogues), settings, mean, std)
    train(trainer, settings.optimisation, out, recipe=recipe_of(settings), should_stop=should_stop)
    config, tensors = FaceFormerPipeline(encoder, network, mean, std).state()
    return write_checkpoint(out / MODEL, MODEL, {**config, "training": asdict(settings)}, tensors)
