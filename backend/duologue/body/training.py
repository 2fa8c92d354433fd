"""Training both body networks side by side on a corpus."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from duologue.body.checkpoint import BodyModel
from duologue.body.conditions import Conditions
from duologue.body.config import CONDITIONS, BodyConfig
from duologue.body.losses import LONG, BodyLoss, LossWeights, Paces
from duologue.body.network import Denoiser
from duologue.body.planting import Limbs, sole_contacts
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.corpus.body import Corpus
from duologue.datasets.corpus.drawing import WindowDrawer
from duologue.diffusion.schedule import CosineSchedule
from duologue.errors import DuologueError
from duologue.features import pose as poses
from duologue.features.modes import mode_weights, settled
from duologue.features.statistics import PoseStatistics, Scaler
from duologue.motion.skeleton import Skeleton
from duologue.training.loop import Losses, Optimisation, train
from duologue.units import FPS

_MEASURED: Final = 2
"""Batches of the held-out pairs that a measurement takes."""


@dataclass(frozen=True)
class BodyTraining:
    """How to train. The defaults are the shipped ``starter``'s, and its baselines'.

    InterAct: batch 32, Adam 3e-4, 60 epochs of stride-1 windows.
    """

    network: BodyConfig = field(default_factory=lambda: BodyConfig.named("starter"))
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(
            steps=4000,
            learning_rate=1e-3,
            batch=16,
            warm_up=200,
            anneal_from="start",
            betas=(0.9, 0.999),
            average=0.999,
            save_every=250,
        )
    )
    weights: LossWeights = field(default_factory=LossWeights)
    window: int = 100
    past: float = 0.7
    """Share of samples whose first frames are given, as the past of a stream is."""
    pinned: float = 0.15
    """Share of people a few of whose poses are given, in the middle of what is not; as many have a kept stretch at the end."""
    alone: float = 0.1
    """Share of samples in which one of the two is given from first to last, so that only the other is made."""
    changing: float = 0.35
    """Share of windows laid across a change of somebody's action."""
    walking: float = 0.25
    """Share of windows laid where somebody walks."""
    routed: float = 0.5
    """Share of people whose way over the floor is given, for all or a part of the window."""
    lower_noise: float = 0.1
    """Deviation of the noise on the lower body that the upper network is given: at work it gets a sampled one, not a true one."""
    held_out: float = 0.05
    """Share of the corpus's pairs, the last ones, that only measure."""
    half: bool = True
    """bfloat16 in the networks (master weights stay float32): twice as fast where the CPU or GPU has it."""
    strengths: Mapping[str, float] = field(default_factory=lambda: {"action": 1.5, "speech": 1.5})
    """Guidance that the checkpoint performs with where a brief asks for none."""
    gains: Mapping[str, float] = field(default_factory=dict[str, float])
    """By how much the checkpoint's sampler leans out (``body.rescaling``)."""
    start: str = ""
    """A checkpoint, by name or folder, whose tensors the networks begin with wherever they fit; "" begins with none. Other versions'
    checkpoints do too. What it was standardised by overall is kept."""
    networks: tuple[str, ...] = ("lower", "upper")
    """Which of the two learn; another stays as it starts."""


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
    trainer = BodyTrainer(Corpus.open(corpus), settings, device)
    about = {"corpus": dict(trainer.corpus.description), **asdict(settings)}
    del about["network"]  # stands in the checkpoint already
    checkpoints: list[Checkpoint] = []

    def save(model: BodyModel, step: int) -> None:
        checkpoints[:] = [model.save(out / "checkpoint", "body", {"steps": step, **about})]

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
    return checkpoints[0]


