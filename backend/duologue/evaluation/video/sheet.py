"""Pictures to be looked at: a sheet of clips (a block each, a row a system, moments from left to right), and videos of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from duologue.evaluation.video.metrics import Bytes
from duologue.files.atomic import replacing
from duologue.passes import png, video

MOMENTS: Final = 6
"""Frames of a clip, from the first to the last."""
COLUMNS: Final = 3
"""Clips beside each other."""
_GAP: Final = 4
_LARGER: Final = 3
"""How many pixels of a video are one of the pictures'."""
_TIMES: Final = 3
"""How often a video shows its clip: one lasts a second."""


def sheet_of(
    clips: Sequence[Mapping[str, Bytes]], path: Path, *, columns: int = COLUMNS, moments: int = MOMENTS
) -> None:
    """Write clips as a PNG; each is pictures (T, H, W, 3) by system, the rows in their order.

    Raises:
        DuologueError: what ``files.atomic.replacing`` raises.
    """
    blocks: list[Bytes] = []
    for clip in clips:
        frames = np.linspace(0, len(next(iter(clip.values()))) - 1, moments).round().astype(int)
        rows = [np.concatenate(list(pictures[frames]), axis=1) for pictures in clip.values()]
        block = np.concatenate(rows, axis=0)
        blocks.append(np.pad(block, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255))
    across = min(columns, len(blocks))
    blocks += [np.full_like(blocks[0], 255)] * (-len(blocks) % across)
    lines = [np.concatenate(blocks[k : k + across], axis=1) for k in range(0, len(blocks), across)]
    with replacing(path) as temporary:
        png.write(temporary, np.concatenate(lines, axis=0))


def film(systems: Mapping[str, Bytes], path: Path, fps: float) -> None:
    """Write pictures (T, H, W, 3) of systems beside each other as an MP4, three times over, three times as large.

    Raises:
        DuologueError: what ``passes.video.write_video`` raises.
    """
    beside = [
        np.pad(pictures, ((0, 0), (0, 0), (0, _GAP), (0, 0)), constant_values=255) for pictures in systems.values()
    ]
    together = np.concatenate(beside, axis=2)[:, :, :-_GAP]
    large = together.repeat(_LARGER, 1).repeat(_LARGER, 2)
    height, width = (side // 2 * 2 for side in large.shape[1:3])
    video.write_video(path, np.ascontiguousarray(np.concatenate([large[:, :height, :width]] * _TIMES)), fps)
