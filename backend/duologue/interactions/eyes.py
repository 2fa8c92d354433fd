"""Eyes, which nothing of a hand comes near, whatever it touches beside them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from duologue.interactions.actor import Array, Character, Pose
from duologue.interactions.rest_skin import RestSkin
from duologue.motion.rotations import einsum
from duologue.rigs.joints import SIDES

_RADIUS: Final = 0.02
"""Metres round the middle of the lids: half of an adult's eye from corner to corner (31 mm) and the lower lid."""


def in_eyes(pose: Pose, points: Array, radius: Array) -> Array:
    """Return how deep (T, n) balls at ``points`` (T, n, 3) of ``radius`` (n,) are in what belongs to an eye, metres; negative
    outside, and for faces that no shape tells about."""
    centres = _centres(pose.character)
    if not len(centres):
        return np.full(points.shape[:-1], -np.inf)
    local = centres - pose.character.rest_point("Head")
    placed = pose.joint("Head")[:, None] + einsum("tij,ej->tei", pose.turn_of("Head"), local)
    away = np.linalg.norm(points[:, :, None] - placed[:, None], axis=-1).min(axis=-1)
    return radius + _RADIUS * RestSkin.of(pose.character, "nose").size - away


@lru_cache(maxsize=16)
def _centres(character: Character) -> Array:
    skin = RestSkin.of(character, "nose")
    found = [skin.centre_of(f"eyeBlink{side}") for side in SIDES]
    return np.array([one for one in found if one is not None])
