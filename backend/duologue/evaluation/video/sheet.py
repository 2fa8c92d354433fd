"""A sheet of clips: a block each, a row a system, a few moments from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from duologue.evaluation.video.metrics import Bytes
from duologue.files.atomic import replacing
from duologue.passes import png

MOMENTS: Final = 6
"""Frames of a clip, from the first to the last."""
MOST: Final = 8
"""Clips on a sheet, evenly chosen."""
_GAP: Final = 4


def sheet_of(clips: Sequence[Mapping[str, Bytes]], path: Path) -> None:
    """Write clips as a PNG; each is pictures (T, H, W, 3) by system, the rows in their order.

    Raises:
        DuologueError: what ``files.atomic.replacing`` raises.
    """
    shown = [clips[i] for i in np.unique(np.linspace(0, len(clips) - 1, MOST).astype(int))]
    blocks = []
    for clip in shown:
        frames = np.linspace(0, len(next(iter(clip.values()))) - 1, MOMENTS).round().astype(int)
        rows = [np.concatenate(list(pictures[frames]), axis=1) for pictures in clip.values()]
        block = np.concatenate(rows, axis=0)
        blocks.append(np.pad(block, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255))
    if len(blocks) % 2:
        blocks.append(np.full_like(blocks[0], 255))
    lines = [np.concatenate(blocks[k : k + 2], axis=1) for k in range(0, len(blocks), 2)]
    with replacing(path) as temporary:
        png.write(temporary, np.concatenate(lines, axis=0))
