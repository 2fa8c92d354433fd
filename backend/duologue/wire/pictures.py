"""Pictures on their way down: windows of them, and the digest that proves a stream of them arrived whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.wire.framing import MAX_FRAME
from duologue.wire.render_messages import PicturesMessage

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


def most_at_once(size: tuple[int, int]) -> int:
    """Return how many pictures of a size a message has at most."""
    return max(1, min(MAX_PICTURES, MAX_FRAME // (3 * size[0] * size[1])))


def cut(start: int, rgb: NDArray[np.uint8]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Cut pictures from ``start`` on into windows that fit a message."""
    step = most_at_once((rgb.shape[2], rgb.shape[1]))
    for begin in range(0, len(rgb), step):
        yield start + begin, rgb[begin : begin + step]


def from_arrays(message: PicturesMessage, arrays: Mapping[str, NDArray[Any]], size: tuple[int, int]) -> PictureWindow:
    """Return the window of a message.

    Raises:
        DuologueError: DATA_LOSS ``window-malformed``.
    """
    rgb = arrays.get("rgb")
    if rgb is None or rgb.dtype != np.uint8 or rgb.shape != (message.frames, size[1], size[0], 3) or not message.frames:
        raise DuologueError(
            "DATA_LOSS",
            "window-malformed",
            "pictures from the server have the wrong type or shape; update the client or the server",
        )
    return PictureWindow(message.start, rgb, message.label, message.made)


class PictureDigest:
    """sha256 over the windows of a stream in their order: of each its label, first frame, length and pixels."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, label: str, start: int, rgb: NDArray[np.uint8]) -> None:
        """Add the next window."""
        self._hash.update(f"{label}:{start}+{len(rgb)}".encode())
        self._hash.update(np.ascontiguousarray(rgb).data)

    def hexdigest(self) -> str:
        """Return the digest so far."""
        return self._hash.hexdigest()
