"""Classifier-free guidance in one batched network call.

Ho & Salimans 2022 (arXiv 2207.12598), equation 6, with a strength for each condition; docs/reference/papers.md#guidance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

Network = Callable[[Tensor, Tensor, tuple[frozenset[str], ...]], Tensor]
"""``(x (B, ...), t (B,), dropped names for each of the B samples) -> x0 (B, ...)``."""


Strength = float | Tensor
"""How much a condition counts: one number, or a tensor that broadcasts against an estimate, one for each of its frames, say."""


def active(strengths: Mapping[str, Strength]) -> dict[str, Strength]:
    """Return the strengths that change anything: a strength of 1 is the plain conditional model and costs nothing."""
    return {name: strength for name, strength in strengths.items() if not _is_one(strength)}


def _is_one(strength: Strength) -> bool:
    return bool((strength == 1.0).all()) if isinstance(strength, Tensor) else strength == 1.0


def variants(strengths: Mapping[str, Strength]) -> tuple[frozenset[str], ...]:
    """Return which conditions to drop in each copy of a guided batch: none in the first, one in each of the others."""
    return (frozenset(), *(frozenset({name}) for name in active(strengths)))


def combine(outputs: Tensor, strengths: Mapping[str, Strength]) -> Tensor:
    """Return ``full + sum_c (strength_c - 1) (full - without_c)``.

    ``outputs``: (V, ...) x0 estimates in the order of ``variants``. A strength of 0 ignores the condition, 2 doubles its pull.
    """
    full = outputs[0]
    guided = full
    for strength, without in zip(active(strengths).values(), outputs[1:], strict=True):  # a few conditions
        guided = guided + (strength - 1.0) * (full - without)
    return guided
