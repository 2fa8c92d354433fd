"""What linear filters tell of a body's clean motion, beside what a network's layers do."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from duologue.diffusion.schedule import CosineSchedule


class SmoothingSkip(nn.Module):
    """What linear filters tell of the clean sample: the noised one, smoothed in time as far as noise and motion ask.

    Noise is white and motion is slow, so a Wiener filter does much of the denoising. Six fixed Gaussians (0 to 16 frames wide)
    and the mean of the window are mixed for each channel: by the weights that are best for the data at each moment in each action
    mode (``solve``: a step is quicker than a sway), which stay as they are, and by what the step and the layers add to them for a
    frame: whoever stands still is averaged, a stroke is not. This spares the layers that work; ours, LDA has no such path.
    """

    WIDTHS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, math.inf)
    MOMENTS = 64

    def __init__(self, width: int, channels: int, modes: int) -> None:
        super().__init__()
        self.by_step = nn.Linear(2 * width, len(self.WIDTHS) * channels)
        self.by_frame = nn.Linear(width, len(self.WIDTHS) * channels, bias=False)
        for parameter in (self.by_step.weight, self.by_step.bias, self.by_frame.weight):
            nn.init.zeros_(parameter)
        self.register_buffer("wiener", torch.zeros(self.MOMENTS + 1, modes, len(self.WIDTHS) * channels))
        self.wiener: Tensor
        self._kept = torch.zeros(0)

    def forward(self, x: Tensor, t: Tensor, step: Tensor, hidden: Tensor, modes: Tensor) -> Tensor:
        """``x`` (B, P, T, channels), ``t`` (B,), ``step`` (B, 2 width), ``hidden`` (B, P, T, width), ``modes`` (B, P, T, M), to
        the shape of ``x``."""
        if self._kept.shape[-1] != x.shape[2] or self._kept.device != x.device:
            self._kept = self.filters(x.shape[2]).to(x.device)
        smoothed = torch.einsum("kts,bpsc->bptkc", self._kept.to(x.dtype), x)
        best = torch.einsum("bptm,bmk->bptk", modes.to(x.dtype), self._best(t).to(x.dtype))
        by_moment = best + self.by_step(step)[:, None, None]
        return ((by_moment + self.by_frame(hidden)).view(smoothed.shape) * smoothed).sum(3)

    def _best(self, t: Tensor) -> Tensor:
        """Return the best weights (B, modes, filters x channels) at moments ``t`` (B,), between the two that were measured."""
        at = t * self.MOMENTS
        low = at.long().clamp(max=self.MOMENTS - 1)
        part = (at - low)[:, None, None]
        return (1 - part) * self.wiener[low] + part * self.wiener[low + 1]

    @torch.no_grad()
    def solve(self, x0: Tensor, schedule: CosineSchedule, modes: Tensor) -> None:
        """Measure the best mixture there is without any layers: least squares for every channel, moment and mode, on clean
        samples ``x0`` (B, P, T, channels), whose frames count for a mode as far as ``modes`` (B, P, T, M) says."""
        filters = self.filters(x0.shape[2])
        generator = torch.Generator().manual_seed(0)
        target = x0.permute(3, 0, 1, 2).flatten(1)
        counts = modes.permute(3, 0, 1, 2).flatten(1)
        for row, t in enumerate(torch.linspace(0, 1, self.MOMENTS + 1)):
            noise = torch.randn(x0.shape, generator=generator)
            x = schedule.add_noise(x0, noise, t.expand(len(x0)))
            smoothed = torch.einsum("kts,bpsc->ckbpt", filters, x).flatten(2)
            for mode, count in enumerate(counts):
                if count.sum() < 1:
                    count = torch.ones_like(count)  # noqa: PLW2901  a mode that isn't there goes as all do
                weighed = smoothed * count
                # A little more noise than there is: neighbouring filters are nearly one, and must not be set against each other.
                normal = weighed @ smoothed.transpose(1, 2) + 1e-3 * count.sum() * torch.eye(len(self.WIDTHS))
                solved = torch.linalg.solve(normal, weighed @ target[..., None])[..., 0]
                self.wiener[row, mode] = solved.T.flatten()

    def filters(self, frames: int) -> Tensor:
        """Return one matrix (T, T) a width; rows sum to one, also at the ends."""
        index = torch.arange(frames, dtype=torch.float32)
        offset = index[:, None] - index[None, :]
        rows = [torch.exp(-0.5 * (offset / max(width, 1e-3)) ** 2) for width in self.WIDTHS]
        return torch.stack([row / row.sum(-1, keepdim=True) for row in rows])
