"""The one loop that trains every model: AdamW, a learning-rate schedule, a moving average, a log, and a state to resume from.

A model brings a ``Trainer``: what its module is, how a batch is drawn, what the losses are. Batch k and its dropout depend on
(seed, k) alone, so a run that is stopped and resumed makes the same network as an unbroken one, bit for bit. Under torchrun each
process draws its own batch k, and gradients are averaged (``training.parallel``); the first of them writes, terms and figures
of its own batch and the loss of all.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Protocol, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder
from duologue.training import parallel
from duologue.training.state import load_state, save_state

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Module = TypeVar("Module", bound=nn.Module)
Module_co = TypeVar("Module_co", bound=nn.Module, covariant=True)
Batch = TypeVar("Batch")

LOG: Final = "log.jsonl"


@dataclass(frozen=True)
class Optimisation:
    """What every run has. ``steps`` at ``learning_rate`` after a warm-up, then down a cosine to a fiftieth."""

    steps: int
    learning_rate: float
    batch: int
    warm_up: int = 100
    anneal_from: Literal["start", "warm-up"] = "warm-up"
    """Where the cosine begins."""
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    """Largest norm of the gradient of each of a trainer's ``clipped`` parts."""
    average: float = 0.0
    """Decay of the moving average of the weights, which is then what is judged and stored; 0 stores the weights themselves."""
    seed: int = 0
    log_every: int = 20
    save_every: int = 200

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step."""
        first = self.warm_up if self.anneal_from == "warm-up" else 0
        done = min(max((step - first) / max(self.steps - first, 1), 0.0), 1.0)
        warm = min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        return self.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


@dataclass(frozen=True)
class Losses:
    """What a step came to: ``terms`` are added up and learned from, ``figures`` are logged beside them."""

    terms: Mapping[str, Tensor]
    figures: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def total(self) -> Tensor:
        """The sum of the terms."""
        return torch.stack(list(self.terms.values())).sum()


class Trainer(Protocol[Module_co, Batch]):
    """A model in training."""

    @property
    def module(self) -> Module_co:
        """All that is trained and stored, on its device."""
        ...

    @property
    def clipped(self) -> Sequence[nn.Module]:
        """The parts whose gradients are clipped, each by its own norm."""
        ...

    def batch(self, rng: np.random.Generator, step: int) -> Batch:
        """Draw all that is random about a step, noise included."""
        ...

    def losses(self, batch: Batch) -> Losses:
        """Return what the module makes of a batch; gradients flow through the terms."""
        ...


def train(  # noqa: PLR0913 - what differs between models is handed in by name
    trainer: Trainer[Module, Batch],
    settings: Optimisation,
    out: Path,
    *,
    recipe: Mapping[str, Any] | None = None,
    judge: Callable[[Module], Mapping[str, float]] | None = None,
    saved: Callable[[Module, int], object] | None = None,
    report: Callable[[Mapping[str, Any]], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Module:
    """Train from wherever the state in ``out`` stands to ``settings.steps``; return the module to store, in evaluation mode.

    Args:
        trainer: the model.
        settings: how long and how fast.
        out: folder of the state and the log, a JSON object a line.
        recipe: whatever else makes the run the run it is, as JSON values; it may not change when a run is gone on with.
        judge: asked at every save for figures of the module to store: of the moving average, where one is taken.
        saved: called with the module to store and the step whenever the state has been saved, and at the end.
        report: gets each line of the log as it is written.
        should_stop: polled before every step.

    Raises:
        DuologueError: FAILED_PRECONDITION ``training-differs`` when ``out`` holds a run with other settings, ``training-format``
            when it holds one of another version; INTERNAL ``training-diverged``; PERMISSION_DENIED ``not-writable``.
    """
    prepare_folder(out)
    run = _Run(trainer, settings, out, {"optimisation": _identity(settings), **(recipe or {})})
    leads = parallel.rank() == 0
    with (out / LOG if leads else Path(os.devnull)).open("a", encoding="utf-8") as log:

        def note(line: Mapping[str, Any]) -> None:
            full = {"step": run.step, "seconds": round(time.monotonic() - began, 1), **line}
            log.write(json.dumps(full) + "\n")
            log.flush()
            report(full)

        began = time.monotonic()
        while run.step < settings.steps and not should_stop():
            losses = run.advance()
            last = run.step == settings.steps
            if run.step % settings.log_every == 0 or last:
                terms = {name: term.item() for name, term in losses.terms.items() if name != "loss"}
                note(_rounded({"loss": parallel.mean(losses.total), **terms, **losses.figures}))
            if run.step % settings.save_every == 0 or last:
                if leads:
                    run.save()
                    if judge is not None:
                        note({"judged": _rounded(judge(run.stored()))})
                    if saved is not None and not last:
                        saved(run.stored(), run.step)
                parallel.wait()
    if leads:
        run.save()
        if saved is not None:
            saved(run.stored(), run.step)
    parallel.wait()
    return run.stored()


class _Run(Generic[Module, Batch]):
    """A trainer with its optimiser and moving average, at some step."""

    def __init__(
        self, trainer: Trainer[Module, Batch], settings: Optimisation, out: Path, identity: Mapping[str, Any]
    ) -> None:
        self.trainer, self.settings, self.out, self.identity = trainer, settings, out, identity
        parallel.begin_alike(trainer.module)
        self.optimiser = torch.optim.AdamW(
            trainer.module.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            betas=settings.betas,
        )
        self.average = moving_average(trainer.module, settings.average) if settings.average else None
        self.step = load_state(out, identity, trainer.module, self.optimiser, self.average)

    def advance(self) -> Losses:
        """Take one step on a batch drawn from (seed, step)."""
        module = self.trainer.module.train()
        mine = [] if parallel.alone() else [parallel.rank()]
        rng = np.random.default_rng([self.settings.seed, self.step, *mine])
        torch.manual_seed(int(rng.spawn(1)[0].integers(2**62)))  # dropout
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate_at(self.step)
        losses = self.trainer.losses(self.trainer.batch(rng, self.step))
        total = losses.total
        if not torch.isfinite(total):
            raise DuologueError(
                "INTERNAL", "training-diverged", f"the loss is {total.item()} at step {self.step}; lower the rate."
            )
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        parallel.average_gradients(module)
        for part in self.trainer.clipped:
            nn.utils.clip_grad_norm_(part.parameters(), self.settings.clip)
        self.optimiser.step()
        self.step += 1
        if self.average is not None:
            self.average.update_parameters(module)
        return losses

    def stored(self) -> Module:
        """Return what a checkpoint holds, in evaluation mode."""
        module = self.trainer.module if self.average is None else cast("Module", self.average.module)
        return module.eval()

    def save(self) -> None:
        """Write the state that a run is gone on with from."""
        save_state(self.out, self.identity, self.step, self.trainer.module, self.optimiser, self.average)


def moving_average(module: nn.Module, decay: float) -> AveragedModel:
    """Return the exponential moving average of a module, which begins as the module is and forgets that faster at first.

    After step k the decay is min(decay, (1 + k) / (10 + k)).
    """

    def update(average: Sequence[Tensor], now: Sequence[Tensor], step: Tensor | int) -> None:
        k = int(step)
        weight = 1 - min(decay, (1 + k) / (10 + k))
        for mean, value in zip(average, now, strict=True):
            mean.lerp_(value, weight)

    averaged = AveragedModel(module, multi_avg_fn=update)
    averaged.update_parameters(module)  # the first call copies, and counts as step 0
    return averaged.requires_grad_(False)


def _identity(settings: Optimisation) -> dict[str, Any]:
    """Return what makes a run the run it is: all but how often it logs and saves."""
    return {key: value for key, value in asdict(settings).items() if not key.endswith("_every")}


def recipe_of(settings: DataclassInstance) -> dict[str, Any]:
    """Return a training's settings but for its ``optimisation``, as ``train`` takes them."""
    return {name: value for name, value in asdict(settings).items() if name != "optimisation"}


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    """Six digits: what a log is read for."""
    return {name: float(f"{value:.6g}") for name, value in figures.items()}
