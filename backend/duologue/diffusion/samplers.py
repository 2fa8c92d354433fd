"""From noise to a sample: three small objects over one callable ``denoise(x, t) -> x0``.

Each sampler's ``iterate`` yields after every step, so the caller can stop between steps or show progress; ``sample`` runs it to
the end. They agree on everything but the update from one moment to the next:

- ``Ancestral``: DDPM (Ho et al. 2020, arXiv 2006.11239, equations 6 and 7), the stochastic baseline;
- ``Ddim``: Song et al. 2021 (arXiv 2010.02502, equation 12) with eta 0, first order, deterministic;
- ``DpmSolver2M``: DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095, algorithm 2), second order at one network call a step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from duologue.diffusion.schedule import CosineSchedule, Schedule

Denoise = Callable[[Tensor, Tensor], Tensor]
"""``(x (B, ...), t (B,)) -> x0 (B, ...)``: a network with its conditions, guidance and held frames already inside."""


@dataclass(frozen=True)
class Step:
    """What an update may use. Amplitudes are float64 scalars: ``s`` is the noisier moment, ``t`` the one to reach."""

    alpha_s: Tensor
    sigma_s: Tensor
    alpha_t: Tensor
    sigma_t: Tensor
    last: bool

    @property
    def half_log_snr_gap(self) -> Tensor:
        """h = lambda_t - lambda_s with lambda = log(alpha / sigma); infinite on the first and last step."""
        return torch.log(self.alpha_t / self.sigma_t) - torch.log(self.alpha_s / self.sigma_s)


@dataclass(frozen=True)
class Sampler(ABC):
    """A way from noise to a sample on ``schedule``."""

    schedule: Schedule = field(default_factory=CosineSchedule)

    def iterate(
        self, denoise: Denoise, noise: Tensor, steps: int, generator: torch.Generator | None = None
    ) -> Iterator[Tensor]:
        """Yield x after each of ``steps`` updates; the last one is the sample. ``noise``: (B, ...), unit variance."""
        alphas, sigmas = self.schedule.alpha_sigma(times := self.schedule.times(steps))
        update = self._start(generator)
        x = noise
        for i in range(steps):
            x0 = denoise(x, times[i].to(noise.dtype).to(noise.device).expand(len(noise)))
            step = Step(alphas[i], sigmas[i], alphas[i + 1], sigmas[i + 1], last=i == steps - 1)
            x = x0 if step.last else update(x, x0, step)
            yield x

    def sample(self, denoise: Denoise, noise: Tensor, steps: int, generator: torch.Generator | None = None) -> Tensor:
        """Return the sample that ``steps`` network calls make of ``noise``."""
        x = noise
        for x in self.iterate(denoise, noise, steps, generator):  # noqa: B007  only the last one is wanted
            pass
        return x

    @abstractmethod
    def _start(self, generator: torch.Generator | None) -> Callable[[Tensor, Tensor, Step], Tensor]:
        """Return this run's update ``(x at s, x0, step) -> x at t``; it may keep history. Never called for the last step."""


class Ancestral(Sampler):
    """DDPM: draw from the posterior q(x_t | x_s, x0) of the exact forward process."""

    def _start(self, generator: torch.Generator | None) -> Callable[[Tensor, Tensor, Step], Tensor]:
        def update(x: Tensor, x0: Tensor, k: Step) -> Tensor:
            ratio = k.alpha_s / k.alpha_t
            variance = k.sigma_s**2 - (ratio * k.sigma_t) ** 2
            mean = (ratio * k.sigma_t**2 * x + k.alpha_t * variance * x0) / k.sigma_s**2
            fresh = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
            return (mean + torch.sqrt(variance) * k.sigma_t / k.sigma_s * fresh).to(x.dtype)

        return update


class Ddim(Sampler):
    """DDIM, eta 0: keep the noise that x0 implies and scale both to the next moment."""

    def _start(self, generator: torch.Generator | None) -> Callable[[Tensor, Tensor, Step], Tensor]:
        return _first_order


class DpmSolver2M(Sampler):
    """DPM-Solver++(2M): extrapolate x0 along half the log-SNR from the two last estimates."""

    def _start(self, generator: torch.Generator | None) -> Callable[[Tensor, Tensor, Step], Tensor]:
        previous: list[tuple[Tensor, Tensor]] = []

        def update(x: Tensor, x0: Tensor, k: Step) -> Tensor:
            gap = k.half_log_snr_gap
            # At zero terminal SNR the first gap is infinite: the second step is then first order too, as it should be.
            extrapolated = x0 + (gap / (2 * previous[0][1])).to(x.dtype) * (x0 - previous[0][0]) if previous else x0
            previous[:] = [(x0, gap)]
            return _first_order(x, extrapolated, k)

        return update


def _first_order(x: Tensor, x0: Tensor, k: Step) -> Tensor:
    noise_weight = (k.sigma_t / k.sigma_s).to(x.dtype)
    x0_weight = (k.alpha_t - k.alpha_s * k.sigma_t / k.sigma_s).to(x.dtype)
    return noise_weight * x + x0_weight * x0
