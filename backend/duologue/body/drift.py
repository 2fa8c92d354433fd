"""Over minutes: whoever stands or sits keeps turned as they were.

A root's path is a sum of steps, and so are the small errors in them: after ten minutes of talk somebody may have turned away
without having moved. Who has not walked for a while, and is led nowhere, is brought back slowly once they have turned too far.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.labels import ACTION_MODES
from duologue.motion.placement import bearing_to_partner
from duologue.units import FPS

Floats = NDArray[np.float64]

PATIENCE: Final = 15 * FPS
"""Frames that somebody stands or sits before anything is corrected: people do turn for a moment."""
FREE: Final = np.radians(15.0)
"""How far anyone may turn from where they were turned, as the partner sees it: the default starts are opened by 25 degrees."""
RATE: Final = np.radians(2.0) / FPS
"""The fastest that they are brought back, radians a frame: feet that stand are turned by half a centimetre a second."""

_WALK: Final = ACTION_MODES.index("walk")


def bearings(path: NDArray[np.floating]) -> Floats:
    """Return where each one's partner is, (2, n) radians from straight ahead, of paths (2, n, 3) x, z, heading."""
    level = np.zeros(path.shape[:2])
    forward = np.stack([np.sin(path[..., 2]), level, np.cos(path[..., 2])], axis=-1)
    return bearing_to_partner(np.stack([path[..., 0], level, path[..., 1]], axis=-1), forward)


class DriftCorrection:
    """Follows both through a take, window by window."""

    def __init__(self, starts: NDArray[np.floating]) -> None:
        """``starts`` (2, 3): x, z, heading."""
        self._turned = bearings(np.asarray(starts, np.float64)[:, None])[:, 0]
        self._still = np.zeros(2, np.int64)

    def correct(self, path: Floats, actions: NDArray[np.integer], led: NDArray[np.bool_]) -> Floats:
        """Return the next frames of both paths (2, n, 3), turned back where that is due.

        ``actions`` (2, n): indices into ``ACTION_MODES``; ``led`` (2, n): where a way is given, which nothing corrects.
        """
        bearing = bearings(path)[:, -1]
        corrected = path.copy()
        count = path.shape[1]
        for performer in range(2):
            if led[performer].any() or (actions[performer] == _WALK).any():
                self._still[performer], self._turned[performer] = 0, bearing[performer]
                continue
            self._still[performer] += count
            if self._still[performer] <= PATIENCE:
                continue
            away = (bearing[performer] - self._turned[performer] + np.pi) % (2 * np.pi) - np.pi
            turn = np.sign(away) * min(max(abs(away) - FREE, 0.0), RATE * count)
            corrected[performer, :, 2] += turn * smoothstep(np.arange(1, count + 1) / count)
        return corrected
