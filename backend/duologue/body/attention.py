"""Translation-invariant attention over both performers (TISA: Wennberg & Henter 2021, equation 5; LDA's form of it).

A performer's frames attend to their own frames and to the partner's. What is added to the logits depends on the offset in time
only, so any length works and the bias of a length is computed once.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

KEPT_LENGTHS: Final = 3
"""Of a stream's windows: whole ones, and the last."""


def decay_slopes(heads: int, global_heads: int, field_of_view: tuple[float, float]) -> Tensor:
    """Return m (heads,): exp(-m |D|) falls to 1e-8 at geometrically spaced offsets D; 0 for the last ``global_heads``."""
    decaying = heads - global_heads
    narrow, wide = field_of_view
    reach = torch.logspace(math.log10(narrow), math.log10(wide), decaying) if decaying > 1 else torch.tensor([wide])
    return torch.cat([math.log(1e8) / reach[:decaying], torch.zeros(global_heads)])


class PositionBias(nn.Module):
    """The bias on the logits, (heads, T, T) for the offset D = j - i of key j from query i:

    ``log( sum_k |a_k| sigmoid(sign(a_k) (D - o_k) / s_k) + |b| + 1e-8 ) - m_h |D|``.
    """

    def __init__(self, heads: int, global_heads: int, field_of_view: tuple[float, float], kernels: int) -> None:
        super().__init__()
        self.amplitude = nn.Parameter(0.01 * torch.randn(heads, kernels))
        self.offset = nn.Parameter(15.0 * torch.randn(heads, kernels))
        self.sharpness = nn.Parameter(torch.full((heads, kernels), 5.0))
        self.base = nn.Parameter(torch.ones(heads))
        self.register_buffer("slope", decay_slopes(heads, global_heads, field_of_view), persistent=False)
        self.slope: Tensor

    def by_offset(self, frames: int) -> Tensor:
        """Return the bias for D = -(frames - 1) .. frames - 1: (heads, 2 frames - 1)."""
        distance = torch.arange(1 - frames, frames, dtype=self.offset.dtype, device=self.offset.device)
        steps = torch.sigmoid(
            self.amplitude.sign()[..., None] * (distance - self.offset[..., None]) / self.sharpness[..., None]
        )
        scores = (self.amplitude.abs()[..., None] * steps).sum(1) + self.base.abs()[:, None] + 1e-8
        return scores.log() - self.slope[:, None] * distance.abs()

    def forward(self, frames: int) -> Tensor:
        """Return the bias (heads, frames, frames), rows are queries."""
        index = torch.arange(frames, device=self.offset.device)
        return self.by_offset(frames)[:, index[None, :] - index[:, None] + frames - 1]


class PairAttention(nn.Module):
    """Heads that decay look at the performer's own frames; heads without decay look at both performers' frames.

    Own frames and the partner's have biases of their own. Reactions lag by seconds and never follow one frame, so nothing of what
    is known about the partner decays.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        global_heads: int,
        field_of_view: tuple[float, float],
        kernels: int,
        *,
        paired: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.local_heads, self.paired = heads, heads - global_heads, paired
        self.project = nn.Linear(width, 3 * width)
        self.gated_out = nn.Linear(width, 2 * width)
        self.own = PositionBias(heads, global_heads, field_of_view, kernels)
        self.partner = PositionBias(global_heads, global_heads, field_of_view, kernels)
        self._cache: dict[int, tuple[Tensor, Tensor]] = {}

    def biases(self, frames: int) -> tuple[Tensor, Tensor]:
        """Return the biases on own frames (heads, T, T) and the partner's (global heads, T, T); kept a length in evaluation."""
        if self.training:
            return self.own(frames), self.partner(frames)
        if frames not in self._cache:
            if len(self._cache) == KEPT_LENGTHS:
                self._cache.clear()  # a server that meets takes of every length must not keep a bias for each
            self._cache[frames] = (self.own(frames).detach(), self.partner(frames).detach())
        return self._cache[frames]

    def train(self, mode: bool = True) -> PairAttention:
        """Forget the kept biases, since the weights may have changed."""
        self._cache.clear()
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, T, width) to the same shape; P is 1 or 2 performers, who don't see each other unless ``paired``."""
        batch, performers, frames, width = x.shape
        # Each (B, P, heads, T, width / heads).
        q, k, v = self.project(x).view(batch, performers, frames, 3, self.heads, -1).permute(3, 0, 1, 4, 2, 5)
        own, partner = self.biases(frames)
        local = self.local_heads
        mixed = [_attend(q[:, :, :local], k[:, :, :local], v[:, :, :local], own[:local])] if local else []
        if local < self.heads:
            q, k, v, bias = q[:, :, local:], k[:, :, local:], v[:, :, local:], own[local:]
            if performers == 2 and self.paired:
                k, v = (torch.cat([part, part.flip(1)], dim=3) for part in (k, v))
                bias = torch.cat([bias, partner], dim=-1)
            mixed.append(_attend(q, k, v, bias))
        joined = torch.cat(mixed, dim=2).transpose(2, 3).reshape(batch, performers, frames, width)
        return functional.glu(self.gated_out(joined), dim=-1)


def _attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Softmax attention with an additive bias. Written out: torch's fused one drops to a slower path when the bias is learned."""
    logits = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5) + bias.to(q.dtype)
    return logits.softmax(dim=-1).to(v.dtype) @ v
