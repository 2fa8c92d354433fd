"""Whether somebody's legs are in the picture that their motion was estimated from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_opening

from duologue.units import FPS

_LEGS: Final = (13, 14, 15, 16)
"""Knees and ankles among COCO's 17 keypoints (Lin et al. 2014), which every larger set of the kind begins with."""
_SEEN: Final = 0.3
"""Confidence of a keypoint from which it is taken to be there."""
_HEIGHT: Final = 1080.0
"""Pixels of its pictures, as their page says."""
_EDGE: Final = 0.98
"""Of the height: a joint below that is guessed."""
_FLICKER: Final = FPS // 3


def legs_seen(arrays: Mapping[str, NDArray[Any]], frames: int) -> NDArray[np.bool_]:
    """Return (T,) whether both knees and ankles are in the picture. Where nothing tells they are not: most of these people
    sit at a table or are framed to the waist."""
    keypoints = np.asarray(arrays.get("boxes_and_keypoints:keypoints", np.zeros(0)))
    if keypoints.ndim != 3 or len(keypoints) != frames or keypoints.shape[1] < 17 or keypoints.shape[2] < 2:
        return np.zeros(frames, bool)
    legs = np.asarray(keypoints[:, _LEGS], np.float64)
    inside = np.isfinite(legs).all((1, 2)) & ((legs[..., 1] > 0) & (legs[..., 1] < _EDGE * _HEIGHT)).all(1)
    if legs.shape[2] > 2:
        inside &= (legs[..., 2] > _SEEN).all(1)
    # A third of a second of either is an estimate that flickers.
    whole = np.ones(_FLICKER, bool)
    return np.asarray(binary_opening(binary_closing(inside, whole), whole), bool)
