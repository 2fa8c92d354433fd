"""Training of the speech encoder and of the face: plain functions over config dataclasses, seeded, resumable, logged as JSON lines.

Both runs share one habit: batch k depends on (seed, k) alone, so a run that stops and resumes sees what it would have seen.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from duologue.arkit import INDEX as SHAPE
from duologue.checkpoints import Checkpoint, write_checkpoint
from duologue.datasets.augment import change_speed, degrade
from duologue.datasets.coarticulation import mouth_curves
from duologue.datasets.face_corpus import RATE, Clip
from duologue.datasets.phones import PHONES, UNKNOWN, frame_labels
from duologue.errors import DuologueError
from duologue.speech.encoder import HOP, EncoderConfig, SpeechEncoder, gain

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARTICULATION: Final = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthStretchLeft", "mouthSmileLeft",
    "mouthLowerDownLeft", "mouthUpperUpLeft", "mouthPressLeft",
)  # fmt: skip
"""Shapes the encoder also learns to read off the sound, so that its features already hold what the mouth needs."""
_COLUMNS: Final = [SHAPE[name] for name in ARTICULATION]


@dataclass(frozen=True)
class Optimisation:
    """What both runs share. ``steps`` at ``learning_rate`` after a warm-up, then down a cosine to a fiftieth."""

    steps: int
    learning_rate: float
    batch: int
    warm_up: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    log_every: int = 20
    save_every: int = 200

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step."""
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        done = min((step - self.warm_up) / max(self.steps - self.warm_up, 1), 1.0)
        return self.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def optimise(
    module: nn.Module,
    loss_of: Callable[[int], tuple[Tensor, dict[str, float]]],
    settings: Optimisation,
    out: Path,
    *,
    judge: Callable[[], dict[str, float]] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Run AdamW from wherever ``out/state.safetensors`` stands up to ``settings.steps``; return the step reached.

    ``loss_of(step)`` returns the loss and figures to log; ``judge`` is called at every save. Log lines go to ``out/log.jsonl``.
    """
    out.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.98)
    )
    step = _resume(module, optimiser, out / "state.safetensors")
    began = time.monotonic()
    with (out / "log.jsonl").open("a") as log:

        def note(line: dict[str, Any]) -> None:
            log.write(json.dumps({"step": step, "seconds": round(time.monotonic() - began, 1), **line}) + "\n")
            log.flush()

        while step < settings.steps and not should_stop():
            module.train()
            for group in optimiser.param_groups:
                group["lr"] = settings.rate_at(step)
            loss, figures = loss_of(step)
            if not torch.isfinite(loss):
                raise DuologueError(
                    "INTERNAL", "training-diverged", f"the loss is {loss.item()} at step {step}; lower the rate"
                )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(module.parameters(), settings.clip)
            optimiser.step()
            step += 1
            if step % settings.log_every == 0:
                note({"loss": round(loss.item(), 5), **{key: round(value, 5) for key, value in figures.items()}})
            if step % settings.save_every == 0 or step == settings.steps:
                _save(module, optimiser, step, out / "state.safetensors")
                if judge is not None:
                    module.eval()
                    note({"judged": {key: round(value, 4) for key, value in judge().items()}})
    _save(module, optimiser, step, out / "state.safetensors")
    return step


def _save(module: nn.Module, optimiser: torch.optim.Optimizer, step: int, path: Path) -> None:
    tensors = {f"module/{name}": value.contiguous().clone() for name, value in module.state_dict().items()}
    for index, entry in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{index}/{key}": value.contiguous() for key, value in entry.items()}
    save_file(tensors, path.with_suffix(".tmp"), metadata={"step": str(step)})
    path.with_suffix(".tmp").replace(path)


def _resume(module: nn.Module, optimiser: torch.optim.Optimizer, path: Path) -> int:
    if not path.exists():
        return 0
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
    tensors = load_file(path)
    module.load_state_dict(
        {key.partition("/")[2]: value for key, value in tensors.items() if key.startswith("module/")}
    )
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser/"):
            _, index, name = key.split("/")
            state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return step


# --- the speech encoder -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EncoderTraining:
    """How the starter's speech encoder is trained: windows of ``seconds`` from random clips, speeds and rooms."""

    encoder: EncoderConfig = EncoderConfig()
    optimisation: Optimisation = Optimisation(steps=1500, learning_rate=8e-4, batch=8)
    seconds: float = 4.0
    articulation_weight: float = 1.0
    shares: tuple[tuple[str, float], ...] = (
        ("speech_matthes", 0.28), ("espeak", 0.34), ("speech_librispeech", 0.34), ("face_speech_grid", 0.04),
    )  # fmt: skip
    """How often a window comes from each source."""


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
        self.labels = [
            frame_labels(clip.phones, len(clip.samples) // HOP + 1, RATE / HOP, offset=0.5) for clip in clips
        ]
        self.curves = [
            mouth_curves(clip.phones, len(clip.samples) // HOP + 1, rate=RATE / HOP)[:, _COLUMNS].astype(np.float16)
            for clip in clips
        ]
        self.frames = int(settings.seconds * RATE / HOP)
        by_source = {
            source: [i for i, clip in enumerate(clips) if clip.source == source] for source, _ in settings.shares
        }
        self.sources = [(indices, share) for (source, share) in settings.shares if (indices := by_source[source])]

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return samples (B, N), phone labels (B, T) and articulation (B, T, 10)."""
        shares = np.array([share for _, share in self.sources])
        rows = [
            self._window(self.sources[rng.choice(len(shares), p=shares / shares.sum())][0], rng) for _ in range(size)
        ]
        samples, labels, curves = zip(*rows, strict=True)
        return (
            torch.from_numpy(np.stack(samples)),
            torch.from_numpy(np.stack(labels)),
            torch.from_numpy(np.stack(curves)),
        )

    def _window(
        self, indices: list[int], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        index = indices[rng.integers(len(indices))]
        _, samples = self.clips[index]
        speed = float(np.exp(rng.uniform(-0.22, 0.22)))
        length = self.frames * HOP
        start = rng.uniform(-0.15 * length, max(len(samples) - 0.85 * length * speed, 1))
        heard = degrade(change_speed(samples, start, length, speed), rng)
        at = np.round((start + (np.arange(self.frames) + 0.5) * HOP * speed) / HOP - 0.5).astype(int)
        inside = (at >= 0) & (at < len(self.labels[index]))
        at = at.clip(0, len(self.labels[index]) - 1)
        labels = np.where(inside, self.labels[index][at], 0)
        curves = np.where(inside[:, None], self.curves[index][at], 0).astype(np.float32) * self.SCALE
        return heard, labels, curves


def train_encoder(
    clips: Sequence[Clip], out: Path, settings: EncoderTraining | None = None, *, held_out: Sequence[Clip] = ()
) -> Checkpoint:
    """Train the starter's speech encoder on phone and articulation targets; write it as the checkpoint ``out/encoder``.

    ``out`` also gets ``log.jsonl`` and the state from which the same call resumes.
    """
    settings = settings or EncoderTraining()
    torch.manual_seed(settings.optimisation.seed)
    reader = SpeechReader(settings.encoder)
    windows = _Windows(clips, settings)

    def loss_of(step: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((settings.optimisation.seed, step))
        samples, labels, curves = windows.batch(settings.optimisation.batch, rng)
        logits, articulation = reader(samples)
        known = labels != UNKNOWN
        phones = nn.functional.cross_entropy(logits[known], labels[known], label_smoothing=0.05)
        shapes = nn.functional.smooth_l1_loss(articulation, curves)
        right = (logits[known].argmax(-1) == labels[known]).float().mean().item()
        return phones + settings.articulation_weight * shapes, {
            "phones": phones.item(),
            "shapes": shapes.item(),
            "accuracy": right,
        }

    optimise(
        reader,
        loss_of,
        settings.optimisation,
        out,
        judge=(lambda: judge_encoder(reader, held_out)) if held_out else None,
    )
    config = {
        "model": "speech-encoder",
        "encoder": settings.encoder.to_json(),
        "training": asdict(settings.optimisation),
    }
    return write_checkpoint(out / "encoder", "encoder", config, dict(reader.state_dict()))


def judge_encoder(reader: SpeechReader, clips: Sequence[Clip]) -> dict[str, float]:
    """Return, by source, the share of 20 ms frames with the right phone, and how well p, b, m are told from the rest (F1)."""
    from duologue.datasets.phones import BILABIALS

    lips = torch.tensor([PHONES.index(name) for name in BILABIALS])
    counts: dict[str, NDArray[np.float64]] = {}
    with torch.inference_mode():
        for clip in clips:
            samples = torch.from_numpy(clip.samples * np.float32(gain(clip.samples)))[None]
            guess = reader(samples)[0].argmax(-1)[0]
            truth = torch.from_numpy(frame_labels(clip.phones, len(guess), RATE / HOP, offset=0.5))
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
