"""How alike and how varied motions are as distributions: Fréchet distances and diversity, with intervals over clips.

The definitions are those of Ng et al. 2024 (arXiv 2401.01885, their published evaluation;
docs/reference/papers.md#ng-et-al-2024), written anew. A row is a frame of both performers, (D,). Every interval resamples clips
(Efron 1979), the truth and all systems alike, so what two systems owe to the same clips cancels in their difference. Resampling
repeats clips, which lifts a Fréchet distance; an interval is therefore the resampled values' spread around their own mean, put
around the value: how far the figure would vary over other sets of as many clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.evaluation.intervals import Figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Rows = NDArray[np.floating]

RESAMPLES: Final = 400
"""Of clips, for what takes an eigenvalue decomposition each."""
DRAWN: Final = 10_000
"""Pairs of frames that a diversity is the mean over."""


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A mean (D,) and a covariance (D, D), with the covariance's root once it is asked for."""

    mean: Array
    covariance: Array

    def root(self) -> Array:
        """Return the symmetric root of the covariance; rounding's negative eigenvalues count as zero."""
        values, vectors = np.linalg.eigh(self.covariance)
        return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T, np.float64)


@dataclass(frozen=True, eq=False)
class Moments:
    """Clips' own sums: enough for the Gaussian of any choice of clips. N clips of D channels."""

    count: Array
    """(N,)"""
    first: Array
    """(N, D): sums of rows."""
    second: Array
    """(N, D, D): sums of rows' outer products."""

    @classmethod
    def of(cls, clips: Sequence[Rows]) -> Moments:
        """Take the sums of clips (n, D)."""
        count = np.array([len(rows) for rows in clips], np.float64)
        first = np.stack([rows.sum(0, dtype=np.float64) for rows in clips])
        second = np.empty((*first.shape, first.shape[1]))
        for k, rows in enumerate(clips):
            wide = rows.astype(np.float64)
            second[k] = wide.T @ wide
        return cls(count, first, second)

    def gaussian(self, times: NDArray[np.integer] | None = None) -> Gaussian:
        """Return mean and covariance (over N - 1) of the clips, each taken so many ``times`` (N,)."""
        weights = np.ones(len(self.count)) if times is None else times.astype(np.float64)
        n = float(weights @ self.count)
        mean = weights @ self.first / n
        size = len(mean)
        second = (weights @ self.second.reshape(len(weights), -1)).reshape(size, size)
        return Gaussian(mean, (second - n * np.outer(mean, mean)) / (n - 1))


def frechet(a: Gaussian, b: Gaussian, root: Array | None = None) -> float:
    """Return the Fréchet distance ``|m_a - m_b|² + Tr(S_a + S_b - 2 (S_a S_b)^(1/2))`` of two Gaussians.

    The trace of the root is the sum of the roots of the eigenvalues of ``S_a^(1/2) S_b S_a^(1/2)``, which S_a S_b shares:
    symmetric and so defined for singular covariances too, with nothing added to them. ``root``: ``a.root()``, if known already.
    """
    half = a.root() if root is None else root
    inner = half @ b.covariance @ half
    shared = np.sqrt(np.clip(np.linalg.eigvalsh((inner + inner.T) / 2), 0, None)).sum()
    away = a.mean - b.mean
    return float(away @ away + np.trace(a.covariance) + np.trace(b.covariance) - 2 * shared)


def spread(value: float, drawn: Array, count: float) -> Figure:
    """Return ``value`` with the 95 % interval that resampled values (R,) spread around their own mean."""
    low, high = np.percentile(drawn - drawn.mean(), [2.5, 97.5]) if len(drawn) else (np.nan, np.nan)
    known = bool(np.isfinite(low) and np.isfinite(high))
    return Figure(value, value + float(low) if known else None, value + float(high) if known else None, count)


