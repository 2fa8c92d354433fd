"""One window of two bodies: the lower ones are sampled, their roots walked into the world, then the upper ones given both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duologue.body.checkpoint import BodyModel
from duologue.body.conditions import BodyConditions, Conditions, EncodedConditions
from duologue.body.control import Control, flow, settle
from duologue.body.denoising import GuidedDenoiser, Task
from duologue.body.drift import DriftCorrection
from duologue.body.network import ConditionEncoder, Denoiser
from duologue.body.planting import Limbs, hovering, planted_steps, seatedness
from duologue.body.rescaling import gain_of
from duologue.body.student import NETWORKS, Student
from duologue.body.walking import plan_walks, swayed, walked
from duologue.diffusion.pipeline import StoppedError
from duologue.diffusion.samplers import Sampler
from duologue.diffusion.schedule import CosineSchedule
from duologue.diffusion.windows import hold
from duologue.features import pose as poses
from duologue.labels import ACTION_MODES
from duologue.motion.rising import SeatLean
from duologue.motion.skeleton import Skeleton
from duologue.motion.stance import StanceHold
from duologue.units import FPS

_MIRRORED_PLACEMENT = np.array([-1.0, 1.0, -1.0, 1.0])
_MIRRORED_ROUTE = np.array([-1.0, 1.0, -1.0])


@dataclass(frozen=True)
class BodyWindow:
    """Frames ``start`` to ``start + n`` of both performers, as sampled (no clean-up): world hips (metres), exponential maps."""

    start: int
    root_translation: NDArray[np.float32]
    """(2, n, 3)"""
    rotations: NDArray[np.float32]
    """(2, n, J, 3): parent-local, the hips' in the world; unrolled within the window."""


@dataclass(frozen=True)
class Past:
    """What a window needs of the one before: its last frames, as the networks made them and as they stand in the world."""

    lower: Tensor
    """(1, 2, k, lower channels), standardised; k = 0 at the start of a take."""
    upper: Tensor
    path: NDArray[np.float64]
    """(2, k, 3): x, z, heading; at the start of a take the one place where each begins."""

    @classmethod
    def begin(cls, model: BodyModel, starts: NDArray[np.floating]) -> Past:
        """Return the past of a take's first window: none, but for where both start (2, 3)."""
        lower, upper = (torch.zeros(1, 2, 0, len(part)) for part in (model.statistics.lower, model.statistics.upper))
        return cls(lower, upper, np.asarray(starts, np.float64)[:, None])


@dataclass(frozen=True)
class Settings:
    """How every window of a take is sampled."""

    steps: int
    strengths: Mapping[str, float]
    """Guidance by condition; 1 for those not named."""
    generator: torch.Generator
    """On the CPU, whatever the device, so that a seed means the same take everywhere it can."""
    should_stop: Callable[[], bool]


class NetworkSampler:
    """One of a body's two networks with its condition encoder, from noise to a window's channels."""

    def __init__(
        self,
        encoder: ConditionEncoder,
        network: Denoiser,
        gain: NDArray[np.float32],
        sampler: Sampler,
        settings: Settings,
    ) -> None:
        """``gain`` (channels,): by how much each leans out (``body.rescaling``)."""
        self.encoder, self.network, self.sampler, self.settings = encoder, network, sampler, settings
        self.device = network.enter.weight.device
        self.gain = torch.from_numpy(gain).to(self.device)

    def __call__(
        self, c: Conditions, past: Tensor, pinned: Tensor, pins: Tensor, lower: Tensor | None = None
    ) -> Tensor:
        """Return (1, 2, T, channels), standardised.

        ``past`` (1, 2, k, channels) is held, and of the frames after it ``pinned`` (1, 2, T - k, channels) where ``pins``
        (1, 2, T - k, groups) are set. ``lower``: the lower bodies, for the upper ones.

        Raises:
            StoppedError: when the caller wants no more.
        """
        network, settings, device = self.network, self.settings, self.device
        frames, known = c.mel.shape[2], past.shape[2]
        noise = torch.randn(1, 2, frames, network.channels, generator=settings.generator).to(device)
        given = torch.cat([past.to(device), pinned.to(device)], dim=2)
        past_flags = torch.ones(1, 2, known, len(network.groups), dtype=torch.bool)
        flags = torch.cat([past_flags, pins], dim=2).to(device)
        held = network.spread(flags)
        task = Task(c, flags, given, lower)
        schedule = self.sampler.schedule
        assert isinstance(schedule, CosineSchedule)  # what x0 is told by
        denoise = GuidedDenoiser(self.encoder, network, schedule, settings.strengths, self.gain, task)
        x = noise
        for x in self.sampler.iterate(hold(denoise, given, held), noise, settings.steps, settings.generator):  # noqa: B007
            if settings.should_stop():
                raise StoppedError
        settled = settle(torch.where(held, given, grow_from(x, known)), denoise.estimate, given, held, known)
        return flow(settled, held, known)


