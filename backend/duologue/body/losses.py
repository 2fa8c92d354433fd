"""What the networks are trained on: the standardised features, their speed, where hands and soles are, and that soles stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from duologue.body.planting import Limbs, planted_steps, seatedness, world_speed
from duologue.features.modes import mixture
from duologue.features.pose import CONTACT_COLUMNS, ROOT_COLUMNS
from duologue.features.statistics import PoseStatistics
from duologue.motion.skeleton import Skeleton

HANDS: Final = ("LeftForeArm", "RightForeArm", "LeftHand", "RightHand", "Head")

LONG: Final = 15
"""Frames over which the root's way is looked at, besides a single one: half a second, in which a sway or a step shows."""
_KNEE: Final = 4.0
"""Deviations from which an error counts by its size and no longer by its square: a rare step must not outshout the sway."""
_CALMEST: Final = 0.4
"""How slow who is silent may be against everybody for their errors to be measured by it."""
_VOICE: Final = 8.0
"""Frames, the deviation of a Gaussian, by which arms come to rest when a voice does."""
_SOLE: Final = 0.03
"""Metres that the place of a sole may be off for an error of one."""
_RISE: Final = 0.01
"""Metres that a standing sole may be off in height for an error of one."""
_SLIDE: Final = 0.003
"""Metres a frame (9 cm/s) that a standing sole may move for an error of one."""


@dataclass(frozen=True)
class LossWeights:
    """Relative weights; each term is scaled to about 1 for an untrained network."""

    speed: float = 0.8
    position: float = 0.5
    standing: float = 1.0
    """Soles that stand in the truth do not move."""
    way: float = 0.5
    """The root's way, as the soles carry it, over one frame and over ``LONG``."""
    flat: float = 0.5
    """Soles that stand lie on the floor from heel to toe."""
    jolt: float = 0.4
    """How that way changes from frame to frame: legs that tremble shake the whole body."""
    consistent: float = 0.3
    """Soles that are said to bear weight do not move."""
    contacts: float = 4.0
    """Of a contact's channel against any other of the legs'."""
    fingers: float = 0.3
    """Of a finger's channel against any other: there are 120 of them."""


@dataclass(frozen=True, eq=False)
class Paces:
    """How fast things go in each of M modes: deviations of what is differenced, in metres and radians."""

    speed: np.ndarray
    """(M, C): a frame's change of each feature."""
    way: np.ndarray
    """(M, 3): the root's steps summed over ``LONG`` frames."""
    silent: np.ndarray
    """(C,): how fast who is silent is against everybody."""

    @classmethod
    def measure(cls, statistics: PoseStatistics, features: np.ndarray, modes: np.ndarray, silent: np.ndarray) -> Paces:
        """Measure features (T, ..., C) of one recording; ``modes`` (T, ...): of every frame, -1 where it belongs to none;
        ``silent`` (T, ...), 0 to 1."""
        count = len(statistics.mode_mean)
        change = np.diff(features, axis=0)
        gone = np.cumsum(features[..., :3], axis=0)
        gone = gone[LONG:] - gone[:-LONG]
        overall = change.reshape(-1, change.shape[-1]).std(0), gone.reshape(-1, 3).std(0)
        speed, way = np.tile(overall[0], (count, 1)), np.tile(overall[1], (count, 1))
        for mode in range(count):
            inside = modes == mode
            if inside.sum() > 10 * LONG:
                speed[mode] = change[inside[1:]].std(0)
                way[mode] = np.sqrt(np.square(gone[inside[LONG:]] - gone[inside[LONG:]].mean(0)).mean(0))
        # What changes once a minute must not cost, when it does, as much as all else together.
        least = np.where(np.isin(statistics.names, CONTACT_COLUMNS), 0.1, 0.02 * statistics.mode_std)
        quiet = change[(silent[1:] > 0.95) & (modes[1:] >= 0)]
        against = quiet.std(0) / np.maximum(overall[0], 1e-9) if len(quiet) > 10 * LONG else np.ones(len(overall[0]))
        return cls(np.maximum(speed, least), np.maximum(way, LONG * 2e-4), np.clip(against, _CALMEST, 1.0))


def huber(error: Tensor) -> Tensor:
    """Return squared errors, which go on straight from ``_KNEE``."""
    size = error.abs()
    return torch.where(size < _KNEE, error.square(), _KNEE * (2 * size - _KNEE))


def silence(activity: np.ndarray) -> np.ndarray:
    """Return how far each frame is of somebody silent, 0 to 1, of voice activities (..., T)."""
    return gaussian_filter1d(1 - np.asarray(activity, np.float32), _VOICE, axis=-1, mode="nearest")


