"""What the video model has to reach, and whether a report shows that it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

BOUNDS: Final[Mapping[str, tuple[float | None, float | None]]] = {
    "ceiling_psnr": (32.0, None),
    "over_carried": (2.0, None),
    "over_carried_hand": (3.0, None),
    "over_carried_holes": (3.0, None),
    "psnr": (28.0, None),
    "psnr_hand": (22.0, None),
    "psnr_holes": (20.0, None),
    "silhouette_iou": (0.97, None),
    "router_accuracy_hand": (0.9, None),
    "router_accuracy_head": (0.9, None),
    "ratio_asym_base": (None, 1.05),
    "ratio_render_base": (None, 1.3),
    "seconds_17_frames": (None, 5.0),
}
"""Figure -> least, most. ``over_carried``: decibels of the better of ``render`` and ``add`` above the carried picture."""


def goals(figures: Mapping[str, float | None]) -> dict[str, dict[str, Any]]:
    """Return ``{figure: {"value", "bound", "met"}}``; ``met`` is None where nothing was measured."""
    found: dict[str, dict[str, Any]] = {}
    for name, (least, most) in BOUNDS.items():
        value = figures.get(name)
        met = None if value is None else (least is None or value >= least) and (most is None or value <= most)
        found[name] = {"value": value, "bound": [least, most], "met": met}
    return found
