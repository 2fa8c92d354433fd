"""A student taught to make in a few steps, one network call each, what a body's networks make in many under guidance.

Trajectory distillation. The teacher solves its guided ODE from noise (DPM-Solver++(2M)); the student walks beside it with DDIM
(Song et al. 2021, equation 12) and learns, wherever its own steps have brought it, the x0 whose update leads to where the teacher
is next. For one step of progressive distillation (Salimans & Ho 2022, arXiv 2202.00512, algorithm 2) that x0 is theirs, with the
teacher's guidance inside as in Meng et al. 2023 (arXiv 2210.03142, section 3). That each step begins where the *student* has come
to, and not on noised data, keeps its errors from adding up; that trajectories are samples brings what the sampler adds to the
networks (``rescaling``) along.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from duologue.body.batches import Batch
from duologue.body.beginning import begin, student_of
from duologue.body.checkpoint import BodyModel
from duologue.body.denoising import GuidedDenoiser, Task
from duologue.body.losses import LossWeights
from duologue.body.rescaling import gain_of
from duologue.body.student import NETWORKS, Student, StudentConfig
from duologue.body.training import BodyTrainer
from duologue.body.training_settings import BodyTraining
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.corpus.body import Corpus
from duologue.diffusion.samplers import DpmSolver2M
from duologue.diffusion.windows import hold
from duologue.errors import invalid
from duologue.motion.skeleton import Skeleton
from duologue.training.loop import Losses, Optimisation, train
from duologue.training.precision import bfloat16

_HELD_OUT = -1
"""Where the batch that only measures lies among those that are learned from."""


@dataclass(frozen=True)
class BodyDistillation:
    """How to teach. The defaults are the shipped ``starter``'s."""

    steps: int = 4
    """The student's."""
    shift: float = 2.0
    """Where they lie (``diffusion.schedule``)."""
    substeps: int = 2
    """The teacher's steps within one of the student's."""
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(
            steps=700,
            learning_rate=5e-4,
            batch=4,
            warm_up=50,
            betas=(0.9, 0.999),
            average=0.995,
            save_every=100,
        )
    )
    weights: LossWeights = field(default_factory=lambda: LossWeights(jolt=0.1))
    """Of the terms. How a teacher's contacts flicker from frame to frame is not worth copying."""
    pool: int = 200
    """Batches of trajectories that are learned from, again and again: making one takes longer than learning from it."""
    window: int = 100
    """Frames."""
    networks: tuple[str, ...] = NETWORKS
    """Which are taught."""
    start: str = ""
    """A checkpoint whose student goes on learning, and keeps what is not taught; "" begins with the teacher's own tensors."""
    half: bool = True
    """bfloat16 in the networks."""


@dataclass(frozen=True)
class Trajectories:
    """What a step of a network learns from: where the teacher came from noise, B windows of T frames."""

    states: Sequence[Tensor]
    """x (B, 2, T, channels) at each of the student's moments, from noise to the sample."""
    task: Task
    full: Tensor
    """(B, 2, T, C): the true motion, which the upper network's hands hang on."""
    silent: Tensor
    """(B, 2, T) how far somebody is silent, ``losses.silence``."""


