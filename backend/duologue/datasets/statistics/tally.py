"""What is counted of a data set as it is read: sums whose size does not grow with it, so that parts add up in any process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Key = tuple[str, str, str]
"""Which figure, by what it is grouped, and of which group; ``(figure, *EVERYBODY)``: of all."""
EVERYBODY: Final = ("all", "")
T = TypeVar("T", "Histogram", "Covariance", float)


@dataclass(eq=False)
class Histogram:
    """How often values lie in each of N bins, and their sums; what lies beyond the edges counts in the bin beside it."""

    edges: Array
    """(N + 1,)"""
    counts: Array
    """(N,)"""
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.floating], edges: Array) -> Histogram:
        """Count values (n,)."""
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        return cls(edges, counts.astype(np.float64), float(values.sum()), float(np.square(values).sum()))

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(self.edges, self.counts + other.counts, self.total + other.total, self.squares + other.squares)

    @property
    def count(self) -> int:
        """How many values there are."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        """Of the values themselves; NaN of none."""
        return self.total / self.count if self.count else float("nan")

    @property
    def deviation(self) -> float:
        """Their standard deviation; NaN of none."""
        return float(np.sqrt(max(self.squares / self.count - self.mean**2, 0.0))) if self.count else float("nan")

    def quantile(self, share: float) -> float:
        """Return the value under which a share of them lies, interpolated within its bin; NaN of none."""
        if not self.count:
            return float("nan")
        upto = np.cumsum(self.counts)
        k = int(np.searchsorted(upto, share * self.count))
        within = (share * self.count - (upto[k] - self.counts[k])) / self.counts[k]
        return float(self.edges[k] + within * (self.edges[k + 1] - self.edges[k]))

    @property
    def density(self) -> Array:
        """(N,) shares of the whole."""
        return self.counts / max(self.count, 1)


@dataclass(eq=False)
class Covariance:
    """Of rows (n, D): their number, sums (D,) and sums of products (D, D)."""

    count: float
    total: Array
    products: Array

    @classmethod
    def of(cls, rows: NDArray[np.floating]) -> Covariance:
        """Sum rows (n, D)."""
        rows = rows.astype(np.float64)
        return cls(float(len(rows)), rows.sum(0), rows.T @ rows)

    def __add__(self, other: Covariance) -> Covariance:
        return Covariance(self.count + other.count, self.total + other.total, self.products + other.products)

    @property
    def matrix(self) -> Array:
        """(D, D): covariances around the mean of all rows."""
        mean = self.total / self.count
        return self.products / self.count - np.outer(mean, mean)


@dataclass(eq=False)
class Totals:
    """All that is counted, by figure and group."""

    histograms: dict[Key, Histogram] = field(default_factory=dict[Key, Histogram])
    sums: dict[Key, float] = field(default_factory=dict[Key, float])
    """Seconds and numbers."""
    faces: dict[Key, Covariance] = field(default_factory=dict[Key, Covariance])

    def count(self, key: Key, values: NDArray[np.floating], edges: Array) -> None:
        """Add values (n,) to a histogram; a figure of no values stays away."""
        if len(values):
            _put(self.histograms, key, Histogram.of(values, edges))

    def add(self, key: Key, amount: float) -> None:
        """Add to a sum."""
        self.sums[key] = self.sums.get(key, 0.0) + amount

    def vary(self, key: Key, rows: NDArray[np.floating]) -> None:
        """Add rows (n, D) to a covariance."""
        if len(rows):
            _put(self.faces, key, Covariance.of(rows))

    def __iadd__(self, other: Totals) -> Totals:
        for key, histogram in other.histograms.items():
            _put(self.histograms, key, histogram)
        for key, amount in other.sums.items():
            self.add(key, amount)
        for key, covariance in other.faces.items():
            _put(self.faces, key, covariance)
        return self

    def groups(
        self, figure: str, by: str, where: Callable[[Totals], Any] = lambda totals: totals.histograms
    ) -> list[str]:
        """Return the groups of a figure, in the order in which they were met."""
        return [group for name, kind, group in where(self) if (name, kind) == (figure, by)]


def _put(there: dict[Key, T], key: Key, more: T) -> None:
    there[key] = there[key] + more if key in there else more
