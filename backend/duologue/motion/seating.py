"""How hips go down onto a seat and up from it, over feet that stand: from captured people.

The medians of 22 sit-downs and 13 stand-ups of the starter's training corpus (Rocketbox clips; frames from the label, which
comes as the hips pass 0.7 of their standing height). Hips go back by half a metre, most of it before the label; getting up they
lean forward first and travel afterwards.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.units import FPS

Array = NDArray[np.float64]

_DOWN: Final = ((-1.6, -1.4, -1.2, -1.0, -0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4),
                (0.430, 0.409, 0.381, 0.320, 0.249, 0.191, 0.133, 0.101, 0.062, 0.027, 0.0))  # fmt: skip
"""Seconds from the label, and metres that the hips are still before the seat."""
_UP: Final = (
    (-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.8),
    (0.0, 0.03, 0.075, 0.11, 0.157, 0.225, 0.292, 0.342, 0.38, 0.404, 0.417, 0.43),
)
"""Seconds from the label, and metres that they have come forward: before the label by as much as captured people draw back their
feet, since feet that stand are held here."""
SEATED: Final = _DOWN[1][0]
"""Metres that somebody stands before the seat they are going to sit down on."""
RISEN: Final = _UP[1][-1]
"""Metres before a seat that somebody stands who has got up from it."""
SETTLED: Final = int(1.6 * FPS)
"""Frames before the label by which they stand there, with their back to it."""
SITTING: Final = int(0.9 * FPS)
"""The least of them: hips can be down in so many."""
RISING: Final = (-18, 0, 12)
LOWERING: Final = (-12, 0)
"""Frames from the label in which the hips are where captured ones are."""
RISE: Final = int(0.9 * FPS)
"""Frames from the end of the label to the first step."""


def sitting_down(frames: NDArray[np.integer[Any]], after: int = FPS) -> Array:
    """Return how far (n,) metres hips have gone back, ``frames`` (n,) from the label; done by ``after`` frames behind it."""
    seconds, before = _DOWN
    scale = np.where(frames > 0, min(max(after, 1) / (seconds[-1] * FPS), 1.0), 1.0)
    if after <= 0:
        return SEATED - np.interp((frames + seconds[-1] * FPS) / FPS, seconds, before)
    return SEATED - np.interp(frames / scale / FPS, seconds, before)


def rising(frames: NDArray[np.integer[Any]]) -> Array:
    """Return how far (n,) metres hips are still behind where somebody will stand, ``frames`` (n,) from the end of the label."""
    return RISEN - np.interp(frames / FPS, *_UP)
