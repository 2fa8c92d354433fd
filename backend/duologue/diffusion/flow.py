"""Flow matching's straight way from a sample to noise, with the methods of ``CosineSchedule``: every sampler runs on both.

``x_t = (1 - t) x0 + t e`` (Lipman et al. 2023, arXiv 2210.02747; Liu et al. 2023, arXiv 2209.03003), whose velocity
``v = e - x0`` is what Wan's networks predict. DDIM on this schedule is Euler's method on that velocity.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from duologue.diffusion.schedule import Prediction


@dataclass(frozen=True)
class FlowSchedule:
    """The straight schedule and the conversions between x0, v and the noised sample."""

    prediction: Prediction = "x0"
    shift: float = 1.0
    """How much noisier than evenly spaced moments are those that are visited: sigma / alpha times this (Esser et al. 2024, arXiv
    2403.03206, section 5.3.2; Wan's ``shift``)."""

    def shifted(self, t: Tensor) -> Tensor:
        """Return the moments that stand for evenly spaced ``t`` in [0, 1]: t' = shift t / (1 + (shift - 1) t)."""
        return t if self.shift == 1.0 else self.shift * t / (1 + (self.shift - 1) * t)

    def alpha_sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return signal and noise amplitudes at times ``t``: any shape, values in [0, 1]; alpha + sigma = 1."""
        return 1 - t, t

    def times(self, steps: int) -> Tensor:
        """Return the ``steps + 1`` float64 moments from 1 down to 0 that a sampler visits, even but for the ``shift``."""
        return self.shifted(torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64))

    def add_noise(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return ``(1 - t) x0 + t noise``; ``t`` is (B,), one moment a sample of the batch."""
        sigma = _like(x0, t)
        return (1 - sigma) * x0 + sigma * noise

    def target(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return what the network is asked for: x0 itself, or v = noise - x0, whatever the moment ``t``."""
        return x0 if self.prediction == "x0" else noise - x0

    def to_x0(self, output: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """Return the clean sample that a network's ``output`` at the noised ``x`` (B, ...) and ``t`` (B,) stands for."""
        return output if self.prediction == "x0" else x - _like(x, t) * output


def _like(x: Tensor, t: Tensor) -> Tensor:
    return t.to(x.dtype).reshape(-1, *[1] * (x.dim() - 1))
