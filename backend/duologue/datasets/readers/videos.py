"""Videos of other people's data sets as clips: decoded, cut into windows of 17 frames at 15 a second, cropped to a square."""

# pyright: basic
# PyAV is typed loosely.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.video import FPS, FRAMES, SIZE
from duologue.errors import DuologueError, invalid
from duologue.passes.references import resized
from duologue.people.person import REFERENCE

Bytes = NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

MOST_FRAMES: Final = 1200
"""Longer videos are no clips; a hostile one would fill the memory."""
_MARGIN: Final = 0.15
"""Round what has to be seen, of its size."""


def read_video(path: Path) -> tuple[Bytes, float]:
    """Return all frames of a video (T, H, W, 3), and how many there are a second.

    Raises:
        DuologueError: FAILED_PRECONDITION ``video-reader-missing`` without PyAV (the extra ``video``); NOT_FOUND
            ``file-not-found``; INVALID_ARGUMENT ``video-malformed`` for what is no video, or one of over ``MOST_FRAMES`` frames.
    """
    if find_spec("av") is None:
        raise DuologueError(
            "FAILED_PRECONDITION", "video-reader-missing", "PyAV reads videos; install the extra duologue[video]"
        )
    if not path.is_file():
        raise DuologueError("NOT_FOUND", "file-not-found", f"{path} is not there")
    import av
    from av.error import FFmpegError

    frames: list[Bytes] = []
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            rate = float(stream.average_rate or 0)
            for frame in file.decode(stream):
                frames.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
                if len(frames) > MOST_FRAMES:
                    raise invalid("video-malformed", f"{path.name} has over {MOST_FRAMES} frames; cut it into clips")
    except (FFmpegError, IndexError, ValueError) as error:
        raise invalid("video-malformed", f"{path.name} is no video, or a damaged one ({error})") from error
    if not frames or rate <= 0 or len({frame.shape for frame in frames}) > 1:
        raise invalid("video-malformed", f"{path.name} holds no frames of one size and rate")
    return np.stack(frames), rate


def windows(frames: int, rate: float) -> Iterator[NDArray[np.int64]]:
    """Yield which frames of a video (17,) make each of its clips, one behind the other; none where it is too short."""
    step = rate / FPS
    length = (FRAMES - 1) * step
    begin = 0.0
    while begin + length <= frames - 1 + 1e-9:
        yield np.round(begin + step * np.arange(FRAMES)).astype(np.int64)
        begin += length  # the last frame of one is the first of the next


@dataclass(frozen=True)
class Square:
    """The part of a picture that is kept: ``left`` and ``top`` of a square of ``side`` pixels; beyond the picture it is black."""

    left: int
    top: int
    side: int

    @classmethod
    def around(cls, size: tuple[int, int], boxes: list[Box]) -> Square:
        """Return the least square that shows all boxes; without any the largest in the middle of a picture (width, height)."""
        width, height = size
        if not boxes:
            side = min(width, height)
            return cls((width - side) // 2, (height - side) // 2, side)
        array = np.array(boxes, np.float64)
        low, high = array[:, :2].min(axis=0), array[:, 2:].max(axis=0)
        side = int(min(max(float((high - low).max()) * (1 + 2 * _MARGIN), 16.0), max(width, height)))
        corner = np.round(0.5 * (low + high) - 0.5 * side).astype(int)
        corner = np.clip(
            corner, np.minimum(0, (width - side, height - side)), np.maximum(0, (width - side, height - side))
        )
        return cls(int(corner[0]), int(corner[1]), side)

    def cut(self, picture: Bytes, side: int = SIZE) -> Bytes:
        """Return it at another size (side, side, 3)."""
        whole = np.zeros((self.side, self.side, 3), np.uint8)
        height, width = picture.shape[:2]
        x0, y0 = max(self.left, 0), max(self.top, 0)
        x1, y1 = min(self.left + self.side, width), min(self.top + self.side, height)
        whole[y0 - self.top : y1 - self.top, x0 - self.left : x1 - self.left] = picture[y0:y1, x0:x1]
        return resized(whole, (side, side))

    def place(self, box: Box, side: int = SIZE) -> tuple[slice, slice]:
        """Return the rows and columns of a box in what is cut out."""
        scale = side / self.side
        x0, x1 = (np.clip(round((value - self.left) * scale), 0, side) for value in (box[0], box[2]))
        y0, y1 = (np.clip(round((value - self.top) * scale), 0, side) for value in (box[1], box[3]))
        return slice(int(y0), int(y1)), slice(int(x0), int(x1))


def crop_of(picture: Bytes, box: Box) -> Bytes:
    """Return what a box shows as a reference (64, 64, 3)."""
    height, width = picture.shape[:2]
    return Square.around((width, height), [box]).cut(picture, REFERENCE)


def box_at(boxes: Mapping[int, Any], frame: int, reach: int) -> Any:
    """Return what is said of the frame nearest to one, within ``reach`` frames; None where nothing is."""
    near = min(boxes, key=lambda other: abs(other - frame), default=None)
    return boxes[near] if near is not None and abs(near - frame) <= reach else None