class TakeSampler:
    """One take being sampled, window by window."""

    def __init__(  # noqa: PLR0917
        self,
        model: BodyModel,
        skeleton: Skeleton,
        conditions: BodyConditions,
        control: Control,
        sampler: Sampler,
        settings: Settings,
        student: Student | None = None,
    ) -> None:
        """``student``: who makes it in their own few steps, as far as they can, instead of ``sampler`` in ``settings.steps``."""
        starts = np.asarray(conditions.starts, np.float64)
        self.model, self.skeleton, self.control = model, skeleton, control
        plan = control.plan(starts, conditions.actions)
        self.walks = plan_walks(plan, control.pins, skeleton)
        self.plan = swayed(plan, self.walks)
        self.actions = walked(plan, np.asarray(conditions.actions))
        performed = replace(conditions, actions=self.actions)
        self.conditions = EncodedConditions.encode(performed, model.config, model.mel)
        self.mirrored = np.array(conditions.mirrored)
        self._posed = len(poses.columns(skeleton))
        self.drift, self.stance, self.seat_lean = DriftCorrection(starts), StanceHold(skeleton), SeatLean(skeleton)
        self._changing_seat = _beside_sitting(np.asarray(conditions.actions))
        self.soles, self.toes = Limbs.soles(skeleton), Limbs.toes(skeleton)
        self.seat = model.config.actions.index("sit") if "sit" in model.config.actions else None
        lower, self.upper = (self._sampler(name, sampler, settings, student) for name in NETWORKS)
        assert lower is not None
        self.lower = lower

    def _sampler(
        self, name: str, sampler: Sampler, settings: Settings, student: Student | None
    ) -> NetworkSampler | None:
        """Return the sampler of a network: the student's where it has that one, else the full one; None where there is none."""
        model, statistics = self.model, self.model.statistics
        encoder, network = getattr(model, f"{name}_conditions"), getattr(model, name)
        if network is None:
            return None
        gains = model.gains
        if student is not None and (parts := student.parts(name)) is not None:
            encoder, network = parts
            gains, sampler = student.config.gains, student.config.sampler(model.config.prediction)
            settings = replace(settings, steps=student.config.steps, strengths={})
        gain = gain_of(statistics, getattr(statistics, name), gains)
        return NetworkSampler(encoder, network, gain, sampler, settings)

    def window(self, start: int, stop: int, past: Past) -> tuple[BodyWindow, Past]:
        """Sample frames ``[start, stop)``, of which the ``past`` already has the first ones; return what is new.

        Raises:
            StoppedError: when the caller wants no more.
        """
        statistics, modes = self.model.statistics, self.conditions.modes[:, start:stop]
        frames, known = stop - start, past.lower.shape[2]
        # Where the partner stands as the window begins is all that the legs are told: where they then go is theirs to make.
        placement = np.repeat(self._placement(past.path[:, :1]), frames, axis=1)
        c = self.conditions.window(start, stop, placement, *self._route(start, stop), self.lower.device)
        pins = self.control.window(
            start + known, stop, statistics, modes[:, known:], self.soles, self._in_mirror, self.walks
        )
        lower = self.lower(c, past.lower, pins.lower, pins.held)
        made = poses.faced(statistics.restore_lower(_array(lower), modes))
        self._plant(made, modes, pins.held[0].numpy())
        lower = torch.from_numpy(statistics.standardise(made, modes)[..., statistics.lower])[None].to(lower)

        fresh = self._walk(start + known, self._in_mirror(made)[:, known:], past)
        path = np.concatenate([past.path, fresh], axis=1) if known else fresh
        upper = lower[..., :0]
        if self.upper is not None:
            placement = torch.from_numpy(self._placement(path).astype(np.float32))[None].to(self.upper.device)
            seen = torch.from_numpy(statistics.standardise_overall(made, statistics.given))[None].to(lower)
            upper = self.upper(replace(c, placement=placement), past.upper, pins.upper, pins.upper_held, seen)

        features = self._in_mirror(statistics.restore(_array(lower), _array(upper), modes))
        root, rotations = poses.to_world(features[:, known:, : self._posed], fresh)
        free = 1 - near(pins.upper_held[0, ..., 0].numpy())
        root, rotations = self.stance.push(root, rotations, free)
        root, rotations = self.seat_lean.push(root, rotations, free * self._changing_seat[:, start + known : stop])
        keep = min(self.model.config.overlap, frames)
        after = Past(lower[:, :, -keep:], upper[:, :, -keep:], path[:, -keep:])
        return BodyWindow(start + known, root.astype(np.float32), rotations.astype(np.float32)), after

    def _plant(self, features: NDArray[np.floating], modes: NDArray[np.float32], given: NDArray[np.bool_]) -> None:
        """Let soles carry whoever does not sit: set the root's steps and its height in features (2, n, C), in place.

        Of the last frames steps and pose may be ``given`` (2, m, 2): steps go as they went, and a pose is as high as it was.
        """
        pose = torch.from_numpy(features.astype(np.float64))
        free = torch.zeros(pose.shape[:2], dtype=pose.dtype)
        if self.seat is not None:
            free = seatedness(torch.from_numpy(modes[..., self.seat].astype(np.float64)))
        known = free.shape[1] - given.shape[1]
        lifted = torch.cat(
            [free[:, :known], torch.maximum(free[:, known:], torch.from_numpy(near(given[..., 1])))], dim=1
        )
        free[:, known:][torch.from_numpy(given[..., 0])] = 1.0
        contacts = pose[..., -len(poses.CONTACT_COLUMNS) :].clamp(0, 1)
        points = self.soles.positions(pose)
        features[..., :3] = planted_steps(points, contacts, pose[..., :3], free).numpy()
        lowest = torch.cat([points, self.toes.positions(pose)], dim=-2)
        features[..., 3] -= hovering(lowest, lifted).numpy()

    def _walk(self, start: int, features: NDArray[np.floating], past: Past) -> NDArray[np.float64]:
        """Return the paths (2, n, 3) on from the past of features (2, n, C), frames from ``start``: led, and turned back."""
        stop = start + features.shape[1]
        path = poses.walk(past.path[:, -1], features, moving=past.lower.shape[2] > 0)
        path = self.plan.correct(start, path)
        return self.drift.correct(path, self.actions[:, start:stop], self.plan.given[:, start:stop])

    def _in_mirror(self, features: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return features (2, ..., C), those of whoever is performed in a mirror turned over."""
        if not self.mirrored.any():
            return features
        flipped = poses.mirrored(features, self.skeleton)
        return np.where(self.mirrored.reshape(2, *[1] * (features.ndim - 1)), flipped, features)

    def _placement(self, path: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return ``poses.placement`` of a path (2, n, 3), in the mirror for whoever is performed there."""
        return poses.placement(path) * np.where(self.mirrored[:, None, None], _MIRRORED_PLACEMENT, 1.0)

    def _route(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the plan's route of a window and where it counts, in the mirror for whoever is performed there."""
        route, routed = self.plan.route(start, stop)
        return route * np.where(self.mirrored[:, None, None], _MIRRORED_ROUTE, 1.0).astype(np.float32), routed


def near(flags: NDArray[np.bool_], ease: int = 12) -> NDArray[np.float64]:
    """Return how near (2, n) each frame is to one that is flagged: 1 there, 0 from ``ease`` frames away."""
    index = np.arange(flags.shape[1])
    away = np.full(flags.shape, float(ease))
    for row, flagged in zip(away, flags, strict=True):
        if flagged.any():
            row[:] = np.abs(index[:, None] - index[flagged]).min(1)
    return np.clip(1 - away / ease, 0.0, 1.0)


def _beside_sitting(actions: NDArray[np.integer], seconds: float = 1.6) -> NDArray[np.float64]:
    """Return how far somebody may be getting up or sitting down, (2, T), 0 to 1: near a change of ``actions`` (2, T) to or from
    sitting."""
    sits = actions == ACTION_MODES.index("sit")
    changes = np.diff(sits, axis=1, prepend=sits[:, :1])
    return np.minimum(3 * near(changes, int(seconds * FPS)), 1.0)


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


def _array(x: Tensor) -> NDArray[np.float32]:
    """Return the one sample of a batch, (2, T, channels)."""
    return x[0].cpu().numpy()
