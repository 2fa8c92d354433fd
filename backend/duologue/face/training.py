"""Training of the face's denoiser on conversations, heard through a frozen speech encoder: from scratch, and fine-tuned for lips.

Fine-tuning is InterAct's (arXiv 2509.05747): a few more epochs with the loss of the lips alone on data whose lips are
accurate. What performs afterwards is a mixture, the base everywhere and the fine-tuned decoder in it (``checkpoint.swap``), which
closes lips and keeps each speaker's own. Since the decoder's layers are all that is taken, they are all that is trained, as in
the authors' own code; ``decoder_only=False`` trains everything, for comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from duologue.checkpoints.store import Checkpoint, write_checkpoint
from duologue.datasets.corpus.face import Dialogue
from duologue.diffusion.schedule import CosineSchedule
from duologue.errors import invalid
from duologue.face.checkpoint import FaceModel
from duologue.face.conditions import Conditions
from duologue.face.config import FaceConfig
from duologue.face.losses import FaceLoss
from duologue.face.network import FaceDenoiser
from duologue.face.pipeline import FacePipeline
from duologue.features.statistics import Scaler
from duologue.speech.encoder import EncodedSpeech, SpeechEncoder
from duologue.training.loop import Losses, Optimisation, recipe_of, train
from duologue.training.parallel import leader_first, own_device
from duologue.training.precision import bfloat16

if TYPE_CHECKING:
    from numpy.typing import NDArray


Judge = Callable[[FacePipeline], dict[str, float]]
"""Figures of a face in training, for its log."""


@dataclass(frozen=True)
class FaceTraining:
    """How the denoiser is trained."""

    network: FaceConfig = field(default_factory=FaceConfig)
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(steps=3600, learning_rate=1e-3, batch=12, save_every=600)
    )
    loss: FaceLoss = field(default_factory=FaceLoss)
    frames: int = 150
    drop_speech: float = 0.08
    drop_emotion: float = 0.15
    drop_style: float = 0.1
    decoder_only: bool = False
    """Train the decoder's layers and leave what says who speaks and what is heard as it is: for fine-tuning."""
    floor: float = 0.02
    """Smallest standard deviation a shape is divided by: shapes that never move must not be blown up."""


LIPS: Final = FaceTraining(
    optimisation=Optimisation(steps=900, learning_rate=3e-4, batch=12, warm_up=50, save_every=300),
    loss=FaceLoss(rest=0.0, closure=2.5, gap=1.5),
    decoder_only=True,
)
"""Fine-tuning: a few epochs, gently, with the loss of the lips alone. Its ``network`` is the base's."""


@dataclass(frozen=True)
class Encoded:
    """A conversation as the denoiser hears it: features (2, T, D) float16, and its targets and labels."""

    features: NDArray[np.float16]
    dialogue: Dialogue


def encode(encoder: SpeechEncoder, dialogues: Sequence[Dialogue], device: str | torch.device = "cpu") -> list[Encoded]:
    """Run the encoder over conversations once, exactly as the pipeline does."""

    def features(dialogue: Dialogue) -> NDArray[np.float16]:
        encoded = EncodedSpeech(encoder, dialogue.samples, device)
        return encoded.frames(0, dialogue.weights.shape[1]).cpu().numpy().astype(np.float16)

    return [Encoded(features(dialogue), dialogue) for dialogue in dialogues]


def weights_scale(dialogues: Sequence[Dialogue], floor: float) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation (52,) of all weights of conversations; no deviation is smaller than ``floor``."""
    everything = np.concatenate([dialogue.weights.reshape(-1, dialogue.weights.shape[-1]) for dialogue in dialogues])
    scale = Scaler.measure(everything, floor)
    return torch.from_numpy(scale.mean), torch.from_numpy(scale.std)


def train_face(  # noqa: PLR0913 - options by name
    encoder: SpeechEncoder,
    dialogues: Sequence[Dialogue],
    out: Path,
    settings: FaceTraining | None = None,
    *,
    start: FaceDenoiser | None = None,
    judge: Judge | None = None,
    device: str = "cpu",
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Train the denoiser and write ``out/face``: a whole face checkpoint with this encoder in it.

    ``out`` also gets ``log.jsonl``, with what ``judge`` says at every save, and the state from which the same call resumes.
    ``start``: a denoiser of the same sizes, to go on from.
    """
    settings = settings or FaceTraining()
    torch.manual_seed(settings.optimisation.seed)
    mean, std = weights_scale(dialogues, settings.floor)
    denoiser = FaceDenoiser(settings.network)
    if start is not None:
        denoiser.load_state_dict(start.state_dict())
    pipeline = FacePipeline(FaceModel(encoder, denoiser, mean, std), own_device(device))
    _train(pipeline, dialogues, out, settings, judge, should_stop)
    config, tensors = pipeline.model.state()
    with leader_first():
        return write_checkpoint(out / "face", "face", {**config, "training": asdict(settings)}, tensors)


