"""Pictures on their way down: windows of them, what those after them go on from, and the digest that proves all of it whole.

A picture larger than an array may be goes in parts, rows by rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.files.safetensors import MAX_FILE
from duologue.wire.framing import MAX_FRAME
from duologue.wire.job import window_missing
from duologue.wire.render_messages import LeftMessage, PicturesMessage

LEFT_CHUNK: Final = 512 * 1024
"""Bytes of what pictures go on from in a message."""
MAX_LEFT: Final = MAX_FILE
"""Bytes of it in all: it is kept as a file."""
MAX_PICTURES: Final = 16
"""Longer windows are cut, and such as are larger than an array may be."""


@dataclass(frozen=True, eq=False)
class PictureWindow:
    """Pictures ``start`` to ``start + n`` of a clip: ``rgb`` (n, H, W, 3) uint8, sRGB."""

    start: int
    rgb: NDArray[np.uint8]
    label: str
    """``draft`` or ``final``."""
    made: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """By what: ``backend``, ``mode``, ``steps``, ``weights`` (name -> digest)."""

    @property
    def stop(self) -> int:
        """The first frame after them."""
        return self.start + len(self.rgb)


@dataclass(frozen=True)
class Left:
    """What pictures from frame ``start`` on go on from, in the server's own words: kept, and sent up again as it is."""

    label: str
    start: int
    data: bytes = field(repr=False)
    """Empty where there is nothing to go on from: they have to be made from the first frame."""


def most_at_once(size: tuple[int, int]) -> int:
    """Return how many pictures of a size a message has at most."""
    return max(1, min(MAX_PICTURES, MAX_FRAME // (3 * size[0] * size[1])))


def cut(start: int, rgb: NDArray[np.uint8]) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Cut pictures from ``start`` on into what fits a message: the first frame, the first row, and pixels."""
    _, height, width, _ = rgb.shape
    step = most_at_once((width, height))
    rows = min(height, MAX_FRAME // (3 * width))
    for begin in range(0, len(rgb), step):
        for row in range(0, height, rows):
            yield start + begin, row, rgb[begin : begin + step, row : row + rows]


def cut_left(data: bytes) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Cut what pictures go on from into what fits a message: the first byte, and bytes."""
    values = np.frombuffer(data, np.uint8)
    for offset in range(0, max(len(values), 1), LEFT_CHUNK):
        yield offset, values[offset : offset + LEFT_CHUNK]


class Joining:
    """The windows of a stream as they come, put together again where they came in parts."""

    def __init__(self, size: tuple[int, int], start: int = 0) -> None:
        """``size``: of the pictures; ``start``: the first frame that comes."""
        self._size = size
        self._first, self._next = start, ("", start)
        """The label and the first frame of what comes next."""
        self._rows: list[NDArray[np.uint8]] = []
        self._left: list[NDArray[np.uint8]] = []
        self._digest = PictureDigest()

    def add(self, message: PicturesMessage, arrays: Mapping[str, NDArray[Any]]) -> PictureWindow | None:
        """Return the window of a message; None where more of its rows are to come.

        Raises:
            DuologueError: DATA_LOSS ``window-malformed``, ``window-missing``.
        """
        rgb, (width, height) = arrays.get("rgb"), self._size
        count = message.frames
        if rgb is None or rgb.dtype != np.uint8 or rgb.ndim != 4 or not rgb.size:
            raise _malformed()
        whole = rgb.shape == (count, height, width, 3)
        if not whole and (
            rgb.shape != (1, rgb.shape[1], width, 3) or message.row + rgb.shape[1] > height or count != 1
        ):
            raise _malformed()
        label, start = self._next
        here = sum(part.shape[1] for part in self._rows)
        if (message.start, message.row) != (start if message.label == label else self._first, here):
            raise window_missing()
        self._digest.add(message.label, message.start, rgb, message.row)
        if not whole:
            self._rows.append(rgb)
            if here + rgb.shape[1] < height:
                self._next = message.label, message.start
                return None
            rgb, self._rows = np.concatenate(self._rows, axis=1), []
        self._next = message.label, message.start + count
        return PictureWindow(message.start, rgb, message.label, message.made)

    def add_left(self, message: LeftMessage, arrays: Mapping[str, NDArray[Any]]) -> Left | None:
        """Return what pictures go on from; None where more of it is to come. Raises what :meth:`add` does."""
        data = arrays.get("data")
        if data is None or data.dtype != np.uint8 or data.ndim != 1 or not message.size <= MAX_LEFT:
            raise _malformed()
        here = sum(map(len, self._left))
        if ((message.label, message.start), message.offset) != (self._next, here) or here + len(data) > message.size:
            raise window_missing()
        self._digest.add_left(message.label, message.start, message.offset, data)
        self._left.append(data)
        if here + len(data) < message.size:
            return None
        whole, self._left = b"".join(part.tobytes() for part in self._left), []
        return Left(message.label, message.start, whole)

    def hexdigest(self) -> str:
        """Return the digest of all that has come."""
        return self._digest.hexdigest()


class PictureDigest:
    """sha256 over the windows of a stream in their order: of each its label, first frame, length and pixels."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, label: str, start: int, rgb: NDArray[np.uint8], row: int = 0) -> None:
        """Add the next window."""
        self._hash.update(f"{label}:{start}+{len(rgb)}{f'@{row}' if row else ''}".encode())
        self._hash.update(np.ascontiguousarray(rgb).data)

    def add_left(self, label: str, start: int, offset: int, data: NDArray[np.uint8]) -> None:
        """Add a part of what pictures go on from."""
        self._hash.update(f"left:{label}:{start}@{offset}".encode())
        self._hash.update(data.tobytes())

    def hexdigest(self) -> str:
        """Return the digest so far."""
        return self._hash.hexdigest()


def _malformed() -> DuologueError:
    text = "pictures from the server have the wrong type or shape; update the client or the server"
    return DuologueError("DATA_LOSS", "window-malformed", text)
