"""What a face is trained to get right: the weights, their movement, and how far apart the lips are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import LOWER_FACE
from duologue.facial.lips import COEFFICIENTS, REST

_GAP_SCALE = 3.0
"""mm of lip gap that count as much as one standard deviation of a weight."""


@dataclass(frozen=True)
class FaceLoss:
    """Weights of the terms. The sum is ``position + velocity * (frame differences) + gap * (lip gap)``, all squared errors."""

    mouth: float = 1.5
    """How much larger an error of the jaw and mouth (``arkit.LOWER_FACE``: jawOpen and mouthUpperUp too) counts than ``rest``."""
    rest: float = 1.0
    """Brows, eyes, cheeks, nose; 0 trains the lips alone (InterAct's fine-tuning)."""
    velocity: float = 1.0
    gap: float = 1.0
    """The gap is a small difference of two large movements, jaw and lips: small errors of the weights alone leave a p open."""
    closure: float = 1.8
    """How much larger errors of mouth and gap count while the lips are shut: p, b, m are short, and a near miss shows."""

    def __call__(self, predicted: Tensor, true: Tensor, std: Tensor, mean: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of ``predicted`` against ``true`` (B, T, 52), both standardised by ``mean`` and ``std`` (52,)."""
        weights = true * std + mean
        shut = 1 + (self.closure - 1) * closed(weights)
        lower = torch.tensor([float(name in LOWER_FACE) for name in SHAPE], device=predicted.device)
        error = (predicted - true) * (self.rest * (1 - lower) + self.mouth * lower * shut)
        position, velocity = error.square().mean(), error.diff(dim=1).square().mean()
        gap = ((lip_gap(predicted * std + mean) - lip_gap(weights)) / _GAP_SCALE * shut[..., 0]).square().mean()
        figures = {"position": position.item(), "velocity": velocity.item(), "gap": gap.item()}
        return position + self.velocity * velocity + self.gap * gap, figures


def lip_gap(weights: Tensor) -> Tensor:
    """Return the gap in mm (...,) of weights (..., 52), as ``facial.lips.lip_gap`` does for numpy."""
    return weights @ torch.from_numpy(COEFFICIENTS).to(weights) + REST


def closed(weights: Tensor) -> Tensor:
    """Return (..., 1) how far the lips are shut on purpose: ``mouthClose`` against what the jaw opens."""
    return (weights[..., [SHAPE["mouthClose"]]] / (weights[..., [SHAPE["jawOpen"]]] + 0.03)).clamp(0, 1)
