"""Feet that carry the root: where the soles are, when they bear weight, and the step of a root whose soles stay where they stand.

A root's step made apart from the legs slides the feet, however good both are. Here the soles that bear weight do not move, and
the root's step is what follows from that by forward kinematics; only who sits, or is held, moves by the steps as they are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from duologue.features.pose import CONTACT_COLUMNS, columns
from duologue.motion.contact import RULE, Soles, hysteresis
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

_YAW_PRIOR: Final = 0.05**2
"""Square metres of spread of the bearing points about their middle at which they and the given turn count alike: a ball alone
says nothing of a turn, two soles all."""
_LEAST: Final = 0.3
"""What a point bears that the network says is in the air. Heights tell more of who steps: where the network is undecided between
two feet it says less of both, and the lower one carries."""
_SHARPNESS: Final = 8.0
"""Of a contact, since an undecided network says a half."""
_LIFTED: Final = 0.012
"""Metres above the lowest point at which a point bears half."""
_FIRM: Final = 0.005
"""Sum of bearing at which the soles and the given step count alike."""
SEATED: Final = (0.75, 0.97)
"""Share of the sitting mode between which the seat takes over from the soles."""


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
    """Forward kinematics of the few points that matter, in the root's own frame (heading taken out), from features."""

    def __init__(
        self,
        skeleton: Skeleton,
        joints: Sequence[str],
        offsets: NDArray[np.floating] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """``joints``: by name, W of them; ``offsets`` (W, 3): the points in those joints' frames, metres; without them the joints
        themselves."""
        needed: set[int] = set()
        for name in joints:
            joint = skeleton.index(name)
            while joint >= 0:
                needed.add(joint)
                joint = skeleton.parents[joint]
        self.joints = sorted(needed)
        self.parents = [self.joints.index(skeleton.parents[j]) if skeleton.parents[j] >= 0 else -1 for j in self.joints]
        self.bones = torch.tensor(skeleton.offsets[self.joints], dtype=torch.float32, device=device)
        self.wanted = [self.joints.index(skeleton.index(name)) for name in joints]
        self.offsets = None if offsets is None else torch.tensor(offsets, dtype=torch.float32, device=device)
        names = columns(skeleton)
        turns = [[names.index(f"{skeleton.names[joint]}.{axis}") for axis in "xyz"] for joint in self.joints]
        self.columns = torch.tensor(turns, device=device)
        self.height = names.index("root.height")

    @classmethod
    def soles(cls, skeleton: Skeleton, device: torch.device | str = "cpu") -> Limbs:
        """Return the four points a body stands on, in the order of ``CONTACT_COLUMNS``."""
        soles = Soles.of(skeleton)
        names = [skeleton.names[foot] for foot in soles.feet for _ in range(2)]
        offsets = np.stack([soles.heel, soles.ball], axis=1).reshape(-1, 3)
        return cls(skeleton, names, offsets, device)

    @classmethod
    def toes(cls, skeleton: Skeleton, device: torch.device | str = "cpu") -> Limbs:
        """Return the tips of the toes, left and right."""
        soles = Soles.of(skeleton)
        return cls(skeleton, [skeleton.names[toe] for toe in soles.toes], soles.tip, device)

    def positions(self, features: Tensor) -> Tensor:
        """(..., C) features in metres and radians to (..., W, 3): the wanted points, the root at (0, height, 0)."""
        local = exp_to_matrix(features[..., self.columns])
        turns: list[Tensor] = [local[..., 0, :, :]]
        height = features[..., self.height]
        zero = torch.zeros_like(height)
        places: list[Tensor] = [torch.stack([zero, height, zero], dim=-1)]
        for k, parent in enumerate(self.parents[1:], start=1):
            places.append(places[parent] + turns[parent] @ self.bones[k].to(features.dtype))
            turns.append(turns[parent] @ local[..., k, :, :])
        if self.offsets is None:
            return torch.stack([places[k] for k in self.wanted], dim=-2)
        offsets = self.offsets.to(features.dtype)
        return torch.stack(
            [places[k] + turns[k] @ offset for k, offset in zip(self.wanted, offsets, strict=True)], dim=-2
        )


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


def bearing(points: Tensor, contacts: Tensor) -> Tensor:
    """Return how far points (..., W, 3) with predicted ``contacts`` (..., W), 0 to 1, carry the body, (..., W).

    What is higher than the lowest point carries little, and half a centimetre more nothing.
    """
    firm = _LEAST + (1 - _LEAST) * torch.sigmoid(_SHARPNESS * (contacts - 0.5))
    above = points[..., 1] - points[..., 1].min(-1, keepdim=True).values
    return firm * torch.sigmoid((_LIFTED - above) / (_LIFTED / 4))


def planted_steps(points: Tensor, contacts: Tensor, own: Tensor, free: Tensor) -> Tensor:
    """Return the root's steps (..., T, 3), dx, dz, dyaw as features have them, that leave bearing soles where they stand.

    The rigid motion over the floor that best keeps the bearing points in place (weighted Procrustes in the plane), the turn drawn
    to the ``own`` one (..., T, 3) where the points don't tell it. ``points`` (..., T, W, 3) in the root's frame, ``contacts``
    (..., T, W). ``free`` (..., T): 1 where the own step is to be taken as it is; so is the first frame's.
    """
    weight = bearing(points, contacts)
    weight = (weight[..., 1:, :] * weight[..., :-1, :])[..., None]
    total = weight.sum(-2)
    before, now = points[..., :-1, :, :][..., [0, 2]], points[..., 1:, :, :][..., [0, 2]]
    middles = [(weight * at).sum(-2) / total for at in (before, now)]
    (ax, az), (bx, bz) = (
        (at - middle[..., None, :]).unbind(-1) for at, middle in zip((before, now), middles, strict=True)
    )
    w = weight[..., 0]
    turn = own[..., 1:, 2]
    along = (w * (ax * bx + az * bz)).sum(-1) + _YAW_PRIOR * torch.cos(turn)
    across = (w * (ax * bz - az * bx)).sum(-1) + _YAW_PRIOR * torch.sin(turn)
    yaw = torch.atan2(across, along)
    sine, cosine = torch.sin(yaw), torch.cos(yaw)
    (x, z), (to_x, to_z) = middles[0].unbind(-1), middles[1].unbind(-1)
    planted = torch.stack([cosine * x - sine * z - to_x, sine * x + cosine * z - to_z, yaw], dim=-1)
    firm = (1 - free[..., 1:, None]) * total / (total + _FIRM)
    return torch.cat([own[..., :1, :], own[..., 1:, :] + firm * (planted - own[..., 1:, :])], dim=-2)


def hovering(points: Tensor, free: Tensor) -> Tensor:
    """Return by how much (..., T) the lowest of a body's ``points`` (..., T, W, 3) lies too high over the floor, metres;
    ``free`` (..., T): 1 where it is not the soles that carry it."""
    return (1 - free) * points[..., 1].min(-1).values


def seatedness(sitting: Tensor) -> Tensor:
    """Return how far the seat carries somebody, 0 to 1, by the share of the sitting mode."""
    low, high = SEATED
    return ((sitting - low) / (high - low)).clamp(0, 1)


@torch.no_grad()
def sole_contacts(features: NDArray[np.floating], soles: Limbs) -> NDArray[np.float32]:
    """Return which points of the soles bear weight, (..., T, 4) ``CONTACT_COLUMNS``, 0 to 1, in features (..., T, C).

    The rule of ``motion.contact`` on heights and on speeds over the floor, its edges softened by a frame.
    """
    pose = torch.from_numpy(np.asarray(features, np.float64))
    points = soles.positions(pose)
    if points.shape[-3] < 2:
        return np.zeros((*pose.shape[:-1], len(CONTACT_COLUMNS)), np.float32) + 0.5
    moved = world_speed(points, pose[..., :3])[..., [0, 2]].norm(dim=-1)
    speed = FPS * torch.cat([moved[..., :1, :], moved], dim=-2).numpy()
    height = points[..., 1].numpy()
    first = np.moveaxis(np.stack([RULE.grips(height, speed), RULE.releases(height, speed)]), -2, 1)
    bears = np.moveaxis(hysteresis(first[0], first[1]), 0, -2)
    return np.asarray(gaussian_filter1d(bears.astype(np.float32), 1.0, axis=-2, mode="nearest"), np.float32)
