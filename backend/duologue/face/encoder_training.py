"""Training of a speech encoder that a face hears by: which phone, and what the mouth does, at every 20 ms of sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from duologue.arkit import INDEX as SHAPE
from duologue.checkpoints.store import Checkpoint, write_checkpoint
from duologue.datasets.labels.phones import UNKNOWN, frame_labels
from duologue.datasets.readers.kit_speech import Clip
from duologue.datasets.synthesis.speech.augment import change_speed, degrade
from duologue.facial.coarticulation import mouth_curves
from duologue.speech.encoder import HOP, EncoderConfig, SpeechEncoder, gain
from duologue.speech.phones import BILABIALS, LABIODENTALS, PHONES
from duologue.training.loop import Losses, Optimisation, recipe_of, train
from duologue.training.precision import bfloat16
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARTICULATION: Final = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthStretchLeft", "mouthSmileLeft",
    "mouthLowerDownLeft", "mouthUpperUpLeft", "mouthPressLeft",
)  # fmt: skip
"""Shapes the encoder also learns to read off the sound, so that its features already hold what the mouth needs."""
_COLUMNS: Final = [SHAPE[name] for name in ARTICULATION]
_FRAME_RATE: Final = SPEECH_RATE / HOP
"""The encoder's frames a second."""


@dataclass(frozen=True)
class EncoderTraining:
    """How a speech encoder is trained: windows of ``seconds`` from random clips, speeds and rooms."""

    encoder: EncoderConfig = field(default_factory=lambda: EncoderConfig(phone_head=True))
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(steps=9000, learning_rate=9e-4, batch=8, average=0.998, save_every=500)
    )
    seconds: float = 4.0
    articulation_weight: float = 1.5
    closure_weight: float = 3.0
    """What p, b, m, f and v count for against other phones: they are rare, and missing one shows."""
    teacher_weight: float = 0.5
    """What the distance from a teacher's features counts for, where there are any."""
    dropout: float = 0.1
    """Which share of what layers hand on is left out, anew at each step: an hour or two of speech is soon known by heart."""
    fixed_convolutions: bool = False
    """Leave the convolutions as they are, as in wav2vec 2.0's own fine-tuning: for an encoder that goes on from another one."""
    shares: tuple[tuple[str, float], ...] = ()
    """How often a window comes from each source; from all alike where nothing is said."""
    guessed: tuple[str, ...] = ()
    """Sources whose words are a recogniser's guesses. The frames there that fit least are left out: most are wrong labels (loss
    truncation, Kang & Hashimoto 2020, arXiv 2004.14589)."""
    doubted: float = 0.1
    """Which share of their frames."""


class SpeechReader(nn.Module):
    """The encoder with its phone head, and two heads that only training has: articulation, and a teacher's features."""

    def __init__(self, config: EncoderConfig, taught: int = 0) -> None:
        super().__init__()
        self.encoder = SpeechEncoder(replace(config, phone_head=True))
        self.articulation = nn.Linear(self.encoder.width, len(ARTICULATION))
        self.teacher = nn.Linear(self.encoder.width, taught) if taught else None

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return phone logits (B, T, 40), articulation (B, T, 10) and a teacher's features, standardised, for samples (B, N)."""
        assert self.encoder.phones is not None
        features = self.encoder(samples)
        lesson = features[..., :0] if self.teacher is None else self.teacher(features)
        return self.encoder.phones(features), self.articulation(features), lesson


@dataclass(frozen=True)
class Batch:
    """What a step learns from: B windows of sound, T frames of 20 ms."""

    samples: Tensor
    """(B, N)"""
    phones: Tensor
    """(B, T) labels, ``UNKNOWN`` where there is none."""
    articulation: Tensor
    """(B, T, 10)"""
    teacher: Tensor
    """(B, T, W), NaN where nobody taught."""
    guessed: Tensor
    """(B,) whether the labels are guesses."""