def distil_body(
    corpus: Path,
    teacher: str | Path | Checkpoint,
    out: Path,
    settings: BodyDistillation | None = None,
    *,
    device: str = "cpu",
    should_stop: Callable[[], bool] = lambda: False,
    report: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Checkpoint:
    """Teach a checkpoint's student on a corpus folder, or go on where ``out`` left off; return the checkpoint with it in
    ``out/checkpoint``.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label`` for a network that the teacher lacks; NOT_FOUND ``corpus-missing``,
            ``checkpoint-missing``; FAILED_PRECONDITION ``student-differs`` for a kept network of other steps or guidance; what
            ``BodyModel.load`` and ``training.loop.train`` raise.
    """
    settings = settings or BodyDistillation()
    stored = open_checkpoint(teacher)
    model = BodyModel.load(stored, Skeleton.builtin("duologue60"), device)
    if missing := [name for name in settings.networks if getattr(model, name) is None]:
        raise invalid("unknown-label", f"{stored.name} has no {missing[0]} network to teach for", field="--only")
    distiller = BodyDistiller(Corpus.open(corpus), model, settings, device)
    about = {"corpus": dict(distiller.data.corpus.description), "teacher": stored.sha256, **asdict(settings)}
    checkpoints: list[Checkpoint] = []

    def save(student: Student, step: int) -> None:
        student.training_notes = {
            **distiller.module.training_notes,
            **{name: {"steps": step, **about} for name in settings.networks},
        }
        model.student = student
        checkpoints[:] = [model.save(out / "checkpoint", "body", stored.config.get("training", {}))]
        model.student = None

    train(
        distiller,
        settings.optimisation,
        out,
        recipe={**json.loads(json.dumps(asdict(settings))), "optimisation": {}, "teacher": stored.sha256},
        judge=distiller.measure,
        saved=save,
        report=report,
        should_stop=should_stop,
    )
    return checkpoints[0]


class BodyDistiller:
    """A student, its teacher, and what both are given."""

    def __init__(self, corpus: Corpus, teacher: BodyModel, settings: BodyDistillation, device: str = "cpu") -> None:
        begun = student_of(settings.start, teacher, device) if settings.start else teacher.student
        teacher.student = None
        self.teacher, self.settings = teacher.eval().requires_grad_(False), settings
        config = StudentConfig(settings.steps, settings.shift, dict(teacher.strengths))
        self.module = begin(teacher, config, settings.networks, begun, again=bool(settings.start))
        training = BodyTraining(
            teacher.config,
            settings.optimisation,
            settings.weights,
            window=settings.window,
            networks=settings.networks,
        )
        self.data = BodyTrainer(corpus, training, device, teacher)
        self.schedule = replace(self.data.schedule, shift=settings.shift)
        self._taught: dict[int, dict[str, Trajectories]] = {}

    @property
    def clipped(self) -> tuple[nn.Module, ...]:
        """Each network that is taught, with what encodes its conditions."""
        parts = (self.module.parts(name) for name in self.settings.networks)
        return tuple(nn.ModuleList(both) for both in parts if both is not None)

    def batch(self, rng: np.random.Generator, step: int) -> dict[str, Trajectories]:
        """Return one of the pool's batches, by network; the teacher makes it when it is first drawn."""
        index = int(rng.integers(self.settings.pool))
        if index not in self._taught:
            own = np.random.default_rng([self.settings.optimisation.seed, 3 * 10**9 + index])
            self._taught[index] = self._teach(self.data.batch(own, index))
        return self._taught[index]

    def losses(self, batch: Mapping[str, Trajectories]) -> Losses:
        """Return every term of the networks that are taught, named ``lower pose`` and so on."""
        return Losses(self._terms(self.module, batch))

    @torch.no_grad()
    def measure(self, student: Student) -> dict[str, float]:
        """Return a student's losses on a batch of the held-out pairs, and how far its samples are from the teacher's: the
        share of the teacher's variance over time that is left unexplained."""
        if _HELD_OUT not in self._taught:
            self._taught[_HELD_OUT] = self._teach(self.data.held_out(0))
        batch = self._taught[_HELD_OUT]
        figures = {name: term.item() for name, term in self._terms(student, batch).items()}
        for name, taught in batch.items():
            made = self._walk(student, name, taught)[-1][0]
            fresh = (~getattr(self.teacher, name).spread(taught.task.flags)).float()
            error = ((made - taught.states[-1]).square() * fresh).sum() / fresh.sum()
            own = taught.states[-1]
            sway = ((own - own.mean(2, keepdim=True)).square() * fresh).sum() / fresh.sum()
            figures[f"{name} unexplained"] = float(error / sway)
        return figures

    @torch.no_grad()
    def _teach(self, batch: Batch) -> dict[str, Trajectories]:
        """Let the teacher sample a batch with each network that is taught."""
        loss, c = self.data.loss, batch.conditions
        lower, upper = batch.features[..., loss.lower], batch.features[..., loss.upper]
        full = loss.features(c.modes, lower, upper)
        taught: dict[str, Trajectories] = {}
        for name in self.settings.networks:
            if name == "lower":
                noise, task = batch.noise[0], Task(c.at_first(), batch.held, lower)
            else:
                seen = loss.seen(full) + self.data.settings.lower_noise * batch.noise[1]
                noise, task = batch.noise[2], Task(c, batch.held[..., 1:], upper, seen)
            taught[name] = Trajectories(self._sampled(name, noise, task), task, full, batch.silent)
        return taught

    def _sampled(self, name: str, noise: Tensor, task: Task) -> tuple[Tensor, ...]:
        """Return where the teacher comes from ``noise``, at each of the student's moments."""
        model, held = self.teacher, getattr(self.teacher, name).spread(task.flags)
        gain = torch.from_numpy(gain_of(model.statistics, getattr(model.statistics, name), model.gains)).to(noise)
        parts = getattr(model, f"{name}_conditions"), getattr(model, name)
        steps = self.settings.steps * self.settings.substeps
        with self._half():
            denoise = GuidedDenoiser(*parts, self.schedule, model.strengths, gain, task)
            states = list(DpmSolver2M(self.schedule).iterate(hold(denoise, task.given, held), noise, steps))
        return (noise, *states[self.settings.substeps - 1 :: self.settings.substeps])

    def _walk(self, student: Student, name: str, taught: Trajectories) -> list[tuple[Tensor, Tensor]]:
        """Return for each of a student's steps its x0 and the one that would have led to where the teacher is next.

        The DDIM update to the next moment is ``x' = (s' / s) x + (a' - a s' / s) x0`` with signal a and noise s; solved for x0.
        """
        parts, task = student.parts(name), taught.task
        assert parts is not None
        held = parts[1].spread(task.flags)
        with self._half():
            denoise = GuidedDenoiser(*parts, self.schedule, {}, torch.ones_like(task.given[0, 0, 0]), task)
            moments = self.schedule.times(self.settings.steps)
            alphas, sigmas = self.schedule.alpha_sigma(moments)
            x, pairs = taught.states[0], list[tuple[Tensor, Tensor]]()
            for k in range(self.settings.steps):
                keep = float(sigmas[k + 1] / sigmas[k])
                add = float(alphas[k + 1] - alphas[k] * sigmas[k + 1] / sigmas[k])
                x0 = denoise(x, moments[k].to(x).expand(len(x)))
                wanted = (taught.states[k + 1] - keep * x) / add
                pairs.append((x0, torch.where(held, task.given, wanted)))
                x = keep * x + add * torch.where(held, task.given, x0.detach())
        return pairs

    def _terms(self, student: Student, batch: Mapping[str, Trajectories]) -> dict[str, Tensor]:
        """Return every term, the mean over the student's steps. Speeds and places count as far as a step's x0 is what is left
        at the next moment: of the first one's little, of the last one's all."""
        loss, terms = self.data.loss, dict[str, Tensor]()
        alphas, _ = self.schedule.alpha_sigma(self.schedule.times(self.settings.steps))
        for name, taught in batch.items():
            modes, fresh = taught.task.conditions.modes, (~taught.task.flags).to(taught.full.dtype)
            for k, (x0, wanted) in enumerate(self._walk(student, name, taught)):
                certain = torch.full((len(x0), 1, 1, 1), float(alphas[k + 1] ** 2), device=x0.device)
                made = (
                    loss.lower_terms(x0, wanted, modes, fresh, certain, sampled=True)
                    if name == "lower"
                    else loss.upper_terms(x0, wanted, taught.full, modes, fresh, certain, taught.silent)
                )
                for term, value in made.items():
                    key = f"{name} {term}"
                    terms[key] = terms.get(key, torch.zeros((), device=value.device)) + value / self.settings.steps
        return terms

    def _half(self) -> torch.autocast:
        return bfloat16(self.data.device, wanted=self.settings.half)
