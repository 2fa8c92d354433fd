"""``duologue bench``: the figures the README quotes, measured here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from duologue import __version__
from duologue.cli.console import err, out, print_json
from duologue.errors import invalid
from duologue.files.atomic import write_text


def bench(
    parts: Annotated[
        str,
        typer.Option(
            help="Which figures, separated by commas: import, take, wire, blender; or faults: 10,000 malformed messages, 10 cut "
            "connections and 2 killed workers each of --repeats times (1000: the long proof, a day)."
        ),
    ] = "all",
    repeats: Annotated[int, typer.Option(min=1, help="How often each thing is timed.")] = 5,
    save: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure Duologue on this machine: a take's real-time factor, first window, wire, Blender, imports."""
    from duologue.diagnosis.bench import PARTS, measure

    chosen = [part for part in PARTS if part != "faults"] if parts == "all" else parts.split(",")
    for part in chosen:
        if part not in PARTS:
            raise invalid("unknown-part", f"{part!r} is none of {', '.join(PARTS)}.", field="--parts")
    rows: list[dict[str, Any]] = []
    for part in chosen:
        err.print(f"measuring: {part}", markup=False)
        rows += measure(part, repeats)
    report = {"duologue": __version__, "python": sys.version.split()[0], "rows": rows}
    if save is not None:
        write_text(save, json.dumps(report, indent=2) + "\n")
    if as_json:
        print_json(report)
        return
    _print_table(rows)


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("figure", "measured", "limit", "how")
    for row in rows:
        value = "-" if row["value"] is None else f"{row['value']:.4g} {row['unit']}"
        limit = "" if row["limit"] is None else f"{row['limit']:g} {row['unit']}"
        table.add_row(row["name"], value, limit, row["how"])
    out.print(table)