def fine_tune(  # noqa: PLR0913 - options by name
    base: Checkpoint | Path,
    accurate: Sequence[Dialogue],
    out: Path,
    settings: FaceTraining | None = None,
    *,
    encoder: Path | None = None,
    judge: Judge | None = None,
    device: str = "cpu",
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Fine-tune a face on lip-accurate data with the loss of the lips alone; write ``out/face`` with both sets of parameters.

    ``base``: a face checkpoint; of one that was fine-tuned before, its base is taken. ``encoder``: as for ``FacePipeline.load``.
    Resumes like ``train_face``. 5 to 40 epochs of a lip-accurate set are enough; longer ones lose emotion (the paper's own note).

    Raises:
        DuologueError: INVALID_ARGUMENT ``style-unknown``; what ``FacePipeline.load`` and ``training.loop.train`` raise.
    """
    settings = settings or LIPS
    torch.manual_seed(settings.optimisation.seed)
    pipeline = FacePipeline.load(base, own_device(device), encoder=encoder, denoiser="base")
    styles = pipeline.model.config.styles
    if (highest := max(int(dialogue.style.max()) for dialogue in accurate)) >= styles:
        raise invalid("style-unknown", f"style {highest}; this face knows 0 to {styles - 1}.", field="--style")
    config, tensors = pipeline.model.state()
    tensors = {name: value.clone() for name, value in tensors.items()}  # training changes them in place
    _train(pipeline, accurate, out, settings, judge, should_stop)
    trained = "layers." if settings.decoder_only else ""
    tuned = {f"tuned.{name}": value for name, value in pipeline.model.denoiser.state_dict().items()}
    tuned = {name: value for name, value in tuned.items() if name.startswith(f"tuned.{trained}")}
    with leader_first():
        return write_checkpoint(out / "face", "face", {**config, "fine_tuning": asdict(settings)}, tensors | tuned)


@dataclass(frozen=True)
class Batch:
    """What a step learns from: B performers over T frames, everything random about them drawn."""

    weights: Tensor
    """(B, T, 52)"""
    conditions: Conditions
    t: Tensor
    """(B,) moments of the diffusion."""
    noise: Tensor


@dataclass(frozen=True)
class FaceTrainer:
    """A model's denoiser, trained in place, and what it learns from."""

    model: FaceModel
    dialogues: Sequence[Encoded]
    settings: FaceTraining
    schedule: CosineSchedule = field(default_factory=CosineSchedule)

    @property
    def module(self) -> FaceDenoiser:
        """The denoiser."""
        return self.model.denoiser

    @property
    def clipped(self) -> tuple[FaceDenoiser]:
        """All of it."""
        return (self.module,)

    def batch(self, rng: np.random.Generator, step: int) -> Batch:
        """Draw performers, moments and noise."""
        device = self.model.device
        examples = self._examples(rng)
        weights, *conditions = (torch.from_numpy(np.stack(column)).to(device) for column in zip(*examples, strict=True))
        # Near pure noise the speech is all there is to go by, so that is where most of the learning is.
        t = torch.from_numpy(rng.random(len(weights), np.float32)).sqrt().to(device)
        noise = torch.from_numpy(rng.standard_normal(weights.shape, np.float32)).to(device)
        return Batch(weights, Conditions(*conditions), t, noise)

    def losses(self, batch: Batch) -> Losses:
        """Return the settings' loss of what the denoiser makes of a batch."""
        mean, std = self.model.mean, self.model.std
        x0 = (batch.weights - mean) / std
        with bfloat16(self.model.device):
            prepared = self.module.prepare(batch.conditions)
            predicted = self.module(self.schedule.add_noise(x0, batch.noise, batch.t), batch.t, prepared)
        loss, figures = self.settings.loss(predicted.float(), x0, std, mean)
        return Losses({"loss": loss}, figures)

    def _examples(self, rng: np.random.Generator) -> list[tuple[NDArray[np.generic], ...]]:
        """Return clean weights (T, 52) and ``Conditions``, without the batch, of random performers at random whole seconds."""
        drawn = rng.integers(len(self.dialogues), size=self.settings.optimisation.batch)
        chosen = [self.dialogues[index] for index in drawn]
        length = min(self.settings.frames, *(item.dialogue.weights.shape[1] for item in chosen))
        return [self._example(item, length, rng) for item in chosen]

    def _example(self, item: Encoded, length: int, rng: np.random.Generator) -> tuple[NDArray[np.generic], ...]:
        settings, dialogue, period = self.settings, item.dialogue, self.model.config.period
        me = int(rng.choice(dialogue.performers))
        pair = [me, 1 - me]
        seconds = (dialogue.weights.shape[1] - length) // period
        at = slice(start := int(rng.integers(seconds + 1)) * period, start + length)
        speech = item.features[pair, at].astype(np.float32) * np.float32(rng.random() >= settings.drop_speech)
        style = (dialogue.style[pair] + 1) * (rng.random(2) >= settings.drop_style)
        emotion = (dialogue.emotion[me, at] + 1) * (rng.random() >= settings.drop_emotion)
        facing = dialogue.facing[me, at].astype(np.int64)
        return dialogue.weights[me, at], speech[0], speech[1], style[0], style[1], facing, emotion


def _train(  # noqa: PLR0917
    pipeline: FacePipeline,
    dialogues: Sequence[Dialogue],
    out: Path,
    settings: FaceTraining,
    judge: Judge | None,
    should_stop: Callable[[], bool],
) -> None:
    """Train the pipeline's denoiser in place."""
    model = pipeline.model
    model.denoiser.requires_grad_(not settings.decoder_only)
    model.denoiser.layers.requires_grad_(True)
    trainer = FaceTrainer(model, encode(model.encoder, dialogues, model.device), settings)
    judged = (lambda _: judge(pipeline)) if judge else None
    train(trainer, settings.optimisation, out, recipe=recipe_of(settings), judge=judged, should_stop=should_stop)
    model.denoiser.requires_grad_(False)
