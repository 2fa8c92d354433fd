"""What hands touch: how often, how long, and how many minutes of an hour."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from operator import add
from typing import Final

from duologue.datasets.statistics.contacts import FAR, NEAR, PARTS
from duologue.datasets.statistics.measuring import BODIES, PAIRS
from duologue.datasets.statistics.section import BY, Cell, Plot, Section, Table, bar_plot, by_group, largest
from duologue.datasets.statistics.tally import EVERYBODY, Histogram, Totals

_WHOSE: Final = (("own", BODIES, "own body"), ("partner's", PAIRS, "partner"))
_HOURS: Final = {whose: hours for whose, hours, _ in _WHOSE}
_COLUMNS: Final = ("whose", "what", "by", "group", "minutes per hour", "touches", "mean seconds")


def contact_section(totals: Totals) -> Section:
    """Return minutes per hour, numbers and durations of touches, of all and of each group."""
    text = (
        "Hands on heads, shoulders, elbows and hands, between bodies as capsules: a touch begins where they are under "
        f"{100 * NEAR:.0f} cm from each other, ends over {100 * FAR:.0f} cm and lasts a tenth of a second at least, so a hand "
        "that passes close counts too. An hour is one of the person whose hand it is."
    )
    drawn: list[Plot] = []
    for whose, hours, called in _WHOSE:
        if totals.sums.get((hours, *EVERYBODY), 0.0) > 0:
            bars = [(f"hand-{part}", *_told(_row(totals, whose, part, *EVERYBODY))) for part in PARTS]
            drawn.append(
                bar_plot(f"contacts_{called}".replace(" ", "_"), bars, "minutes per hour", f"Hands on the {called}")
            )
    drawn += _durations(totals)
    for by in BY:  # of the contact that there is most of
        bars = [(group, *_told(_row(totals, "own", "hand", by, group))) for group in largest(totals, by)]
        if any(value for _, value, _ in bars):
            drawn.append(bar_plot(f"contacts_by_{by}", bars, "minutes per hour", f"Own hand to hand {by_group(by)}"))
    groups = [EVERYBODY, *((by, group) for by in BY for group in largest(totals, by))]
    rows = [
        _row(totals, whose, part, *group)
        for whose, hours, _ in _WHOSE
        for part in PARTS
        for group in groups
        if totals.sums.get((hours, *group), 0.0) > 0
    ]
    return Section("What hands touch", text, drawn, [Table("contacts", _COLUMNS, rows)])


def _row(totals: Totals, whose: str, part: str, by: str, group: str) -> list[Cell]:
    """Return a row of ``_COLUMNS``."""
    hours = totals.sums.get((_HOURS[whose], by, group), 0.0) / 3600
    found = totals.histograms.get((f"{whose} hand-{part}", by, group))
    told: list[Cell] = [whose, f"hand-{part}", by, group]
    if found is None or not hours:
        return [*told, 0.0, 0, None]
    return [*told, round(found.total / 60 / hours, 3), found.count, round(found.mean, 2)]


def _told(row: list[Cell]) -> tuple[float, str]:
    """Return minutes per hour, and how often and how long."""
    share, times, mean = row[-3:]
    return float(share or 0.0), f"{times} × {mean} s" if times else "never"


def _durations(totals: Totals) -> list[Plot]:
    """Return how long touches last, of own and of others' parts together."""
    made: list[Plot] = []
    for whose, _, called in _WHOSE:
        found = [totals.histograms.get((f"{whose} hand-{part}", *EVERYBODY)) for part in PARTS]
        there = [histogram for histogram in found if histogram is not None]
        if there:
            whole: Histogram = reduce(add, there)
            spans = [f"{a:g} to {b:g} s" for a, b in pairwise(whole.edges)]
            bars = [(span, float(100 * share), "") for span, share in zip(spans, whole.density, strict=True)]
            name = f"durations_{called}".replace(" ", "_")
            drawn = bar_plot(name, bars, "percent of touches", f"How long touches of the {called} last")
            made.append(drawn)
    return made
