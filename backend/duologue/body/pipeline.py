"""From conditions to two moving bodies: windows in any number, each outpainted from the one before.

For every window the lower bodies are sampled first, their roots walked into the world, and then the upper bodies given both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duologue.body.checkpoint import BodyModel
from duologue.body.conditions import ConditionEncoder, Conditions
from duologue.body.config import CONDITIONS
from duologue.body.control import Control, Plan, settle
from duologue.body.drift import Homing
from duologue.body.network import Denoiser
from duologue.body.rescaling import QUIET, gain_of
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.diffusion.guidance import combine, variants
from duologue.diffusion.pipeline import Pipeline
from duologue.diffusion.samplers import DpmSolver2M, Sampler
from duologue.diffusion.schedule import CosineSchedule
from duologue.diffusion.windows import hold, spans
from duologue.errors import invalid
from duologue.features import pose as poses
from duologue.labels import ACTION_MODES, EMOTIONS, check
from duologue.motion.skeleton import Skeleton


@dataclass(frozen=True)
class BodyConditions:
    """What two performers say and are asked to do, T frames at 30 fps; A comes first everywhere.

    Raises:
        DuologueError: INVALID_ARGUMENT ``conditions-shape`` or ``conditions-not-finite``.
    """

    mel: NDArray[np.float32]
    """(2, T, 27): log mel, natural logarithm, as ``speech.mel`` makes it."""
    text: NDArray[np.float32]
    """(2, T, 384): text features of the word being said, zero between words and where there is no transcript."""
    activity: NDArray[np.float32]
    """(2, T): voice activity, 0 to 1."""
    actions: NDArray[np.integer]
    """(2, T): indices into ``labels.ACTION_MODES``."""
    emotion: NDArray[np.integer]
    """(2, T): indices into ``labels.EMOTIONS``."""
    roles: tuple[str, str]
    """Each one's half of the relationship."""
    style: tuple[int, int]
    """Speaker ids."""
    starts: NDArray[np.float32]
    """(2, 3): x, z (metres) and heading (radians) of the hips at the first frame."""
    mirrored: tuple[bool, bool] = (False, False)
    """Who is performed in a mirror: somebody else's handedness, facing the same partner on the same way."""

    def __post_init__(self) -> None:
        frames = self.mel.shape[1]
        shapes = {"mel": (2, frames, 27), "text": (2, frames, 384), "activity": (2, frames), "actions": (2, frames),
                  "emotion": (2, frames), "starts": (2, 3)}  # fmt: skip
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise invalid("conditions-shape", f"{name} has shape {array.shape}, expected {shape}.", field=name)
            if not np.isfinite(array).all():
                raise invalid("conditions-not-finite", f"{name} holds NaN or infinity.", field=name)

    @property
    def frames(self) -> int:
        """T."""
        return self.mel.shape[1]


@dataclass(frozen=True)
class BodyWindow:
    """Frames ``start`` to ``start + n`` of both performers, as sampled (no clean-up): world hips (metres), exponential maps."""

    start: int
    root_translation: NDArray[np.float32]
    """(2, n, 3)"""
    rotations: NDArray[np.float32]
    """(2, n, J, 3): parent-local, the hips' in the world; unrolled within the window."""


