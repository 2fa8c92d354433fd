"""What a corpus's bodies are like, in figures: how lively speakers and listeners are, where heads look, what emotions do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.body import Corpus
from duologue.datasets.statistics.speech import turns
from duologue.datasets.synthesis.body.manner import STATUS
from duologue.features import pose as poses
from duologue.labels import ACTION_MODES, EMOTIONS, ROLES
from duologue.motion.capsules import pair_penetration, self_penetration
from duologue.motion.contact import Soles
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.units import FPS

Array = NDArray[np.float64]
Row = dict[str, NDArray[Any]]
"""What is seen of one performer, by name: (T,) each, or one value."""


@dataclass(frozen=True)
class _Seen:
    """All performers of a corpus, a row each, and its pairs."""

    rows: list[Row]
    pairs: list[dict[str, float]]

    def all(self, name: str) -> NDArray[Any]:
        """Return one quantity of all performers' frames, behind one another."""
        return np.concatenate([row[name] for row in self.rows])

    def mean(self, name: str, where: str) -> float:
        """Return the mean of a quantity over frames of nobody who walks in which ``where`` holds; NaN where there are none."""
        return _mean(np.concatenate([row[name][row["still"] & row[where]] for row in self.rows]))

    def against_listener(self, name: str) -> list[float | None]:
        """Return a quantity of who speaks alone, of who listens, and their ratio."""
        speaker, listener = self.mean(name, "alone"), self.mean(name, "listens")
        return _round(speaker, listener, listener / speaker if speaker else np.nan)


def figures(corpus: Corpus, skeleton: Skeleton) -> dict[str, Any]:
    """Return the corpus's figures by name: metres, metres a second, degrees, percent of frames.

    None stands where a corpus has nothing to measure: nobody who speaks, no hand that ever moves.
    """
    seen = _look(corpus, skeleton)
    action = seen.all("action")
    return {
        "pairs": len(seen.pairs),
        "minutes": round(len(action) / 2 / FPS / 60, 1),
        "action, percent of frames": {
            mode: round(100 * float((action == k).mean()), 1) for k, mode in enumerate(ACTION_MODES)
        },
        "hand speed, one speaks, not walking: speaker, listener, ratio": seen.against_listener("speed"),
        "body energy (mean square joint speed): speaker, listener, ratio": seen.against_listener("energy"),
        "turns of 1.5 s and more with hanging hands, percent": round(100 * _hanging(seen.rows), 1),
        **_heads(seen),
        **_contacts(seen),
        "by emotion": _grouped(seen.rows, "emotion", EMOTIONS),
        "by role": _grouped(seen.rows, "role", ROLES),
        "correlation of status with expanse, head pitch, hand speed": _status(seen.rows),
    }


def _heads(seen: _Seen) -> dict[str, Any]:
    pitch = seen.all("pitch")
    turned = seen.all("bearing") < np.radians(15)
    return {
        "head pitch, degrees: mean, 5th and 95th percentile": _round(*_spread(np.degrees(pitch))),
        "head pitch less the line to the partner's eyes where the head is turned there, degrees": _round(
            *_spread(np.degrees(pitch - seen.all("eye line"))[turned])
        ),
        "frames with the head turned to the partner (15 degrees), percent": round(100 * float(turned.mean()), 1),
    }


def _contacts(seen: _Seen) -> dict[str, Any]:
    depth = seen.all("floor")
    apart = np.percentile([pair["median"] for pair in seen.pairs], (5, 50, 95))
    return {
        "sole under the floor: percent of frames over 1 cm, deepest in metres": _round(
            100 * float((depth > 0.01).mean()), float(depth.max())
        ),
        "feet in contact slide, m/s": _round(_mean(_known([row["slide"] for row in seen.rows]))),
        "bodies in each other: percent over 2 cm, deepest": _round(
            float(np.mean([pair["percent"] for pair in seen.pairs])), max(pair["deepest"] for pair in seen.pairs)
        ),
        "body in itself: percent over 2 cm": _round(float(np.mean([row["self"] for row in seen.rows]))),
        "nearest hips, metres": _round(min(pair["nearest"] for pair in seen.pairs)),
        "distance of the hips, metres: 5th, 50th, 95th percentile": _round(*(float(value) for value in apart)),
    }


