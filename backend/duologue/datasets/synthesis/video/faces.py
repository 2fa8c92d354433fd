"""What faces do in a clip: a feeling, perhaps turning into another, a blink, a glance, and a mouth that talks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.arkit import INDEX, NAMES
from duologue.datasets.synthesis.face.templates import ARTICULATION, EXPRESSIONS
from duologue.easing import minimum_jerk

Array = NDArray[np.float64]

_MOUTHS: Final = (
    {"jawOpen": 0.35, "mouthLowerDownLeft": 0.25, "mouthLowerDownRight": 0.25},
    {"jawOpen": 0.18, "mouthStretchLeft": 0.2, "mouthStretchRight": 0.2},
    {"jawOpen": 0.14, "mouthFunnel": 0.45},
    {"jawOpen": 0.10, "mouthPucker": 0.5},
    {"jawOpen": 0.05, "mouthClose": 0.05, "mouthPressLeft": 0.2, "mouthPressRight": 0.2},
    {"jawOpen": 0.10, "mouthRollLower": 0.3},
)
"""Open, spread, rounded, narrow, closed, lip to teeth: what a second of speech runs through, at five a second."""
_SYLLABLES: Final = 5.0
_TALKS: Final = 0.45
_BLINKS: Final = 0.4
_TURNS: Final = 0.3
"""How often somebody talks, blinks, feels something else at the end of a clip than at its start."""


def drawn_face(rng: np.random.Generator, seconds: Array) -> NDArray[np.float32]:
    """Draw ARKit weights (T, 52) in [0, 1] over frames at ``seconds`` (T,)."""
    first, second = rng.integers(len(EXPRESSIONS), size=2)
    strength = rng.uniform(0.2, 1.0)
    weights = np.repeat(strength * EXPRESSIONS[first][None].astype(np.float64), len(seconds), axis=0)
    span = seconds[-1] - seconds[0]
    if rng.random() < _TURNS:
        share = minimum_jerk((seconds - seconds[0] - rng.uniform(0, 0.7) * span) / 0.4)[:, None]
        weights = (1 - share) * weights + share * strength * EXPRESSIONS[second]
    if rng.random() < _TALKS:
        weights += float(ARTICULATION[first]) * _talking(rng, seconds)
    if rng.random() < _BLINKS:
        away = np.abs(seconds - seconds[0] - rng.uniform(0.05, 0.95) * span)
        lids = np.clip(1.5 - away / 0.09, 0.0, 1.0)
        for side in ("Left", "Right"):
            column = INDEX[f"eyeBlink{side}"]
            weights[:, column] = np.maximum(weights[:, column], lids)
    across, up = rng.normal(0, 0.22), rng.normal(0, 0.15)
    for name, value in (
        ("eyeLookOutLeft", across), ("eyeLookInRight", across), ("eyeLookInLeft", -across), ("eyeLookOutRight", -across),
        ("eyeLookUpLeft", up), ("eyeLookUpRight", up), ("eyeLookDownLeft", -up), ("eyeLookDownRight", -up),
    ):  # fmt: skip
        weights[:, INDEX[name]] += max(value, 0.0)
    return np.clip(weights, 0.0, 1.0).astype(np.float32)


def _talking(rng: np.random.Generator, seconds: Array) -> Array:
    """Return weights (T, 52) of a mouth that runs through shapes, drawn; eased from one to the next."""
    count = int(np.ceil((seconds[-1] - seconds[0]) * _SYLLABLES)) + 2
    shapes = np.zeros((count, len(NAMES)))
    for row in shapes:
        for name, value in _MOUTHS[int(rng.integers(len(_MOUTHS)))].items():
            row[INDEX[name]] = value * rng.uniform(0.6, 1.3)
    place = (seconds - seconds[0]) * _SYLLABLES
    low = np.floor(place).astype(np.int64)
    share = minimum_jerk(place - low)[:, None]
    return (1 - share) * shapes[low] + share * shapes[low + 1]