class BodyPipeline(Pipeline[BodyConditions, BodyWindow]):
    """A body checkpoint, ready to perform: ``load`` one, then ``stream`` as many takes as wanted."""

    def __init__(
        self, model: BodyModel, skeleton: Skeleton, device: str = "cpu", sampler: Sampler | None = None
    ) -> None:
        self.model = model.to(device).eval().requires_grad_(False)
        self.skeleton = skeleton
        self.device = torch.device(device)
        self.schedule = CosineSchedule(model.config.prediction, model.config.shift)
        self.sampler = sampler or DpmSolver2M(self.schedule)
        self.set_gains(model.gains)

    def set_gains(self, gains: Mapping[str, float]) -> None:
        """Lean out by other gains (``body.gains``), from the next take on."""
        self.model.gains = dict(gains)
        statistics = self.model.statistics
        lower, upper = (gain_of(statistics, columns, gains) for columns in (statistics.lower, statistics.upper))
        self.gains = {
            network: torch.from_numpy(gain).to(self.device)
            for network, gain in ((self.model.lower, lower), (self.model.upper, upper))
            if network is not None
        }

    @classmethod
    def load(cls, checkpoint: str | Path | Checkpoint = "body", device: str = "cpu") -> BodyPipeline:
        """Load a checkpoint by name or folder.

        Raises:
            DuologueError: what ``open_checkpoint`` and ``BodyModel.load`` raise.
        """
        skeleton = Skeleton.builtin("duologue60")
        return cls(BodyModel.load(open_checkpoint(checkpoint), skeleton, device), skeleton, device)

    def stream(  # noqa: PLR0917
        self,
        conditions: BodyConditions,
        seed: int,
        steps: int = 10,
        strengths: Mapping[str, float] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        control: Control | None = None,
    ) -> Iterator[BodyWindow]:
        """Yield consecutive windows from frame 0 to the last, without overlap; end early once ``should_stop`` says so.

        ``strengths``: classifier-free guidance for any of ``config.CONDITIONS``; 1 is plain, and one not given is the
        checkpoint's own choice. Each that is not 1 makes every step a network call wider. The same arguments on the same device
        give the same windows bit for bit. Memory does not grow with the length of the take. ``control``: what to hold.

        Raises:
            DuologueError: INVALID_ARGUMENT ``unknown-label`` for a role, emotion, action or strength, and ``style-unknown``
                for a style, that the checkpoint does not know.
        """
        for name in strengths or {}:
            check(name, CONDITIONS, field="strengths")
        given = self._encode_labels(conditions)
        starts = np.asarray(conditions.starts, np.float64)
        control = control or Control()
        run = _Run(
            self,
            {**self.model.strengths, **(strengths or {})},
            steps,
            torch.Generator().manual_seed(seed),
            should_stop,
            control,
            np.asarray(conditions.actions),
            control.plan(starts, conditions.actions),
            np.array(conditions.mirrored),
            Homing(starts),
        )
        past = _Past.begin(self.model, starts)
        for span in spans(conditions.frames, self.model.config.window, self.model.config.overlap):
            try:
                with torch.inference_mode():
                    window, past = run.window(given, span.start, span.stop, past)
            except _StoppedError:
                return
            yield window

    def _encode_labels(self, c: BodyConditions) -> _Given:
        """Turn names and arrays into what the networks hear: labels by name, so a checkpoint may list them in another order."""
        config = self.model.config
        for performer, style in zip("AB", c.style, strict=True):
            if not 0 <= style < len(config.styles):
                raise invalid(
                    "style-unknown",
                    f"style {style} is not one of this checkpoint's {len(config.styles)} (0 to {len(config.styles) - 1}).",
                    field=f"performers.{performer}.style",
                )
        return _Given(
            mel=self.model.mel.standardise(c.mel),
            activity=np.asarray(c.activity, np.float32),
            text=np.asarray(c.text, np.float32),
            action=_translate(c.actions, ACTION_MODES, config.actions, "actions"),
            emotion=_translate(c.emotion, EMOTIONS, config.emotions, "emotion"),
            role=np.array([config.roles.index(check(role, config.roles, field="role")) for role in c.roles]),
            style=np.array(c.style),
        )


def _translate(
    indices: NDArray[np.integer], ours: tuple[str, ...], theirs: tuple[str, ...], field: str
) -> NDArray[np.int64]:
    """Indices into our list of labels to indices into the checkpoint's."""
    table = np.array([theirs.index(label) if label in theirs else -1 for label in ours])
    translated = table[np.asarray(indices, np.int64)]
    if (translated < 0).any():
        missing = ours[int(np.asarray(indices)[translated < 0].flat[0])]
        raise invalid(
            "unknown-label",
            f"this checkpoint was trained without {missing!r}; it knows: {', '.join(theirs)}.",
            field=field,
        )
    return translated


