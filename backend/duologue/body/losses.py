"""What the networks are trained on: the standardised features, their speed, where hands and feet are, and that feet stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from duologue.features.pose import ROOT_COLUMNS, STEP_COLUMNS, columns, is_lower
from duologue.features.statistics import PoseStatistics
from duologue.motion.skeleton import Skeleton

FEET: Final = ("LeftFoot", "RightFoot", "LeftToeBase", "RightToeBase")
HANDS: Final = ("LeftForeArm", "RightForeArm", "LeftHand", "RightHand", "Head")

_CONTACT_SPEED: Final = 0.006
"""Metres a frame (0.18 m/s): a foot slower than this in the data stands."""


@dataclass(frozen=True)
class LossWeights:
    """Relative weights; each term is scaled to about 1 for an untrained network."""

    speed: float = 0.5
    position: float = 0.5
    standing: float = 1.5
    fingers: float = 0.3
    """Of a finger's channel against any other: there are 120 of them."""


def exp_to_matrix(v: Tensor) -> Tensor:
    """Exponential maps (..., 3) to matrices (..., 3, 3), Rodrigues' formula, differentiable at zero."""
    square = (v * v).sum(-1)
    angle = torch.sqrt(square + 1e-12)
    a = (torch.sin(angle) / angle)[..., None, None]
    b = ((1 - torch.cos(angle)) / (square + 1e-12))[..., None, None]
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    k = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    return torch.eye(3, dtype=v.dtype, device=v.device) + a * k + b * (k @ k)


class Limbs:
    """Forward kinematics of the few joints that matter, in the root's own frame (heading taken out), from features."""

    def __init__(self, skeleton: Skeleton, wanted: tuple[str, ...], device: torch.device | str = "cpu") -> None:
        needed: set[int] = set()
        for name in wanted:
            joint = skeleton.index(name)
            while joint >= 0:
                needed.add(joint)
                joint = skeleton.parents[joint]
        self.joints = sorted(needed)
        self.parents = [self.joints.index(skeleton.parents[j]) if skeleton.parents[j] >= 0 else -1 for j in self.joints]
        self.offsets = torch.tensor(skeleton.offsets[self.joints], dtype=torch.float32, device=device)
        self.wanted = [self.joints.index(skeleton.index(name)) for name in wanted]
        names = columns(skeleton)
        turns = [[names.index(f"{skeleton.names[joint]}.{axis}") for axis in "xyz"] for joint in self.joints]
        self.columns = torch.tensor(turns, device=device)
        self.height = names.index("root.height")

    def positions(self, features: Tensor) -> Tensor:
        """(..., C) features in metres and radians to (..., W, 3): the wanted joints, the root at (0, height, 0)."""
        local = exp_to_matrix(features[..., self.columns])
        turns: list[Tensor] = [local[..., 0, :, :]]
        height = features[..., self.height]
        zero = torch.zeros_like(height)
        places: list[Tensor] = [torch.stack([zero, height, zero], dim=-1)]
        for k, parent in enumerate(self.parents[1:], start=1):
            places.append(places[parent] + turns[parent] @ self.offsets[k])
            turns.append(turns[parent] @ local[..., k, :, :])
        return torch.stack([places[k] for k in self.wanted], dim=-2)


def world_speed(positions: Tensor, steps: Tensor) -> Tensor:
    """Movement a frame (..., T - 1, W, 3) over the floor of points (..., T, W, 3) in a root's frame that itself takes ``steps``.

    ``steps`` (..., T, 3): dx, dz, dyaw, as features have them; the result is in each later frame's heading.
    """
    dx, dz, turn = steps[..., 1:, None, :].unbind(-1)
    before, now = positions[..., :-1, :, :], positions[..., 1:, :, :]
    sine, cosine = torch.sin(-turn), torch.cos(-turn)
    x = cosine * before[..., 0] + sine * before[..., 2]
    z = cosine * before[..., 2] - sine * before[..., 0]
    return torch.stack([now[..., 0] - x + dx, now[..., 1] - before[..., 1], now[..., 2] - z + dz], dim=-1)


