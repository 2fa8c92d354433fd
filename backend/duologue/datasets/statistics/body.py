"""What a corpus of pairs is like, in figures: how lively speakers and listeners are, where heads look, what emotions do.

``python -m duologue.datasets.statistics.body CORPUS`` prints them. They hold for any corpus in the networks' format.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing

from duologue.datasets.corpus.body import Corpus
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


def figures(corpus: Corpus, skeleton: Skeleton) -> dict[str, Any]:
    """Return the corpus's figures by name: metres, metres a second, degrees, percent of frames."""
    rows: list[Row] = []
    pairs: list[dict[str, float]] = []
    for index in range(len(corpus.starts) - 1):
        frames = slice(int(corpus.starts[index]), int(corpus.starts[index + 1]))
        both, pair = _measure(corpus, frames, skeleton)
        for i, row in enumerate(both):
            row["emotion"] = np.array(int(corpus.arrays["emotion"][frames.start, i]))
            row["role"] = np.array(int(corpus.roles[index, i]))
        rows += both
        pairs.append(pair)
    still = [row["still"] & row["alone"] for row in rows]
    quiet = [row["still"] & row["listens"] for row in rows]

    def over(name: str, masks: Sequence[NDArray[np.bool_]]) -> float:
        return float(np.concatenate([row[name][mask] for row, mask in zip(rows, masks, strict=True)]).mean())

    action = np.concatenate([row["action"] for row in rows])
    speaker, listener = over("speed", still), over("speed", quiet)
    pitch = np.concatenate([row["pitch"] for row in rows])
    line = np.concatenate([row["eye line"] for row in rows])
    looking = np.concatenate([row["bearing"] for row in rows]) < np.radians(15)
    depth = np.concatenate([row["floor"] for row in rows])
    return {
        "pairs": len(pairs),
        "minutes": round(len(action) / 2 / FPS / 60, 1),
        "action, percent of frames": {
            mode: round(100 * float((action == k).mean()), 1) for k, mode in enumerate(ACTION_MODES)
        },
        "hand speed, one speaks, not walking: speaker, listener, ratio": _round(speaker, listener, listener / speaker),
        "body energy (mean square joint speed): speaker, listener, ratio": _round(
            e := over("energy", still), o := over("energy", quiet), o / e
        ),
        "turns of 1.5 s and more with hanging hands, percent": round(100 * _hanging(rows), 1),
        "head pitch, degrees: mean, 5th and 95th percentile": _round(*_spread(np.degrees(pitch))),
        "head pitch less the line to the partner's eyes where the head is turned there, degrees": _round(
            *_spread(np.degrees(pitch - line)[looking])
        ),
        "frames with the head turned to the partner (15 degrees), percent": round(100 * float(looking.mean()), 1),
        "sole under the floor: percent of frames over 1 cm, deepest in metres": _round(
            100 * float((depth > 0.01).mean()), float(depth.max())
        ),
        "feet in contact slide, m/s": _round(float(np.nanmean([row["slide"] for row in rows]))),
        "bodies in each other: percent over 2 cm, deepest": _round(
            float(np.mean([p["percent"] for p in pairs])), max(p["deepest"] for p in pairs)
        ),
        "body in itself: percent over 2 cm": _round(float(np.mean([row["self"] for row in rows]))),
        "nearest hips, metres": _round(min(p["nearest"] for p in pairs)),
        "distance of the hips, metres: 5th, 50th, 95th percentile": _round(*_distances(pairs)),
        "by emotion": _grouped(rows, "emotion", EMOTIONS),
        "by role": _grouped(rows, "role", ROLES),
        "correlation of status with expanse, head pitch, hand speed": _status(rows),
    }