def _look(corpus: Corpus, skeleton: Skeleton) -> _Seen:
    seen = _Seen([], [])
    for index in range(len(corpus.starts) - 1):
        frames = slice(int(corpus.starts[index]), int(corpus.starts[index + 1]))
        arrays = {name: np.asarray(corpus.arrays[name][frames]) for name in ("features", "path", "activity", "action")}
        path = arrays["path"].swapaxes(0, 1).astype(np.float64)
        root, rotations = poses.to_world(arrays["features"].swapaxes(0, 1), path)
        both = _performers(skeleton, root, rotations, arrays["activity"] > 0.5, arrays["action"])
        for i, row in enumerate(both):
            row["emotion"] = np.array(int(corpus.arrays["emotion"][frames.start, i]))
            row["role"] = np.array(int(corpus.roles[index, i]))
        seen.rows.extend(both)
        seen.pairs.append(_pair(skeleton, root, rotations, path))
    return seen


def _performers(
    skeleton: Skeleton,
    root: NDArray[np.floating],
    rotations: NDArray[np.floating],
    talks: NDArray[np.bool_],
    action: NDArray[np.uint8],
) -> list[Row]:
    """Return what is seen of both performers: hips (2, T, 3) and exponential maps (2, T, J, 3), ``talks``, ``action`` (T, 2)."""
    matrices, positions = (np.asarray(a, np.float64) for a in forward_kinematics(skeleton, rotations, root))
    head, chest = skeleton.index("Head"), skeleton.index("Spine3")
    hands = skeleton.indices("LeftHand", "RightHand")
    reach = skeleton.indices("LeftHand", "RightHand", "LeftForeArm", "RightForeArm")
    soles = Soles.of(skeleton).place(matrices, positions)
    eyes = positions[:, :, head] + 0.08 * (matrices[:, :, head, :, 1] + matrices[:, :, head, :, 2])
    rows: list[Row] = []
    for i in range(2):
        velocity = np.gradient(positions[i], axis=0) * FPS
        aside = positions[i][:, reach] - positions[i][:, None, chest]
        rows.append({
            "action": action[:, i],
            "talks": talks[:, i],
            "alone": talks[:, i] & ~talks[:, 1 - i],
            "listens": ~talks[:, i] & talks[:, 1 - i],
            "still": action[:, i] != ACTION_MODES.index("walk"),
            "speed": np.linalg.norm(velocity[:, hands], axis=-1).mean(axis=-1),
            "energy": (velocity**2).sum(axis=-1).mean(axis=-1),
            "hand height": positions[i][:, hands, 1].max(axis=-1) - positions[i][:, 0, 1],
            "expanse": np.linalg.norm(aside[..., [0, 2]], axis=-1).mean(axis=-1),
            "lean": np.arcsin(np.clip(-matrices[i, :, chest, 1, 2], -1, 1)),
            "self": np.array(self_penetration(skeleton, rotations[i, ::6], root[i, ::6]).percent),
            **_gaze(matrices[i, :, head, :, 2], eyes[1 - i] - eyes[i]),
            **_feet(soles[i]),
        })  # fmt: skip
    return rows


def _gaze(forward: Array, away: Array) -> Row:
    """Return how a head that points ``forward`` (T, 3) lies to the partner's eyes, ``away`` (T, 3) from its own; radians."""
    turn = np.arctan2(away[:, 0], away[:, 2]) - np.arctan2(forward[:, 0], forward[:, 2])
    return {
        "pitch": np.arcsin(np.clip(forward[:, 1], -1, 1)),
        "eye line": np.arctan2(away[:, 1], np.hypot(away[:, 0], away[:, 2])),
        "bearing": np.abs((turn + np.pi) % (2 * np.pi) - np.pi),
    }