def frechet_figures(
    truth: Moments, systems: Mapping[str, Moments], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[dict[str, Figure], dict[str, Figure]]:
    """Return every system's Fréchet distance to the truth, and every other system's minus the first one's.

    All hold the same clips in the same order. Fewer than two clips have no interval.
    """
    rng = np.random.default_rng(seed)
    clips = len(truth.count)
    whole = truth.gaussian()
    root = whole.root()
    values = {name: frechet(whole, moments.gaussian(), root) for name, moments in systems.items()}
    drawn: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(resamples if clips > 1 else 0):
        times = rng.multinomial(clips, np.full(clips, 1 / clips))
        some = truth.gaussian(times)
        root = some.root()
        for name, moments in systems.items():
            drawn[name].append(frechet(some, moments.gaussian(times), root))
    arrays = {name: np.array(distances) for name, distances in drawn.items()}
    first = next(iter(systems))
    return (
        {name: spread(values[name], arrays[name], clips) for name in systems},
        {
            name: spread(values[name] - values[first], arrays[name] - arrays[first], clips)
            for name in systems
            if name != first
        },
    )


def halves_apart(truth: Moments, splits: int = 50, seed: int = 0) -> Figure:
    """Return the mean Fréchet distance of random halves of the clips, with the central 95 % of the splits: the noise floor.

    What a perfect system would come to on half as many clips, so an upper bound of what it comes to on all.
    """
    rng = np.random.default_rng(seed)
    clips = len(truth.count)
    if clips < 4:
        return Figure(None)
    distances: list[float] = []
    for _ in range(splits):
        half = np.zeros(clips, np.int64)
        half[rng.permutation(clips)[: clips // 2]] = 1
        distances.append(frechet(truth.gaussian(half), truth.gaussian(1 - half)))
    low, high = np.percentile(distances, [2.5, 97.5])
    return Figure(float(np.mean(distances)), float(low), float(high), clips)


def frame_distances(clips: Sequence[Rows], drawn: int = DRAWN, seed: int = 0) -> tuple[Array, NDArray[np.intp]]:
    """Return the L2 distances (drawn,) of random pairs of frames of any clips (n, D), and which clips they are of (drawn, 2)."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(len(clips)), [len(rows) for rows in clips])
    chosen = rng.integers(len(owner), size=(drawn, 2))
    rows = np.concatenate(clips)
    return np.linalg.norm(rows[chosen[:, 0]] - rows[chosen[:, 1]], axis=1).astype(np.float64), owner[chosen]


def diversity_figures(
    truth: Sequence[Rows], sampled: Sequence[Rows], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Figure, Figure]:
    """Return Div_g, the mean L2 distance of random pairs of frames, and what it is of the truth's (1: as varied).

    Of frame to frame differences instead of frames it is Div_k on the scale of distances. Both: a sequence of clips (n, D).
    """
    rng = np.random.default_rng(seed)
    size = len(sampled)
    pairs = [frame_distances(clips, seed=seed) for clips in (sampled, truth)]
    own, true = (float(distance.mean()) for distance, _ in pairs)
    drawn: list[list[float]] = []
    for _ in range(resamples if size > 1 else 0):
        times = rng.multinomial(size, np.full(size, 1 / size)).astype(np.float64)
        weights = [times[owner].prod(1) for _, owner in pairs]
        drawn.append([float(w @ d / max(w.sum(), 1e-12)) for w, (d, _) in zip(weights, pairs, strict=True)])
    of = np.array(drawn).reshape(-1, 2)
    ratio = of[:, 0] / np.maximum(of[:, 1], 1e-12)
    return spread(own, of[:, 0], size), spread(own / true if true else np.nan, ratio, size)


def variance_over_time(samples: Rows) -> tuple[float, float]:
    """Return Ng et al.'s Div_k of a clip's samples (S, T, D): each channel's variance over time, as (sum, how many)."""
    variance = samples.astype(np.float64).var(1)
    return float(variance.sum()), float(variance.size)


def variance_over_samples(samples: Rows) -> tuple[float, float]:
    """Return Ng et al.'s Div_sample of a clip's samples (S, T, D): the variance over samples, as (sum, how many)."""
    if len(samples) < 2:
        return 0.0, 0.0
    variance = samples.astype(np.float64).var(0)
    return float(variance.sum()), float(variance.size)


def distance_over_samples(samples: Rows) -> tuple[float, float]:
    """Return Div_sample on the scale of distances: the L2 distance of two samples' frames, over all twos, as (sum, how many)."""
    distances = [np.linalg.norm(a - b, axis=-1) for a, b in combinations(samples.astype(np.float64), 2)]
    return (float(np.sum(distances)), float(np.size(distances))) if distances else (0.0, 0.0)
