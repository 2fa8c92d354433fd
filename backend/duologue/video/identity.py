"""Who somebody is: four tokens a person, read off pictures of face and hand, or off an embedding that users bring.

InterAnimate keeps identities with ArcFace embeddings. Ours need no weights of others: a small convolution over the crops that the
scene gives exactly. Its output is 0 away from the network until ``regions`` lets it in.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

TOKENS: Final = 4
"""A person's: two for the face, two for the hand."""
CROPS: Final = ("face", "hand")
CROP: Final = 64
"""Pixels of a crop in both directions."""


class IdentityFromCrops(nn.Module):
    """``conv(3, 16, 32, 64; stride 2) -> mean -> two tokens a crop``; what is missing has learned tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inner, outer in ((3, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(inner, outer, 3, stride=2, padding=1), nn.GroupNorm(4, outer), nn.SiLU()]
        self.picture = nn.Sequential(*layers)
        self.project = nn.Linear(64, TOKENS // len(CROPS) * width)
        self.missing = nn.Parameter(torch.zeros(len(CROPS), TOKENS // len(CROPS), width))

    def forward(self, crops: Tensor, seen: Tensor) -> Tensor:
        """Return (B, 2, 4, D). ``crops``: (B, 2, 2, 64, 64, 3) in [0, 1]: of A and B, face and hand; ``seen`` (B, 2, 2) 0 where
        there is none."""
        batch, people, kinds = seen.shape
        features = self.picture(crops.flatten(0, 2).movedim(-1, 1) * 2 - 1).mean((2, 3))
        tokens = self.project(features).unflatten(0, (batch, people, kinds)).unflatten(-1, (TOKENS // kinds, -1))
        there = seen[..., None, None].to(tokens.dtype)
        return (there * tokens + (1 - there) * self.missing).flatten(2, 3)


class IdentityFromEmbedding(nn.Module):
    """A linear map of a face embedding (ArcFace's 512 numbers, say)."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.project = nn.Linear(embedding, TOKENS * width)

    def forward(self, embedding: Tensor) -> Tensor:
        """Return (B, 2, 4, D) of (B, 2, E)."""
        return self.project(embedding).unflatten(-1, (TOKENS, -1))


def identity_of(width: int, embedding: int | None) -> IdentityFromCrops | IdentityFromEmbedding | None:
    """Return what reads tokens ``width`` wide off an embedding, off crops (0), or nothing (None): ``config.identity_width``."""
    if embedding is None:
        return None
    return IdentityFromEmbedding(width, embedding) if embedding else IdentityFromCrops(width)
