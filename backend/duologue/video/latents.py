"""The linear latent: principal components of blocks of 4 x 8 x 8 pixels, fitted in a second, streamed without a seam.

Frame 0 is repeated to fill a block of its own, as in Wan's causal autoencoder: 4k + 1 frames are k + 1 latents. Component i is
divided by variance_i^(1/4), halfway between raw and whitened: fine detail counts more than its share of the error, and less than
as if it mattered as much as the mean colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor, nn

FRAMES: Final = 4
"""Of a block; ``SIDE``: its pixels in both directions."""
SIDE: Final = 8
NUMBERS: Final = FRAMES * SIDE * SIDE * 3


def latents_of(frames: int) -> int:
    """Return how many latents 4k + 1 frames are."""
    return (frames - 1) // FRAMES + 1


def frames_of(first: int, last: int) -> slice:
    """Return the frames of latents [first, last) of a clip."""
    return slice(max(0, FRAMES * (first - 1) + 1), max(0, FRAMES * (last - 1) + 1))


def blocks(pictures: Tensor, *, begins: bool) -> Tensor:
    """Return pictures (B, T, H, W, 3) as blocks (B, L, H/8, W/8, 768). ``begins``: their first frame is the clip's."""
    if begins:
        pictures = torch.cat([pictures[:, :1].expand(-1, FRAMES - 1, -1, -1, -1), pictures], dim=1)
    batch, frames, height, width, colours = pictures.shape
    cut = pictures.reshape(batch, frames // FRAMES, FRAMES, height // SIDE, SIDE, width // SIDE, SIDE, colours)
    return cut.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4)


def pictures_of(cut: Tensor, *, begins: bool) -> Tensor:
    """Return what ``blocks`` was given; of the first block, the mean of its four frames where a clip ``begins``."""
    batch, count, rows, columns, _ = cut.shape
    whole = cut.reshape(batch, count, rows, columns, FRAMES, SIDE, SIDE, 3).permute(0, 1, 4, 2, 5, 3, 6, 7)
    whole = whole.reshape(batch, count * FRAMES, rows * SIDE, columns * SIDE, 3)
    if not begins:
        return whole
    return torch.cat([whole[:, :FRAMES].mean(1, keepdim=True), whole[:, FRAMES:]], dim=1)


def mirrored_blocks(cut: Tensor) -> Tensor:
    """Return blocks (..., 768) left to right."""
    return cut.unflatten(-1, (FRAMES, SIDE, SIDE, 3)).flip(-2).flatten(-4)


class BlockLatent(nn.Module):
    """A basis and its scale; colours are 0 to 1 outside. Random until it is fitted or loaded: an orthonormal basis."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.mean: Tensor
        self.basis: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.full((NUMBERS,), 0.5))
        self.register_buffer("basis", torch.linalg.qr(torch.randn(NUMBERS, channels))[0])
        self.register_buffer("scale", torch.ones(channels))

    @torch.no_grad()
    def fit(self, samples: Iterable[Tensor]) -> BlockLatent:
        """Fit to ``blocks`` (n, 768) that come in pieces: principal components, largest first. All latents' mean square is 1."""
        total, sums, products = 0, torch.zeros(NUMBERS, dtype=torch.float64), torch.zeros(NUMBERS, NUMBERS).double()
        for piece in samples:
            rows = piece.reshape(-1, NUMBERS)
            total, sums = total + len(rows), sums + rows.sum(0, dtype=torch.float64)
            products += (rows.T @ rows).double()
        mean = sums / total
        variance, vectors = torch.linalg.eigh(products / total - mean[:, None] * mean)
        largest = variance.argsort(descending=True)[: self.channels]
        quarter = variance[largest].clamp_min(1e-8) ** 0.25
        self.mean.copy_(mean)
        self.basis.copy_(vectors[:, largest])
        self.scale.copy_(quarter * quarter.square().mean().sqrt())
        return self

    def encode(self, pictures: Tensor, *, begins: bool = True) -> Tensor:
        """Return latents (B, C, L, H/8, W/8) of pictures (B, T, H, W, 3) in [0, 1].

        ``begins``: T is 4k + 1 and the first frame is the clip's; else T is 4k, from the middle of one.
        """
        coefficients = (blocks(pictures, begins=begins) - self.mean) @ self.basis
        return (coefficients / self.scale).permute(0, 4, 1, 2, 3)

    def decode(self, latents: Tensor, *, begins: bool = True) -> Tensor:
        """Return the pictures (B, T, H, W, 3) of latents (B, C, L, H/8, W/8), not cut to [0, 1]."""
        cut = (latents.permute(0, 2, 3, 4, 1) * self.scale) @ self.basis.T + self.mean
        return pictures_of(cut, begins=begins)

    def held(self, latent: Tensor) -> Tensor:
        """Return the latent (B, C, 1, h, w) that shows the last frame of another one all the time."""
        return self.encode(self.decode(latent, begins=False)[:, -1:])

    @property
    def variance(self) -> Tensor:
        """The mean variance of a pixel's colours that latents stand for, ``scale`` being what ``fit`` makes it."""
        return self.scale.pow(4).sum() / (self.scale.square().mean() * NUMBERS)

    def cell_error(self, difference: Tensor) -> Tensor:
        """Return what a difference of latents (B, C, L, h, w) comes to in pixels, (B, 16, L, h, w): mean squares, in variances.

        In each latent's 4 frames x 2 x 2 quarters, the cells that ``tokens.hole_latents`` tells of.
        """
        half = SIDE // 2
        pixels = (difference.permute(0, 2, 3, 4, 1) * self.scale) @ self.basis.T
        cells = pixels.square().unflatten(-1, (FRAMES, 2, half, 2, half, 3)).mean((-4, -2, -1))
        return cells.flatten(4).permute(0, 4, 1, 2, 3) / self.variance

    keeps_detail = True
    """Whether what these latents can't tell of the carried picture is added to what is decoded."""

    def detailed(self, decoded: Tensor, carried: Tensor, *, begins: bool = True) -> Tensor:
        """Return decoded pictures with the detail of what was carried: ``out = D(x) + (carried - D(E(carried)))``.

        Pictures (B, T, H, W, 3). Few components can't tell the pixels of a block apart; the carried picture has them.
        """
        return decoded + carried - self.decode(self.encode(carried, begins=begins), begins=begins)
