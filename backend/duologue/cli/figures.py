"""What the ``evaluate`` commands share: a report made and written, figures with intervals as tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from duologue.cli.console import stages
from duologue.files.atomic import replacing

OutFile = Annotated[Path | None, typer.Option("--out", "-o", help="Write the report here as JSON.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON instead of tables.")]


def write_report(
    evaluate: Callable[[Callable[[str, float, float], None]], dict[str, Any]], path: Path | None
) -> dict[str, Any]:
    """Return the report of ``evaluate(progress)``, progress shown, and write it to ``path`` as JSON.

    Raises:
        DuologueError: what ``replacing`` and ``evaluate`` raise.
    """
    # Opened first: whoever may not write there should learn it before the work, not after.
    with replacing(path) if path else nullcontext() as temporary:
        with stages() as progress:
            report = evaluate(progress.update)
        if temporary is not None:
            temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def cell(figure: Mapping[str, float | None], scale: float = 1.0, digits: int = 2) -> str:
    """Return a figure as text: value and interval, a dash where there is none."""
    value, low, high = figure["value"], figure["low"], figure["high"]
    if value is None:
        return "–"
    text = f"{value * scale:.{digits}f}"
    return text if low is None or high is None else f"{text} ({low * scale:.{digits}f}…{high * scale:.{digits}f})"


def plain(part: str, values: Mapping[str, Any]) -> Table:
    """Return a table of what is nested: one row a figure, named by its path."""
    table = Table("", "", title=part)

    def rows(prefix: str, value: Any) -> None:
        if isinstance(value, dict) and "value" not in value:
            for key, inner in value.items():
                rows(f"{prefix} {key}".strip(), inner)
        else:
            table.add_row(prefix, cell(value) if isinstance(value, dict) else str(value))

    rows("", values)
    return table


def goals_table(goals: dict[str, dict[str, Any]]) -> Table:
    """Return a table of ``{figure: {"value", "bound": [least, most], "met"}}``."""
    table = Table("goal", "value", "at least", "at most", "met")
    for name, goal in goals.items():
        least, most = ("" if bound is None else f"{bound:g}" for bound in goal["bound"])
        value = "–" if goal["value"] is None else f"{goal['value']:.4g}"
        table.add_row(name, value, least, most, {True: "yes", False: "NO", None: "–"}[goal["met"]])
    return table
