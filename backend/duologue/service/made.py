"""What a worker has made of a clip, on disk: a worker that takes over a killed one's job goes on after its last whole chunk.

Of each label (draft, final) the raw pictures, and beside them in one file what the next chunk goes on from and where the chunks
ended. The pictures are written first: what the second file does not know of is made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.files import safetensors
from duologue.video.backends import Pictures

_STOPS: Final = "duologue-stops"


class MadePictures:
    """The pictures of one label: a file of (n, H, W, 3) uint8, written from the first on."""

    def __init__(self, folder: Path, label: str, size: tuple[int, int]) -> None:
        folder.mkdir(exist_ok=True, mode=0o700)
        self._path, self._left = folder / f"{label}.u1", folder / f"{label}.safetensors"
        self._shape = (size[1], size[0], 3)
        self._frame_bytes = 3 * size[0] * size[1]
        self.stops: list[int] = []
        """Where each chunk ended."""
        if self._left.is_file() and self._path.is_file():
            _, about = safetensors.load(self._left)
            self.stops = [int(stop) for stop in about.get(_STOPS, "").split()]

    @property
    def done(self) -> int:
        """Frames that are there."""
        return self.stops[-1] if self.stops else 0

    @property
    def since(self) -> Pictures | None:
        """What the next chunk goes on from."""
        if not self.stops:
            return None
        arrays, _ = safetensors.load(self._left)
        return Pictures(self.done, np.zeros((0, 0, 0, 3), np.uint8), arrays)

    def chunks(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield what is there, chunk by chunk: its first frame, and its pictures."""
        for start, stop in pairwise([0, *self.stops]):
            count, offset = (stop - start) * self._frame_bytes, start * self._frame_bytes
            yield start, np.fromfile(self._path, np.uint8, count, offset=offset).reshape(-1, *self._shape)

    def write(self, made: Pictures) -> None:
        """Write a chunk, then what the next one goes on from. Raises what writing raises."""
        with self._path.open("r+b" if self._path.is_file() else "wb") as file:
            file.seek(made.start * self._frame_bytes)
            file.write(np.ascontiguousarray(made.rgb).data)
        self.stops.append(made.stop)
        arrays: dict[str, NDArray[Any]] = {**made.left} or {"none": np.zeros(1, np.uint8)}
        safetensors.save(self._left, arrays, {_STOPS: " ".join(map(str, self.stops))})
