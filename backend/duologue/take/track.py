"""What one performer did, frame by frame, and a stretch of both as it is streamed; what is told meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.errors import DuologueError
from duologue.labels import ACTION_MODES


@dataclass(frozen=True)
class Progress:
    """How far one stage of a performance has come: ``Progress("body", 3, 12)``."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True)
class Notice:
    """Something the person who asked should know, that is no error: ``Notice("worker-restarted", "the worker died, …")``."""

    reason: str
    message: str


@dataclass(frozen=True)
class Track:
    """One performer's part: ``n`` frames, ``J`` joints in the skeleton's order. The arrays are made read-only.

    Raises:
        DuologueError: INVALID_ARGUMENT ``take-shape``, ``take-not-finite`` or ``take-range``.
    """

    root_translation: NDArray[np.float32]
    """(n, 3): where the hips are in the shared world, metres, Y up."""
    rotations: NDArray[np.float32]
    """(n, J, 3): exponential maps, radians, each in its parent's frame; the first joint's is the hips in the world."""
    weights: NDArray[np.float32]
    """(n, 52): blendshape values in [0, 1], columns in the order of ``arkit.NAMES``."""
    facing: NDArray[np.bool_]
    """(n): the chest points at the partner, to within 45 degrees."""
    actions: NDArray[np.uint8]
    """(n): indices into ``labels.ACTION_MODES``."""
    raw: NDArray[np.float32] | None = None
    """(n, 52): ``weights`` before they were cut to [0, 1]; only where a brief asks for them."""

    def __post_init__(self) -> None:
        n = len(self.root_translation)
        joints = self.rotations.shape[1] if self.rotations.ndim == 3 else 0
        self._hold("root_translation", np.float32, (n, 3))
        self._hold("rotations", np.float32, (n, joints, 3))
        self._hold("weights", np.float32, (n, len(arkit.NAMES)))
        self._hold("facing", np.bool_, (n,))
        self._hold("actions", np.uint8, (n,))
        if self.raw is not None:
            self._hold("raw", np.float32, (n, len(arkit.NAMES)))
        if n and not (self.weights.min() >= 0 and self.weights.max() <= 1):
            low, high = float(self.weights.min()), float(self.weights.max())
            raise wrong("take-range", f"weights go from {low:.3g} to {high:.3g}; they must lie in [0, 1]")
        if n and self.actions.max() >= len(ACTION_MODES):
            raise wrong("take-range", f"actions has {int(self.actions.max())}; there are {len(ACTION_MODES)} modes")

    def _hold(self, name: str, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
        """Put in place of the given array a read-only one of the right type, after checking it."""
        array: NDArray[Any] = np.ascontiguousarray(getattr(self, name), dtype=dtype).view()
        if array.shape != shape:
            raise wrong("take-shape", f"{name} has shape {array.shape}, expected {shape}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            frame = int(np.argmin(np.isfinite(array).reshape(len(array), -1).all(axis=1)))
            raise wrong("take-not-finite", f"{name} holds NaN or infinity, first at frame {frame}")
        array.flags.writeable = False
        object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.root_translation)

    def __getitem__(self, frames: slice) -> Track:
        """Return a stretch of the track: ``track[30:60]`` is its second second."""
        return Track(**{name: array[frames] for name, array in self.arrays().items()})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, in the order of the fields: five, and ``raw`` where it is there."""
        arrays = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: array for name, array in arrays.items() if array is not None}

    @staticmethod
    def joined(tracks: Sequence[Track]) -> Track:
        """Return the tracks one after the other. There must be at least one; ``raw`` stays where all of them have it."""
        parts = [track.arrays() for track in tracks]
        names = [name for name in parts[0] if all(name in part for part in parts)]
        return Track(**{name: np.concatenate([part[name] for part in parts]) for name in names})


@dataclass(frozen=True)
class Window:
    """A stretch of a take as it is streamed: both performers, from frame ``start`` on."""

    start: int
    tracks: tuple[Track, Track]

    @property
    def frames(self) -> int:
        """How many frames the window has."""
        return len(self.tracks[0])

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.start + self.frames


def wrong(reason: str, message: str) -> DuologueError:
    """Return the error for a take that can't be."""
    return DuologueError("INVALID_ARGUMENT", reason, message, field="take")
