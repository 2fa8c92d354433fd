"""How much signal and how much noise a sample holds at each moment of the diffusion.

Time runs from 0 (clean) to 1 (pure noise) and is continuous, so the number of sampling steps is free. The schedule is the cosine
one (Nichol & Dhariwal 2021, section 3.2) in its variance-preserving form without offset: ``alpha = cos(pi t / 2)``. It reaches
``alpha = 0`` at t = 1 exactly (zero terminal SNR: Lin et al. 2024, arXiv 2305.08891), so what the sampler starts from is what
the network was trained on, and no division by a vanishing alpha ever happens because networks predict x0 or v, never the noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

Prediction = Literal["x0", "v"]


class Schedule(Protocol):
    """What a sampler asks of a schedule: which moments it visits, and how much signal and noise there is at each."""

    def times(self, steps: int) -> Tensor:
        """Return the ``steps + 1`` float64 moments from 1 down to 0 that a sampler visits."""
        ...

    def alpha_sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return signal and noise amplitudes at times ``t``."""
        ...


@dataclass(frozen=True)
class CosineSchedule:
    """The cosine schedule and the conversions between x0, noise, v and the noised sample."""

    prediction: Prediction = "x0"
    shift: float = 1.0
    """How much noisier than evenly spaced moments are those that are trained and visited: sigma / alpha times this. Neighbouring
    frames say much the same, so what a motion will be is decided at noise that hides any single frame (Hoogeboom et al. 2023,
    "simple diffusion", section 2.1, on resolution)."""

    def shifted(self, t: Tensor) -> Tensor:
        """Return the moments that stand for evenly spaced ``t`` in [0, 1]: tan(pi t' / 2) = shift tan(pi t / 2)."""
        if self.shift == 1.0:
            return t
        angle = t * (math.pi / 2)
        return torch.atan2(self.shift * torch.sin(angle), torch.cos(angle)).masked_fill(t >= 1, math.pi / 2) * (
            2 / math.pi
        )

    def alpha_sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return signal and noise amplitudes at times ``t``: any shape, values in [0, 1]; alpha² + sigma² = 1.

        The ends are exact (alpha(1) = sigma(0) = 0), which floating-point cosines are not.
        """
        alpha = torch.cos(t * (math.pi / 2)).masked_fill(t >= 1, 0.0)
        return alpha, torch.sin(t * (math.pi / 2)).masked_fill(t <= 0, 0.0)

    def times(self, steps: int) -> Tensor:
        """Return the ``steps + 1`` float64 moments from 1 down to 0 that a sampler visits, even but for the ``shift``."""
        return self.shifted(torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64))

    def add_noise(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return ``alpha x0 + sigma noise``; ``t`` is (B,), one moment a sample of the batch."""
        alpha, sigma = self._like(x0, t)
        return alpha * x0 + sigma * noise

    def target(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return what the network is asked for: x0 itself, or v = alpha noise - sigma x0 (Salimans & Ho 2022)."""
        if self.prediction == "x0":
            return x0
        alpha, sigma = self._like(x0, t)
        return alpha * noise - sigma * x0

    def to_x0(self, output: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """Return the clean sample that a network's ``output`` at the noised ``x`` (B, ...) and ``t`` (B,) stands for."""
        if self.prediction == "x0":
            return output
        alpha, sigma = self._like(x, t)
        return alpha * x - sigma * output

    def _like(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma = self.alpha_sigma(t.to(x.dtype).reshape(-1, *[1] * (x.dim() - 1)))
        return alpha, sigma
