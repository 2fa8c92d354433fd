"""Speech in the video: the tokens of a latent are scaled by its mean sound, then ask its four moments (Wan-S2V's pattern)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from duologue.video.attention import Attention, bare_norm, silent

MOMENTS: Final = 4
"""Of speech features a latent."""


class AudioAttention(nn.Module):
    """One for every third block; what it adds is 0 at the start. Silence (zeros) is a valid sound."""

    def __init__(self, width: int, heads: int, features: int) -> None:
        super().__init__()
        self.enter = nn.Linear(features, width)
        self.modulate = nn.Linear(width, 2 * width)
        self.attention = Attention(width, heads)
        silent(self.attention.out)

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:
        """Return what is added to the target's tokens (B, N, D); ``audio``: (B, L, 4, A)."""
        batch, latents = audio.shape[:2]
        heard = self.enter(audio)
        shift, scale = self.modulate(nn.functional.silu(heard.mean(2))).chunk(2, dim=-1)
        by_latent = bare_norm(x).unflatten(1, (latents, -1))
        h = by_latent * (1 + scale[:, :, None]) + shift[:, :, None]
        mixed = self.attention(h.flatten(0, 1), self.attention.offer(heard.flatten(0, 1)))
        return torch.reshape(mixed, (batch, -1, x.shape[-1]))
