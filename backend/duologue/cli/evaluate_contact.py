"""``duologue evaluate contact``: do hands touch, and how well? Judged by the characters' meshes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from duologue.cli.console import out, print_json
from duologue.cli.figures import AsJson, OutFile, goals_table, write_report

ROWS: Final = (
    ("non_collision", "frames not 5 mm deep", 3),
    ("touchness", "held frames on the skin", 3),
    ("contact_f", "F of the area", 3),
    ("touch_drift_mm", "drift, mm", 2),
    ("mean_depth_mm", "mean depth, mm", 2),
    ("deepest_mm", "deepest, mm", 1),
)
"""What the table shows of each pattern: key, heading, decimals."""


def contact(
    pattern: Annotated[
        list[str] | None, typer.Option(help="Only this pattern; may be given more than once. All by default.")
    ] = None,
    character: Annotated[
        list[Path] | None,
        typer.Option(
            help="A .blend, .glb or .fbx, judged with Ada; may be given more than once. By default Ada with Ben."
        ),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Look at every so many frames.")] = 1,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Write pictures of all touches here (PNG): each at its deepest frame, far and near."),
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option(help="Touch in the middle of this take (take.safetensors), both set near; else people stand."),
    ] = None,
    passes: Annotated[
        bool, typer.Option(help="Hold our passes of a touch against Cycles', where there is a Blender.")
    ] = True,
    out_file: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Judge touches on the meshes: collisions, nearness, area in contact, drift, depth, speed. No model is needed."""
    from duologue import labels
    from duologue.evaluation.contact.report import ContactEvaluation, evaluate_contact

    chosen = tuple(
        labels.check(name, labels.INTERACTIONS, field="--pattern") for name in pattern or labels.INTERACTIONS
    )
    settings = ContactEvaluation(
        chosen, every=every, sheet=sheet, take=take, passes=passes, characters=tuple(character or ())
    )
    report = write_report(partial(evaluate_contact, settings), out_file)
    if as_json:
        print_json(report)
        return
    out.print(_patterns(report))
    out.print(goals_table(report["goals"]))


def _patterns(report: dict[str, Any]) -> Table:
    table = Table("pattern", "on", *(heading for _, heading, _ in ROWS))
    for name, targets in report["patterns"].items():
        for target, figures in targets.items():
            cells = ["–" if figures[key] is None else f"{figures[key]:.{digits}f}" for key, _, digits in ROWS]
            table.add_row(name, target, *cells)
    return table
