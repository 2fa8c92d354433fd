"""What face captures are like: how far jaws open, how often eyes blink, which shapes never move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from duologue.arkit import INDEX, NAMES
from duologue.datasets.readers.live_link import FaceCapture
from duologue.units import FPS

STILL: Final = 0.02
"""A shape that never moves by more is one that the tracker does not see."""
SHUT: Final = 0.5
"""Weight of ``eyeBlink`` from which an eye counts as shut."""


def figures(captures: Sequence[FaceCapture]) -> dict[str, Any]:
    """Return figures of all captures together; at least one."""
    weights = np.concatenate([capture.weights for capture in captures])
    minutes = len(weights) / FPS / 60
    shut = [capture.weights[:, INDEX["eyeBlinkLeft"]] > SHUT for capture in captures]
    blinks = sum(int((np.diff(eye.astype(int)) > 0).sum()) for eye in shut)
    jaw = weights[:, INDEX["jawOpen"]]
    absent = set.union(*(set(capture.missing) for capture in captures))
    moved = np.ptp(weights, axis=0) > STILL
    return {
        "captures": len(captures),
        "minutes": round(minutes, 2),
        "jawOpen: mean, 95th percentile, most": [
            round(float(v), 3) for v in (jaw.mean(), np.percentile(jaw, 95), jaw.max())
        ],
        "blinks a minute": round(blinks / minutes, 1),
        "frames with a weight outside 0 to 1, percent": round(
            100 * float(((weights < 0) | (weights > 1)).any(1).mean()), 1
        ),
        "shapes that a table lacks": [name for name in NAMES if name in absent],
        "shapes that never move": [
            name for name, moves in zip(NAMES, moved, strict=True) if not moves and name not in absent
        ],
    }
