"""The pictures of a clip as files while they are made, ``0001.png`` and on: what each folder of a video has in common."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from duologue.passes import png
from duologue.passes.contract import Bytes

FRAMES: Final = "frames"
"""The folder of the pictures; ``BEFORE``: of those before, of which a part is made again; both in a video's own folder."""
BEFORE: Final = "before"


@dataclass(frozen=True)
class Frames:
    """Pictures (H, W, 3) in a folder, counted from 0. Each is whole or not there."""

    folder: Path

    def path(self, index: int) -> Path:
        """Return where a picture lies."""
        return self.folder / f"{index + 1:04}.png"

    def has(self, count: int) -> bool:
        """Return whether the first so many are there."""
        return all(self.path(index).is_file() for index in range(count))

    def each(self, count: int) -> Iterator[Bytes]:
        """Yield the first so many. Raises what :func:`.png.read` raises."""
        for index in range(count):
            yield png.read(self.path(index))

    def read(self, start: int, stop: int) -> Bytes:
        """Return some of them (n, H, W, 3). Raises what :func:`.png.read` raises."""
        return np.stack([png.read(self.path(index)) for index in range(start, stop)])

    def write(self, start: int, pictures: Bytes) -> None:
        """Write some of them (n, H, W, 3). Raises what :func:`.png.write` raises."""
        for index, picture in enumerate(pictures, start):
            png.write(self.path(index), np.ascontiguousarray(picture))

    def digest(self, count: int) -> str:
        """Return a sha256 over the shapes and pixels of the first so many."""
        found = hashlib.sha256()
        for picture in self.each(count):
            found.update(str(picture.shape).encode() + picture.tobytes())
        return found.hexdigest()
