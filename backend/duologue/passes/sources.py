"""Where a clip's passes come from when pictures are made of them: a folder, or memory; asked for a stretch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.passes.camera import Size
from duologue.passes.contract import PASSES, Passes
from duologue.passes.folder import CLIP, range_of, read_pass
from duologue.passes.records import check_whole, read_json
from duologue.passes.references import shown_to_models


class PassSource(Protocol):
    """A clip of passes. Only what is asked for is ever in memory."""

    @property
    def frames(self) -> int:
        """How many frames it has: 4k + 1."""
        ...

    @property
    def size(self) -> Size:
        """Width and height, pixels."""
        ...

    @property
    def fps(self) -> float:
        """Frames a second."""
        ...

    @property
    def depth_range(self) -> tuple[float, float]:
        """Nearest and farthest metre of the clip."""
        ...

    def has(self, name: str) -> bool:
        """Return whether it has a pass."""
        ...

    def read(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Return frames ``start`` to ``stop`` of a pass, as ``contract.PASSES`` says.

        Raises:
            DuologueError: NOT_FOUND ``passes-missing``; what reading raises.
        """
        ...


@dataclass(frozen=True, eq=False)
class StoredPasses:
    """A finished clip of a folder (:mod:`.folder`)."""

    root: Path
    frames: int
    size: Size
    fps: float
    depth_range: tuple[float, float]
    names: frozenset[str]

    @classmethod
    def open(cls, root: Path) -> StoredPasses:
        """Open a folder.

        Raises:
            DuologueError: NOT_FOUND ``passes-missing`` for one without a finished clip; DATA_LOSS ``passes-damaged``.
        """
        about = read_json(root / CLIP)
        if not about.get("complete"):
            raise missing(f"{root} has no finished clip; draw its passes again")
        check_whole(about, root / CLIP)
        width, height = about["size"]
        reach = range_of(about["about_frames"])
        names = frozenset(about["passes"])
        return cls(root, int(about["frames"]), (int(width), int(height)), float(about["fps"]), reach, names)

    @property
    def references(self) -> dict[str, dict[str, NDArray[np.uint8]]]:
        """What people look like (``pictures.References``), as far as the folder shows it."""
        return shown_to_models(self.root)

    def has(self, name: str) -> bool:
        """See :class:`PassSource`."""
        return name in self.names

    def read(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """See :class:`PassSource`."""
        if not self.has(name):
            raise missing(f"{self.root} has no pass {name}")
        return np.stack([read_pass(self.root, name, index) for index in range(start, stop)])


@dataclass(frozen=True, eq=False)
class HeldPasses:
    """A clip in memory."""

    passes: Passes
    fps: float

    def __post_init__(self) -> None:
        if not self.passes.names:
            raise missing("a clip without a single pass")

    @property
    def _shape(self) -> tuple[int, ...]:
        array: NDArray[Any] = getattr(self.passes, self.passes.names[0])
        return array.shape

    @property
    def frames(self) -> int:
        """See :class:`PassSource`."""
        return self._shape[0]

    @property
    def size(self) -> Size:
        """See :class:`PassSource`."""
        return self._shape[2], self._shape[1]

    @property
    def depth_range(self) -> tuple[float, float]:
        """See :class:`PassSource`."""
        return self.passes.depth_range

    def has(self, name: str) -> bool:
        """See :class:`PassSource`."""
        return name in self.passes.names

    def read(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """See :class:`PassSource`."""
        if name not in PASSES or not self.has(name):
            raise missing(f"the clip has no pass {name}")
        return getattr(self.passes, name)[start:stop]


def missing(what: str) -> DuologueError:
    """Return the error for passes that are not there."""
    return DuologueError("NOT_FOUND", "passes-missing", what)
