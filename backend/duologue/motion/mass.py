"""Where a body's mass is: its segments and their common centre."""

from __future__ import annotations

from typing import Final

import numpy as np

from duologue.motion.contact import Soles
from duologue.motion.rotations import Floats
from duologue.motion.skeleton import Skeleton, end_positions

SEGMENTS: Final = (
    ("Neck", "Hips", 43.015, 0.432),
    *((f"{side}Arm", f"{side}ForeArm", 2.63, 0.5763) for side in ("Left", "Right")),
    *((f"{side}ForeArm", f"{side}Hand", 1.5, 0.4567) for side in ("Left", "Right")),
    *((f"{side}UpLeg", f"{side}Leg", 14.47, 0.3854) for side in ("Left", "Right")),
    *((f"{side}Leg", f"{side}Foot", 4.57, 0.4374) for side in ("Left", "Right")),
)
"""From joint, to joint, percent of the body's mass, and how far along the segment its centre lies: de Leva 1996 (J. Biomechanics
29, table 4), the mean of women and men. The trunk's upper end, the suprasternal notch, is taken to lie at the neck's base."""
HEAD, HAND, FOOT = 6.81, 0.585, 1.33
"""The same of what has one joint only: the head's centre lies two fifths up from its joint, the hand's at the knuckles, the
foot's between heel and toes."""


def centre_of_mass(skeleton: Skeleton, matrices: Floats, positions: Floats) -> Floats:
    """Return the centre of mass (..., 3), metres, of bodies whose joints are placed: (..., J, 3, 3) and (..., J, 3)."""

    def at(name: str) -> Floats:
        return positions[..., skeleton.index(name), :]

    parts = [(mass, at(a) + along * (at(b) - at(a))) for a, b, mass, along in SEGMENTS]
    ends = dict(zip((joint for joint, _ in skeleton.ends), range(len(skeleton.ends)), strict=True))
    tips = end_positions(skeleton, matrices, positions)
    head = skeleton.index("Head")
    crown = tips[..., ends[head], :] if head in ends else at("Head")
    parts.append((HEAD, at("Head") + 0.4 * (crown - at("Head"))))
    parts += [(HAND, at(f"{side}HandMiddle1")) for side in ("Left", "Right")]
    soles = Soles.of(skeleton).place(matrices, positions)
    parts += [
        (FOOT, 0.6 * soles[..., k, 0, :] + 0.4 * at(f"{side}ToeBase")) for k, side in enumerate(("Left", "Right"))
    ]
    masses = np.array([mass for mass, _ in parts])
    return np.stack([place for _, place in parts], axis=-1) @ (masses / masses.sum())
