"""Eyes that turn by bones, for characters whose faces have no eyeLook shapes: from ARKit's weights to turns of the eyeballs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from duologue import arkit
from duologue.motion.rotations import Floats, as_floats, exp_to_quat, quat_conjugate, quat_multiply
from duologue.rigs.joints import SIDES

REACH: Final = {"In": 32.0, "Out": 32.0, "Up": 24.0, "Down": 27.0}
"""How far (degrees) an eye turns at a weight of 1. ARKit gives no figure; these are our sample characters' eyes', so that bones
and shapes look the same way."""

_BALL: Final = 0.7
"""Half an eye's width, of how far its front is from its joint, from which it is taken for a ball (1 without a cornea)."""

LOOKS: Final = {side: tuple(f"eyeLook{direction}{side}" for direction in REACH) for side in SIDES}
"""The four weights of each eye."""


def eye_turns(weights: ArrayLike, shares: Mapping[str, float] | None = None) -> dict[str, Floats]:
    """Return how each eye (``LeftEye``, ``RightEye``) turns in its socket: quaternions (T, 4) in the head's rest axes.

    Args:
        weights: ARKit weights (T, 52). The head faces +Z at rest, its left is +X, Y is up.
        shares: how much of ``REACH`` an eye turns, by its name; 1 where it is a ball (:func:`share_of_reach`).
    """
    values = as_floats(weights).astype(np.float64)
    turns: dict[str, Floats] = {}
    for side, outwards in zip(SIDES, (1.0, -1.0), strict=True):
        inwards, out, up, down = (
            np.radians(degrees) * values[:, arkit.INDEX[name]]
            for name, degrees in zip(LOOKS[side], REACH.values(), strict=True)
        )
        axis = np.stack([down - up, outwards * (out - inwards), np.zeros(len(values))], axis=-1)
        turns[side + "Eye"] = exp_to_quat(axis * (shares or {}).get(side + "Eye", 1.0))
    return turns


def share_of_reach(points: Floats) -> float:
    """Return how much of ``REACH`` an eye may turn whose vertices (V, 3) are given from its joint, +Z ahead.

    A ball's surface moves by its radius times the turn. The eyes of drawn faces are shields with their joint far behind: the
    same turn would carry the iris out of the lids. What moves is held to what it would be on a ball as wide as the shield.
    """
    if not len(points):
        return 1.0
    ahead = float(points[:, 2].max())
    wide = float(np.abs(points[:, 0] - points[:, 0].mean()).max())
    return 1.0 if wide > _BALL * ahead else wide / ahead


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
