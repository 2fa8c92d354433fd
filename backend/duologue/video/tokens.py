"""Latents as tokens of 1 x 2 x 2, where each stands, and what of a picture each shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from duologue.passes.contract import EYE, HAIR, HAND, HEAD, PARTS
from duologue.video.latents import FRAMES, SIDE

PATCH: Final = 2
"""Latents a token has in both directions: 16 x 16 pixels."""

MOTION_PATCHES: Final = ((1, 2), (2, 4), (16, 8))
"""Of the latents before a window, newest first: how many, and how many latents a token has in both directions (CoInteract's
code packs them as FramePack does, arXiv 2504.12626: 1, 2 and 16 latents in patches of 1, 2 and 4 times the size)."""

REFERENCE_TIMES: Final = (30, 31, 32)
"""Where the references of A, B and a thing stand in time (CoInteract: 30 for the person, 31 for the product)."""

MASKS: Final = ("hand", "head", "contact", "A", "B")
"""What region masks say of a token: shares of it that are hands, heads, near a contact, and A's and B's heads and hands."""
HOLES: Final = 16
"""Numbers that say where a latent's carried picture has holes: 4 frames x 2 x 2 quarters."""

_FACE: Final = (HEAD, EYE, HAIR)


class Grid(NamedTuple):
    """Tokens in time, height and width."""

    frames: int
    rows: int
    columns: int

    @property
    def tokens(self) -> int:
        """How many tokens."""
        return self.frames * self.rows * self.columns

    @property
    def a_frame(self) -> int:
        """How many tokens a latent has."""
        return self.rows * self.columns


def grid_of(latents: Tensor) -> Grid:
    """Return the tokens of latents (B, C, L, h, w)."""
    return Grid(latents.shape[2], latents.shape[3] // PATCH, latents.shape[4] // PATCH)


def patches(latents: Tensor, side: int = PATCH) -> Tensor:
    """Return latents (B, C, L, h, w) as tokens (B, N, C side²), in the order of Wan's convolution: channel, row, column."""
    batch, channels, count, height, width = latents.shape
    cut = latents.reshape(batch, channels, count, height // side, side, width // side, side)
    return cut.permute(0, 2, 3, 5, 1, 4, 6).flatten(4).flatten(1, 3)


def unpatch(tokens: Tensor, grid: Grid) -> Tensor:
    """Return tokens (B, N, 4C) as latents (B, C, L, h, w), in the order of Wan's output: row, column, channel."""
    batch, _, numbers = tokens.shape
    cut = tokens.reshape(batch, *grid, PATCH, PATCH, numbers // PATCH**2)
    return cut.permute(0, 6, 1, 2, 4, 3, 5).reshape(batch, -1, grid.frames, grid.rows * PATCH, grid.columns * PATCH)


def positions(grid: Grid, *, time: float = 0.0, column: float = 0.0, coarse: int = 1) -> Tensor:
    """Return where tokens stand, (N, 3) of time, row and column, from ``time`` and ``column`` on.

    ``coarse``: how many ordinary tokens one of these covers in both directions; it stands at their middle.
    """
    middle = (coarse - 1) / 2
    axes = [
        time + torch.arange(grid.frames, dtype=torch.float64),
        middle + coarse * torch.arange(grid.rows, dtype=torch.float64),
        column + middle + coarse * torch.arange(grid.columns, dtype=torch.float64),
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, 2)


def by_latent(values: Tensor, *, begins: bool = True) -> Tensor:
    """Return what frames (B, T, ...) have as (B, L, 4, ...): a clip's first frame, where it ``begins``, fills a block alone."""
    if begins:
        values = torch.cat([values[:, :1].expand(-1, FRAMES - 1, *values.shape[2:]), values], dim=1)
    return values.unflatten(1, (-1, FRAMES))


def hole_latents(hole: Tensor, *, begins: bool = True) -> Tensor:
    """Return where latents have holes, (B, 16, L, h, w) shares in [0, 1], of ``hole`` (B, T, H, W), 1 where there is one."""
    half = SIDE // 2
    cut = by_latent(hole.float(), begins=begins).unflatten(4, (-1, 2, half)).unflatten(3, (-1, 2, half)).mean((5, 8))
    return cut.permute(0, 2, 4, 6, 1, 3, 5).flatten(1, 3)


def block_any(chosen: Tensor, *, begins: bool = True) -> Tensor:
    """Return which latents have a chosen pixel, (B, 1, L, h, w) bool, of ``chosen`` (B, T, H, W)."""
    cut = by_latent(chosen.float(), begins=begins).unflatten(4, (-1, SIDE)).unflatten(3, (-1, SIDE))
    return cut.amax((2, 4, 6))[:, None] > 0


def token_masks(part: Tensor, nearness: Tensor, *, begins: bool = True) -> Tensor:
    """Return what tokens show, (B, N, 5) in the order of ``MASKS``.

    Args:
        part: (B, T, H, W) the pass ``part``: person x 8 + part.
        nearness: (B, T, H, W) of a touch, 0 to 1: the first channel of the pass ``contact``. A token's is its highest.
        begins: whether the first frame is the clip's.
    """
    side = SIDE * PATCH
    kind, person = part % len(PARTS), part // len(PARTS)
    hand, head = kind == HAND, torch.isin(kind, torch.tensor(_FACE, dtype=kind.dtype, device=kind.device))
    shown = torch.stack([hand, head, (hand | head) & (person == 1), (hand | head) & (person == 2)], dim=-1).float()
    cut = by_latent(shown, begins=begins).unflatten(4, (-1, side)).unflatten(3, (-1, side))
    shares = cut.mean((2, 4, 6))
    near = by_latent(nearness.float(), begins=begins).unflatten(4, (-1, side)).unflatten(3, (-1, side)).amax((2, 4, 6))
    return torch.cat([shares[..., :2], near[..., None], shares[..., 2:]], dim=-1).flatten(1, 3)


def experts_wanted(masks: Tensor) -> Tensor:
    """Return which expert a token is for, (...,) of 0 head, 1 hand, 2 base: a hand from a tenth of its area on, else a head
    likewise (CoInteract: hand before head before base)."""
    hand, head = masks[..., 0] >= 0.1, masks[..., 1] >= 0.1
    return torch.where(hand, 1, torch.where(head, 0, 2))


def motion_pieces(count: int) -> Sequence[tuple[slice, int]]:
    """Cut ``count`` latents before a window into (which, newest last; side of a patch), oldest first."""
    pieces: list[tuple[slice, int]] = []
    last = count
    for many, side in MOTION_PATCHES:
        first = max(0, last - many)
        if first < last:
            pieces.insert(0, (slice(first, last), side))
        last = first
    return pieces
