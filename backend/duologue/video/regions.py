"""Region attention: what hands, faces and contacts look like and how they move, learned as latents (InterAnimate).

InterAnimate (arXiv 2504.10905) says: learnable spatial and temporal interaction latents, a region attention that brings them in,
an orthogonality loss that keeps them apart. Layout after CyberHost (arXiv 2409.01876), which it resembles term by term::

    f = att(x, S_r)        the tokens of a latent ask the spatial bank of region r
    g = att(x + f, T_r)    the same place over time asks the temporal one
    region(x) = sum_r M_r O_r (f + g) + sum_p M_p O (att(x, identity of p))

Banks are all that is looked at, so tokens ask one by one and grouping them by frame or place would change nothing. ``M`` are
rendered masks; where there are none, a linear map of the tokens guesses them. ``O`` are 0 at the start.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from duologue.video.attention import Attention, KeysValues, bare_norm, mix, silent
from duologue.video.tokens import MASKS

REGIONS: Final = ("hand", "face", "contact")
_PEOPLE: Final = 2


class Region(NamedTuple):
    """What region attention adds to the target's tokens, and the logits (B, N, 5) of the masks that it guesses."""

    added: Tensor
    guessed: Tensor


class RegionAttention(nn.Module):
    """One for every second block. ``spatial``, ``temporal``: vectors of a bank, 0 for none; ``known``: whether people are."""

    def __init__(self, width: int, heads: int, spatial: int, temporal: int, *, known: bool = True) -> None:
        super().__init__()
        self.latent = spatial > 0
        if self.latent:
            self.spatial = nn.Parameter(torch.randn(len(REGIONS), spatial, width) / width**0.5)
            self.temporal = nn.Parameter(torch.randn(len(REGIONS), temporal, width) / width**0.5)
            self.look, self.move = (Attention(width, heads, projected=False) for _ in range(2))
            self.out = nn.Parameter(torch.zeros(len(REGIONS), width, width))
        if known:
            self.know = Attention(width, heads)
            silent(self.know.out)
        self.guess = nn.Linear(width, len(MASKS))

    def forward(self, x: Tensor, masks: Tensor | None, given: Tensor | None, identity: Tensor | None) -> Region:
        """Attend from the target's tokens.

        Args:
            x: (B, N, D).
            masks: (B, N, 5) rendered ones, in the order of ``MASKS``; None: guessed ones for all.
            given: (B,) 0 for samples whose masks are to be guessed all the same; None: none.
            identity: (B, 2, K, D) tokens of A and B; None: nobody is known.
        """
        guessed = self.guess(x)
        used = guessed.sigmoid() if masks is None else masks
        if masks is not None and given is not None and not bool(given.all()):
            used = torch.where(given[:, None, None] > 0, masks, guessed.sigmoid())
        used = used.to(x.dtype)
        added = self._where_shared(x, used) if self.latent else torch.zeros_like(x)
        if identity is not None:
            added = added + self._people(x, used[..., len(REGIONS) :], identity)
        return Region(added, guessed)

    def _where_shared(self, x: Tensor, shares: Tensor) -> Tensor:
        """(B, N, D) tokens and (B, N, 5) shares to (B, N, D): exact masks leave out most of a picture, and a token that no region
        has asks nothing."""
        flat, some = x.flatten(0, 1), shares.flatten(0, 1)
        rows = torch.nonzero((some[:, : len(REGIONS)] > 0).any(1))[:, 0]
        added = torch.zeros_like(flat)
        if len(rows):
            added = added.index_add(0, rows, self._regions(flat[rows], some[rows]).to(flat.dtype))
        return added.unflatten(0, x.shape[:2])

    def _regions(self, x: Tensor, shares: Tensor) -> Tensor:
        """(K, D) tokens and (K, 5) shares to (K, D)."""
        h = bare_norm(x).expand(len(REGIONS), -1, -1)
        f = self.look(h, self.look.offer(self.spatial))
        g = self.move(bare_norm(h + f), self.move.offer(self.temporal))
        out = torch.einsum("rkd,rde->rke", f + g, self.out)
        return (out * shares[:, : len(REGIONS)].T[..., None]).sum(0)

    def _people(self, x: Tensor, shares: Tensor, identity: Tensor) -> Tensor:
        """(B, N, D) tokens, (B, N, 2) shares of A and B, (B, 2, K, D) who they are, to (B, N, D)."""
        h = bare_norm(x)
        known = self.know.offer(identity.flatten(0, 1))
        queries = self.know.ask(h)
        added: Tensor | float = 0.0
        for person in range(_PEOPLE):
            seen = KeysValues(known.keys[person::_PEOPLE], known.values[person::_PEOPLE])
            added = added + shares[..., person, None] * self.know.out(mix(queries, seen))
        assert isinstance(added, Tensor)
        return added

    def orthogonality(self) -> Tensor:
        """Return how far a bank's vectors are from orthogonal, mean over banks: ``||L L^T - 1||_F^2 / n^2``, rows of length 1."""
        off = []
        for bank in (self.spatial, self.temporal):
            rows = functional.normalize(bank, dim=-1)
            gram = rows @ rows.transpose(1, 2) - torch.eye(bank.shape[1], device=bank.device)
            off.append(gram.square().sum((1, 2)) / bank.shape[1] ** 2)
        return torch.stack(off).mean()
