"""Training both body networks side by side on a corpus.

Every step's random numbers come from (seed, step) alone, so a run that is stopped and resumed makes the same networks, bit for
bit.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from duologue.body.checkpoint import BodyModel
from duologue.body.conditions import Conditions
from duologue.body.config import CONDITIONS, BodyConfig
from duologue.body.losses import BodyLoss, LossWeights
from duologue.body.network import Denoiser
from duologue.checkpoints.store import Checkpoint
from duologue.datasets.corpus.body import Corpus
from duologue.diffusion.schedule import CosineSchedule
from duologue.errors import DuologueError
from duologue.features import pose as poses
from duologue.motion.skeleton import Skeleton

STATE: Final = "training.safetensors"
LOG: Final = "log.jsonl"


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. The defaults are the shipped ``starter``'s, and its baselines'.

    InterAct: batch 32, Adam 3e-4, 60 epochs of stride-1 windows.
    """

    steps: int = 4000
    batch: int = 16
    window: int = 100
    rate: float = 1e-3
    warmup: int = 200
    decay: float = 0.999
    """Of the moving average of the weights, which is what a checkpoint holds."""
    clip: float = 1.0
    past: float = 0.7
    """Share of samples whose first frames are given, as the past of a stream is."""
    pinned: float = 0.15
    """Share of people a few of whose poses are given, in the middle of what is not; as many have a kept stretch at the end."""
    alone: float = 0.1
    """Share of samples in which one of the two is given from first to last, so that only the other is made."""
    routed: float = 0.5
    """Share of people whose way over the floor is given, for all or a part of the window."""
    lower_noise: float = 0.1
    """Deviation of the noise on the lower body that the upper network is given: at work it gets a made one, not a true one."""
    held_out: float = 0.05
    """Share of the corpus's pairs, the last ones, that only measure."""
    half: bool = True
    """bfloat16 in the networks (master weights stay float32): twice as fast where the CPU or GPU has it."""
    seed: int = 0
    save_every: int = 250
    weights: LossWeights = field(default_factory=LossWeights)
    strengths: Mapping[str, float] = field(default_factory=lambda: {"action": 1.5, "speech": 1.5})
    """Guidance that the checkpoint performs with where a brief asks for none."""
    gains: Mapping[str, float] = field(default_factory=dict[str, float])
    """By how much the checkpoint's sampler leans out (``body.gains``)."""


