"""A clip of passes as it came up: files of raw values, read as they are asked for; checked before work starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.passes.contract import PARTS, PEOPLE
from duologue.passes.drawing import check_sight
from duologue.passes.sources import missing
from duologue.wire import clip

_AT_ONCE: Final = 16
_ALLOWED: Final[Mapping[str, Callable[[NDArray[Any]], NDArray[np.bool_]]]] = {
    "part": lambda values: values < len(PARTS) * len(PEOPLE),
    "hole": lambda values: values <= 1,
    "visible": lambda values: values <= 1,
    "depth": lambda values: values > 0,  # infinite is background; NaN is not greater than anything
    "flow": np.isfinite,
}
"""What values a pass may have, where not all of its type mean something."""


@dataclass(frozen=True, eq=False)
class UploadedPasses:
    """See ``passes.sources.PassSource``; of ``beauty`` there is the first frame alone."""

    paths: Mapping[str, str]
    frames: int
    size: tuple[int, int]
    fps: float
    depth_range: tuple[float, float]

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> UploadedPasses:
        """Return those of a job as the router tells it."""
        (width, height), (near, far) = job["size"], job["depth_range"]
        return cls(job["passes"], job["frames"], (width, height), job["fps"], (near, far))

    def has(self, name: str) -> bool:
        """See ``PassSource``."""
        return name in self.paths

    def read(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """See ``PassSource``."""
        if not self.has(name):
            raise missing(f"the pass {name} was not sent")
        shape = clip.Shapes(self.frames, self.size).of(name)
        file = np.memmap(self.paths[name], clip.type_of(name), "r", shape=shape)
        return np.array(file[start:stop])

    def previous(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Return the pictures of which a region is made again."""
        return self.read(clip.PREVIOUS, start, stop)


def check_values(passes: UploadedPasses, should_stop: Callable[[], bool]) -> None:
    """Check that every value means something, and that somebody is in the picture.

    Raises:
        DuologueError: INVALID_ARGUMENT ``passes-damaged``, with pass and frame; ``nothing-in-sight``.
    """
    for name, allowed in _ALLOWED.items():
        for start in range(0, passes.frames if passes.has(name) else 0, _AT_ONCE):
            if should_stop():
                return
            good = allowed(passes.read(name, start, min(start + _AT_ONCE, passes.frames)))
            bad = np.flatnonzero(~good.reshape(len(good), -1).all(axis=1))
            if len(bad):
                text = (
                    f"frame {start + int(bad[0]) + 1} of the pass {name} has values that mean nothing; export it again"
                )
                raise DuologueError("INVALID_ARGUMENT", "passes-damaged", text, field=name)
    _check_sight(passes)


def _check_sight(passes: UploadedPasses) -> None:
    for start in range(0, passes.frames, _AT_ONCE):
        seen = passes.read("part", start, min(start + _AT_ONCE, passes.frames))
        if (seen >= len(PARTS)).any():
            return
    check_sight(passes.read("part", 0, 1))
