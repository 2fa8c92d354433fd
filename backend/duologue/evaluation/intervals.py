"""Figures with bootstrap intervals: sums per conversation, added up and divided, resampled by conversation.

What two plosives of one conversation share (voice, mood, noise) is then not mistaken for evidence from two.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import DegenerateDataWarning, bootstrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 2000

Sums = tuple[float, ...]
"""(a, b) stands for a / b; (a, b, c, d) for (a / b) / (c / d). Sums of several conversations add up before they are divided."""


def quotient(*sums: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Divide ``Sums``, elementwise for arrays; nan where nothing was counted."""
    with np.errstate(divide="ignore", invalid="ignore"):
        top = np.divide(sums[0], sums[1])
        return top if len(sums) == 2 else np.divide(top, quotient(*sums[2:]))


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval; None where nothing was counted, or resampled (fewer than two conversations)."""

    value: float | None
    low: float | None = None
    high: float | None = None
    count: float = 0
    """What the value was counted over: frames, phones, …"""

    def to_json(self) -> dict[str, float | None]:
        """Return the figure as JSON values."""
        return {"value": self.value, "low": self.low, "high": self.high, "count": self.count}


def figure(rows: Sequence[Sums], seed: int = 0) -> Figure:
    """Return the quotient of summed ``rows`` (one a conversation) and its percentile bootstrap interval (Efron 1979)."""
    columns = np.array(rows, np.float64).T
    value = _finite(quotient(*columns.sum(1)))
    count = float(columns[1].sum())
    if value is None or columns.shape[1] < 2:
        return Figure(value, count=count)
    low, high = _interval(columns, seed)
    return Figure(value, low, high, count)


def figures(tallies: Sequence[Mapping[str, Sums]], seed: int = 0) -> dict[str, Figure]:
    """Return every tally's figure; ``tallies`` is one mapping a conversation, all with the same keys."""
    return {key: figure([tally[key] for tally in tallies], seed) for key in tallies[0]} if tallies else {}


def difference(ours: Sequence[Sums], theirs: Sequence[Sums], seed: int = 0) -> Figure:
    """Return ours minus theirs on the same conversations, paired: the interval holds 0 where the two can't be told apart."""
    a, b = np.array(ours, np.float64).T, np.array(theirs, np.float64).T
    value = _finite(quotient(*a.sum(1)) - quotient(*b.sum(1)))
    if value is None or a.shape[1] < 2:
        return Figure(value, count=a.shape[1])
    low, high = _interval(np.concatenate([a, b]), seed, halves=2)
    return Figure(value, low, high, a.shape[1])


def _interval(columns: NDArray[np.float64], seed: int, halves: int = 1) -> tuple[float | None, float | None]:
    def statistic(*resampled: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        parts = [
            quotient(*part) for part in np.split(np.stack(resampled).sum(axis=axis % resampled[0].ndim + 1), halves)
        ]
        return parts[0] - parts[1] if halves == 2 else parts[0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)  # its own interval, which counts undefined resamples
        drawn = bootstrap(
            tuple(columns),
            statistic,
            n_resamples=RESAMPLES,
            paired=True,
            vectorized=True,
            method="percentile",
            random_state=np.random.default_rng(seed),  # pyright: ignore[reportCallIssue]  its name in every scipy
        ).bootstrap_distribution
    # A resample without a single p, b or m says nothing about them.
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return None, None
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def _finite(value: NDArray[np.float64] | float) -> float | None:
    return float(value) if np.isfinite(value) else None