class BodyLoss:
    """The losses of both networks on standardised predictions (B, P, T, channels)."""

    def __init__(
        self,
        statistics: PoseStatistics,
        speed_std: np.ndarray,
        skeleton: Skeleton,
        weights: LossWeights,
        device: torch.device | str,
    ) -> None:
        def tensor(values: np.ndarray) -> Tensor:
            return torch.from_numpy(np.asarray(values, np.float32)).to(device)

        self.weights = weights
        self.mean, self.std = tensor(statistics.mean), tensor(statistics.std)
        self.lower, self.upper = (torch.from_numpy(index).to(device) for index in (statistics.lower, statistics.upper))
        self.feet, self.hands = Limbs(skeleton, FEET, device), Limbs(skeleton, HANDS, device)
        self.speed_scale = tensor(statistics.std / np.maximum(speed_std, 1e-2 * statistics.std))
        fingers = ["Hand" in name and not name.split(".")[0].endswith("Hand") for name in statistics.names]
        # Root steps are summed by the integration, so their errors are too.
        share = [
            weights.fingers if finger else 2.0 if name in ROOT_COLUMNS else 1.0
            for finger, name in zip(fingers, statistics.names, strict=True)
        ]
        self.share = tensor(np.array(share))
        self.is_step = tensor(np.array([statistics.names[c] in STEP_COLUMNS for c in statistics.lower])).bool()
        # Arms' errors of speed are better off squared: what is likeliest for an arm at any moment is to do nothing. Legs that
        # stand would waver for the sake of those that walk.
        self.still = tensor(np.array([is_lower(name) for name in statistics.names])).bool()

    def features(self, lower: Tensor, upper: Tensor | None = None) -> Tensor:
        """Standardised channels to all features (B, P, T, C) in metres and radians."""
        full = self.mean.expand(*lower.shape[:-1], -1).clone()
        full[..., self.lower] = lower * self.std[self.lower] + self.mean[self.lower]
        if upper is not None:
            full[..., self.upper] = upper * self.std[self.upper] + self.mean[self.upper]
        return full

    def lower_terms(
        self, predicted: Tensor, truth: Tensor, fresh: Tensor, certain: Tensor | float = 1.0
    ) -> dict[str, Tensor]:
        """Return the lower network's terms. ``fresh`` (B, P, T, 2): 1 where the root's step, and the pose, was not given.
        ``certain`` (B, 1, 1, 1): how much the places count, and speeds. Where noise hides what the body does, the best guess is
        a mean of many poses, which is nowhere in particular and need not stand: there only the pose itself is asked for.

        A flat network's only terms are these, with the hands' places among them.
        """
        moves, poses = fresh[..., :1], fresh[..., 1:]
        channels = torch.where(self.is_step, moves, poses)
        terms = self._common(predicted, truth, channels, self.lower, certain)
        placed = poses[..., None] * (certain[..., None] if isinstance(certain, Tensor) else certain)
        pose, true_pose = self.features(predicted), self.features(truth)
        at, should = self.feet.positions(pose), self.feet.positions(true_pose)
        terms["position"] = self.weights.position * (((at - should) / 0.08) ** 2 * placed).mean()
        moved, allowed = world_speed(at, pose[..., :3]), world_speed(should, true_pose[..., :3])
        stands = (allowed.norm(dim=-1, keepdim=True) < _CONTACT_SPEED) * poses[:, :, 1:, :, None]
        standing = stands * placed[:, :, 1:]
        if not len(self.upper):
            hands, true_hands = self.hands.positions(pose), self.hands.positions(true_pose)
            terms["hands"] = self.weights.position * (((hands - true_hands) / 0.15) ** 2 * placed).mean()
        # A tenth of a millimetre a frame matters to a foot that stands; a metre a second does not matter ten times more.
        slide = torch.sqrt(((moved - allowed) / 0.01).square().sum(-1, keepdim=True) + 1e-4)
        terms["standing"] = self.weights.standing * (slide * standing).sum() / stands.sum().clamp(min=1)
        return terms

    def upper_terms(
        self, predicted: Tensor, truth: Tensor, lower: Tensor, fresh: Tensor, certain: Tensor | float = 1.0
    ) -> dict[str, Tensor]:
        """Return the upper network's terms, given the true lower body (standardised). ``fresh`` (B, P, T, 1); ``certain`` as for
        ``lower_terms``."""
        terms = self._common(predicted, truth, fresh, self.upper, certain)
        placed = fresh[..., None] * (certain[..., None] if isinstance(certain, Tensor) else certain)
        at = self.hands.positions(self.features(lower, predicted))
        should = self.hands.positions(self.features(lower, truth))
        terms["position"] = self.weights.position * (((at - should) / 0.15) ** 2 * placed).mean()
        return terms

    def _common(
        self, predicted: Tensor, truth: Tensor, fresh: Tensor, index: Tensor, certain: Tensor | float
    ) -> dict[str, Tensor]:
        """Return the terms both have: errors of the channels ``index`` where they are ``fresh``, and of their speed."""
        share = self.share[index] / self.share[index].mean()
        error = (predicted - truth) * fresh
        speed = (error[:, :, 1:] - error[:, :, :-1]) * self.speed_scale[index]
        paced = torch.where(self.still[index], torch.sqrt(speed.square() + 1e-4), speed.square())
        return {"pose": (share * error.square()).mean(), "speed": self.weights.speed * (share * paced * certain).mean()}
