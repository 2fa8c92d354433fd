"""What was counted, as people read it: sections of text, plots and tables, and how groups are laid out in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from duologue.datasets.statistics import plots
from duologue.datasets.statistics.measuring import SECONDS
from duologue.datasets.statistics.tally import EVERYBODY, Histogram, Totals
from duologue.labels import ACTION_MODES

Cell = str | float | int | None
Group = tuple[str, str]
BY: Final = ("gender", "meta-relationship", "meta-emotion")


def known(cell: Cell) -> Cell:
    """Return a cell, None for NaN, which neither JSON nor a reader knows."""
    return None if isinstance(cell, float) and math.isnan(cell) else cell


@dataclass(frozen=True)
class Table:
    """Rows under columns; ``name`` is that of its CSV file."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Plot:
    """A drawing; ``name`` is that of its SVG file."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    title: str
    text: str
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()


def spread(name: str, totals: Totals, figures: Sequence[str], by: Sequence[str]) -> Table:
    """Return how values of some figures are spread, of all and of each group."""
    rows: list[list[Cell]] = []
    for figure in figures:
        for kind in (EVERYBODY[0], *by):
            for group, h in groups_of(totals, figure, kind):
                values = (h.mean, h.deviation, *(h.quantile(share) for share in (0.05, 0.5, 0.95)))
                rows.append([figure, kind, group, h.count, *(float(f"{value:.4g}") for value in values)])
    return Table(name, ("figure", "by", "group", "values", "mean", "deviation", "5 %", "median", "95 %"), rows)


def groups_of(totals: Totals, figure: str, by: str) -> list[tuple[str, Histogram]]:
    """Return a figure's groups, those first of which there are most values."""
    found = [(group, h) for (name, kind, group), h in totals.histograms.items() if (name, kind) == (figure, by)]
    return sorted(found, key=lambda item: -item[1].count)


def largest(totals: Totals, by: str) -> list[str]:
    """Return the groups of a kind, those first of which there is most."""
    if by == "action":
        return [mode for mode in ACTION_MODES if (SECONDS, by, mode) in totals.sums]
    found = {group: seconds for (name, kind, group), seconds in totals.sums.items() if (name, kind) == (SECONDS, by)}
    return sorted(found, key=lambda group: -found[group])


def histogram_plots(totals: Totals, drawn: Sequence[tuple[str, str, str]]) -> list[Plot]:
    """Return plots (name, figure, caption) of those figures that there are, of everybody."""
    found = [(name, figure, caption, totals.histograms.get((figure, *EVERYBODY))) for name, figure, caption in drawn]
    return [
        Plot(name, plots.histogram({"": (h.edges, h.density)}, figure), caption)
        for name, figure, caption, h in found
        if h is not None
    ]


def bins(totals: Totals) -> Table:
    """Return every histogram of everybody, a row a bin that is not empty."""
    rows: list[list[Cell]] = [
        [figure, round(float(first), 4), round(float(last), 4), int(count)]
        for (figure, *group), h in totals.histograms.items()
        if tuple(group) == EVERYBODY
        for (first, last), count in zip(pairwise(h.edges), h.counts, strict=True)
        if count
    ]
    return Table("histograms", ("figure", "from", "to", "values"), rows)


def bar_plot(name: str, rows: Sequence[tuple[str, float, str]], unit: str, caption: str) -> Plot:
    """Return bars (name, value, what it is of)."""
    return Plot(name.replace("-", "_"), plots.bars(rows, unit), caption)


def by_group(by: str) -> str:
    """Return how a grouping is called in a caption."""
    return f"by {by.replace('meta-', 'kind of ')}"
