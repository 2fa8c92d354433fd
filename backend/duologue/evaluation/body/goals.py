"""What the body has to reach, and whether a report shows that it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Figure = Mapping[str, float | None]


def goals(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return ``{goal: {"value", "bound", "met"}}`` of a body report; ``met`` is None where the report can't tell.

    "Beyond the interval": the interval of the difference leaves out 0. A bound on one figure is held by its value; its interval
    is in the report.
    """
    ours = report["systems"]["ours"]
    raw, cleaned, truth = ours["as_sampled"], ours["cleaned"], report["systems"]["ground truth"]
    found: dict[str, dict[str, Any]] = {}

    def bound(name: str, figure: Figure | float | None, least: float | None = None, most: float | None = None) -> None:
        value = figure["value"] if isinstance(figure, Mapping) else figure
        held = None if value is None else (least is None or value >= least) and (most is None or value <= most)
        found[name] = {"value": value, "bound": [least, most], "met": held}

    def beyond(name: str, figure: Figure | None) -> None:
        low = figure["low"] if figure else None
        found[name] = {
            "value": figure["value"] if figure else None,
            "bound": [0.0, None],
            "met": None if low is None else low > 0,
        }

    flat = report["minus_ours"].get("flat", {})
    for kind in ("fd_g", "fd_k"):
        for scale in ("radians", "standardised"):
            beyond(f"flat minus ours, {kind}_{scale}", flat.get(f"{kind}_{scale}"))
    for key in ("div_g_standardised", "div_k_standardised"):
        bound(f"{key} of the truth's", ours["diversity"][f"{key}_of_truth"], 0.8, 1.2)
    bound("feet slide in contact, cm/s, cleaned", cleaned["sliding_cm_s"], most=2.0)
    bound("frames with a foot over 2 cm under the floor, %, cleaned", cleaned["below_floor_percent"], most=0.0)
    bound("frames with bodies over 2 cm in each other, %, cleaned", cleaned["penetration_percent"], most=0.5)
    bound("actions obeyed, % of frames", raw["actions_obeyed_percent"], least=95.0)
    beyond("beats with the right speech minus with another's", ours["speech"]["beat_consistency"])
    beyond("the same, 0.1 s", ours["speech"]["beat_consistency_100ms"])
    bound("listener's energy of the speaker's", raw["listener_energy"], most=0.5)
    bound(
        "facing the partner, of the truth's share",
        _quotient(raw["facing_percent"], truth["as_sampled"]["facing_percent"]),
        least=0.9,
    )
    for kind, contrasts in report.get("effects", {}).items():
        moved = [[m["moves"] for m in measures.values()] for measures in contrasts.values()]
        moving = sum(any(some) for some in moved)
        told = bool(moved) and all(m is not None for some in moved for m in some)
        found[f"{kind} that move the body measurably"] = {
            "value": moving,
            "bound": [len(contrasts), None],
            "met": moving == len(contrasts) if told else None,
        }
    if "speed" in report:
        measured = report["speed"]
        bound(f"real-time factor on {measured['threads']} thread(s)", measured["real_time_factor"], most=0.3)
        bound("times faster than DDPM", measured["times_faster"], least=8.0)
        for key, fine in measured["no_worse"].items():
            found[f"{key} no worse than DDPM's"] = {
                "value": measured["minus_ddpm"][key]["value"],
                "bound": [None, 0.0],
                "met": fine,
            }
        bound("two minutes' processor time against one's", measured["two_minutes_over_one"], most=2.1)
    return found


def _quotient(a: Figure, b: Figure) -> float | None:
    return a["value"] / b["value"] if a["value"] is not None and b["value"] else None
