"""What the body has to reach, and whether a report shows that it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Figure = Mapping[str, float | None]
Goal = tuple[str, dict[str, Any]]
"""A goal's name, and its ``value``, ``bound`` (least, most) and whether it is ``met``."""


def goals(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return ``{goal: {"value", "bound", "met"}}`` of a body report; ``met`` is None where the report can't tell.

    "Beyond the interval": the interval of the difference leaves out 0. A bound on one figure is held by its value; its interval
    is in the report.
    """
    return dict([*_distributions(report), *_motion(report), *_effects(report), *_speed(report)])


def _bound(name: str, figure: Figure | float | None, least: float | None = None, most: float | None = None) -> Goal:
    value = figure["value"] if isinstance(figure, Mapping) else figure
    held = None if value is None else (least is None or value >= least) and (most is None or value <= most)
    return name, {"value": value, "bound": [least, most], "met": held}


def _beyond(name: str, figure: Figure | None) -> Goal:
    low = figure["low"] if figure else None
    value = figure["value"] if figure else None
    return name, {"value": value, "bound": [0.0, None], "met": None if low is None else low > 0}


def _distributions(report: Mapping[str, Any]) -> Iterator[Goal]:
    flat = report["minus_ours"].get("flat", {})
    for kind in ("fd_g", "fd_k"):
        for scale in ("radians", "standardised"):
            yield _beyond(f"flat minus ours, {kind}_{scale}", flat.get(f"{kind}_{scale}"))
    diversity = report["systems"]["ours"]["diversity"]
    for key in ("div_g_standardised", "div_k_standardised"):
        yield _bound(f"{key} of the truth's", diversity[f"{key}_of_truth"], 0.8, 1.2)


def _motion(report: Mapping[str, Any]) -> Iterator[Goal]:
    ours, truth = report["systems"]["ours"], report["systems"]["ground truth"]
    raw, cleaned, speech = ours["as_sampled"], ours["cleaned"], ours["speech"]
    yield _bound("feet slide in contact, cm/s, cleaned", cleaned["sliding_cm_s"], most=2.0)
    yield _bound("frames with a foot over 2 cm under the floor, %, cleaned", cleaned["below_floor_percent"], most=0.0)
    yield _bound("frames with bodies over 2 cm in each other, %, cleaned", cleaned["penetration_percent"], most=0.5)
    yield _bound("actions obeyed, % of frames", raw["actions_obeyed_percent"], least=95.0)
    yield _beyond("beats with the right speech minus with another's", speech["beat_consistency"])
    yield _beyond("the same, 0.1 s", speech["beat_consistency_100ms"])
    yield _bound("listener's energy of the speaker's", raw["listener_energy"], most=0.5)
    yield _bound(
        "centre of mass 5 cm outside the soles, % of standing, cleaned", cleaned["unbalanced_percent"], most=2.0
    )
    yield _bound("hips motionless, % of standing, cleaned", cleaned["motionless_percent"], most=20.0)
    yield _bound("hips' range in 10 s of standing, cm, cleaned", cleaned["hips_range_cm"], least=2.0)
    yield _bound("walks, m/s, cleaned", cleaned["walking_m_s"], 0.9, 1.4)
    facing = _quotient(raw["facing_percent"], truth["as_sampled"]["facing_percent"])
    yield _bound("facing the partner, of the truth's share", facing, least=0.9)


def _effects(report: Mapping[str, Any]) -> Iterator[Goal]:
    for kind, contrasts in report.get("effects", {}).items():
        moves = [[measure["moves"] for measure in measures.values()] for measures in contrasts.values()]
        moving = sum(any(some) for some in moves)
        known = bool(moves) and all(move is not None for some in moves for move in some)
        met = moving == len(contrasts) if known else None
        yield f"{kind} that move the body measurably", {"value": moving, "bound": [len(contrasts), None], "met": met}


def _speed(report: Mapping[str, Any]) -> Iterator[Goal]:
    if "speed" not in report:
        return
    speed = report["speed"]
    yield _bound(f"real-time factor on {speed['threads']} thread(s)", speed["real_time_factor"], most=0.3)
    yield _bound("times faster than DDPM", speed["times_faster"], least=8.0)
    for key, fine in speed["no_worse"].items():
        value = speed["minus_ddpm"][key]["value"]
        yield f"{key} no worse than DDPM's", {"value": value, "bound": [None, 0.0], "met": fine}
    yield _bound("two minutes' processor time against one's", speed["two_minutes_over_one"], most=2.1)


def _quotient(a: Figure, b: Figure) -> float | None:
    return a["value"] / b["value"] if a["value"] is not None and b["value"] else None
