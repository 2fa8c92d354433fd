"""Eyes that turn by bones, for characters whose faces have no eyeLook shapes: from ARKit's weights to turns of the eyeballs."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from duologue import arkit
from duologue.motion.rotations import Floats, as_floats, exp_to_quat, quat_conjugate, quat_multiply
from duologue.rigs.joints import SIDES

REACH: Final = {"In": 32.0, "Out": 32.0, "Up": 24.0, "Down": 27.0}
"""How far (degrees) an eye turns at a weight of 1. ARKit gives no figure; these are our sample characters' eyes', so that bones
and shapes look the same way."""

LOOKS: Final = {side: tuple(f"eyeLook{direction}{side}" for direction in REACH) for side in SIDES}
"""The four weights of each eye."""


def eye_turns(weights: ArrayLike) -> dict[str, Floats]:
    """Return how each eye (``LeftEye``, ``RightEye``) turns in its socket: quaternions (T, 4) in the head's rest axes.

    Args:
        weights: ARKit weights (T, 52). The head faces +Z at rest, its left is +X, Y is up.
    """
    values = as_floats(weights).astype(np.float64)
    turns: dict[str, Floats] = {}
    for side, outwards in zip(SIDES, (1.0, -1.0), strict=True):
        inwards, out, up, down = (
            np.radians(degrees) * values[:, arkit.INDEX[name]]
            for name, degrees in zip(LOOKS[side], REACH.values(), strict=True)
        )
        axis = np.stack([down - up, outwards * (out - inwards), np.zeros(len(values))], axis=-1)
        turns[side + "Eye"] = exp_to_quat(axis)
    return turns


def in_bone_axes(turn: Floats, rest: Floats, heading: float) -> Floats:
    """Return what a pose bone's quaternion (T, 4) has to be for its eye to turn as ``turn`` (T, 4) says.

    Args:
        turn: from :func:`eye_turns`.
        rest: the bone's rest rotation (4,) in our world.
        heading: which way the body faces at rest, radians about +Y (``rigs.alignment.heading``).
    """
    facing = np.array([np.cos(heading / 2), 0.0, np.sin(heading / 2), 0.0])
    axes = quat_multiply(quat_conjugate(rest), facing)
    return quat_multiply(quat_multiply(axes, turn), quat_conjugate(axes))
