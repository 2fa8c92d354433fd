"""Training of a speech encoder that a face hears by: which phone, and what the mouth does, at every 20 ms of sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
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
from duologue.training.loop import Losses, Optimisation, train
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

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(steps=5500, learning_rate=9e-4, batch=8, save_every=500)
    )
    seconds: float = 4.0
    articulation_weight: float = 1.5
    closure_weight: float = 2.5
    """What p, b, m, f and v count for against other phones: they are rare, and missing one shows."""
    shares: tuple[tuple[str, float], ...] = ()
    """How often a window comes from each source; from all alike where nothing is said."""
    guessed: tuple[str, ...] = ()
    """Sources whose phones are a recogniser's guesses. The frames there that fit least are left out: most are wrong labels (loss
    truncation, Kang & Hashimoto 2020, arXiv 2004.14589)."""
    doubted: float = 0.3
    """Which share of their frames."""


class SpeechReader(nn.Module):
    """The encoder with its two training heads: phone classes and articulation, per 20 ms frame."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.encoder = SpeechEncoder(config)
        self.phones = nn.Linear(self.encoder.width, len(PHONES))
        self.articulation = nn.Linear(self.encoder.width, len(ARTICULATION))

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return phone logits (B, T, 40) and articulation (B, T, 10), standardised, for samples (B, N)."""
        features = self.encoder(samples)
        return self.phones(features), self.articulation(features)


class _Windows:
    """Clips with their labels, and random augmented windows of them."""

    SCALE: Final = 6.0  # weights are mostly below 0.3; times 6 they are about unit size

    def __init__(self, clips: Sequence[Clip], settings: EncoderTraining) -> None:
        self.clips = [(clip, clip.samples * np.float32(gain(clip.samples))) for clip in clips]
        counts = [len(clip.samples) // HOP + 1 for clip in clips]
        self.labels = [
            frame_labels(clip.phones, count, _FRAME_RATE, offset=0.5) for clip, count in zip(clips, counts, strict=True)
        ]
        self.curves = [
            mouth_curves(clip.phones, count, rate=_FRAME_RATE)[:, _COLUMNS].astype(np.float16)
            for clip, count in zip(clips, counts, strict=True)
        ]
        self.frames = int(settings.seconds * SPEECH_RATE / HOP)
        self.guessed = settings.guessed
        shares = settings.shares or [(source, 1.0) for source in sorted({clip.source for clip in clips})]
        by_source = {source: [i for i, clip in enumerate(clips) if clip.source == source] for source, _ in shares}
        self.sources = [(indices, share) for source, share in shares if (indices := by_source[source])]

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return samples (B, N), phone labels (B, T), articulation (B, T, 10), and (B,) whether the labels are guesses."""
        shares = np.array([share for _, share in self.sources])
        rows = [
            self._window(self.sources[rng.choice(len(shares), p=shares / shares.sum())][0], rng) for _ in range(size)
        ]
        samples, labels, curves, guessed = zip(*rows, strict=True)
        return (
            torch.from_numpy(np.stack(samples)),
            torch.from_numpy(np.stack(labels)),
            torch.from_numpy(np.stack(curves)),
            torch.tensor(guessed),
        )

    def _window(
        self, indices: list[int], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], bool]:
        index = indices[rng.integers(len(indices))]
        clip, samples = self.clips[index]
        speed = float(np.exp(rng.uniform(-0.22, 0.22)))
        length = self.frames * HOP
        start = rng.uniform(-0.15 * length, max(len(samples) - 0.85 * length * speed, 1))
        sound = degrade(change_speed(samples, start, length, speed), rng)
        at = np.round((start + (np.arange(self.frames) + 0.5) * HOP * speed) / HOP - 0.5).astype(int)
        inside = (at >= 0) & (at < len(self.labels[index]))
        at = at.clip(0, len(self.labels[index]) - 1)
        labels = np.where(inside, self.labels[index][at], 0)
        curves = np.where(inside[:, None], self.curves[index][at], 0).astype(np.float32) * self.SCALE
        return sound, labels, curves, clip.source in self.guessed


@dataclass(frozen=True)
class Batch:
    """What a step learns from: B windows of sound, T frames of 20 ms."""

    samples: Tensor
    """(B, N)"""
    phones: Tensor
    """(B, T) labels, ``UNKNOWN`` where there is none."""
    articulation: Tensor
    """(B, T, 10)"""
    guessed: Tensor
    """(B,) whether the labels are guesses."""


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
        return Batch(*self.windows.batch(self.settings.optimisation.batch, rng))

    def losses(self, batch: Batch) -> Losses:
        """Return the cross-entropy of the phones and the distance of the articulation, over the frames that are believed."""
        settings = self.settings
        with torch.autocast(batch.samples.device.type, torch.bfloat16):
            logits, articulation = (out.float() for out in self.module(batch.samples))
        known = _believable(logits.detach(), batch.phones, batch.guessed, settings.doubted)
        labels = batch.phones[known]
        closures = {*BILABIALS, *LABIODENTALS}
        weights = torch.tensor([settings.closure_weight if name in closures else 1.0 for name in PHONES])
        phones = nn.functional.cross_entropy(logits[known], labels, weights, label_smoothing=0.05)
        shapes = nn.functional.smooth_l1_loss(articulation[known], batch.articulation[known])
        right = (logits[known].argmax(-1) == labels).float().mean().item()
        terms = {"phones": phones, "articulation": settings.articulation_weight * shapes}
        return Losses(terms, {"shapes": shapes.item(), "accuracy": right})


def train_encoder(
    clips: Sequence[Clip], out: Path, settings: EncoderTraining | None = None, *, held_out: Sequence[Clip] = ()
) -> Checkpoint:
    """Train a speech encoder on phone and articulation targets; write it as the checkpoint ``out/encoder``.

    ``out`` also gets the log and the state from which the same call resumes.
    """
    settings = settings or EncoderTraining()
    torch.manual_seed(settings.optimisation.seed)
    reader = SpeechReader(settings.encoder)
    # transformers asks for the gradient of the sound itself, which nobody reads and which costs a third of a step here.
    reader.encoder.model.feature_extractor._requires_grad = False
    trained = train(
        EncoderTrainer(reader, _Windows(clips, settings), settings),
        settings.optimisation,
        out,
        recipe={key: value for key, value in asdict(settings).items() if key != "optimisation"},
        judge=(lambda reader: judge_encoder(reader, held_out)) if held_out else None,
    )
    config = {
        "model": "speech-encoder",
        "encoder": asdict(settings.encoder),
        "training": asdict(settings.optimisation),
    }
    return write_checkpoint(out / "encoder", "encoder", config, dict(trained.state_dict()))


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