@dataclass(frozen=True)
class _Given:
    """A take's conditions in the checkpoint's own terms, (2, T, ...) and (2,)."""

    mel: NDArray[np.float32]
    activity: NDArray[np.float32]
    text: NDArray[np.float32]
    action: NDArray[np.int64]
    emotion: NDArray[np.int64]
    role: NDArray[np.int64]
    style: NDArray[np.int64]

    def window(
        self,
        start: int,
        stop: int,
        placement: NDArray[np.floating],
        device: torch.device,
        route: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    ) -> Conditions:
        """Return frames ``[start, stop)`` as a batch of one. ``route``: (2, n, 3) and (2, n), as in ``Conditions``."""
        if route is None:
            route = np.zeros((2, stop - start, 3), np.float32), np.zeros((2, stop - start), np.float32)

        def tensor(array: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array))[None].to(device)

        return Conditions(
            mel=tensor(self.mel[:, start:stop]),
            activity=tensor(self.activity[:, start:stop]),
            text=tensor(self.text[:, start:stop]),
            action=tensor(self.action[:, start:stop]),
            emotion=tensor(self.emotion[:, start:stop]),
            role=tensor(self.role),
            style=tensor(self.style),
            placement=tensor(placement.astype(np.float32)),
            route=tensor(route[0]),
            routed=tensor(route[1]),
        )


@dataclass(frozen=True)
class _Past:
    """What a window needs of the one before: its last frames, as the networks made them and as they stand in the world."""

    lower: Tensor
    """(1, 2, k, lower channels), standardised; k = 0 at the start of a take."""
    upper: Tensor
    path: NDArray[np.float64]
    """(2, k, 3): x, z, heading; at the start of a take the one place where each begins."""

    @classmethod
    def begin(cls, model: BodyModel, starts: NDArray[np.float64]) -> _Past:
        lower, upper = (torch.zeros(1, 2, 0, len(part)) for part in (model.statistics.lower, model.statistics.upper))
        return cls(lower, upper, starts[:, None])


def grow_from(x: Tensor, known: int, ease: int = 15) -> Tensor:
    """Let frames from ``known`` on leave the ones before in place and in speed; what is missing fades over ``ease`` frames.

    Holding the past makes a window its sequel only as well as the network has learned to. A cubic (Hermite) offset closes what is
    left of the join, as inertialisation does in games (Bollo, GDC 2018). ``x``: (B, P, T, C).
    """
    fresh = x.shape[2] - known
    if known < 2 or fresh < 2:
        return x
    speed = x[:, :, known - 1] - x[:, :, known - 2]
    gap = x[:, :, known - 1] + speed - x[:, :, known]
    speed_gap = speed - (x[:, :, known + 1] - x[:, :, known])
    s = (torch.arange(min(ease, fresh), dtype=x.dtype, device=x.device) / ease)[:, None]
    offset = (2 * s**3 - 3 * s**2 + 1) * gap[:, :, None] + (s**3 - 2 * s**2 + s) * ease * speed_gap[:, :, None]
    return torch.cat([x[:, :, :known], x[:, :, known : known + ease] + offset, x[:, :, known + ease :]], dim=2)


class _StoppedError(Exception):
    """The caller asked to stop between two diffusion steps."""


