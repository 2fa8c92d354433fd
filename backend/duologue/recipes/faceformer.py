"""Training of the FaceFormer baseline on the conversations and through the frozen encoder that our own face learns from.

FaceFormer trains on what it made itself, not on the truth (section 3.3 of the paper), so that its errors at inference are
those it has learned to live with. Here a rollout without gradients makes the past and one parallel pass learns from it: the
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
from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.readers.kit_speech import RECORDED, recorded
from duologue.datasets.synthesis.speech.utterances import LAUGHS, sentences, synthetic
from duologue.evaluation.baselines.faceformer import MODEL, FaceFormer, FaceFormerConfig, FaceFormerPipeline
from duologue.face.training import Encoded, encode
from duologue.recipes.face import GUESSED, conversations
from duologue.speech.encoder import SpeechEncoder
from duologue.training.loop import Losses, Optimisation, train

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
    """Learn from what the network made itself, not from the truth."""


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
        teacher_until = round(self.settings.teacher_forced * self.settings.optimisation.steps)
        return Batch(*_batch(self.dialogues, self.settings, rng), own_past=step >= teacher_until)

    def losses(self, batch: Batch) -> Losses:
        """Return the squared error of every frame, given those before it."""
        true = (batch.weights - self.mean) / self.std
        past = self.module.generate(batch.speech, batch.style) if batch.own_past else true
        error = nn.functional.mse_loss(self.module(past[:, :-1], batch.speech, batch.style), true)
        return Losses({"error": error}, {"own_past": float(batch.own_past)})


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
    everything = np.concatenate([dialogue.weights.reshape(-1, dialogue.weights.shape[-1]) for dialogue in dialogues])
    mean = torch.from_numpy(everything.mean(0))
    std = torch.from_numpy(everything.std(0).clip(min=settings.floor))
    trainer = FaceFormerTrainer(network, encode(encoder, dialogues), settings, mean, std)
    recipe = {key: value for key, value in asdict(settings).items() if key != "optimisation"}
    train(trainer, settings.optimisation, out, recipe=recipe, should_stop=should_stop)
    config, tensors = FaceFormerPipeline(encoder, network, mean, std).state()
    return write_checkpoint(out / MODEL, MODEL, {**config, "training": asdict(settings)}, tensors)


def train_baseline(
    kit: Path,
    out: Path,
    encoder: SpeechEncoder,
    settings: FaceFormerTraining | None = None,
    *,
    cache: Path | None = None,
    dialogues: int = 240,
    voices: int = 1600,
) -> Checkpoint:
    """Train the baseline on the conversations that ``recipe.train_starter`` composes for our face from the same kit.

    ``cache`` holds alignments (``out/phones`` by default), ``dialogues`` and ``voices`` are the recipe's numbers.
    """
    exact = [source for source in RECORDED if source != GUESSED]
    split = FaceSplit.read()
    clips = [clip for clip in recorded(kit, cache or out / "phones", exact) if not split.holds(clip.name)]
    clips += synthetic(voices, 1, sentences(kit))
    composed = conversations(clips, dialogues, 3, laughs=list(synthetic(40, 6, LAUGHS)))
    return train_faceformer(encoder, composed, out, settings)


def _batch(
    heard: Sequence[Encoded], settings: FaceFormerTraining, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Return weights (B, T, 52), own speech (B, T, D) and styles (B,) of random performers at random moments."""
    chosen = [heard[index] for index in rng.integers(len(heard), size=settings.optimisation.batch)]
    length = min(settings.frames, *(item.dialogue.weights.shape[1] for item in chosen))
    rows: list[tuple[NDArray[np.generic], ...]] = []
    for item in chosen:
        me = int(rng.choice(item.dialogue.performers))
        start = int(rng.integers(item.dialogue.weights.shape[1] - length + 1))
        at = slice(start, start + length)
        own = item.features[me, at].astype(np.float32)
        rows.append((item.dialogue.weights[me, at], own, item.dialogue.style[me]))
    weights, speech, style = (torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
    return weights, speech, style
