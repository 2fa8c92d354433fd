"""Who speaks and who is on the move, read from a take itself: its lips and its hips, so that no sound is needed."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.labels import ACTION_MODES
from duologue.take import Take, Track
from duologue.units import FPS

Bools = NDArray[np.bool_]

_STILL: Final = ("Smile", "Frown", "Dimple", "Left", "Right")
_LIPS: Final = [
    i
    for i, name in enumerate(arkit.NAMES)
    if name.startswith(("jaw", "mouth")) and not any(part in name for part in _STILL)
]
"""Shapes that speech moves; smiles and frowns come without a word."""
_BUSY: Final = 0.04
"""Summed weight a frame by which lips move that speak; 96 % of the demo's frames agree with the sound's own activity."""
_PAUSE: Final = 12
"""Frames: a shorter pause is a breath within one's turn."""
_WORD: Final = 6
"""Frames: anything shorter is no speech."""
_WALK: Final = 0.35
"""Metres a second of the hips over the floor, from which on somebody walks rather than shifts."""
_RISE: Final = 0.15
"""Metres a second of the hips up or down: sitting down or standing up."""
_AROUND: Final = 12
"""Frames before and after a movement that belong to it: it is seen to begin and to end."""


def speaking(take: Take) -> Bools:
    """Return (2, n): whether each performer's lips speak. A face that nothing moves never does."""
    return np.stack([_speaks(track) for track in take.tracks])


def _speaks(track: Track) -> Bools:
    if len(track) < 2:
        return np.zeros(len(track), bool)
    speed = np.abs(np.gradient(track.weights[:, _LIPS].astype(np.float64), axis=0)).sum(axis=1)
    return without_short(closed(smoothed(speed, 9) > _BUSY, _PAUSE), _WORD)


def moving(take: Take) -> Bools:
    """Return (2, n): whether each performer walks, sits down or stands up, asked for or not, and a moment around it."""
    return np.stack([_moves(track) for track in take.tracks])


def _moves(track: Track) -> Bools:
    if len(track) < 2:
        return np.zeros(len(track), bool)
    path = np.stack([smoothed(axis, 15) for axis in track.root_translation.astype(np.float64).T], axis=-1)
    speed = np.gradient(path, axis=0) * FPS
    moves = np.hypot(speed[:, 0], speed[:, 2]) > _WALK
    moves |= track.actions == ACTION_MODES.index("walk")
    moves |= np.abs(speed[:, 1]) > _RISE
    return widened(closed(without_short(moves, 5), 2 * _AROUND), _AROUND)


def smoothed(values: NDArray[np.floating[Any]], frames: int) -> NDArray[np.float64]:
    """Return the running mean (n,) over an odd number of frames; at the ends over those that there are."""
    kernel = np.ones(frames)
    weight = np.convolve(np.ones(len(values)), kernel)
    half = frames // 2
    return (np.convolve(values, kernel) / weight)[half : half + len(values)]


def runs(values: Bools) -> list[tuple[int, int]]:
    """Return where values are true, as first and after-last frame of each stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], values, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def closed(values: Bools, gap: int) -> Bools:
    """Return values with the pauses between two stretches filled that are ``gap`` frames or shorter."""
    filled = values.copy()
    for (_, end), (start, _) in zip(runs(values), runs(values)[1:], strict=False):
        if start - end <= gap:
            filled[end:start] = True
    return filled


def without_short(values: Bools, frames: int) -> Bools:
    """Return values without the stretches that are shorter than ``frames``."""
    kept = values.copy()
    for start, end in runs(values):
        kept[start:end] = end - start >= frames
    return kept


def widened(values: Bools, frames: int) -> Bools:
    """Return values with every stretch begun earlier and ended later by ``frames``."""
    wide = values.copy()
    for start, end in runs(values):
        wide[max(0, start - frames) : end + frames] = True
    return wide
