"""Figures with intervals as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table


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
