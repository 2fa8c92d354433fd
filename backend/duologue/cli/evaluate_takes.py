"""``duologue evaluate takes``: how the bodies of takes carry themselves, take by take."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from duologue.cli.console import out, print_json
from duologue.cli.figures import AsJson, OutFile, cell, write_report

ROWS: Final = (
    ("unbalanced_percent", "balance lost by 5 cm, % of standing", 2),
    ("motionless_percent", "hips motionless, % of standing", 1),
    ("hips_range_cm", "hips' range in 10 s standing, cm", 1),
    ("walking_m_s", "walking, m/s", 2),
    ("stance_cm_s", "lower sole while walking, cm/s", 1),
    ("sliding_cm_s", "feet slide, cm/s", 2),
    ("below_floor_percent", "foot 2 cm under the floor, %", 2),
    ("penetration_percent", "bodies 2 cm in each other, %", 2),
    ("transition_late_s", "from a label to its posture, s", 2),
    ("transition_prompt_percent", "within 0.3 s, % of changes", 0),
    ("hips_jolt_m_s2", "hips' largest acceleration, m/s²", 1),
)
"""What the table shows: key, heading, decimals."""


def takes(
    folder: Annotated[Path, typer.Argument(help="A folder of takes, each as `duologue perform` writes it.")],
    out_file: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Judge takes as they are: balance, sway, stillness, soles, changes of posture, jolts. No model and no corpus is needed."""
    from duologue.evaluation.body.taken import measure_takes

    report = write_report(partial(measure_takes, folder), out_file)
    if as_json:
        print_json(report)
        return
    table = Table("", *report["takes"], "all")
    for key, heading, digits in ROWS:
        own = [values[key] for values in report["takes"].values()]
        table.add_row(
            heading,
            *("–" if value is None else f"{value:.{digits}f}" for value in own),
            cell(report["all"][key], 1.0, digits),
        )
    out.print(table)
