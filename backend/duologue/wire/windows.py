"""The windows of a take as arrays for the wire, and the digest that proves a stream of them arrived whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.errors import DuologueError
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


def to_arrays(window: Window) -> dict[str, NDArray[Any]]:
    """Return a window as five arrays of shape (2, n, ...), A's part first."""
    a, b = (track.arrays() for track in window.tracks)
    return {name: np.stack([a[name], b[name]]).astype(dtype, copy=False) for name, dtype in _DTYPES.items()}


def from_arrays(start: int, frames: int, arrays: Arrays, shapes: Sequence[str] = arkit.NAMES) -> Window:
    """Return the window in ``arrays``; ``shapes`` names the sender's columns of weights.

    Raises:
        DuologueError: DATA_LOSS ``window-malformed`` when an array is missing, has the wrong type, shape or range.
    """
    for name, dtype in _DTYPES.items():
        array = arrays.get(name)
        if array is None or array.dtype.str != dtype or array.shape[:2] != (2, frames):
            raise _malformed(f"array {name!r} is missing or has the wrong type or shape")
    weights = arrays["weights"]
    if tuple(shapes) != arkit.NAMES:
        if weights.shape[-1] != len(shapes) or not set(arkit.NAMES) <= set(shapes):
            raise _malformed("its weights are not the 52 ARKit shapes")
        weights = weights[..., [list(shapes).index(name) for name in arkit.NAMES]]
    parts = {**arrays, "weights": weights, "facing": arrays["facing"] != 0}
    try:
        a, b = (Track(**{name: parts[name][performer] for name in _DTYPES}) for performer in (0, 1))
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
        for name in _DTYPES:
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
