"""Statistics as files: one HTML page that needs nothing but itself, a CSV a table, an SVG a plot."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from duologue.datasets.statistics.section import Cell, Plot, Section, Table, known
from duologue.files.atomic import prepare_folder, write_text

PAGE: Final = "index.html"
_OPEN: Final = 8
"""Rows of a table that is shown without being asked for."""


def write_statistics(folder: Path, sections: Sequence[Section], title: str, about: str) -> Path:
    """Write the page, the tables and the plots into a folder, and return the page.

    Raises:
        DuologueError: what ``prepare_folder`` and ``write_text`` raise.
    """
    prepare_folder(folder)
    for section in sections:
        for table in section.tables:
            write_text(folder / f"{table.name}.csv", as_csv(table))
        for plot in section.plots:
            write_text(folder / f"{plot.name}.svg", plot.svg)
    write_text(folder / PAGE, as_html(sections, title, about))
    return folder / PAGE


def as_csv(table: Table) -> str:
    """Return a table as CSV; what is not known is empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(table.columns)
    rows.writerows(["" if cell is None else cell for cell in row] for row in table.rows)
    return text.getvalue()


def as_html(sections: Sequence[Section], title: str, about: str) -> str:
    """Return the page."""
    page = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    contents = "".join(f'<a href="#s{k}">{escape(section.title)}</a> ' for k, section in enumerate(sections))
    written = "\n".join(_section(k, section) for k, section in enumerate(sections))
    filled = {"title": escape(title), "about": escape(about), "contents": contents, "sections": written}
    for name, text in filled.items():
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


def _section(number: int, section: Section) -> str:
    plots = "".join(_figure(plot) for plot in section.plots)
    tables = "".join(_table(table) for table in section.tables)
    return (
        f'<section id="s{number}"><h2>{escape(section.title)}</h2><p>{escape(section.text)}</p>'
        f'<div class="plots">{plots}</div>{tables}</section>'
    )


def _figure(plot: Plot) -> str:
    return f"<figure><figcaption>{escape(plot.caption)}</figcaption>{plot.svg}</figure>"


def _table(table: Table) -> str:
    """Return a table, a long one behind a line to click at."""
    numeric = [all(isinstance(row[k], int | float | None) for row in table.rows) for k in range(len(table.columns))]
    head = "".join(f"<th{_class(n)}>{escape(name)}</th>" for name, n in zip(table.columns, numeric, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{_class(n)}>{_cell(cell)}</td>" for cell, n in zip(row, numeric, strict=True)) + "</tr>"
        for row in table.rows
    )
    written = f"<table><tr>{head}</tr>{body}</table>"
    if len(table.rows) <= _OPEN:
        return written
    return f"<details><summary>{escape(table.name)}.csv: {len(table.rows)} rows</summary>{written}</details>"


def _class(numeric: bool) -> str:
    return ' class="n"' if numeric else ""


def _cell(cell: Cell) -> str:
    if known(cell) is None:
        return "–"
    return f"{cell:,.4g}" if isinstance(cell, float) else escape(str(cell))