def draw_held(
    batch: int, frames: int, overlap: int, settings: BodyTraining, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw what of a batch is given, (batch, 2, frames, 2): each performer's root steps, and their poses.

    The past of a stream (both people's first frames); single pinned poses, whose root steps stay open; a kept stretch at the end;
    one person altogether.
    """
    held = np.zeros((batch, 2, frames, 2), bool)
    known = np.where(rng.random(batch) < settings.past, rng.integers(1, int(1.5 * overlap), batch), 0)
    held |= (np.arange(frames) < known[:, None])[:, None, :, None]
    pinned = (rng.random((batch, 2, frames)) < 2.0 / frames) & (rng.random((batch, 2, 1)) < settings.pinned)
    held[..., 1] |= pinned
    ending = np.where(rng.random((batch, 2)) < settings.pinned, rng.integers(5, frames // 2, (batch, 2)), 0)
    held |= (np.arange(frames) >= frames - ending[..., None])[..., None]
    alone = rng.random(batch) < settings.alone
    held[alone, rng.integers(0, 2, alone.sum())] = True
    return held


def draw_routed(batch: int, frames: int, share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw where a route counts, (batch, 2, frames): nowhere, or from some frame to another."""
    first = rng.integers(-frames // 2, frames // 2, (batch, 2, 1))
    last = rng.integers(frames // 3, 3 * frames // 2, (batch, 2, 1))
    index = np.arange(frames)
    return ((index >= first) & (index < last) & (rng.random((batch, 2, 1)) < share)).astype(np.float32)


@dataclass(frozen=True)
class Batch:
    """What a step learns from: B pairs, T frames, everything random about them drawn."""

    features: Tensor
    """(B, 2, T, C), standardised."""
    conditions: Conditions
    held: Tensor
    """(B, 2, T, 2) what is given, as ``draw_held`` draws it."""
    keep: Mapping[str, Tensor]
    """(B, 2) for each condition: 0 where it is dropped."""
    t: Tensor
    """(B,) moments of the diffusion."""
    noise: tuple[Tensor, Tensor, Tensor]
    """On the lower body, on what the upper network is given of it, on the upper body."""


class BodyTrainer:
    """Both networks, and what they learn from."""

    def __init__(self, corpus: Corpus, settings: BodyTraining, device: str = "cpu") -> None:
        self.corpus, self.settings, self.device = corpus, settings, torch.device(device)
        config, skeleton = settings.network, Skeleton.builtin("duologue60")
        corpus.check_columns(skeleton)
        torch.manual_seed(settings.optimisation.seed)
        self._modes = mode_shares(corpus, config.actions)
        self._contacts = contacts_of(corpus, skeleton)
        statistics, paces = measure(corpus, self._contacts, skeleton, len(config.actions))
        begun = open_checkpoint(settings.start) if settings.start else None
        if begun is not None:
            statistics = keep_scale(statistics, begun)
        mel = corpus.mel_scale() if begun is None else Scaler.from_json(begun.config["mel"])
        self.module = BodyModel(config, statistics, mel, settings.strengths, settings.gains).to(device)
        if not len(self.module.statistics.lower):
            raise DuologueError(
                "FAILED_PRECONDITION",
                "corpus-still",
                "hips and legs never move in this corpus, so the network that makes them has nothing to learn; give one in which "
                "they do, or train one network for the whole body (--config flat).",
                field="--corpus",
            )
        self.schedule = CosineSchedule(config.prediction, config.shift)
        seat = config.actions.index("sit")
        self.loss = BodyLoss(self.module.statistics, paces, skeleton, settings.weights, seat, device)
        held_out = max(1, round(settings.held_out * (len(corpus.starts) - 1)))
        self._train, self._test = (
            WindowDrawer(
                corpus,
                settings.window,
                pairs,
                changing=settings.changing,
                moving=settings.walking,
                walk=config.actions.index("walk"),
            )
            for pairs in (slice(0, -held_out), slice(-held_out, None))
        )
        if begun is not None:
            begin_with(self.module, begun)
        self._begin()
        for name in ("lower", "upper"):
            if name not in settings.networks:
                for part in (getattr(self.module, name), getattr(self.module, f"{name}_conditions")):
                    part.requires_grad_(False)

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
        return self._draw(self._train, rng)

    def losses(self, batch: Batch) -> Losses:
        """Return every term of both networks, named ``lower pose`` and so on."""
        return Losses(self._terms(self.module, batch))

    @torch.no_grad()
    def measure(self, model: BodyModel) -> dict[str, float]:
        """Return a model's losses on the held-out pairs, always the same windows, noise and moments."""
        rows: list[dict[str, float]] = []
        for index in range(_MEASURED):
            rng = np.random.default_rng([self.settings.optimisation.seed, 10**9 + index])
            batch = self._draw(self._test, rng, dropped=0.0)
            rows.append({name: term.item() for name, term in self._terms(model, batch).items()})
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    def _begin(self) -> None:
        """Let the networks that learn start from linear filters, measured on a few windows."""
        rng = np.random.default_rng([self.settings.optimisation.seed, 2 * 10**9])
        features, conditions = self.windows(self._train.draw(48, rng), rng)
        full, modes = features.cpu(), conditions.modes.cpu()
        for name, columns in (("lower", self.loss.lower), ("upper", self.loss.upper)):
            network = getattr(self.module, name)
            if network is not None and name in self.settings.networks:
                network.cpu().begin(full[..., columns.cpu()], self.schedule, modes)
        self.module.to(self.device)

    def _draw(self, drawer: WindowDrawer, rng: np.random.Generator, dropped: float | None = None) -> Batch:
        """Draw a batch; each condition is ``dropped`` that often, by default as often as the config says."""
        s, config = self.settings, self.settings.network
        size, frames = s.optimisation.batch, s.window
        windows = drawer.draw(size, rng)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        features, conditions = self.windows(windows, rng)
        held = torch.from_numpy(draw_held(size, frames, config.overlap, s, rng)).to(self.device)
        dropped = config.condition_dropout if dropped is None else dropped
        keep = {
            name: torch.from_numpy((rng.random((size, 2)) >= dropped).astype(np.float32)).to(self.device)
            for name in CONDITIONS
        }
        conditions.routed.copy_(torch.from_numpy(draw_routed(size, frames, s.routed, rng)))
        # Low noise decides how clean the sample is, high noise what it does; both get every moment alike.
        t = self.schedule.shifted(torch.rand(size, generator=generator)).to(self.device)

        def noise(columns: Tensor) -> Tensor:
            return torch.randn(size, 2, frames, len(columns), generator=generator).to(self.device)

        loss = self.loss
        return Batch(features, conditions, held, keep, t, (noise(loss.lower), noise(loss.given), noise(loss.upper)))

    def _terms(self, model: BodyModel, batch: Batch) -> dict[str, Tensor]:
        """Return every term of both of a model's networks."""
        lower, upper = batch.features[..., self.loss.lower], batch.features[..., self.loss.upper]
        certain = self.schedule.alpha_sigma(batch.t)[0].square().view(-1, 1, 1, 1)
        fresh = (~batch.held).to(lower.dtype)
        c, terms = batch.conditions, dict[str, Tensor]()
        half = torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.settings.half)
        if "lower" in self.settings.networks:
            # The legs learn where the partner stands as the window begins, the upper body where they stand at each frame.
            at_first = replace(c, placement=c.placement[:, :, :1].expand(-1, -1, c.mel.shape[2], -1))
            with half:
                condition = model.lower_conditions(at_first, batch.keep)
                predicted = self._predict(model.lower, condition, lower, batch.held, batch, 0)
            made = self.loss.lower_terms(predicted, lower, c.modes, fresh, certain)
            terms |= {f"lower {k}": v for k, v in made.items()}
        if model.upper is None or model.upper_conditions is None or "upper" not in self.settings.networks:
            return terms
        full = self.loss.features(c.modes, lower, upper)
        seen = self.loss.seen(full)
        seen = seen + self.settings.lower_noise * batch.noise[1]
        with half:
            condition = model.upper_conditions(c, batch.keep, seen)
            predicted = self._predict(model.upper, condition, upper, batch.held[..., 1:], batch, 2)
        made = self.loss.upper_terms(predicted, upper, full, c.modes, fresh[..., 1:], certain)
        return terms | {f"upper {k}": v for k, v in made.items()}

    def _predict(  # noqa: PLR0917
        self, network: Denoiser, condition: Tensor, x0: Tensor, held: Tensor, batch: Batch, noise: int
    ) -> Tensor:
        """Return x0 as a network guesses it from its noised self, of which what is ``held`` comes in clean; ``noise``: which of the
        batch's."""
        t, modes = batch.t, batch.conditions.modes
        x = torch.where(network.spread(held), x0, self.schedule.add_noise(x0, batch.noise[noise], t))
        out = network(x, held, t, network.project_conditions(condition), modes)
        return self.schedule.to_x0(out.float(), x, t)

    def windows(self, windows: list[tuple[int, int]], rng: np.random.Generator) -> tuple[Tensor, Conditions]:
        """Return standardised features (B, 2, T, C) and the conditions of windows of the corpus (pair, first frame).

        In half of them A and B change places.
        """
        frames, arrays = self.settings.window, self.corpus.arrays
        swap = rng.random(len(windows)) < 0.5

        def gather(of: str | np.ndarray) -> np.ndarray:
            array = arrays[of] if isinstance(of, str) else of
            cut = np.stack([array[first : first + frames] for _, first in windows])
            cut[swap] = cut[swap][:, :, ::-1]
            return cut.swapaxes(1, 2)

        def tensor(values: np.ndarray, kind: type = np.float32) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, dtype=kind)).to(self.device)

        def of_pair(values: np.ndarray) -> Tensor:
            chosen = values[[pair for pair, _ in windows]]
            return tensor(np.where(swap[:, None], chosen[:, ::-1], chosen), np.int64)

        path = gather("path").swapaxes(0, 1)
        conditions = Conditions(
            mel=tensor(self.module.mel.standardise(gather("mel"))),
            activity=tensor(gather("activity")),
            text=tensor(gather("text")),
            action=tensor(gather("action"), np.int64),
            emotion=tensor(gather("emotion"), np.int64),
            role=of_pair(self.corpus.roles),
            style=of_pair(self.corpus.styles),
            placement=tensor(poses.placement(path).swapaxes(0, 1)),
            route=tensor(poses.route(path.transpose(2, 1, 0, 3)).transpose(1, 2, 0, 3)),
            routed=torch.zeros(len(windows), 2, frames, device=self.device),
            modes=tensor(modes := gather(self._modes)),
        )
        features = np.concatenate([gather("features"), gather(self._contacts)], axis=-1)
        return tensor(self.module.statistics.standardise(features, modes)), conditions


def mode_shares(corpus: Corpus, modes: tuple[str, ...]) -> NDArray[np.float32]:
    """Return how far each frame of a corpus belongs to each action mode, (F, 2, M), pair by pair."""
    return np.concatenate([mode_weights(action.T, modes).swapaxes(0, 1) for action in corpus.pairs("action")])


def contacts_of(corpus: Corpus, skeleton: Skeleton) -> NDArray[np.float32]:
    """Return which points of the soles bear weight in a corpus, (F, 2, 4), made from its motion."""
    soles = Limbs.soles(skeleton)
    made = [sole_contacts(pair.swapaxes(0, 1), soles).swapaxes(0, 1) for pair in corpus.pairs("features")]
    return np.concatenate(made)


def measure(
    corpus: Corpus, contacts: NDArray[np.float32], skeleton: Skeleton, modes: int
) -> tuple[PoseStatistics, Paces]:
    """Measure a corpus with its ``contacts`` (F, 2, 4): what is made over all of it and by mode, paces on ten minutes."""
    ends = corpus.starts[1:-1]
    features = [
        np.concatenate([pair, own], axis=-1)
        for pair, own in zip(corpus.pairs("features"), np.split(contacts, ends), strict=True)
    ]
    action = [pair.astype(np.int64) for pair in corpus.pairs("action")]
    pure = [np.where(settled(pair.T).T, pair, -1) for pair in action]
    statistics = PoseStatistics.measure(poses.channels(skeleton), features, pure, modes)
    for pair in pure:  # nothing is differenced from one pair to the next
        pair[: LONG + 1] = -1
    some = int(np.searchsorted(corpus.starts, 20 * 60 * FPS)) + 1
    return statistics, Paces.measure(statistics, np.concatenate(features[:some]), np.concatenate(pure[:some]))


def keep_scale(statistics: PoseStatistics, begun: Checkpoint) -> PoseStatistics:
    """Return statistics whose overall scale, and so the upper body's, is a checkpoint's, whose network knows no other."""
    before = begun.config.get("statistics", {})
    mean, std = statistics.mean.copy(), statistics.std.copy()
    varies = statistics.varies.copy()
    for k, name in enumerate(statistics.names):
        if name in before:
            mean[k], std[k], varies[k] = before[name][:3]
    mode_mean, mode_std = statistics.mode_mean.copy(), statistics.mode_std.copy()
    upper = [k for k, name in enumerate(statistics.names) if not poses.is_lower(name)]
    mode_mean[:, upper], mode_std[:, upper] = mean[upper], std[upper]
    return replace(statistics, mean=mean, std=std, varies=varies, mode_mean=mode_mean, mode_std=mode_std)


def begin_with(model: BodyModel, begun: Checkpoint) -> None:
    """Give a model a checkpoint's tensors wherever name and shape are the same; the others stay as they are."""
    own = model.state_dict()
    tensors = begun.tensors()
    # Linear filters of before modes are every mode's.
    for name, value in list(tensors.items()):
        if name in own and value.ndim == 2 and own[name].ndim == 3 and own[name].shape[::2] == value.shape:
            tensors[name] = value[:, None].expand_as(own[name])
    fitting = {name: value for name, value in tensors.items() if name in own and own[name].shape == value.shape}
    model.load_state_dict(own | fitting)
