"""Takes judged as they are: balance, sway, feet, changes of posture and jolts of the hips, without a model or a corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from duologue.errors import DuologueError
from duologue.evaluation.body.bodies import Bodies
from duologue.evaluation.body.plausibility import feet, floor, penetration
from duologue.evaluation.body.weight import weight
from duologue.evaluation.compare import TAKE
from duologue.evaluation.intervals import figures, quotient
from duologue.take import Take
from duologue.units import FPS

if TYPE_CHECKING:
    from duologue.evaluation.intervals import Sums


def measure_take(take: Take) -> dict[str, Sums]:
    """Return a take's figures as sums: those of ``weight`` and ``plausibility``, and the hips' largest acceleration, m/s²."""
    root, rotations = (
        np.stack([getattr(track, name) for track in take.tracks]) for name in ("root_translation", "rotations")
    )
    bodies = Bodies(take.skeleton, root, rotations)
    actions = np.stack([track.actions for track in take.tracks]).astype(np.int64)
    sums = weight(bodies, actions) | feet(bodies) | floor(bodies) | penetration(bodies)
    jolts = np.linalg.norm(np.diff(bodies.positions[:, :, 0], n=2, axis=1), axis=-1) * FPS**2
    return sums | {"hips_jolt_m_s2": (float(jolts.max(initial=0.0)), 1.0)}


def measure_takes(folder: Path, report: Callable[[str, int, int], None]) -> dict[str, Any]:
    """Return ``{"takes": {name: {figure: value}}, "all": {figure: interval}}`` of every take below ``folder``, each a folder as
    ``duologue perform`` writes it. Intervals are over takes.

    Raises:
        DuologueError: NOT_FOUND ``takes-missing``; what ``Take.load`` raises.
    """
    paths = sorted(folder.rglob(TAKE))
    if not paths:
        raise DuologueError("NOT_FOUND", "takes-missing", f"{folder} holds no {TAKE}, in no folder below it either.")
    rows: dict[str, dict[str, Sums]] = {}
    for number, path in enumerate(paths):
        rows[str(path.parent.relative_to(folder))] = measure_take(Take.load(path))
        report("takes", number + 1, len(paths))
    return {
        "takes": {name: {key: _value(sums) for key, sums in row.items()} for name, row in rows.items()},
        "all": {key: value.to_json() for key, value in figures(list(rows.values())).items()},
    }


def _value(sums: Sums) -> float | None:
    value = float(quotient(*sums))
    return value if np.isfinite(value) else None
