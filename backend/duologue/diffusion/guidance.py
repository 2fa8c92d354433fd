"""Classifier-free guidance with a strength for each condition (Ho & Salimans 2022), in one batched network call."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Network = Callable[[Tensor, Tensor, tuple[frozenset[str], ...]], Tensor]
"""``(x (B, ...), t (B,), dropped names for each of the B samples) -> x0 (B, ...)``."""


def active(strengths: Mapping[str, float]) -> dict[str, float]:
    """Return the strengths that change anything: a strength of 1 is the plain conditional model and costs nothing."""
    return {name: float(strength) for name, strength in strengths.items() if strength != 1.0}


def variants(strengths: Mapping[str, float]) -> tuple[frozenset[str], ...]:
    """Return which conditions to drop in each copy of a guided batch: none in the first, one in each of the others."""
    return (frozenset(), *(frozenset({name}) for name in active(strengths)))


def combine(outputs: Tensor, strengths: Mapping[str, float]) -> Tensor:
    """Return ``full + sum_c (strength_c - 1) (full - without_c)``.

    ``outputs``: (V, ...) x0 estimates in the order of ``variants``. A strength of 0 ignores the condition, 2 doubles its pull.
    """
    full = outputs[0]
    if len(outputs) == 1:
        return full
    weights = torch.tensor([s - 1 for s in active(strengths).values()], dtype=full.dtype, device=full.device)
    return full + torch.einsum("v,v...->...", weights, full - outputs[1:])
