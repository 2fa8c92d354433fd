"""Training both body networks side by side on a corpus."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from duologue.body.batches import Batch, BatchDrawer
from duologue.body.checkpoint import MODEL, BodyModel
from duologue.body.losses import BodyLoss
from duologue.body.network import Denoiser
from duologue.body.training_data import contacts_of, measure
from duologue.body.training_settings import BodyTraining
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.corpus.body import Corpus
from duologue.datasets.corpus.drawing import WindowDrawer
from duologue.diffusion.schedule import CosineSchedule
from duologue.errors import DuologueError
from duologue.features.statistics import Scaler
from duologue.motion.skeleton import Skeleton
from duologue.training.loop import Losses, train
from duologue.training.parallel import own_device
from duologue.training.precision import bfloat16

_MEASURED: Final = 2
"""Batches of the held-out pairs that a measurement takes."""


def train_body(
    corpus: Path,
    out: Path,
    settings: BodyTraining | None = None,
    *,
    device: str = "cpu",
    should_stop: Callable[[], bool] = lambda: False,
    report: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Checkpoint:
    """Train on a corpus folder, or go on where ``out`` left off, and return the checkpoint in ``out/checkpoint``.

    ``out`` also holds the training state and the log; ``report`` gets each line of it as it is written.

    Raises:
        DuologueError: NOT_FOUND ``corpus-missing``; FAILED_PRECONDITION ``corpus-still``; what ``training.loop.train`` raises.
    """
    settings = settings or BodyTraining()
    trainer = BodyTrainer(Corpus.open(corpus), settings, own_device(device))
    about = {"corpus": dict(trainer.corpus.description), **asdict(settings)}
    del about["network"]  # stands in the checkpoint already

    def save(model: BodyModel, step: int) -> None:
        model.save(out / "checkpoint", "body", {"steps": step, **about})

    train(
        trainer,
        settings.optimisation,
        out,
        recipe=trainer.recipe(),
        judge=trainer.measure,
        saved=save,
        report=report,
        should_stop=should_stop,
    )
    return open_checkpoint(out / "checkpoint")


class BodyTrainer:
    """Both networks, and what they learn from."""

    def __init__(
        self, corpus: Corpus, settings: BodyTraining, device: str = "cpu", model: BodyModel | None = None
    ) -> None:
        """``model``: the one that learns, with its statistics; without it a new one, which begins as the settings say."""
        self.corpus, self.settings, self.device = corpus, settings, torch.device(device)
        config, skeleton = settings.network, Skeleton.builtin("duologue60")
        corpus.check_columns(skeleton)
        torch.manual_seed(settings.optimisation.seed)
        contacts = contacts_of(corpus, skeleton)
        known = None if model is None else model.statistics
        statistics, paces = measure(corpus, contacts, skeleton, len(config.actions), known)
        begun = open_checkpoint(settings.start).require(MODEL) if settings.start else None
        mel = corpus.mel_scale()
        if begun is not None:
            statistics = statistics.keeping(begun.part("statistics"), settings.networks)
            mel = Scaler.from_json(begun.part("mel"))
        self.module = model or BodyModel(config, statistics, mel, settings.strengths, settings.gains)
        self.module.to(device)
        _check_moves(self.module)
        self.schedule = CosineSchedule(config.prediction, config.shift)
        seat = config.actions.index("sit")
        self.loss = BodyLoss(self.module.statistics, paces, skeleton, settings.weights, seat, device)
        self.batches = BatchDrawer(corpus, contacts, settings, self.module, self.loss, self.schedule, self.device)
        held_out = max(1, round(settings.held_out * (len(corpus.starts) - 1)))
        self._train, self._test = (self._drawer(pairs) for pairs in (slice(0, -held_out), slice(-held_out, None)))
        if begun is not None:
            self.module.begin_with(begun)
        if model is None:
            self._begin()
        for name in ("lower", "upper"):
            if name not in settings.networks:
                for part in (getattr(self.module, name), getattr(self.module, f"{name}_conditions")):
                    part.requires_grad_(False)

    def _drawer(self, pairs: slice) -> WindowDrawer:
        s = self.settings
        walk = s.network.actions.index("walk")
        return WindowDrawer(self.corpus, s.window, pairs, changing=s.changing, moving=s.walking, walk=walk)

    @property
    def clipped(self) -> tuple[nn.Module, ...]:
        """Each network with what encodes its conditions."""
        m = self.module
        parts = ((m.lower, m.lower_conditions), (m.upper, m.upper_conditions))
        return tuple(nn.ModuleList(part for part in both if part is not None) for both in parts if both[0] is not None)

    def recipe(self) -> dict[str, Any]:
        """Return what, beside the optimisation, must not change between a run and its continuation."""
        recipe = json.loads(json.dumps(asdict(self.settings)))
        del recipe["optimisation"]
        return recipe

    def batch(self, rng: np.random.Generator, step: int) -> Batch:
        """Draw windows of the training pairs."""
        return self.batches.draw(self._train, rng)

    def held_out(self, index: int) -> Batch:
        """Draw windows of the pairs that only measure, always the same for an ``index``."""
        rng = np.random.default_rng([self.settings.optimisation.seed, 10**9 + index])
        return self.batches.draw(self._test, rng, dropped=0.0)

    def losses(self, batch: Batch) -> Losses:
        """Return every term of both networks, named ``lower pose`` and so on."""
        return Losses(self._terms(self.module, batch))

    @torch.no_grad()
    def measure(self, model: BodyModel) -> dict[str, float]:
        """Return a model's losses on the held-out pairs, always the same windows, noise and moments."""
        rows: list[dict[str, float]] = []
        for index in range(_MEASURED):
            rows.append({name: term.item() for name, term in self._terms(model, self.held_out(index)).items()})
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    def _begin(self) -> None:
        """Let the networks that learn start from linear filters, measured on a few windows."""
        rng = np.random.default_rng([self.settings.optimisation.seed, 2 * 10**9])
        features, conditions, _ = self.batches.windows(self._train.draw(48, rng), rng)
        full, modes = features.cpu(), conditions.modes.cpu()
        for name, columns in (("lower", self.loss.lower), ("upper", self.loss.upper)):
            network = getattr(self.module, name)
            if network is not None and name in self.settings.networks:
                network.cpu().begin(full[..., columns.cpu()], self.schedule, modes)
        self.module.to(self.device)

    def _terms(self, model: BodyModel, batch: Batch) -> dict[str, Tensor]:
        """Return every term of both of a model's networks."""
        lower, upper = batch.features[..., self.loss.lower], batch.features[..., self.loss.upper]
        certain = self.schedule.alpha_sigma(batch.t)[0].square().view(-1, 1, 1, 1)
        fresh = (~batch.held).to(lower.dtype)
        upper_known, lower_known = batch.known[..., :1], batch.known[..., 1:]
        c, terms = batch.conditions, dict[str, Tensor]()
        half = bfloat16(self.device, wanted=self.settings.half)
        if "lower" in self.settings.networks:
            with half:
                condition = model.lower_conditions(c.at_first(), batch.keep)
                predicted = self._predict(model.lower, condition, lower, batch.held, batch, 0)
            made = self.loss.lower_terms(predicted, lower, c.modes, fresh * lower_known, certain)
            terms |= {f"lower {k}": v for k, v in made.items()}
        if model.upper is None or model.upper_conditions is None or "upper" not in self.settings.networks:
            return terms
        full = self.loss.features(c.modes, lower, upper)
        seen = self.loss.seen(full)
        seen = seen + self.settings.lower_noise * batch.noise[1]
        with half:
            condition = model.upper_conditions(c, batch.keep, seen)
            predicted = self._predict(model.upper, condition, upper, batch.held[..., 1:], batch, 2)
        fresh = fresh[..., 1:] * upper_known
        made = self.loss.upper_terms(predicted, upper, full, c.modes, fresh, certain, batch.silent)
        return terms | {f"upper {k}": v for k, v in made.items()}

    def _predict(  # noqa: PLR0917
        self, network: Denoiser, condition: Tensor, x0: Tensor, held: Tensor, batch: Batch, noise: int
    ) -> Tensor:
        """Return x0 as a network guesses it from its noised self, of which what is ``held`` comes in clean; ``noise``: which of
        the batch's."""
        t, modes = batch.t, batch.conditions.modes
        x = torch.where(network.spread(held), x0, self.schedule.add_noise(x0, batch.noise[noise], t))
        out = network(x, held, t, network.project_conditions(condition), modes)
        return self.schedule.to_x0(out.float(), x, t)


def _check_moves(model: BodyModel) -> None:
    if not len(model.statistics.lower):
        raise DuologueError(
            "FAILED_PRECONDITION",
            "corpus-still",
            "hips and legs never move in this corpus, so the network that makes them has nothing to learn; give one in which "
            "they do, or train one network for the whole body (--config flat).",
            field="--corpus",
        )
