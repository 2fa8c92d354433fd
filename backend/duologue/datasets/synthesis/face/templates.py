"""What each of the 26 emotions does to a face at rest, and how strongly people articulate in it.

Templates, not measurements: composed by us from the action units that EMFACS (Ekman & Friesen 1983; Matsumoto & Ekman
2008) lists for the basic emotions, and by kinship for the others. Values are ARKit weights, for both sides; they leave
jaw and lip opening to speech.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import NAMES
from duologue.labels import EMOTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TEMPLATES: Final[dict[str, dict[str, float]]] = {
    "surprise": {"browInnerUp": 0.65, "browOuterUp": 0.6, "eyeWide": 0.55, "mouthStretch": 0.05},
    "awe": {"browInnerUp": 0.5, "browOuterUp": 0.35, "eyeWide": 0.35, "mouthSmile": 0.1},
    "confusion": {
        "browDown": 0.35, "browInnerUp": 0.25, "eyeSquint": 0.3, "mouthPress": 0.12, "mouthFrown": 0.1, "mouthShrugLower": 0.2,
    },
    "excitement": {"browInnerUp": 0.35, "browOuterUp": 0.4, "eyeWide": 0.3, "mouthSmile": 0.45, "cheekSquint": 0.25},
    "anxiety": {"browInnerUp": 0.5, "browDown": 0.2, "eyeWide": 0.25, "mouthStretch": 0.15, "mouthPress": 0.15},
    "fear": {"browInnerUp": 0.6, "browOuterUp": 0.3, "browDown": 0.25, "eyeWide": 0.6, "mouthStretch": 0.3},
    "horror": {"browInnerUp": 0.55, "browDown": 0.35, "eyeWide": 0.7, "mouthStretch": 0.4, "mouthFrown": 0.2, "noseSneer": 0.15},
    "disgust": {
        "browDown": 0.4, "noseSneer": 0.4, "mouthUpperUp": 0.08, "mouthFrown": 0.25, "eyeSquint": 0.35, "cheekSquint": 0.2,
    },
    "admiration": {"browInnerUp": 0.3, "browOuterUp": 0.2, "mouthSmile": 0.3, "cheekSquint": 0.15},
    "adoration": {"browInnerUp": 0.35, "mouthSmile": 0.45, "cheekSquint": 0.3, "eyeSquint": 0.2},
    "romance": {"mouthSmile": 0.3, "eyeSquint": 0.25, "browInnerUp": 0.15, "cheekSquint": 0.15},
    "interest": {"browInnerUp": 0.25, "browOuterUp": 0.3, "eyeWide": 0.15, "mouthSmile": 0.08},
    "awkwardness": {"mouthPress": 0.3, "mouthDimple": 0.3, "mouthSmile": 0.15, "browInnerUp": 0.3, "mouthStretch": 0.1},
    "boredom": {"browOuterUp": 0.1, "eyeSquint": 0.2, "mouthFrown": 0.15, "mouthShrugLower": 0.15, "eyeBlink": 0.18},
    "satisfaction": {"mouthSmile": 0.3, "mouthDimple": 0.15, "eyeSquint": 0.15, "cheekSquint": 0.15},
    "relief": {"browInnerUp": 0.25, "mouthSmile": 0.25, "eyeBlink": 0.1, "cheekSquint": 0.1},
    "craving": {"browInnerUp": 0.25, "eyeSquint": 0.1, "mouthSmile": 0.12, "mouthRollLower": 0.1, "eyeWide": 0.1},
    "nostalgia": {"browInnerUp": 0.35, "mouthSmile": 0.18, "eyeSquint": 0.12},
    "entrancement": {"browInnerUp": 0.2, "browOuterUp": 0.15, "eyeWide": 0.2, "mouthSmile": 0.08},
    "calmness": {"mouthSmile": 0.05},
    "aesthetic appreciation": {"browInnerUp": 0.25, "browOuterUp": 0.2, "mouthSmile": 0.2, "eyeSquint": 0.08},
    "joy": {"mouthSmile": 0.6, "cheekSquint": 0.5, "eyeSquint": 0.25, "browOuterUp": 0.12, "mouthDimple": 0.08},
    "amusement": {"mouthSmile": 0.5, "cheekSquint": 0.4, "eyeSquint": 0.3, "mouthDimple": 0.12, "noseSneer": 0.05},
    "pain": {"browDown": 0.6, "cheekSquint": 0.5, "eyeSquint": 0.55, "noseSneer": 0.3, "mouthStretch": 0.3, "eyeBlink": 0.2},
    "anger": {"browDown": 0.75, "eyeSquint": 0.35, "eyeWide": 0.15, "noseSneer": 0.15, "mouthPress": 0.25, "mouthFrown": 0.2},
    "sadness": {"browInnerUp": 0.6, "mouthFrown": 0.45, "mouthShrugLower": 0.3, "eyeBlink": 0.15, "eyeSquint": 0.1},
}  # fmt: skip

_ARTICULATION: Final = {
    "excitement": 1.15, "anger": 1.15, "joy": 1.1, "horror": 1.1, "fear": 1.05, "boredom": 0.75, "sadness": 0.8, "calmness": 0.95,
    "nostalgia": 0.9, "entrancement": 0.85, "anxiety": 0.9, "awkwardness": 0.85,
}  # fmt: skip


_LEGIBLE: Final = 1.3
"""As first written, the faces were hard to tell apart at the size of a preview."""


def _vector(template: dict[str, float]) -> NDArray[np.float32]:
    vector = np.zeros(len(NAMES), np.float32)
    for stem, value in template.items():
        for name in (stem,) if stem in SHAPE else (stem + "Left", stem + "Right"):
            vector[SHAPE[name]] = min(_LEGIBLE * value, 0.95)
    return vector


EXPRESSIONS: Final[NDArray[np.float32]] = np.stack([_vector(_TEMPLATES[label]) for label in EMOTIONS])
"""(26, 52) weights at full strength, rows as ``labels.EMOTIONS``."""

ARTICULATION: Final[NDArray[np.float32]] = np.array([_ARTICULATION.get(label, 1.0) for label in EMOTIONS], np.float32)
"""(26,) factor on how far the mouth moves in speech."""

PLEASANT: Final[NDArray[np.bool_]] = EXPRESSIONS[:, SHAPE["mouthSmileLeft"]] > 0.1
"""(26,) whether a listener in this mood smiles back."""
