"""Long clips as overlapping windows: each is outpainted from the last frames of the one before.

Holding frames during sampling is replacement on x0: where a frame is known, the denoiser's estimate *is* the known
value. From unit noise n, every sampler here then keeps ``alpha known + sigma n`` at those frames (DDIM and DPM-
Solver++ exactly, the ancestral one as a posterior draw): the overwriting with noised known frames of RePaint (Lugmayr
et al. 2022, arXiv 2201.09865, equation 8) and DiffSHEG (Chen et al. 2024, arXiv 2401.04747), without any bookkeeping.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from duologue.diffusion.samplers import Denoise


@dataclass(frozen=True)
class Span:
    """Frames ``[start, stop)`` of a clip made in one go; the first ``known`` of them exist already."""

    start: int
    stop: int
    known: int

    @property
    def fresh(self) -> int:
        """How many frames this window adds."""
        return self.stop - self.start - self.known


def spans(frames: int, window: int, overlap: int, first: int | None = None) -> Iterator[Span]:
    """Cut ``frames`` into windows of at most ``window`` frames, each after the first starting ``overlap`` frames back.

    ``first``: at most so many frames for the first one, where something is to be seen soon; by default as many as for the others.

    Raises:
        ValueError: when the overlap leaves no fresh frames in a window.
    """
    length = window if first is None else min(first, window)
    if not 0 <= overlap < length:
        raise ValueError(f"an overlap of {overlap} frames leaves nothing new in a window of {length}.")
    start, known = 0, 0
    while start + known < frames:
        stop = min(start + length, frames)
        yield Span(start, stop, known)
        start, known, length = stop - overlap, overlap, window


def hold(denoise: Denoise, known: Tensor, mask: Tensor) -> Denoise:
    """Return ``denoise`` with x0 fixed to ``known`` (B, T, C) where ``mask`` (broadcastable, bool) is set."""

    def held(x: Tensor, t: Tensor) -> Tensor:
        return torch.where(mask, known, denoise(x, t))

    return held
