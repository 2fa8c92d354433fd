"""More to learn from than there are clips: mirrored ones, and ones in other colours, made of latents without decoding them.

Both are linear in a clip's pixels, so they are matrices of C x C on linear latents: ``z' = E(A D(z))``. A basis that was fitted
to mirrored blocks as well loses nothing by the mirror.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from duologue.video.latents import FRAMES, BlockLatent, mirrored_blocks
from duologue.video.tokens import PATCH

_PICTURES = ("picture", "carried")


def mirrored(bases: Mapping[str, BlockLatent], rows: Mapping[str, Tensor], chosen: Tensor) -> dict[str, Tensor]:
    """Return encoded clips, those ``chosen`` (B,) mirrored left to right.

    Args:
        bases: of ``picture`` and ``structure``.
        rows: what ``Latents.rows`` returns.
        chosen: which of them.
    """
    turned = dict(rows)
    for name in ("picture", "carried", "structure"):
        basis = bases["structure" if name == "structure" else "picture"]
        turned[name] = _changed(basis, rows[name], mirrored_blocks(basis.basis.T)[None]).flip(-1)
    turned["hole"] = rows["hole"].unflatten(1, (FRAMES, 2, 2)).flip(3).flatten(1, 3).flip(-1)
    _, _, count, height, width = rows["picture"].shape
    grid = rows["masks"].unflatten(1, (count, height // PATCH, width // PATCH))
    turned["masks"] = grid.flip(3).flatten(1, 3)
    turned["crops"] = rows["crops"].flip(-2)
    return {name: _where(chosen, value, rows[name]) for name, value in turned.items()}


def recoloured(basis: BlockLatent, rows: Mapping[str, Tensor], matrices: Tensor, offsets: Tensor) -> dict[str, Tensor]:
    """Return encoded clips in other colours, ``matrices`` (B, 3, 3) times the old ones plus ``offsets`` (B, 3), all 0 to 1.

    What is seen, what is carried and the references change alike; structure has no colours of its own.
    """
    changed = dict(rows)
    pixels = basis.basis.T.reshape(1, basis.channels, -1, 3) @ matrices[:, None].mT
    added = (basis.mean.reshape(1, -1, 3) @ matrices.mT + offsets[:, None]).flatten(1) - basis.mean
    for name in _PICTURES:
        latents = _changed(basis, rows[name], pixels.flatten(2))
        changed[name] = latents + ((added @ basis.basis) / basis.scale)[:, :, None, None, None]
    crops = torch.einsum("bij,b...j->b...i", matrices, rows["crops"]) + offsets.reshape(-1, 1, 1, 1, 1, 3)
    changed["crops"] = crops.clamp(0, 1)
    return changed


def drawn_colours(batch: int, strength: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw changes of colour, (B, 3, 3) and (B, 3): hues turn about grey, primaries gain or lose, contrast changes about 0.5.

    ``strength``: 1 turns hues by 25 degrees and changes each gain by 20 %, one deviation.
    """

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).clamp(-2, 2) * strength

    grey = torch.full((3,), 3**-0.5)
    across = torch.linalg.cross(grey.expand(3, 3), torch.eye(3)).T  # v -> grey x v
    angle = torch.deg2rad(25 * normal(batch, 1, 1))
    # Rodrigues' rotation about the axis of greys
    turn = torch.eye(3) + angle.sin() * across + (1 - angle.cos()) * (across @ across)
    gain = 1 + 0.2 * (0.5 * normal(batch, 1, 1) + 0.3 * normal(batch, 3, 1))
    matrices = gain * turn
    return matrices, 0.5 * (1 - matrices.sum(2))


def _changed(basis: BlockLatent, latents: Tensor, pixels: Tensor) -> Tensor:
    """Return ``E(D'(z))`` without the mean, of latents (B, C, L, h, w), D' decoding by ``pixels`` (B or 1, C, 768)."""
    matrix = basis.scale[:, None] * (pixels @ basis.basis) / basis.scale
    return torch.einsum("bcd,bclhw->bdlhw", matrix.expand(len(latents), -1, -1), latents)


def _where(chosen: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    return torch.where(chosen.reshape(-1, *[1] * (yes.dim() - 1)), yes, no)
