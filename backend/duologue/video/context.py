"""What every token may look up: learned prompts, what is done and where, and a user's text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from duologue.video.config import VideoConfig

if TYPE_CHECKING:
    from duologue.video.conditions import Conditions


class Moments(nn.Module):
    """What a moment of the diffusion says: to the head (D) and to blocks (6 x D), as in Wan."""

    def __init__(self, width: int, frequencies: int) -> None:
        super().__init__()
        self.frequencies = frequencies
        self.embed = nn.Sequential(nn.Linear(frequencies, width), nn.SiLU(), nn.Linear(width, width))
        self.project = nn.Linear(width, 6 * width)

    def forward(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, D) and (B, 6, D) of moments (B,) in [0, 1]; Wan counts them from 0 to 1000."""
        half = self.frequencies // 2
        falling = torch.exp(torch.arange(half, dtype=torch.float32, device=t.device) * (-math.log(10000.0) / half))
        angles = 1000.0 * t.float()[:, None] * falling
        said = self.embed(torch.cat([angles.cos(), angles.sin()], dim=1))
        return said, self.project(nn.functional.silu(said)).unflatten(1, (6, -1))


class Context(nn.Module):
    """``[prompts | pattern | place | text]``, (B, P + 2 + S, D); for a network without patterns, prompts and text."""

    def __init__(self, config: VideoConfig) -> None:
        super().__init__()
        width = config.width
        self.prompts = nn.Parameter(torch.randn(config.prompts, width) / width**0.5)
        self.pattern = nn.Embedding(len(config.patterns) + 1, width)
        self.site = nn.Embedding(len(config.sites) + 1, width)
        places = [0, *(1 + config.sites.index(pattern.rpartition("-")[2]) for pattern in config.patterns)]
        self.places: Tensor
        self.register_buffer("places", torch.tensor(places), persistent=False)
        self.text = (
            nn.Sequential(nn.Linear(config.text_width, width), nn.GELU(approximate="tanh"), nn.Linear(width, width))
            if config.text_width
            else None
        )

    def forward(self, conditions: Conditions) -> Tensor:
        """Return the tokens that a batch looks up."""
        pattern = conditions.pattern
        tokens = [self.prompts.expand(len(pattern), -1, -1)]
        if len(self.places) > 1:
            tokens.append(torch.stack([self.pattern(pattern), self.site(self.places[pattern])], dim=1))
        if self.text is not None and conditions.text is not None:
            tokens.append(self._said(self.text, conditions))
        return torch.cat(tokens, dim=1)

    @staticmethod
    def _said(text: nn.Module, conditions: Conditions) -> Tensor:
        """Return a text's tokens; where it is dropped, those of ``unsaid``, or zeros."""
        assert conditions.text is not None
        if conditions.worded is None:
            return text(conditions.text)
        worded = conditions.worded[:, None, None]
        if conditions.unsaid is None:
            return text(conditions.text) * worded
        return text(torch.where(worded > 0, conditions.text, conditions.unsaid))
