"""The windows of a take as arrays for the wire, and the digest that proves a stream of them arrived whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS
from duologue.take import Track, Window

Arrays = Mapping[str, NDArray[Any]]

MAX_FRAMES: Final = 300
"""Longer windows are cut, so that every window fits a message whatever the skeleton."""
_DTYPES: Final[dict[str, str]] = {
    "root_translation": "<f4",
    "rotations": "<f4",
    "weights": "<f4",
    "facing": "|u1",
    "actions": "|u1",
}
_RAW: Final[dict[str, str]] = {f"raw.{performer}": "<f4" for performer in PERFORMERS}
"""Weights before they were cut to [0, 1], (n, 52); only of performers whose brief asks for them."""


def to_arrays(window: Window) -> dict[str, NDArray[Any]]:
    """Return a window as five arrays of shape (2, n, ...), A's part first, and the raw weights where there are any."""
    a, b = (track.arrays() for track in window.tracks)
    arrays = {name: np.stack([a[name], b[name]]).astype(dtype, copy=False) for name, dtype in _DTYPES.items()}
    for name, track in zip(_RAW, window.tracks, strict=True):
        if track.raw is not None:
            arrays[name] = track.raw.astype(_RAW[name], copy=False)
    return arrays


def from_arrays(start: int, frames: int, arrays: Arrays, shapes: Sequence[str] = arkit.NAMES) -> Window:
    """Return the window in ``arrays``; ``shapes`` names the sender's columns of weights.

    Raises:
        DuologueError: DATA_LOSS ``window-malformed`` when an array is missing, has the wrong type, shape or range.
    """
    for name, dtype in _DTYPES.items():
        array = arrays.get(name)
        if array is None or array.dtype.str != dtype or array.shape[:2] != (2, frames):
            raise _malformed(f"array {name!r} is missing or has the wrong type or shape")
    for name, dtype in _RAW.items():
        if name in arrays and (arrays[name].dtype.str != dtype or arrays[name].shape[:1] != (frames,)):
            raise _malformed(f"array {name!r} has the wrong type or shape")
    parts = {**arrays, "facing": arrays["facing"] != 0}
    if tuple(shapes) != arkit.NAMES:
        faces = {"weights", *_RAW} & arrays.keys()
        if any(arrays[name].shape[-1] != len(shapes) for name in faces) or not set(arkit.NAMES) <= set(shapes):
            raise _malformed("its weights are not the 52 ARKit shapes")
        columns = [list(shapes).index(name) for name in arkit.NAMES]
        parts |= {name: arrays[name][..., columns] for name in faces}
    try:
        a, b = (
            Track(**{name: parts[name][performer] for name in _DTYPES}, raw=parts.get(raw))
            for performer, raw in enumerate(_RAW)
        )
    except DuologueError as error:
        raise _malformed(error.message) from error
    return Window(start, (a, b))


def cut(window: Window, frames: int = MAX_FRAMES) -> Iterator[Window]:
    """Cut a window that is longer than ``frames`` into ones that are not."""
    a, b = window.tracks
    for begin in range(0, window.frames, frames):
        stretch = slice(begin, begin + frames)
        yield Window(window.start + begin, (a[stretch], b[stretch]))


class StreamDigest:
    """sha256 over the windows of a stream in their order: of every one its first frame, its length and its arrays."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, start: int, frames: int, arrays: Arrays) -> None:
        """Add the next window, as ``to_arrays`` gives it."""
        self._hash.update(f"{start}+{frames}".encode())
        for name in (*_DTYPES, *(name for name in _RAW if name in arrays)):
            self._hash.update(np.ascontiguousarray(arrays[name]).data)

    def hexdigest(self) -> str:
        """Return the digest so far."""
        return self._hash.hexdigest()


def _malformed(what: str) -> DuologueError:
    return DuologueError(
        "DATA_LOSS",
        "window-malformed",
        f"a window from the server can't be read: {what}; update the client or the server",
    )
