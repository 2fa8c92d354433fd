"""Attention as in Wan's blocks: queries and keys normalised over all heads together, then turned by where they stand."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from duologue.video.rope import Rotation, rotate

EPSILON = 1e-6


class KeysValues(NamedTuple):
    """Projected keys and values, (B, N, heads, head) each; keys are normalised and turned."""

    keys: Tensor
    values: Tensor

    def also(self, other: KeysValues) -> KeysValues:
        """Return these tokens' and ``other``'s."""
        return KeysValues(torch.cat([self.keys, other.keys], 1), torch.cat([self.values, other.values], 1))

    def among(self, tokens: slice) -> KeysValues:
        """Return those of some tokens."""
        return KeysValues(self.keys[:, tokens], self.values[:, tokens])


def mix(queries: Tensor, seen: KeysValues, mask: Tensor | None = None) -> Tensor:
    """Return what queries (B, N, heads, head) gather from what they see, (B, N, D). ``mask`` (N, M): True where they may look."""
    q, k, v = (part.transpose(1, 2) for part in (queries, *seen))
    if q.is_cpu and mask is None and torch.is_autocast_enabled("cpu"):
        # On a CPU in 16 bits torch's fused attention takes twice as long as its parts, four times for few keys.
        mixed = (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).softmax(-1) @ v
    else:
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return mixed.transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Projections of queries, keys and values, and out again; who looks at whom is for the caller to say."""

    def __init__(self, width: int, heads: int, *, projected: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width) if projected else nn.Identity()
        self.query_norm, self.key_norm = (nn.RMSNorm(width, EPSILON) for _ in range(2))

    def ask(self, x: Tensor, turned: Rotation | None = None) -> Tensor:
        """Return the queries (B, N, heads, head) of tokens (B, N, D)."""
        queries = self.query_norm(self.query(x).float()).unflatten(-1, (self.heads, -1))
        return queries if turned is None else rotate(queries, turned)

    def offer(self, x: Tensor, turned: Rotation | None = None) -> KeysValues:
        """Return the keys and values of tokens (B, N, D)."""
        keys = self.key_norm(self.key(x).float()).unflatten(-1, (self.heads, -1))
        values = self.value(x).unflatten(-1, (self.heads, -1))
        return KeysValues(keys if turned is None else rotate(keys, turned), values)

    def forward(self, x: Tensor, seen: KeysValues) -> Tensor:
        """Attend from tokens (B, N, D) to what stands nowhere: the context."""
        return self.out(mix(self.ask(x), seen))


def silent(module: nn.Module) -> None:
    """Have a module say nothing at the start: all its parameters are 0."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)


def bare_norm(x: Tensor) -> Tensor:
    """Layer norm without weights."""
    return functional.layer_norm(x, x.shape[-1:], eps=EPSILON)
