"""How a corpus's two people share the talk: who speaks how often, for how long, and how soon the other answers.

Turn-taking as conversation analysis counts it (Heldner & Edlund 2010): silence between two people's speech is a gap, speech of
both at the change an overlap; a pause within one's own speech belongs to the turn.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing

from duologue.datasets.corpus.body import Corpus
from duologue.units import FPS


def figures(corpus: Corpus) -> dict[str, Any]:
    """Return the corpus's figures by name: percent of frames, seconds."""
    spoken, worded, lengths, gaps = list[NDArray[np.bool_]](), list[NDArray[np.bool_]](), list[int](), list[int]()
    for start, stop in zip(corpus.starts[:-1], corpus.starts[1:], strict=True):
        active = np.asarray(corpus.arrays["activity"][start:stop]) > 0.5
        spoken.append(active)
        worded.append(np.asarray(corpus.arrays["text"][start:stop]).any(-1) & active)
        taken = [(*turn, speaker) for speaker in range(2) for turn in turns(active[:, speaker])]
        lengths += [end - begin for begin, end, _ in taken]
        gaps += transfers(taken)
    active = np.concatenate(spoken)
    return {
        "minutes": round(len(active) / FPS / 60, 1),
        "each speaks, percent of frames": _percent(active),
        "both speak, percent of frames": _percent(active.all(1)),
        "nobody speaks, percent of frames": _percent(~active.any(1)),
        "turns": len(lengths),
        "turns, seconds: 5th, 50th, 95th percentile": _seconds(lengths),
        "gap before the other's turn (below 0: overlap), seconds: 5th, 50th, 95th percentile": _seconds(gaps),
        "words known, percent of speech": _percent(np.concatenate(worded)[active]),
    }


def turns(active: NDArray[np.bool_], pause: int = FPS) -> list[tuple[int, int]]:
    """Return (first, one past the last frame) of each turn of a voice activity (T,); shorter pauses belong to it."""
    joined = binary_closing(np.pad(active, pause), np.ones(pause))[pause:-pause]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], joined.astype(int), [0]])))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def transfers(taken: list[tuple[int, int, int]]) -> list[int]:
    """Return the frames from the end of each turn (begin, end, speaker) to the other's next, below 0 where that began before."""
    ordered = sorted(taken)
    return [after[0] - before[1] for before, after in pairwise(ordered) if after[2] != before[2]]


def _percent(where: NDArray[np.bool_]) -> float | None:
    return round(100 * float(where.mean()), 1) if where.size else None


def _seconds(frames: list[int]) -> list[float] | None:
    return [round(float(value) / FPS, 2) for value in np.percentile(frames, (5, 50, 95))] if frames else None