def _measure(corpus: Corpus, frames: slice, skeleton: Skeleton) -> tuple[list[Row], dict[str, float]]:
    """Return what is seen of both performers, a row each (T,), and of the two together."""
    arrays = {name: np.asarray(array[frames]) for name, array in corpus.arrays.items() if name not in ("text", "mel")}
    path = arrays["path"].swapaxes(0, 1).astype(np.float64)
    root, rotations = poses.to_world(arrays["features"].swapaxes(0, 1), path)
    matrices, positions = (np.asarray(a, np.float64) for a in forward_kinematics(skeleton, rotations, root))
    head, chest = skeleton.index("Head"), skeleton.index("Spine3")
    hands = skeleton.indices("LeftHand", "RightHand")
    reach = skeleton.indices("LeftHand", "RightHand", "LeftForeArm", "RightForeArm")
    soles = Soles.of(skeleton).place(matrices, positions)
    talks = arrays["activity"] > 0.5
    eyes = positions[:, :, head] + 0.08 * (matrices[:, :, head, :, 1] + matrices[:, :, head, :, 2])
    rows: list[Row] = []
    for i in range(2):
        forward = matrices[i, :, head, :, 2]
        away = eyes[1 - i] - eyes[i]
        moved = np.gradient(positions[i], axis=0) * FPS
        turn = np.arctan2(away[:, 0], away[:, 2]) - np.arctan2(forward[:, 0], forward[:, 2])
        aside = positions[i][:, reach] - positions[i][:, None, chest]
        level = soles[i, :, :, :, 1]
        slow = np.linalg.norm(np.gradient(soles[i][..., [0, 2]], axis=0), axis=-1) * FPS
        bears = (level < 0.03) & (slow < 0.3)
        rows.append({
            "action": arrays["action"][:, i],
            "talks": talks[:, i],
            "alone": talks[:, i] & ~talks[:, 1 - i],
            "listens": ~talks[:, i] & talks[:, 1 - i],
            "still": arrays["action"][:, i] != ACTION_MODES.index("walk"),
            "speed": np.linalg.norm(moved[:, hands], axis=-1).mean(axis=-1),
            "energy": (moved**2).sum(axis=-1).mean(axis=-1),
            "hand height": positions[i][:, hands, 1].max(axis=-1) - positions[i][:, 0, 1],
            "expanse": np.linalg.norm(aside[..., [0, 2]], axis=-1).mean(axis=-1),
            "pitch": np.arcsin(np.clip(forward[:, 1], -1, 1)),
            "eye line": np.arctan2(away[:, 1], np.hypot(away[:, 0], away[:, 2])),
            "bearing": np.abs((turn + np.pi) % (2 * np.pi) - np.pi),
            "lean": np.arcsin(np.clip(-matrices[i, :, chest, 1, 2], -1, 1)),
            "floor": -level.min(axis=(1, 2)),
            "slide": np.array(slow[bears].mean() if bears.any() else np.nan),
            "self": np.array(self_penetration(skeleton, rotations[i, ::6], root[i, ::6]).percent),
        })  # fmt: skip
    overlap = pair_penetration(skeleton, rotations[:, ::3], root[:, ::3])
    apart = np.hypot(*(path[0] - path[1])[:, :2].T)
    pair = {
        "percent": overlap.percent,
        "deepest": overlap.deepest,
        "nearest": float(apart.min()),
        "median": float(np.median(apart)),
    }
    return rows, pair


def _hanging(rows: Sequence[Row]) -> float:
    """Share of turns of 1.5 s and more, not walking, in which no hand comes 10 cm over the hips' joint.

    Pauses of less than a second belong to a turn.
    """
    turns: list[bool] = []
    for row in rows:
        talks = binary_closing(np.pad(row["talks"], FPS), np.ones(FPS))[FPS:-FPS]
        edges = np.flatnonzero(np.diff(np.concatenate([[0], talks.astype(int), [0]])))
        for begin, end in edges.reshape(-1, 2):
            if end - begin >= 1.5 * FPS and row["still"][begin:end].all():
                turns.append(bool(row["hand height"][begin:end].max() < 0.1))
    return float(np.mean(turns)) if turns else 0.0


def _grouped(rows: Sequence[Row], by: str, names: Sequence[str]) -> dict[str, list[float]]:
    """Return by label: speakers' hand speed and expanse, lean and head pitch in degrees, and how many performers.

    Expanse: hands' and elbows' distance from the chest's axis, on average. Lean: the chest's, forward, of who stands.
    """
    found: dict[int, list[Array]] = defaultdict(list)
    for row in rows:
        mask = row["still"] & row["talks"]
        stands = row["action"] == ACTION_MODES.index("stand")
        if mask.sum() > FPS:
            values = [row["speed"][mask].mean(), row["expanse"][mask].mean()]
            lean = np.degrees(row["lean"][stands].mean()) if stands.sum() > FPS else np.nan
            found[int(row[by])].append(np.array([*values, lean, np.degrees(row["pitch"].mean())]))
    return {
        names[k]: [*_round(*np.nanmean(found[k], axis=0).tolist()), len(found[k])]
        for k in sorted(found)
        if not np.isnan(np.array(found[k])[:, 2]).all()
    }


def _status(rows: Sequence[Row]) -> list[float]:
    kept = [row for row in rows if (row["still"] & row["talks"]).sum() > FPS]
    status = [STATUS.get(ROLES[int(row["role"])], 0.0) for row in kept]
    seen = [
        [row["expanse"][m := row["still"] & row["talks"]].mean(), row["pitch"].mean(), row["speed"][m].mean()]
        for row in kept
    ]
    return _round(*(float(np.corrcoef(status, column)[0, 1]) for column in np.array(seen).T))


def _distances(pairs: Sequence[Mapping[str, float]]) -> tuple[float, ...]:
    return tuple(float(value) for value in np.percentile([pair["median"] for pair in pairs], (5, 50, 95)))


def _spread(values: Array) -> tuple[float, ...]:
    return (float(values.mean()), *(float(v) for v in np.percentile(values, (5, 95))))


def _round(*values: float) -> list[float]:
    return [round(float(value), 3) for value in values]


if __name__ == "__main__":
    print(json.dumps(figures(Corpus.open(Path(sys.argv[1])), Skeleton.builtin("duologue60")), indent=1))
