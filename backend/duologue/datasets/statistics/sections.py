"""All that there is to say of what was counted, in the order of the page."""

from __future__ import annotations

from collections import Counter

from duologue.datasets.face_meshes.template import FaceTemplate
from duologue.datasets.statistics import placement
from duologue.datasets.statistics.body_sections import balance_section, entropy_section, placement_section
from duologue.datasets.statistics.contact_section import contact_section
from duologue.datasets.statistics.expression import FACE
from duologue.datasets.statistics.face_section import face_section
from duologue.datasets.statistics.measuring import BODIES, PAIRS, SECONDS, SEQUENCES, Measured
from duologue.datasets.statistics.section import BY, Cell, Section, Table, bar_plot, by_group, largest
from duologue.datasets.statistics.tally import EVERYBODY


def sections_of(measured: Measured, template: FaceTemplate | None = None) -> list[Section]:
    """Return the sections that there is something to say in. ``template``: a face by which vertices are told."""
    totals = measured.totals
    made = [_overview(measured)]
    if (placement.GONE, *EVERYBODY) in totals.histograms:
        made += [placement_section(totals), entropy_section(totals), contact_section(totals), balance_section(totals)]
    if (FACE, *EVERYBODY) in totals.faces:
        made.append(face_section(totals, template))
    return made


def _overview(measured: Measured) -> Section:
    totals = measured.totals
    everybody = totals.sums.get((SECONDS, *EVERYBODY), 0.0)
    rows: list[list[Cell]] = [
        ["sequences", int(totals.sums.get((SEQUENCES, *EVERYBODY), 0))],
        ["styles" if measured.layout.startswith("corpus") else "people", len(measured.people)],
        ["hours of performers", round(everybody / 3600, 3)],
        ["of these with a body", round(totals.sums.get((BODIES, *EVERYBODY), 0.0) / 3600, 3)],
        ["of these with a partner in the same world", round(totals.sums.get((PAIRS, *EVERYBODY), 0.0) / 3600, 3)],
        ["files left out", len(measured.problems)],
        ["licence", measured.licence or "not said"],
    ]
    drawn = [
        bar_plot(
            f"minutes_by_{by}",
            [(group, totals.sums[SECONDS, by, group] / 60, "") for group in largest(totals, by)],
            "minutes of performers",
            f"Minutes {by_group(by)}",
        )
        for by in ("action", *BY)
        if largest(totals, by)
    ]
    left_out = Counter(problem.reason for problem in measured.problems)
    tables = [Table("overview", ("what", "value"), rows)]
    if left_out:
        tables.append(Table("left_out", ("reason", "files"), [[reason, n] for reason, n in left_out.most_common()]))
    return Section("What it holds", "Every figure below is of what could be read.", drawn, tables)
