"""Do emotions and roles change how bodies move? The same speech and the same seed under two labels, and what differs.

What is looked at are the qualities that Laban-trained observers and motion statistics agree on for emotional gesture (Kleinsmith
& Bianchi-Berthouze 2013): how fast, how wide, and how one holds oneself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from duologue.evaluation.body.bodies import WRISTS, Bodies
from duologue.evaluation.body.systems import Clip, System, samples
from duologue.evaluation.intervals import Figure, Sums, difference, figure
from duologue.features.root import heading
from duologue.labels import EMOTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Manner = dict[str, NDArray[np.float64]]

EMOTION_PAIRS: Final = (
    ("joy", "sadness"),
    ("anger", "calmness"),
    ("excitement", "boredom"),
    ("fear", "calmness"),
)
"""Opposites, both performers in the same one."""
ROLE_PAIRS: Final = (
    ("boss", "subordinate"),
    ("teacher", "student"),
    ("parent", "child"),
    ("bully", "classmate"),
)
"""Relationships of two unlike halves; each performer plays either half once."""
FEWEST: Final = 6
"""Pairs from which an interval is believed: a bootstrap of three leaves out 0 whenever all three agree, one time in four."""


def manner(bodies: Bodies) -> Manner:
    """Return how each performer moves, frame by frame (2, T).

    ``wrist_speed_m_s``: of both wrists against the hips; ``expanse_m``: distance of the wrists from the line of the trunk (hips
    to neck); ``lean_degrees``: of that line forward from upright, as the hips head; ``gaze_degrees``: of the head, up from level.
    """
    hips, neck = np.moveaxis(bodies.at("Hips", "Neck"), 2, 0)
    trunk = neck - hips
    along = trunk / np.linalg.norm(trunk, axis=-1, keepdims=True)
    reach = bodies.at(*WRISTS) - hips[:, :, None]
    beside = reach - (reach * along[:, :, None]).sum(-1, keepdims=True) * along[:, :, None]
    yaw = heading(bodies.rotations[:, :, 0].astype(np.float64))
    forward = trunk[..., 0] * np.sin(yaw) + trunk[..., 2] * np.cos(yaw)
    head = bodies.matrices[:, :, bodies.skeleton.index("Head"), :, 2]
    return {
        "wrist_speed_m_s": bodies.speeds(*WRISTS, own=True).mean(-1),
        "expanse_m": np.linalg.norm(beside, axis=-1).mean(-1),
        "lean_degrees": np.degrees(np.arctan2(forward, trunk[..., 1])),
        "gaze_degrees": np.degrees(np.arcsin(np.clip(head[..., 1], -1, 1))),
    }


def effects(
    system: System,
    clips: Sequence[Clip],
    cache: Path | None,
    report: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Return for each two labels the mean manner under the first and the first minus the second, paired, with 95 % intervals.

    JSON values: ``emotions`` and ``roles``, each ``{"joy - sadness": {measure: {"first": figure, "difference": figure, "moves":
    bool}}}``; ``moves``: the difference's interval leaves out 0; None for fewer than ``FEWEST`` pairs.
    """
    if system.pipeline is None:
        raise ValueError("only a checkpoint can be asked for another label.")
    known = system.pipeline.model.config
    contrasts = {
        "emotions": (_under_emotions, [pair for pair in EMOTION_PAIRS if set(pair) <= set(known.emotions)]),
        "roles": (_under_roles, [pair for pair in ROLE_PAIRS if set(pair) <= set(known.roles)]),
    }
    skeleton = system.pipeline.skeleton
    total = len(clips) * sum(len(pairs) for _, pairs in contrasts.values())
    done = iter(range(1, total + 1))

    def manner_of(clip: Clip) -> Manner:
        (motion,) = samples(system, clip, 1, cache)
        return manner(Bodies(skeleton, motion.root, motion.rotations))

    result: dict[str, Any] = {}
    for kind, (under, pairs) in contrasts.items():
        result[kind] = {}
        for first, second in pairs:
            ones: list[dict[str, Sums]] = []
            twos: list[dict[str, Sums]] = []
            for clip in clips:
                for rows, values in zip((ones, twos), under(clip, (first, second), manner_of), strict=True):
                    rows.append({key: (float(value.sum()), value.size) for key, value in values.items()})
                report("effects", next(done), total)
            result[kind][f"{first} - {second}"] = _contrast(ones, twos)
    return result


def _under_emotions(clip: Clip, labels: tuple[str, str], manner_of: Callable[[Clip], Manner]) -> tuple[Manner, Manner]:
    """Return the manner of both performers under either emotion."""
    first, second = (manner_of(_felt(clip, label)) for label in labels)
    return first, second


def _under_roles(clip: Clip, labels: tuple[str, str], manner_of: Callable[[Clip], Manner]) -> tuple[Manner, Manner]:
    """Return the manner of both performers in either half of a relationship: whoever plays the first then plays the second."""
    first, second = labels
    one, other = (manner_of(_played(clip, halves)) for halves in ((first, second), (second, first)))
    return (
        {key: np.stack([one[key][0], other[key][1]]) for key in one},
        {key: np.stack([other[key][0], one[key][1]]) for key in one},
    )


def _felt(clip: Clip, emotion: str) -> Clip:
    felt = np.full_like(clip.conditions.emotion, EMOTIONS.index(emotion))
    return dataclasses.replace(clip, conditions=dataclasses.replace(clip.conditions, emotion=felt))


def _played(clip: Clip, roles: tuple[str, str]) -> Clip:
    return dataclasses.replace(clip, conditions=dataclasses.replace(clip.conditions, roles=roles))


def _holds_zero(value: Figure) -> bool:
    return value.low is not None and value.high is not None and value.low <= 0 <= value.high


def _contrast(ones: Sequence[dict[str, Sums]], twos: Sequence[dict[str, Sums]]) -> dict[str, Any]:
    contrast: dict[str, Any] = {}
    for key in ones[0]:
        apart = difference([row[key] for row in ones], [row[key] for row in twos])
        few = apart.low is None or apart.high is None or len(ones) < FEWEST
        moves = None if few else not _holds_zero(apart)
        contrast[key] = {
            "first": figure([row[key] for row in ones]).to_json(),
            "difference": apart.to_json(),
            "moves": moves,
        }
    return contrast
