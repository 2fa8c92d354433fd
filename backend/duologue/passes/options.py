"""What is typed on a command line for a clip: ``1:81``, ``1:161:2``, ``128``, ``832x480``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from duologue.errors import invalid
from duologue.passes.camera import Size
from duologue.passes.contract import check_frames, check_size

USUAL: Final = 81
"""Frames of a clip where nobody says how many: what Wan and VACE were trained on."""


@dataclass(frozen=True)
class Span:
    """Frames of a scene: the first, the last, and the step between."""

    first: int
    last: int
    step: int = 1

    @property
    def count(self) -> int:
        """How many frames there are."""
        return max(0, (self.last - self.first) // self.step + 1)

    def __str__(self) -> str:
        return f"{self.first}:{self.last}:{self.step}"


def parse_frames(text: str) -> Span:
    """Return the frames of a clip that ``A:B`` or ``A:B:STEP`` names, both ends counted.

    Raises:
        DuologueError: INVALID_ARGUMENT ``frames-malformed``, ``frames-empty``, ``frames-shape``.
    """
    span = parse_span(text)
    check_frames(span.count)
    return span


def parse_span(text: str) -> Span:
    """Return the same of any number of frames.

    Raises:
        DuologueError: INVALID_ARGUMENT ``frames-malformed``.
    """
    match = re.fullmatch(r"\s*(-?\d{1,7}):(-?\d{1,7})(?::(\d{1,4}))?\s*", text)
    if match is None or match[3] in {"0", "00", "000", "0000"}:
        raise invalid("frames-malformed", f"{text!r:.40} names no frames; write 1:81, or 1:161:2", field="--frames")
    return Span(int(match[1]), int(match[2]), int(match[3] or 1))


def usual_frames(first: int, last: int) -> Span:
    """Return the first 4k + 1 frames of a range, as many as fit, 81 at most."""
    count = min(max(1, last - first + 1), USUAL)
    return Span(first, first + count - 1 - (count - 1) % 4)


def parse_size(text: str) -> Size:
    """Return width and height that ``128`` or ``832x480`` names.

    Raises:
        DuologueError: INVALID_ARGUMENT ``size-unsupported``.
    """
    match = re.fullmatch(r"\s*(\d{1,5})(?:\s*[xX×]\s*(\d{1,5}))?\s*", text)
    if match is None:
        raise invalid("size-unsupported", f"{text!r:.40} is no size; write 128, or 832x480", field="--size")
    width, height = int(match[1]), int(match[2] or match[1])
    check_size(width, height)
    return width, height