@dataclass(frozen=True)
class _Run:
    """One take being sampled."""

    pipeline: BodyPipeline
    strengths: dict[str, float]
    steps: int
    generator: torch.Generator
    should_stop: Callable[[], bool]
    control: Control
    actions: NDArray[np.integer]
    plan: Plan
    mirrored: NDArray[np.bool_]
    homing: Homing

    def window(self, given: _Given, start: int, stop: int, past: _Past) -> tuple[BodyWindow, _Past]:
        """Sample frames ``[start, stop)``, of which the ``past`` already has the first ones; return what is new."""
        model, device = self.pipeline.model, self.pipeline.device
        frames, known = stop - start, past.lower.shape[2]
        # Where the partner stands as the window begins is all that the legs are told: where they then go is theirs to make.
        placement = np.repeat(self._placement(past.path[:, :1]), frames, axis=1)
        c = given.window(start, stop, placement, device, self._route(start, stop))
        pins = self.control.window(start + known, stop, model.statistics, self._in_mirror)
        lower = self._sample(model.lower_conditions, model.lower, c, past.lower, pins.lower, pins.held)

        lower_columns = self._in_mirror(model.statistics.restore_lower(lower[0].cpu().numpy()))
        fresh = poses.walk(past.path[:, -1], lower_columns[:, known:], moving=known > 0)
        fresh = self.plan.correct(start + known, fresh)
        fresh = self.homing.correct(
            fresh, self.actions[:, start + known : stop], self.plan.given[:, start + known : stop]
        )
        path = np.concatenate([past.path, fresh], axis=1) if known else fresh
        upper = lower[..., :0]
        if model.upper is not None and model.upper_conditions is not None:
            c = replace(c, placement=torch.from_numpy(self._placement(path).astype(np.float32))[None].to(device))
            held = pins.held[..., 1:]
            upper = self._sample(model.upper_conditions, model.upper, c, past.upper, pins.upper, held, lower)

        features = self._in_mirror(model.statistics.restore(lower[0].cpu().numpy(), upper[0].cpu().numpy()))
        root, rotations = poses.to_world(features[:, known:], fresh)
        keep = min(model.config.overlap, frames)
        after = _Past(lower[:, :, -keep:], upper[:, :, -keep:], path[:, -keep:])
        return BodyWindow(start + known, root.astype(np.float32), rotations.astype(np.float32)), after

    def _in_mirror(self, features: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return features (2, ..., C), those of whoever is performed in a mirror turned over."""
        if not self.mirrored.any():
            return features
        flipped = poses.mirrored(features, self.pipeline.skeleton)
        return np.where(self.mirrored.reshape(2, *[1] * (features.ndim - 1)), flipped, features)

    def _placement(self, path: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return ``poses.placement`` of a path (2, n, 3), in the mirror for whoever is performed there."""
        return poses.placement(path) * np.where(self.mirrored[:, None, None], [-1.0, 1.0, -1.0, 1.0], 1.0)

    def _route(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return the plan's route of a window, in the mirror for whoever is performed there."""
        if (found := self.plan.route(start, stop)) is None:
            return None
        return found[0] * np.where(self.mirrored[:, None, None], [-1.0, 1.0, -1.0], 1.0).astype(np.float32), found[1]

    def _sample(  # noqa: PLR0917
        self,
        encoder: ConditionEncoder,
        network: Denoiser,
        c: Conditions,
        past: Tensor,
        pinned: Tensor,
        pins: Tensor,
        lower: Tensor | None = None,
    ) -> Tensor:
        """Return (1, 2, T, channels), standardised: one network's part of a window.

        ``past`` (1, 2, k, channels) is held, and of the frames after it ``pinned`` (1, 2, T - k, channels) where ``pins``
        (1, 2, T - k, groups) are set.
        """
        schedule, device = self.pipeline.schedule, self.pipeline.device
        dropped = variants(self.strengths)
        copies, frames, known = len(dropped), c.mel.shape[2], past.shape[2]
        keep = {
            name: torch.tensor([[float(name not in names)] for names in dropped], device=device) for name in CONDITIONS
        }
        lower = None if lower is None else lower.expand(copies, *lower.shape[1:])
        projected = network.project_conditions(encoder(c.repeat(copies), keep, lower))
        # Noise comes from the CPU's generator on every device, so that a seed means the same take everywhere it can.
        noise = torch.randn(1, 2, frames, network.channels, generator=self.generator).to(device)
        given = torch.cat([past.to(device), pinned.to(device)], dim=2)
        past_flags = torch.ones(1, 2, known, len(network.groups), dtype=torch.bool)
        flags = torch.cat([past_flags, pins], dim=2).to(device)
        held = network.spread(flags)
        estimate = noise

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            nonlocal estimate
            x = torch.where(held, given, x)
            out = network(x.expand(copies, *x.shape[1:]), flags.expand(copies, -1, -1, -1), t.expand(copies), projected)
            estimate = combine(schedule.to_x0(out, x, t), self.strengths)[None]
            if float(t[0]) > QUIET:
                estimate = estimate * self.pipeline.gains[network]
            return estimate

        x = noise
        for x in self.pipeline.sampler.iterate(hold(denoise, given, held), noise, self.steps, self.generator):  # noqa: B007
            if self.should_stop():
                raise _StoppedError
        return settle(torch.where(held, given, grow_from(x, known)), estimate, given, held, known)
