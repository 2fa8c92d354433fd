"""InterAct's face weights: ICT-FaceKit's 55 columns, and the 51 of ARKit's without the tongue, as our 52.

The data set's page prints no order of columns. ICT-FaceKit's own list is alphabetical (its ``vertex_indices.json``), and the 55
with ``cheekRaiser`` fit that; 51 may be the same list merged, or Apple's order. Where both files are there, they say which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.arkit import INDEX, LIVE_LINK_ORDER, NAMES

_MERGED: Final = ("browInnerUp", "cheekPuff")
"""Of ARKit's, those that ICT-FaceKit has a left and a right one of."""
_SIDES: Final = ("Left", "Right")
_SIDELESS: Final = tuple(name for name in NAMES if not name.endswith(_SIDES))

TONGUELESS: Final = tuple(name for name in NAMES if name != "tongueOut")


def _sorted_by_stem(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=str.lower))


ICT: Final = _sorted_by_stem(
    [name for name in TONGUELESS if name not in _MERGED]
    + [stem + side for stem in (*_MERGED, "cheekRaiser") for side in _SIDES]
)
"""The 55, in the order of the alphabet."""
ORDERS: Final = {
    "alphabetical": _sorted_by_stem(TONGUELESS),
    "Apple's": TONGUELESS,
    "Live Link Face's": tuple(name for name in LIVE_LINK_ORDER if name != "tongueOut"),
}
"""In which 51 columns may come."""


def from_ict(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return (T, 52) of ICT-FaceKit's (T, 55): the means of what ARKit has one of; a raised cheek is none of its shapes."""
    ours = np.zeros((len(weights), len(NAMES)), np.float32)
    for name in TONGUELESS:
        sides = [ICT.index(name + side) for side in _SIDES] if name in _MERGED else [ICT.index(name)]
        ours[:, INDEX[name]] = weights[:, sides].mean(1)
    return ours


def from_tongueless(weights: NDArray[np.floating], order: str = "alphabetical") -> NDArray[np.float32]:
    """Return (T, 52) of (T, 51) in one of ``ORDERS``."""
    ours = np.zeros((len(weights), len(NAMES)), np.float32)
    ours[:, [INDEX[name] for name in ORDERS[order]]] = weights
    return ours


def order_of(weights: NDArray[np.floating], ict: NDArray[np.floating]) -> tuple[str, float]:
    """Return in which of ``ORDERS`` 51 columns (T, 51) lie closest to the same face's ICT weights (T, 55), and how far off they
    are, the mean of absolute differences."""
    frames = min(len(weights), len(ict))
    truth = from_ict(ict[:frames])
    off = {order: float(np.abs(from_tongueless(weights[:frames], order) - truth).mean()) for order in ORDERS}
    best = min(off, key=lambda order: off[order])
    return best, off[best]
