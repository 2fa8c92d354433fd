"""How a long face is cut into windows that join without a seam.

Neighbouring windows share ``OVERLAP`` frames, made twice from the same noise and cross-faded; every window starts at a multiple
of the positional period, so that a frame's position is the same in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from duologue.easing import smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_WINDOW: Final = 90
"""A short first window, so that the first second of face is there soon."""
WINDOW: Final = 240
OVERLAP: Final = 30
"""Frames that two windows both make, from the same noise, and that are cross-faded. All three are multiples of the period."""


def windows(frames: int) -> Iterator[tuple[int, int]]:
    """Yield [start, stop) of the windows that cover ``frames``; each starts ``OVERLAP`` before the last one's stop."""
    start, length = 0, FIRST_WINDOW
    while True:
        stop = min(start + length, frames)
        # A tail too short to be worth a window of its own joins this one.
        stop = frames if frames - stop <= OVERLAP else stop
        if stop <= start:
            return
        yield start, stop
        if stop == frames:
            return
        start, length = stop - OVERLAP, WINDOW


class FrameNoise:
    """Unit noise by frame: the same for a frame whichever window asks, and only as much kept as windows overlap."""

    BLOCK: Final = 30

    def __init__(self, seed: int, shapes: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._shapes = shapes
        self._blocks: dict[int, Tensor] = {}
        self._next = 0

    def frames(self, start: int, stop: int) -> Tensor:
        """Return (2, stop - start, shapes); windows must be asked for in order."""
        first, last = start // self.BLOCK, (stop - 1) // self.BLOCK
        for index in range(self._next, last + 1):
            self._blocks[index] = torch.randn((2, self.BLOCK, self._shapes), generator=self._generator)
        self._next = max(self._next, last + 1)
        self._blocks = {index: block for index, block in self._blocks.items() if index >= first}
        joined = torch.cat([self._blocks[index] for index in range(first, last + 1)], dim=1)
        return joined[:, start - first * self.BLOCK : stop - first * self.BLOCK]


def cross_fade(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.float32]:
    """Go from ``old`` to ``new`` (P, n, C) along a smoothstep: no jump in position or velocity at either end."""
    x = (np.arange(old.shape[1], dtype=np.float32) + 1) / (old.shape[1] + 1)
    weight = smoothstep(x)[None, :, None]
    return old * (1 - weight) + new * weight