class BodyLoss:
    """The losses of both networks on standardised predictions (B, P, T, channels) under ``modes`` (B, P, T, M)."""

    def __init__(  # noqa: PLR0917
        self,
        statistics: PoseStatistics,
        paces: Paces,
        skeleton: Skeleton,
        weights: LossWeights,
        seat: int,
        device: torch.device | str,
    ) -> None:
        """``seat``: which mode it is in which a seat carries the body, and not the soles."""

        def tensor(values: np.ndarray) -> Tensor:
            return torch.from_numpy(np.asarray(values, np.float32)).to(device)

        names = statistics.names
        self.weights, self.seat = weights, seat
        self.mean = tensor(statistics.mean)
        self.mode_mean, self.mode_std = tensor(statistics.mode_mean), tensor(statistics.mode_std)
        self.paces, self.ways, self.calm = tensor(paces.speed), tensor(paces.way), tensor(paces.silent)
        self.overall = tensor(statistics.mean), tensor(statistics.std)
        self.lower, self.upper, self.given, moves = (
            torch.from_numpy(index).to(device)
            for index in (statistics.lower, statistics.upper, statistics.given, statistics.steps)
        )
        self.moves = torch.isin(self.lower, moves)
        self.soles, self.toes = Limbs.soles(skeleton, device), Limbs.toes(skeleton, device)
        self.hands = Limbs(skeleton, HANDS, device=device)
        self.contacts = torch.tensor([names.index(name) for name in CONTACT_COLUMNS], device=device)
        fingers = ["Hand" in name and not name.split(".")[0].endswith("Hand") for name in names]
        share = [
            weights.fingers
            if finger
            else weights.contacts
            if name in CONTACT_COLUMNS
            else 2.0
            if name in ROOT_COLUMNS
            else 1.0
            for finger, name in zip(fingers, names, strict=True)
        ]
        self.share = tensor(np.array(share))

    def features(self, modes: Tensor, lower: Tensor, upper: Tensor | None = None) -> Tensor:
        """Standardised channels to all features (B, P, T, C) in metres and radians."""
        full = self.mean.expand(*lower.shape[:-1], -1).clone()
        for part, index in ((lower, self.lower), (upper, self.upper)):
            if part is not None:
                mean, std = mixture(modes, self.mode_mean[:, index], self.mode_std[:, index])
                full[..., index] = part * std + mean
        return full

    def seen(self, features: Tensor) -> Tensor:
        """Return what the upper network is given of lower bodies in features (B, P, T, C)."""
        mean, std = self.overall
        return (features[..., self.given] - mean[self.given]) / std[self.given]

    def lower_terms(
        self,
        predicted: Tensor,
        truth: Tensor,
        modes: Tensor,
        fresh: Tensor,
        certain: Tensor | float = 1.0,
        *,
        sampled: bool = False,
    ) -> dict[str, Tensor]:
        """Return the lower network's terms. ``fresh`` (B, P, T, 2): 1 where the root's step, and the pose, was not given.
        ``certain`` (B, 1, 1, 1): how much the places count, and speeds. Where noise hides what the body does, the best guess is
        a mean of many poses, which is nowhere in particular and need not stand: there only the pose itself is asked for.
        ``sampled``: the truth is itself a network's, and goes where its soles carry it.

        A flat network's only terms are these, with the hands' places among them.
        """
        moves, poses = fresh[..., :1], fresh[..., 1:]
        terms = self._common(predicted, truth, torch.where(self.moves, moves, poses), self.lower, modes, certain)
        placed = (poses if isinstance(certain, float) else poses * certain)[..., None]
        pose, should = self.features(modes, predicted), self.features(modes, truth)
        if not len(self.upper):
            hands, true_hands = self.hands.positions(pose), self.hands.positions(should)
            terms["hands"] = self.weights.position * (((hands - true_hands) / 0.15) ** 2 * placed).mean()
        return terms | self._sole_terms(pose, should, modes, moves, placed, sampled=sampled)

    def upper_terms(  # noqa: PLR0917
        self,
        predicted: Tensor,
        truth: Tensor,
        full: Tensor,
        modes: Tensor,
        fresh: Tensor,
        certain: Tensor | float = 1.0,
        silent: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the upper network's terms, given the true features ``full`` (B, P, T, C). ``fresh`` (B, P, T, 1); ``certain`` as
        for ``lower_terms``; ``silent`` (B, P, T), ``silence``: who listens has a pace of their own, or what they do were lost
        beside the strokes of who speaks."""
        slower = None if silent is None else 1 - silent[..., None] * (1 - self.calm[self.upper])
        terms = self._common(predicted, truth, fresh, self.upper, modes, certain, slower)
        placed = fresh[..., None] * (certain[..., None] if isinstance(certain, Tensor) else certain)
        made = full.clone()
        mean, std = mixture(modes, self.mode_mean[:, self.upper], self.mode_std[:, self.upper])
        made[..., self.upper] = predicted * std + mean
        at, should = self.hands.positions(made), self.hands.positions(full)
        terms["position"] = self.weights.position * (((at - should) / 0.15) ** 2 * placed).mean()
        return terms

    def _sole_terms(
        self, pose: Tensor, truth: Tensor, modes: Tensor, moves: Tensor, placed: Tensor, *, sampled: bool
    ) -> dict[str, Tensor]:
        """Return where soles are, that they stand, and where they carry the root, in features (B, P, T, C)."""
        weights = self.weights
        at, should = self.soles.positions(pose), self.soles.positions(truth)
        contacts, true_contacts = pose[..., self.contacts], truth[..., self.contacts]
        free = torch.maximum(seatedness(modes[..., self.seat]), 1 - moves[..., 0])
        steps, true_steps = planted_steps(at, contacts, pose[..., :3], free), truth[..., :3]
        if sampled:
            true_contacts = true_contacts.clamp(0, 1)
            true_steps = planted_steps(should, true_contacts, true_steps, free)
        later = placed[:, :, 1:, 0]
        heights = torch.cat(
            [(at - should)[..., 1], (self.toes.positions(pose) - self.toes.positions(truth))[..., 1]], dim=-1
        )
        flat = huber(heights / _RISE) * torch.cat([true_contacts, true_contacts[..., 1::2]], dim=-1)
        moved = huber(world_speed(at, steps)[..., [0, 2]] / _SLIDE).mean(-1)
        stands = true_contacts[:, :, 1:] * true_contacts[:, :, :-1]
        # Of what is said to bear and moves, the motion is at fault: or all that walk would be said to float.
        claimed = (contacts[:, :, 1:].clamp(0, 1) * contacts[:, :, :-1].clamp(0, 1)).detach()
        allowed = world_speed(should, true_steps)[..., [0, 2]].norm(dim=-1) < _SLIDE
        _, pace = mixture(modes, self.mode_mean[:, :3], self.mode_std[:, :3])
        way = huber((steps - true_steps) / pace).mean(-1, keepdim=True)
        _, pace = mixture(modes[:, :, 2:], torch.zeros_like(self.paces[:, :3]), self.paces[:, :3])
        change = (steps - true_steps)[:, :, 1:]
        jolt = huber((change[:, :, 1:] - change[:, :, :-1]) / pace).mean(-1)
        gone, should_go = steps.cumsum(2), true_steps.cumsum(2)
        error = (gone[:, :, LONG:] - gone[:, :, :-LONG]) - (should_go[:, :, LONG:] - should_go[:, :, :-LONG])
        _, pace = mixture(modes[:, :, LONG:], torch.zeros_like(self.ways), self.ways)
        long = huber(error / pace).mean(-1, keepdim=True)
        return {
            "position": weights.position * (((at - should) / _SOLE) ** 2 * placed).mean(),
            "flat": weights.flat * (flat * placed[..., 0]).mean(),
            "standing": weights.standing
            * (moved * stands * allowed * later).sum()
            / (stands * allowed).sum().clamp(min=1),
            "consistent": weights.consistent * (moved * claimed * later).mean(),
            "jolt": weights.jolt * (jolt * placed[:, :, 2:, 0, 0]).mean(),
            "way": weights.way * ((way[:, :, 1:] * later).mean() + (long * placed[:, :, LONG:, 0]).mean()) / 2,
        }

    def _common(  # noqa: PLR0917
        self,
        predicted: Tensor,
        truth: Tensor,
        fresh: Tensor,
        index: Tensor,
        modes: Tensor,
        certain: Tensor | float,
        slower: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the terms both have: errors of the channels ``index`` where they are ``fresh``, and of their speed.

        ``slower`` (B, P, T, channels): by how much somebody's pace differs from everybody's."""
        share = self.share[index] / self.share[index].mean()
        error = (predicted - truth) * fresh
        _, std = mixture(modes, self.mode_mean[:, index], self.mode_std[:, index])
        _, pace = mixture(modes, torch.zeros_like(self.paces[:, index]), self.paces[:, index])
        pace = pace if slower is None else pace * slower
        moved = error * std
        speed = (moved[:, :, 1:] - moved[:, :, :-1]) / pace[:, :, 1:]
        return {
            "pose": (share * huber(error)).mean(),
            "speed": self.weights.speed * (share * huber(speed) * certain).mean(),
        }