def _feet(soles: Array) -> Row:
    """Return how deep sole points (T, 2 feet, points, 3) are under the floor, and how fast those slide that bear weight."""
    level = soles[..., 1]
    slow = np.linalg.norm(np.gradient(soles[..., [0, 2]], axis=0), axis=-1) * FPS
    bears = (level < 0.03) & (slow < 0.3)
    return {"floor": -level.min(axis=(1, 2)), "slide": np.array(slow[bears].mean() if bears.any() else np.nan)}


def _pair(
    skeleton: Skeleton, root: NDArray[np.floating], rotations: NDArray[np.floating], path: Array
) -> dict[str, float]:
    overlap = pair_penetration(skeleton, rotations[:, ::3], root[:, ::3])
    apart = np.hypot(*(path[0] - path[1])[:, :2].T)
    return {
        "percent": overlap.percent,
        "deepest": overlap.deepest,
        "nearest": float(apart.min()),
        "median": float(np.median(apart)),
    }


def _hanging(rows: Sequence[Row]) -> float:
    """Return the share of turns of 1.5 s and more, not walking, in which no hand comes 10 cm over the hips' joint."""
    hang = [
        bool(row["hand height"][begin:end].max() < 0.1)
        for row in rows
        for begin, end in turns(row["talks"])
        if end - begin >= 1.5 * FPS and row["still"][begin:end].all()
    ]
    return float(np.mean(hang)) if hang else 0.0


def _grouped(rows: Sequence[Row], by: str, names: Sequence[str]) -> dict[str, list[float | None]]:
    """Return by label: speakers' hand speed and expanse, lean and head pitch in degrees, and how many performers.

    Expanse: hands' and elbows' distance from the chest's axis, on average. Lean: the chest's, forward, of who stands.
    """
    groups: dict[int, list[Array]] = defaultdict(list)
    for row in rows:
        mask = row["still"] & row["talks"]
        stands = row["action"] == ACTION_MODES.index("stand")
        if mask.sum() > FPS:
            values = [row["speed"][mask].mean(), row["expanse"][mask].mean()]
            lean = np.degrees(row["lean"][stands].mean()) if stands.sum() > FPS else np.nan
            groups[int(row[by])].append(np.array([*values, lean, np.degrees(row["pitch"].mean())]))
    return {
        names[k]: [*_round(*(_mean(_known(column)) for column in np.array(groups[k]).T)), len(groups[k])]
        for k in sorted(groups)
        if not np.isnan(np.array(groups[k])[:, 2]).all()
    }


def _status(rows: Sequence[Row]) -> list[float | None]:
    speakers = [row for row in rows if (row["still"] & row["talks"]).sum() > FPS]
    status = [STATUS.get(ROLES[int(row["role"])], 0.0) for row in speakers]
    columns = [
        [row["expanse"][m := row["still"] & row["talks"]].mean(), row["pitch"].mean(), row["speed"][m].mean()]
        for row in speakers
    ]
    return _round(*(_correlation(np.array(status), column) for column in np.array(columns).reshape(-1, 3).T))


def _correlation(a: Array, b: Array) -> float:
    """Return Pearson's correlation; NaN where one of the two is the same throughout."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 1 and np.ptp(a) and np.ptp(b) else np.nan


def _spread(values: Array) -> tuple[float, ...]:
    if not values.size:
        return (np.nan,) * 3
    return (float(values.mean()), *(float(v) for v in np.percentile(values, (5, 95))))


def _mean(values: Array) -> float:
    return float(values.mean()) if values.size else np.nan


def _known(values: Sequence[NDArray[Any]] | Array) -> Array:
    """Return those that are no NaN."""
    array = np.asarray(values, np.float64)
    return array[~np.isnan(array)]


def _round(*values: float) -> list[float | None]:
    """Return figures as they are printed: None for what could not be measured, as JSON has no NaN."""
    return [round(float(value), 3) if np.isfinite(value) else None for value in values]