def train_body(
    corpus: Path,
    out: Path,
    config: BodyConfig | None = None,
    training: TrainingConfig | None = None,
    *,
    device: str = "cpu",
    should_stop: Callable[[], bool] = lambda: False,
    report: Callable[[Mapping[str, float]], None] = lambda _: None,
) -> Checkpoint:
    """Train on a corpus folder, or go on where ``out`` left off, and return the checkpoint in ``out/checkpoint``.

    ``out`` also holds the training state and ``log.jsonl``, a JSON object a line. ``report`` gets each line as it is written.

    Raises:
        DuologueError: NOT_FOUND ``corpus-missing``; FAILED_PRECONDITION ``training-differs`` when ``out`` was begun with other
            settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(Corpus.open(corpus), config or BodyConfig.named("starter"), training or TrainingConfig(), device)
    trainer.resume(out)
    with (out / LOG).open("a", encoding="utf-8") as log:
        began = time.monotonic()
        while trainer.step < trainer.training.steps and not should_stop():
            losses = trainer.advance()
            last = trainer.step == trainer.training.steps
            if trainer.step % 20 == 0 or last:
                line = {"step": trainer.step, "seconds": round(time.monotonic() - began, 1), **losses}
                log.write(json.dumps(line) + "\n")
                log.flush()
                report(line)
            if trainer.step % trainer.training.save_every == 0 or last:
                line = {"step": trainer.step, **trainer.measure()}
                log.write(json.dumps(line) + "\n")
                report(line)
                trainer.save(out)
    return trainer.save(out)


def draw_held(
    batch: int, frames: int, overlap: int, training: TrainingConfig, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw what of a batch is given, (batch, 2, frames, 2): each performer's root steps, and their poses.

    The past of a stream (both people's first frames); single pinned poses, whose root steps stay open; a kept stretch at the end;
    one person altogether.
    """
    held = np.zeros((batch, 2, frames, 2), bool)
    known = np.where(rng.random(batch) < training.past, rng.integers(1, int(1.5 * overlap), batch), 0)
    held |= (np.arange(frames) < known[:, None])[:, None, :, None]
    pinned = (rng.random((batch, 2, frames)) < 2.0 / frames) & (rng.random((batch, 2, 1)) < training.pinned)
    held[..., 1] |= pinned
    kept = np.where(rng.random((batch, 2)) < training.pinned, rng.integers(5, frames // 2, (batch, 2)), 0)
    held |= (np.arange(frames) >= frames - kept[..., None])[..., None]
    alone = rng.random(batch) < training.alone
    held[alone, rng.integers(0, 2, alone.sum())] = True
    return held


def draw_routed(batch: int, frames: int, share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw where a route counts, (batch, 2, frames): nowhere, or from some frame to another."""
    first = rng.integers(-frames // 2, frames // 2, (batch, 2, 1))
    last = rng.integers(frames // 3, 3 * frames // 2, (batch, 2, 1))
    index = np.arange(frames)
    return ((index >= first) & (index < last) & (rng.random((batch, 2, 1)) < share)).astype(np.float32)


class Trainer:
    """The networks, their average, and one optimiser over both."""

    def __init__(self, corpus: Corpus, config: BodyConfig, training: TrainingConfig, device: str = "cpu") -> None:
        self.corpus, self.config, self.training, self.device = corpus, config, training, torch.device(device)
        self.skeleton = Skeleton.builtin("duologue60")
        statistics, mel = corpus.statistics(self.skeleton)
        torch.manual_seed(training.seed)
        self.model = BodyModel(config, statistics, mel).to(device)
        statistics = self.model.statistics
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=training.rate, weight_decay=0.01)
        self.schedule = CosineSchedule(config.prediction, config.shift)
        features = corpus.arrays["features"]
        speed_std = np.diff(features[: 1 + 30 * 600].astype(np.float32), axis=0).std((0, 1))
        self.loss = BodyLoss(statistics, speed_std, self.skeleton, training.weights, device)
        self.step = 0
        held = max(1, round(training.held_out * (len(corpus.starts) - 1)))
        self._train, self._test = slice(0, -held), slice(-held, None)
        self._begin()

    def _begin(self) -> None:
        """Let the networks start from linear filters, measured on a few windows."""
        rng = np.random.default_rng([self.training.seed, 2 * 10**9])
        windows = self.corpus.windows(self.training.window, 12, rng, self._train)
        features = self._batch(windows, rng)[0].cpu()
        for network, columns in ((self.model.lower, self.loss.lower), (self.model.upper, self.loss.upper)):
            if network is not None:
                network.cpu().begin(features[..., columns.cpu()], self.schedule)
        self.model.to(self.device)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def advance(self) -> dict[str, float]:
        """Take one step on a batch drawn from (seed, step); return its losses."""
        rng = np.random.default_rng([self.training.seed, self.step])
        torch.manual_seed(int(rng.integers(2**62)))  # dropout, where a configuration has any
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        terms = self._losses(self.corpus.windows(self.training.window, self.training.batch, rng, self._train), rng)
        total = torch.stack(list(terms.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        for part in filter(None, (self.model.lower, self.model.upper)):
            torch.nn.utils.clip_grad_norm_(part.parameters(), self.training.clip)
        self.optimiser.step()
        self.step += 1
        decay = min(self.training.decay, (1 + self.step) / (10 + self.step))
        for name, value in self.model.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)
        if not math.isfinite(total.item()):
            raise DuologueError(
                "ABORTED", "training-diverged", f"the loss is {total.item()} at step {self.step}; lower the rate."
            )
        return {"loss": total.item(), **{name: term.item() for name, term in terms.items()}}

    @torch.no_grad()
    def measure(self, batches: int = 2) -> dict[str, float]:
        """Return the averaged networks' losses on the held-out pairs, always the same windows, noise and moments."""
        weights = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        self.model.eval()
        found: list[dict[str, float]] = []
        for batch in range(batches):
            rng = np.random.default_rng([self.training.seed, 10**9 + batch])
            windows = self.corpus.windows(self.training.window, self.training.batch, rng, self._test)
            found.append({name: term.item() for name, term in self._losses(windows, rng, measuring=True).items()})
        self.model.load_state_dict(weights)
        return {f"held-out {name}": float(np.mean([f[name] for f in found])) for name in found[0]}

    def _rate(self) -> float:
        t = self.training
        warm = min(1.0, (self.step + 1) / t.warmup)
        return t.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.step / t.steps)))

    def _losses(
        self, windows: list[tuple[int, int]], rng: np.random.Generator, *, measuring: bool = False
    ) -> dict[str, Tensor]:
        """Return every term of both networks, named ``lower pose`` and so on."""
        batch, frames = len(windows), self.training.window
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        features, conditions = self._batch(windows, rng)
        lower, upper = features[..., self.loss.lower], features[..., self.loss.upper]
        held = torch.from_numpy(draw_held(batch, frames, self.config.overlap, self.training, rng)).to(self.device)
        drop = 0.0 if measuring else self.config.condition_dropout
        keep = {
            name: torch.from_numpy((rng.random((batch, 2)) >= drop).astype(np.float32)).to(self.device)
            for name in CONDITIONS
        }
        conditions.routed.copy_(torch.from_numpy(draw_routed(batch, frames, self.training.routed, rng)))
        # Low noise decides how clean the sample is, high noise what it does; both get every moment alike.
        t = self.schedule.shifted(torch.rand(batch, generator=generator)).to(self.device)
        certain = self.schedule.alpha_sigma(t)[0].square().view(-1, 1, 1, 1)
        fresh = (~held).to(features.dtype)

        def predict(network: Denoiser, x0: Tensor, condition: Tensor, given: Tensor) -> Tensor:
            noise = torch.randn(x0.shape, generator=generator).to(self.device)
            x = torch.where(network.spread(given), x0, self.schedule.add_noise(x0, noise, t))
            return self.schedule.to_x0(network(x, given, t, network.project_conditions(condition)).float(), x, t)

        # The legs learn where the partner stands as the window begins, the upper body where they stand at each frame.
        at_first = replace(conditions, placement=conditions.placement[:, :, :1].expand(-1, -1, frames, -1))
        terms: dict[str, Tensor] = {}
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.training.half):
            made_lower = predict(self.model.lower, lower, self.model.lower_conditions(at_first, keep), held)
        for name, term in self.loss.lower_terms(made_lower, lower, fresh, certain).items():
            terms[f"lower {name}"] = term
        if self.model.upper is None or self.model.upper_conditions is None:
            return terms
        seen = lower + self.training.lower_noise * torch.randn(lower.shape, generator=generator).to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.training.half):
            heard = self.model.upper_conditions(conditions, keep, seen)
            made_upper = predict(self.model.upper, upper, heard, held[..., 1:])
        for name, term in self.loss.upper_terms(made_upper, upper, lower, fresh[..., 1:], certain).items():
            terms[f"upper {name}"] = term
        return terms

    def _batch(self, windows: list[tuple[int, int]], rng: np.random.Generator) -> tuple[Tensor, Conditions]:
        """Return standardised features (B, 2, T, C) and the conditions; in half of the samples A and B change places."""
        frames = self.training.window
        swap = rng.random(len(windows)) < 0.5

        def gather(name: str) -> np.ndarray:
            found = np.stack([self.corpus.arrays[name][first : first + frames] for _, first in windows])
            found[swap] = found[swap][:, :, ::-1]
            return found.swapaxes(1, 2)

        def tensor(values: np.ndarray, kind: type = np.float32) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, dtype=kind)).to(self.device)

        def of_pair(values: np.ndarray) -> Tensor:
            chosen = values[[pair for pair, _ in windows]]
            return tensor(np.where(swap[:, None], chosen[:, ::-1], chosen), np.int64)

        path = gather("path").swapaxes(0, 1)
        conditions = Conditions(
            mel=tensor(self.model.mel.standardise(gather("mel"))),
            activity=tensor(gather("activity")),
            text=tensor(gather("text")),
            action=tensor(gather("action"), np.int64),
            emotion=tensor(gather("emotion"), np.int64),
            role=of_pair(self.corpus.roles),
            style=of_pair(self.corpus.styles),
            placement=tensor(poses.placement(path).swapaxes(0, 1)),
            route=tensor(poses.route(path.transpose(2, 1, 0, 3)).transpose(1, 2, 0, 3)),
            routed=torch.zeros(len(windows), 2, frames, device=self.device),
        )
        return tensor(self.model.statistics.standardise(gather("features"))), conditions

    def settings(self) -> dict[str, Any]:
        """Return what must not change between a run and its continuation."""
        return json.loads(json.dumps({"network": self.config.to_json(), "training": asdict(self.training)}))

    def save(self, out: Path) -> Checkpoint:
        """Write the training state and a checkpoint of the averaged weights; each file is replaced whole."""
        tensors = {f"model/{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average/{name}": value for name, value in self.average.items()}
        moments = self.optimiser.state_dict()["state"]
        tensors |= {f"optimiser/{index}/{key}": value for index, kept in moments.items() for key, value in kept.items()}
        made = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        temporary = out / f"{STATE}.tmp"
        save_file(made, temporary, {"step": str(self.step), "settings": json.dumps(self.settings())})
        temporary.replace(out / STATE)
        averaged = BodyModel(
            self.config, self.model.statistics, self.model.mel, self.training.strengths, self.training.gains
        )
        averaged.load_state_dict(self.average)
        about = {"steps": self.step, "corpus": dict(self.corpus.description), **asdict(self.training)}
        return averaged.save(out / "checkpoint", "body", about)

    def resume(self, out: Path) -> None:
        """Go on from the state in ``out``, if there is one."""
        if not (out / STATE).exists():
            return
        with safe_open(out / STATE, framework="pt", device=str(self.device)) as file:
            kept = file.metadata()
            if json.loads(kept["settings"]) != self.settings():
                raise DuologueError(
                    "FAILED_PRECONDITION",
                    "training-differs",
                    f"{out} was begun with other settings; give the same ones to go on, or another folder to start anew.",
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
        self.step = int(kept["step"])
        self.model.load_state_dict({n.removeprefix("model/"): v for n, v in tensors.items() if n.startswith("model/")})
        self.average = {n.removeprefix("average/"): v for n, v in tensors.items() if n.startswith("average/")}
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimiser/"):
                _, index, key = name.split("/")
                moments.setdefault(int(index), {})[key] = value
        state = self.optimiser.state_dict()
        self.optimiser.load_state_dict({"state": moments, "param_groups": state["param_groups"]})
