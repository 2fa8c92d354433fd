"""Sequences of meshes, streamed: an array on disk, or a folder with a file a frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from duologue.datasets.face_meshes.template import MESHES, Points, read_mesh
from duologue.errors import DuologueError, invalid
from duologue.files.reading import check_file

_BLOCK: Final = 32
"""Frames that are held at once: 10 MB of a mesh of 26,719 vertices."""


def read_sequence(path: Path, vertices: int) -> tuple[int, Iterator[Points]]:
    """Return how many frames a sequence has, and an iterator over blocks (n, V, 3) of it, in its own unit.

    ``path``: an ``.npy`` of (T, V, 3), which is not read whole; or a folder of meshes, in the order of their names.

    Raises:
        DuologueError: NOT_FOUND ``data-missing`` for a folder without meshes; INVALID_ARGUMENT ``mesh-vertices``,
            ``mesh-malformed``; the iterator too, with the frame or file.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in MESHES)
        if not files:
            raise DuologueError("NOT_FOUND", "data-missing", f"{path} has no meshes ({', '.join(MESHES)})")
        starts = range(0, len(files), _BLOCK)
        return len(files), (np.stack([read_mesh(f, vertices) for f in files[s : s + _BLOCK]]) for s in starts)
    check_file(path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        shape = array.shape
    except (ValueError, OSError, EOFError, AttributeError) as error:
        raise invalid("mesh-malformed", f"{path} is no array of meshes: {error}") from error
    if len(shape) != 3 or shape[2] != 3 or not len(array) or array.dtype.kind != "f":
        raise invalid(
            "mesh-malformed", f"{path} is {array.dtype} {shape}; a sequence is (frames, vertices, 3) of floats"
        )
    if shape[1] != vertices:
        raise invalid("mesh-vertices", f"{path} has {shape[1]} vertices a frame, the template {vertices}")

    def blocks() -> Iterator[Points]:
        for start in range(0, len(array), _BLOCK):
            block = np.asarray(array[start : start + _BLOCK], np.float32)
            if not np.isfinite(block).all():
                bad = start + int(np.argmin(np.isfinite(block).all(axis=(1, 2))))
                raise invalid("mesh-malformed", f"{path} holds NaN or infinity, first in frame {bad}")
            yield block

    return len(array), blocks()
