"""ARKit's 52 blendshapes: names, groups, mirror pairs, and the Live Link Face column order.

Source: Apple, ARFaceAnchor.BlendShapeLocation (names in camelCase); Live Link Face's CSV (column order, PascalCase).
Weights are always matched by name, never by index: Live Link lists JawRight before JawLeft, Apple the reverse.
"""

from __future__ import annotations

from typing import Final


def _sided(*stems: str) -> tuple[str, ...]:
    return tuple(stem + side for stem in stems for side in ("Left", "Right"))


NAMES: Final[tuple[str, ...]] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    *_sided("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch"),
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    *_sided("mouthPress", "mouthLowerDown", "mouthUpperUp", "browDown"),
    "browInnerUp", *_sided("browOuterUp"), "cheekPuff", *_sided("cheekSquint", "noseSneer"), "tongueOut",
)  # fmt: skip
"""The 52 names in Apple's documentation order: the column order of ``weights`` everywhere in Duologue."""

INDEX: Final[dict[str, int]] = {name: column for column, name in enumerate(NAMES)}

LIVE_LINK_ORDER: Final[tuple[str, ...]] = tuple(
    {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}.get(name, name)
    for name in NAMES
)
"""The same names in the order of Live Link Face's CSV columns (there in PascalCase)."""

LOWER_FACE: Final[tuple[str, ...]] = tuple(name for name in NAMES if name.startswith(("jaw", "mouth")))
EYES: Final[tuple[str, ...]] = tuple(name for name in NAMES if name.startswith("eye"))
BROWS: Final[tuple[str, ...]] = tuple(name for name in NAMES if name.startswith("brow"))
UPPER_FACE: Final[tuple[str, ...]] = tuple(name for name in NAMES if name not in LOWER_FACE and name != "tongueOut")


def mirrored(name: str) -> str:
    """Return the name of the shape on the other side of the face; shapes without a side return themselves."""
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return name
