"""Pictures of any size from models that work in blocks: a clip is padded to whole blocks, what is made of it is cropped.

Padded is to the right and below, with the values at the edge, so that nothing moves and no border comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from duologue.passes.camera import Size
from duologue.passes.contract import to_size, whole_blocks
from duologue.passes.sources import PassSource
from duologue.video.backends.protocol import Pictures, Wish

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PaddedPasses:
    """A clip whose ``size`` is whole blocks; see ``passes.sources.PassSource``."""

    inner: PassSource

    @property
    def frames(self) -> int:
        """See ``PassSource``."""
        return self.inner.frames

    @property
    def size(self) -> Size:
        """See ``PassSource``."""
        return whole_blocks(self.inner.size)

    @property
    def fps(self) -> float:
        """See ``PassSource``."""
        return self.inner.fps

    @property
    def depth_range(self) -> tuple[float, float]:
        """See ``PassSource``."""
        return self.inner.depth_range

    def has(self, name: str) -> bool:
        """See ``PassSource``."""
        return self.inner.has(name)

    def read(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """See ``PassSource``."""
        return to_size(self.inner.read(name, start, stop), self.size)


def padded(passes: PassSource, wish: Wish) -> tuple[PassSource, Wish]:
    """Return a clip, and what is asked of it, in whole blocks; as they are where they have such."""
    if passes.size == whole_blocks(passes.size):
        return passes, wish
    whole, region = PaddedPasses(passes), wish.region
    if region is None:
        return whole, wish
    previous: Callable[[int, int], Bytes] = region.previous
    return whole, replace(wish, region=replace(region, previous=lambda a, b: to_size(previous(a, b), whole.size)))


def cropped(made: Iterator[Pictures], size: Size) -> Iterator[Pictures]:
    """Yield pictures in the size that was asked for. What those after them go on from stays whole."""
    width, height = size
    for chunk in made:
        yield replace(chunk, rgb=np.ascontiguousarray(chunk.rgb[:, :height, :width]))
