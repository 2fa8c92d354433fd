"""Rotary positions in time, height and width (Su et al. 2021, arXiv 2104.09864), as Wan splits a head between them.

Angles are computed from positions as they are: before 0 (motion in time, structure in width) they are negative, and the score of
two tokens depends on how far apart they are and on nothing else. CoInteract's code looks negative widths up at the end of a table
of 1024 rows, so there the distance depends on the resolution; here it does not (video.md, 2.3).
"""

from __future__ import annotations

from functools import cache
from typing import Final

import torch
from torch import Tensor

_THETA: Final = 10000.0

Rotation = Tensor
"""(N, head / 2) complex64: by how much each pair of a head's numbers is turned, for each token."""


@cache
def _frequencies(head: int) -> tuple[Tensor, ...]:
    """Return the frequencies of time, height and width: a sixth of the pairs for each of the last two and the rest for time."""
    side = 2 * (head // 6)
    return tuple(
        1.0 / _THETA ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
        for width in (head - 2 * side, side, side)
    )


def rotation(positions: Tensor, head: int) -> Rotation:
    """Return how tokens at ``positions`` (N, 3), in latents and patches, are turned; ``head``: numbers a head has."""
    where = positions.double()
    angles = torch.cat([where[:, axis, None] * f.to(where.device) for axis, f in enumerate(_frequencies(head))], dim=1)
    return torch.polar(torch.ones_like(angles), angles).to(torch.complex64)


def rotate(x: Tensor, turned: Rotation) -> Tensor:
    """Turn queries or keys (B, N, heads, head): neighbouring numbers are pairs, as in Wan."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turned[:, None]).flatten(-2).to(x.dtype)