class _Windows:
    """Clips with their labels, and random augmented windows of them."""

    SCALE: Final = 6.0  # weights are mostly below 0.3; times 6 they are about unit size

    def __init__(self, clips: Sequence[Clip], settings: EncoderTraining, taught: Sequence[NDArray[np.float16]]) -> None:
        self.clips = [(clip, clip.samples * np.float32(gain(clip.samples))) for clip in clips]
        counts = [len(clip.samples) // HOP + 1 for clip in clips]
        self.labels = [
            frame_labels(clip.phones, count, _FRAME_RATE, offset=0.5) for clip, count in zip(clips, counts, strict=True)
        ]
        self.curves = [
            mouth_curves(clip.phones, count, rate=_FRAME_RATE)[:, _COLUMNS].astype(np.float16)
            for clip, count in zip(clips, counts, strict=True)
        ]
        self.taught = taught
        self.mean, self.std = _scale(taught)
        self.frames = int(settings.seconds * SPEECH_RATE / HOP)
        self.guessed = settings.guessed
        shares = settings.shares or [(source, 1.0) for source in sorted({clip.source for clip in clips})]
        by_source = {source: [i for i, clip in enumerate(clips) if clip.source == source] for source, _ in shares}
        self.sources = [(indices, share) for source, share in shares if (indices := by_source[source])]
        self.voices = [samples for clip, samples in self.clips if clip.source != "espeak"]

    def batch(self, size: int, rng: np.random.Generator) -> Batch:
        """Draw windows."""
        shares = np.array([share for _, share in self.sources])
        rows = [
            self._window(self.sources[rng.choice(len(shares), p=shares / shares.sum())][0], rng) for _ in range(size)
        ]
        return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))

    def _window(self, indices: list[int], rng: np.random.Generator) -> tuple[NDArray[np.generic], ...]:
        index = indices[rng.integers(len(indices))]
        clip, samples = self.clips[index]
        speed = float(np.exp(rng.uniform(-0.22, 0.22)))
        length = self.frames * HOP
        start = rng.uniform(-0.15 * length, max(len(samples) - 0.85 * length * speed, 1))
        sound = degrade(change_speed(samples, start, length, speed), rng, self.voices)
        place = (start + (np.arange(self.frames) + 0.5) * HOP * speed) / HOP
        at = np.round(place - 0.5).astype(int)
        inside = (at >= 0) & (at < len(self.labels[index]))
        at = at.clip(0, len(self.labels[index]) - 1)
        labels = np.where(inside, self.labels[index][at], 0)
        curves = np.where(inside[:, None], self.curves[index][at], 0).astype(np.float32) * self.SCALE
        return sound, labels, curves, self._lesson(index, place), np.asarray(clip.source in self.guessed)

    def _lesson(self, index: int, place: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the teacher's features, standardised, at places (T,) in 20 ms from a clip's beginning; NaN outside."""
        if not self.taught:
            return np.zeros((len(place), 0), np.float32)
        features = self.taught[index]
        low = np.floor(place).astype(int)
        inside = (low >= 0) & (low + 1 < len(features))
        lesson = np.full((len(place), len(self.mean)), np.nan, np.float32)
        low, part = low[inside], (place - low)[inside, None]
        raw = features[low] * (1 - part) + features[low + 1] * part
        lesson[inside] = (raw - self.mean) / self.std
        return lesson


def _scale(taught: Sequence[NDArray[np.float16]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation (W,) of a teacher's features."""
    if not sum(map(len, taught)):
        width = max((features.shape[1] for features in taught), default=0)
        return np.zeros(width, np.float32), np.ones(width, np.float32)
    heard = np.concatenate([features[::10] for features in taught]).astype(np.float32)
    return heard.mean(0), heard.std(0) + np.float32(1e-3)


@dataclass(frozen=True)
class EncoderTrainer:
    """The encoder with its heads, and what it learns from."""

    module: SpeechReader
    windows: _Windows
    settings: EncoderTraining

    @property
    def clipped(self) -> tuple[SpeechReader]:
        """All of it."""
        return (self.module,)

    def batch(self, rng: np.random.Generator, step: int) -> Batch:
        """Draw augmented windows."""
        return self.windows.batch(self.settings.optimisation.batch, rng)

    def losses(self, batch: Batch) -> Losses:
        """Return the cross-entropy of the phones, the distance of the articulation, over the frames that are believed, and that
        of what the teacher heard in the clean sound.
        """
        settings = self.settings
        with bfloat16(batch.samples.device):
            logits, articulation, features = (out.float() for out in self.module(batch.samples))
        known = _believable(logits.detach(), batch.phones, batch.guessed, settings.doubted)
        labels = batch.phones[known]
        closures = {*BILABIALS, *LABIODENTALS}
        weights = torch.tensor([settings.closure_weight if name in closures else 1.0 for name in PHONES])
        phones = nn.functional.cross_entropy(logits[known], labels, weights, label_smoothing=0.05)
        shapes = nn.functional.smooth_l1_loss(articulation[known], batch.articulation[known])
        right = (logits[known].argmax(-1) == labels).float().mean().item()
        terms = {"phones": phones, "articulation": settings.articulation_weight * shapes}
        if features.shape[-1] and (heard := batch.teacher[..., 0].isfinite()).any():
            terms["teacher"] = settings.teacher_weight * nn.functional.mse_loss(features[heard], batch.teacher[heard])
        return Losses(terms, {"shapes": shapes.item(), "accuracy": right})


def train_encoder(
    clips: Sequence[Clip],
    out: Path,
    settings: EncoderTraining | None = None,
    *,
    taught: Sequence[NDArray[np.float16]] = (),
    start: SpeechEncoder | None = None,
    held_out: Sequence[Clip] = (),
) -> Checkpoint:
    """Train a speech encoder on phone and articulation targets; write it as the checkpoint ``out/encoder``.

    ``out`` also gets the log and the state from which the same call resumes. ``taught``: each clip's features by a teacher
    (``datasets.labels.teacher``). ``start``: an encoder of the same sizes, to go on from.
    """
    settings = settings or EncoderTraining()
    torch.manual_seed(settings.optimisation.seed)
    reader = SpeechReader(settings.encoder, max((features.shape[1] for features in taught), default=0))
    _prepare(reader.encoder, settings, start)
    trained = train(
        EncoderTrainer(reader, _Windows(clips, settings, taught), settings),
        settings.optimisation,
        out,
        recipe=recipe_of(settings),
        judge=(lambda reader: judge_encoder(reader, held_out)) if held_out else None,
    )
    config = {
        "model": "speech-encoder",
        "encoder": asdict(replace(settings.encoder, phone_head=True)),
        "training": asdict(settings.optimisation),
    }
    return write_checkpoint(out / "encoder", "encoder", config, dict(trained.state_dict()))


def _prepare(encoder: SpeechEncoder, settings: EncoderTraining, start: SpeechEncoder | None) -> None:
    """Make an encoder ready to learn, in place."""
    if start is not None:
        encoder.model.load_state_dict(start.model.state_dict())
        if start.phones is not None and encoder.phones is not None:
            encoder.phones.load_state_dict(start.phones.state_dict())
    for part in encoder.model.modules():
        if isinstance(part, nn.Dropout):
            part.p = settings.dropout
    encoder.model.set_attn_implementation("eager")  # a tenth faster than the fused one, with 200 frames on a CPU
    # transformers asks for the gradient of the sound itself, which nobody reads and which costs a third of a step here.
    encoder.model.feature_extractor._requires_grad = False
    if settings.fixed_convolutions:
        encoder.model.feature_extractor.requires_grad_(False)


def _believable(logits: Tensor, labels: Tensor, guessed: Tensor, doubted: float) -> Tensor:
    """Return (B, T) which frames to learn from: those with a label, less the ``doubted`` share of guessed ones that fit least."""
    known = labels != UNKNOWN
    misfit = nn.functional.cross_entropy(logits.transpose(1, 2), labels.clamp(min=0), reduction="none")
    doubtful = known & guessed[:, None]
    if not doubtful.any():
        return known
    return known & ~(doubtful & (misfit > misfit[doubtful].quantile(1 - doubted)))


def judge_encoder(reader: SpeechReader, clips: Sequence[Clip]) -> dict[str, float]:
    """Return, by source, the share of 20 ms frames with the right phone, and how well p, b, m are told from the rest (F1)."""
    lips = torch.tensor([PHONES.index(name) for name in BILABIALS])
    counts: dict[str, NDArray[np.float64]] = {}
    with torch.inference_mode():
        for clip in clips:
            samples = torch.from_numpy(clip.samples * np.float32(gain(clip.samples)))[None]
            guess = reader(samples)[0].argmax(-1)[0]
            truth = torch.from_numpy(frame_labels(clip.phones, len(guess), _FRAME_RATE, offset=0.5))
            a, b = torch.isin(guess, lips), torch.isin(truth, lips)
            row = [(guess == truth).sum(), len(guess), (a & b).sum(), (a & ~b).sum(), (~a & b).sum()]
            counts[clip.source] = counts.get(clip.source, np.zeros(5)) + np.array([float(value) for value in row])
    return {
        key: value
        for source, (right, frames, hit, false, missed) in counts.items()
        for key, value in (
            (f"{source}/accuracy", right / frames),
            (f"{source}/bilabial_f1", 2 * hit / max(2 * hit + false + missed, 1)),
        )
    }
