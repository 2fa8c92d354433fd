"""What a worker has made of a clip, on disk: a worker that takes over a killed one's job goes on after its last whole chunk.

Of each label (draft, final) the raw pictures, and beside them a file a chunk, named by the frame after it, of what the next one
goes on from. The pictures are written first: a chunk without its file is made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duologue.files import safetensors
from duologue.video.backends import Pictures


class MadePictures:
    """The pictures of one label: a file of (n, H, W, 3) uint8, written from the first that is wanted on."""

    def __init__(self, folder: Path, label: str, size: tuple[int, int], before: Pictures | None = None) -> None:
        """``before``: those that an earlier job has made, of which there is only what is gone on from."""
        folder.mkdir(exist_ok=True, mode=0o700)
        self._folder, self._label, self._before = folder, label, before
        self._path = folder / f"{label}.u1"
        self._shape = (size[1], size[0], 3)
        self._frame_bytes = 3 * size[0] * size[1]
        self._first = before.stop if before else 0
        self._stops = sorted(int(file.name.split(".")[1]) for file in folder.glob(f"{label}.*.safetensors"))

    @property
    def done(self) -> int:
        """Frames that are there, those before among them."""
        return self._stops[-1] if self._stops else self._first

    @property
    def since(self) -> Pictures | None:
        """What the next chunk goes on from."""
        if not self._stops:
            return self._before
        arrays, _ = safetensors.load(self._left(self.done))
        return Pictures(self.done, np.zeros((0, 0, 0, 3), np.uint8), arrays)

    def chunks(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield what is there, chunk by chunk: its first frame, and its pictures."""
        for start, stop in pairwise([self._first, *self._stops]):
            count, offset = (stop - start) * self._frame_bytes, (start - self._first) * self._frame_bytes
            yield start, np.fromfile(self._path, np.uint8, count, offset=offset).reshape(-1, *self._shape)

    def left(self, stop: int) -> bytes:
        """Return what the chunk that ends at a frame left, as it is sent: a safetensors file; nothing where it is too large."""
        path = self._left(stop)
        return safetensors.read(path) if path.stat().st_size <= safetensors.MAX_FILE else b""

    def write(self, made: Pictures) -> None:
        """Write a chunk, then what the next one goes on from. Raises what writing raises."""
        with self._path.open("r+b" if self._path.is_file() else "wb") as file:
            file.seek((made.start - self._first) * self._frame_bytes)
            file.write(np.ascontiguousarray(made.rgb).data)
        safetensors.save(self._left(made.stop), {**made.left})
        self._stops.append(made.stop)

    def _left(self, stop: int) -> Path:
        return self._folder / f"{self._label}.{stop:06}.safetensors"
