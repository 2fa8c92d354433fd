"""How far apart the lips are for given ARKit weights, in millimetres, without a mesh at hand.

On ICT-FaceKit (MIT) the height between 28 facing pairs of inner-lip vertices within 12 mm of the middle is, as blendshapes
are, linear in the weights; these are its coefficients. Negative values are lips pressed into each other. Other faces differ by
proportion: measure them on their own mesh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX, NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

REST: Final = 0.62
"""Gap of the neutral face, mm: ICT's lips just part."""
_PER_UNIT: Final = {
    "jawForward": 1.2, "jawOpen": 29.8, "mouthClose": -37.5, "mouthFunnel": 11.0, "mouthPucker": -1.4, "mouthDimpleLeft": -0.6,
    "mouthDimpleRight": -0.6, "mouthRollLower": -2.0, "mouthRollUpper": 1.9, "mouthShrugLower": -6.5, "mouthShrugUpper": 4.6,
    "mouthPressLeft": -1.1, "mouthPressRight": -1.1, "mouthLowerDownLeft": 3.0, "mouthLowerDownRight": 3.0,
    "mouthUpperUpLeft": 3.5, "mouthUpperUpRight": 3.5, "noseSneerLeft": 3.2, "noseSneerRight": 3.2,
}  # fmt: skip
MOUTH_CLOSE_MM: Final = -_PER_UNIT["mouthClose"]
"""How many mm one unit of ``mouthClose`` brings the lips together."""
JAW_OPEN_MM: Final = _PER_UNIT["jawOpen"]
"""How many mm one unit of ``jawOpen`` parts them."""
COEFFICIENTS: Final = np.array([_PER_UNIT.get(name, 0.0) for name in NAMES], np.float32)
"""(52,) mm a unit of each weight."""


def lip_gap(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the gap in mm (...,) of weights (..., 52)."""
    return weights @ COEFFICIENTS + np.float32(REST)


def closing(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (...,) how far lips are shut on purpose in weights (..., 52): ``mouthClose`` against the jaw, about 0 to 1."""
    return weights[..., INDEX["mouthClose"]] / (weights[..., INDEX["jawOpen"]].clip(0) + np.float32(0.03))


def shut(weights: NDArray[np.float32], closure: NDArray[np.float32], gap: float = -1.0) -> NDArray[np.float32]:
    """Return weights (T, 52) with ``mouthClose`` raised until the gap is ``gap`` mm where ``closure`` (T,) is 1."""
    missing = (lip_gap(weights) - np.float32(gap)).clip(0) / MOUTH_CLOSE_MM
    closed = weights.copy()
    closed[:, INDEX["mouthClose"]] += closure * missing
    return closed
