"""What touches have to reach, and whether a report shows that they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

BOUNDS: Final[Mapping[str, tuple[float | None, float | None]]] = {
    "non_collision": (0.98, None),
    "touchness": (0.95, None),
    "contact_f": (0.8, None),
    "touch_drift_mm": (None, 2.0),
    "mean_depth_mm": (None, 2.0),
    "solve_seconds_per_second": (None, 1.0),
    "part_iou": (0.99, None),
    "flow_error_px": (None, 0.01),
}
"""Figure -> least, most: docs/guide/interactions.md and docs/guide/passes.md."""


def goals(figures: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return ``{figure: {"value", "bound", "met"}}``; ``met`` is None where nothing was measured."""
    return {name: _goal(figures.get(name), *bound) for name, bound in BOUNDS.items() if name in figures}


def missed(figures: Mapping[str, Any]) -> list[str]:
    """Return which figures miss their bounds."""
    return [name for name, goal in goals(figures).items() if goal["met"] is False]


def _goal(value: float | None, least: float | None, most: float | None) -> dict[str, Any]:
    met = None if value is None else (least is None or value >= least) and (most is None or value <= most)
    return {"value": value, "bound": [least, most], "met": met}
