"""Where people stand, how varied they move, and whether they are balanced: what is told of bodies."""

from __future__ import annotations

from typing import Final

from duologue.datasets.statistics import balance, placement
from duologue.datasets.statistics.measuring import ENTROPY
from duologue.datasets.statistics.section import BY, Section, bar_plot, by_group, groups_of, histogram_plots, spread
from duologue.datasets.statistics.tally import EVERYBODY, Totals

_PLACEMENT: Final = (
    ("gone", placement.GONE, "From the first frame: how far each one is"),
    ("turned", placement.TURNED, "From the first frame: how far each one is turned"),
    ("apart", placement.APART, "Between the two: how far apart"),
    ("between", placement.BETWEEN, "Between the two: how they face (180°: each other)"),
)
_BALANCE: Final = (
    ("outside", balance.OUTSIDE, "How far outside of the soles: 0 is balanced"),
    ("sway", balance.SWAY, "How fast the centre of mass goes"),
)


def placement_section(totals: Totals) -> Section:
    """Return how far people go and turn, and how the two stand to each other."""
    text = (
        "Hips in the world, in every frame that was measured; what is beyond a plot's end is counted in its last bin."
    )
    if (placement.APART, *EVERYBODY) not in totals.histograms:
        text += " Nobody was recorded in one world with a partner, so nothing is said of how two stand to each other."
    table = spread("placement", totals, [figure for _, figure, _ in _PLACEMENT], ("meta-relationship",))
    return Section("Where people stand", text, histogram_plots(totals, _PLACEMENT), [table])


def entropy_section(totals: Totals) -> Section:
    """Return how varied performers move."""
    text = (
        "How varied a performer moves through a sequence: Shannon's entropy of how fast the 20 fastest joints turn, in 100 "
        "bins from 0 to 10 rad/s. 0 bits: all of them turn at one speed; 6.64 bits: all speeds are as frequent."
    )
    drawn = histogram_plots(totals, [("entropy", ENTROPY, "Performers' sequences by their entropy")])
    for by in ("action", *BY):
        rows = [(group, h.mean, f"± {h.deviation:.2f} ({h.count})") for group, h in groups_of(totals, ENTROPY, by)]
        if rows:
            unit = "bits: mean ± standard deviation (sequences)"
            drawn.append(bar_plot(f"entropy_by_{by}", rows, unit, f"Entropy {by_group(by)}"))
    return Section("How varied bodies move", text, drawn, [spread("entropy", totals, (ENTROPY,), ("action", *BY))])


def balance_section(totals: Totals) -> Section:
    """Return how those stand who stand."""
    text = (
        "Of frames in which somebody stands: how far the centre of mass lies outside of the soles that bear, and how fast it "
        f"goes over the floor. Who is over {balance.OFF:.0f} cm outside is about to fall."
    )
    if (whole := totals.histograms.get((balance.OUTSIDE, *EVERYBODY))) is not None:
        off = 100 * float(whole.counts[whole.edges[:-1] >= balance.OFF - 1e-9].sum()) / whole.count
        text += f" That is {off:.2g} % of the frames." if off else " Nobody is."
    else:
        text += " Nobody here stands."
    table = spread("balance", totals, [figure for _, figure, _ in _BALANCE], BY)
    return Section("Balance and sway", text, histogram_plots(totals, _BALANCE), [table])
