"""What is measured of a corpus before a body is trained on it, and what of each batch is given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from duologue.body.losses import LONG, Paces, silence
from duologue.body.planting import Limbs, sole_contacts
from duologue.datasets.corpus.body import KNOWN, Corpus
from duologue.features import pose as poses
from duologue.features.modes import mode_weights, settled
from duologue.features.statistics import PoseStatistics
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS


def draw_held(
    batch: int, frames: int, overlap: int, rng: np.random.Generator, *, past: float, pinned: float, alone: float
) -> NDArray[np.bool_]:
    """Draw what of a batch is given, (batch, 2, frames, 2): each performer's root steps, and their poses.

    The past of a stream (both people's first frames) in a share ``past`` of the samples; single pinned poses, whose steps stay
    open, and a kept stretch at the end, for a share ``pinned`` of the people; one person altogether in a share ``alone``.
    """
    held = np.zeros((batch, 2, frames, 2), bool)
    known = np.where(rng.random(batch) < past, rng.integers(1, int(1.5 * overlap), batch), 0)
    held |= (np.arange(frames) < known[:, None])[:, None, :, None]
    held[..., 1] |= (rng.random((batch, 2, frames)) < 2.0 / frames) & (rng.random((batch, 2, 1)) < pinned)
    ending = np.where(rng.random((batch, 2)) < pinned, rng.integers(5, frames // 2, (batch, 2)), 0)
    held |= (np.arange(frames) >= frames - ending[..., None])[..., None]
    single = rng.random(batch) < alone
    held[single, rng.integers(0, 2, single.sum())] = True
    return held


def draw_routed(batch: int, frames: int, share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw where a route counts, (batch, 2, frames): nowhere, or from some frame to another."""
    first = rng.integers(-frames // 2, frames // 2, (batch, 2, 1))
    last = rng.integers(frames // 3, 3 * frames // 2, (batch, 2, 1))
    index = np.arange(frames)
    return ((index >= first) & (index < last) & (rng.random((batch, 2, 1)) < share)).astype(np.float32)


def mode_shares(corpus: Corpus, modes: tuple[str, ...]) -> NDArray[np.float32]:
    """Return how far each frame of a corpus belongs to each action mode, (F, 2, M), pair by pair."""
    return np.concatenate([mode_weights(action.T, modes).swapaxes(0, 1) for action in corpus.pairs("action")])


def contacts_of(corpus: Corpus, skeleton: Skeleton) -> NDArray[np.float32]:
    """Return which points of the soles bear weight in a corpus, (F, 2, 4), made from its motion."""
    soles = Limbs.soles(skeleton)
    made = [sole_contacts(pair.swapaxes(0, 1), soles).swapaxes(0, 1) for pair in corpus.pairs("features")]
    return np.concatenate(made)


def measure(
    corpus: Corpus,
    contacts: NDArray[np.float32],
    skeleton: Skeleton,
    modes: int,
    statistics: PoseStatistics | None = None,
) -> tuple[PoseStatistics, Paces]:
    """Measure a corpus with its ``contacts`` (F, 2, 4): what is made over all of it and by mode, paces on ten minutes.

    ``statistics``: where they are known already.
    """
    ends = corpus.starts[1:-1]
    features = [
        np.concatenate([pair, own], axis=-1)
        for pair, own in zip(corpus.pairs("features"), np.split(contacts, ends), strict=True)
    ]
    action = [pair.astype(np.int64) for pair in corpus.pairs("action")]
    pure = [np.where(settled(pair.T).T, pair, -1) for pair in action]
    statistics = statistics or _statistics(corpus, features, pure, skeleton, modes)
    for pair, known in zip(pure, known_parts(corpus), strict=True):
        pair[: LONG + 1] = -1  # nothing is differenced from one pair to the next
        pair[~known.all(-1)] = -1  # nor is what was filled in
    some = int(np.searchsorted(corpus.starts, 20 * 60 * FPS)) + 1
    silent = [silence(pair.T).T for pair in corpus.pairs("activity")[:some]]
    rows = (np.concatenate(each) for each in (features[:some], pure[:some], silent))
    return statistics, Paces.measure(statistics, *rows)


def known_parts(corpus: Corpus) -> list[NDArray[np.bool_]]:
    """Return pair by pair whether upper bodies, and hips and legs, were measured, (T, 2, 2)."""
    if KNOWN in corpus.arrays:
        return [pair.astype(bool) for pair in corpus.pairs(KNOWN)]
    return [np.ones((*pair.shape, 2), bool) for pair in corpus.pairs("action")]


def _statistics(
    corpus: Corpus,
    features: list[NDArray[np.float32]],
    modes: list[NDArray[np.int64]],
    skeleton: Skeleton,
    count: int,
) -> PoseStatistics:
    """Measure the upper body's columns where upper bodies are known, and the lower body's where hips and legs are."""
    names, known = poses.channels(skeleton), known_parts(corpus)
    if all(pair.all() for pair in known):
        return PoseStatistics.measure(names, features, modes, count)

    def of_part(part: int) -> PoseStatistics:
        rows = [pair[..., part] for pair in known]
        if not any(row.any() for row in rows):  # known of nobody: what was filled in is all that there is
            rows = [np.ones_like(row) for row in rows]
        inside = [array[row] for array, row in zip(features, rows, strict=True)]
        of_mode = [array[row] for array, row in zip(modes, rows, strict=True)]
        return PoseStatistics.measure(names, inside, of_mode, count)

    upper, lower = of_part(0), of_part(1)
    below = np.array([poses.is_lower(name) for name in names])
    merged = {
        key: np.where(below, getattr(lower, key), getattr(upper, key))
        for key in ("mean", "std", "varies", "mode_mean", "mode_std")
    }
    return replace(upper, **merged)
