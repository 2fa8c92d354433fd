"""Videos of passes, by PyAV (the extra ``video``). Inside Blender, whose Python has none, the add-on writes them itself."""

# pyright: basic
# What it imports is typed loosely or not at all.

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from duologue.errors import DuologueError
from duologue.files.atomic import replacing
from duologue.passes.contract import Bytes, to_size

WriteVideo = Callable[[Path, Iterable[Bytes], float], None]
"""Writes pictures (H, W, 3) as a video of so many frames a second."""

_OPTIONS: Final = {"crf": "10", "preset": "medium"}
"""Of H.264: what a model is conditioned on should be all but lossless."""


def available() -> bool:
    """Return whether PyAV is installed."""
    return find_spec("av") is not None


def write_video(path: Path, pictures: Iterable[Bytes], fps: float) -> None:
    """Write an MP4 (H.264, yuv420p) whole or not at all. An odd side is one pixel longer: colours are 2 x 2.

    Raises:
        DuologueError: FAILED_PRECONDITION ``video-writer-missing``; what :func:`duologue.files.atomic.replacing` raises.
    """
    if not available():
        raise DuologueError(
            "FAILED_PRECONDITION",
            "video-writer-missing",
            "PyAV, which writes videos, is not installed; install the extra duologue[video], or leave the videos out",
        )
    import av

    with replacing(path) as temporary, av.open(str(temporary), "w", format="mp4") as file:
        stream = None
        for picture in pictures:
            if stream is None:
                stream = file.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=_OPTIONS)
                stream.width, stream.height = (side + side % 2 for side in picture.shape[1::-1])
                stream.pix_fmt = "yuv420p"
            even = np.ascontiguousarray(to_size(picture[None], (stream.width, stream.height))[0])
            file.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        if stream is not None:
            file.mux(stream.encode(None))
