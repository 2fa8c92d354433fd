"""What long clips cost: seconds a frame, and the memory that they need at most, of backends as users call them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.video import FPS, Clip
from duologue.passes.camera import Size
from duologue.passes.sources import missing
from duologue.video.backends import Backend, Wish
from duologue.video.backends.carried import CarriedBackend
from duologue.video.backends.pipeline import PipelineBackend
from duologue.video.pipeline import VideoPipeline

FRAMES: Final = (17, 129, 513, 2001)
_PASSES: Final = {"beauty": "rgb"}
"""Passes that clips call otherwise."""


@dataclass(frozen=True, eq=False)
class ThereAndBack:
    """A clip's passes, forward and backward again and again, as a ``PassSource`` of any length: one clip is all it holds."""

    clip: Clip
    frames: int
    fps: float = float(FPS)
    depth_range: tuple[float, float] = (0.0, 1.0)

    @property
    def size(self) -> Size:
        """Width and height, pixels."""
        height, width = self.clip.arrays["rgb"].shape[1:3]
        return width, height

    def has(self, name: str) -> bool:
        """Return whether the clip has a pass."""
        return _PASSES.get(name, name) in self.clip.arrays

    def read(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Return frames of a pass."""
        if not self.has(name):
            raise missing(f"the clip has no pass {name}")
        array = self.clip.arrays[_PASSES.get(name, name)]
        once = 2 * (len(array) - 1)
        at = np.arange(start, stop) % once
        found = array[np.minimum(at, once - at)]
        return found[..., None].repeat(3, -1) if name == "contact" else found


class _OfPipeline(PipelineBackend):
    """``tiny`` with a pipeline that is there already."""

    def __init__(self, pipeline: VideoPipeline) -> None:
        super().__init__("tiny")
        self._pipeline = pipeline

    def pipeline(self) -> VideoPipeline:
        """See ``PipelineBackend``."""
        return self._pipeline


def lengths(
    pipeline: VideoPipeline,
    clip: Clip,
    mode: str,
    steps: int,
    *,
    report: Callable[[str, float, float], None] = lambda stage, done, total: None,
    frames: Sequence[int] = FRAMES,
) -> dict[str, list[dict[str, float | None]]]:
    """Return of ``carried`` and of the model a row a length: ``frames``, ``seconds`` on the clock, ``seconds_a_frame`` of
    processor time, ``peak_mb``.

    ``peak_mb`` is the process's largest so far, so that it shows what a longer clip needs more than the shorter ones before;
    None where the system does not say (Windows).
    """
    backends: dict[str, tuple[Backend, Wish]] = {
        "carried": (CarriedBackend(), Wish()),
        mode: (_OfPipeline(pipeline), Wish(mode=mode, steps=steps)),
    }
    found: dict[str, list[dict[str, float | None]]] = {}
    for name, (backend, wish) in backends.items():
        for count in frames:
            began, busy = time.perf_counter(), time.process_time()
            for made in backend.generate(ThereAndBack(clip, count), {}, (), wish):
                report(f"{name}, {count} frames", made.stop, count)
            spent, busy = time.perf_counter() - began, time.process_time() - busy
            row = {"frames": count, "seconds": spent, "seconds_a_frame": busy / count, "peak_mb": _peak_mb()}
            found.setdefault(name, []).append(row)
    return found


def _peak_mb() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
