"""Where cheeks, nose, chin, forehead, lips and ears are on any face, and points on its skin that go along as it moves.

The shapes that a face has tell where its parts are: cheeks puff where cheeks are. What no shape tells can be marked by hand
(``Character.points``). All of it is worked out on the rest pose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.interactions.actor import UP, Array, Character, Pose
from duologue.interactions.landmark_places import PLACES
from duologue.interactions.patterns import FACE, SIDED
from duologue.interactions.rest_skin import RestSkin
from duologue.motion.rotations import einsum
from duologue.rigs.joints import SIDES

_START: Final = 0.06
"""Metres outside of the skin from which it is looked for, along the normal."""


@dataclass(frozen=True, eq=False)
class Landmark:
    """A place on the skin at rest: ``centre`` (3,) and ``frame`` (3, 3), whose columns point outwards (from the middle, on the
    left for what lies in the middle), up, and out of the skin."""

    name: str
    side: str
    centre: Array
    frame: Array

    def carrier(self, character: Character) -> str:
        """Return the joint word of the bone that it turns with: head, chest or upper arm."""
        return "Head" if self.name in FACE else self.side + "Arm" if self.name == "arm" else character.chest


@dataclass(frozen=True, eq=False)
class Spots:
    """S points on a surface that go along with it: in triangles ``corners`` (S, 3) at ``shares`` (S, 3), with the rest
    ``normals`` (S, 3). ``covers``: the names of materials that lie over the skin there."""

    corners: NDArray[np.int64]
    shares: Array
    normals: Array
    covers: tuple[str, ...] = ()

    def at_rest(self, character: Character) -> Array:
        """Return where they rest (S, 3)."""
        return einsum("sk,skx->sx", self.shares, character.mesh.vertices[self.corners])

    def follow(self, character: Character, pose: Pose, weights: Mapping[str, Array]) -> Array:
        """Return where they are in each frame (T, S, 3), as the face moves."""
        vertices, place = np.unique(self.corners, return_inverse=True)
        posed = character.mesh.pose(pose.skinning(), weights, vertices)
        return einsum("sk,tskx->tsx", self.shares, posed[:, place.reshape(self.corners.shape)])


@lru_cache(maxsize=64)
def find_landmark(character: Character, name: str, side: str = "") -> Landmark:
    """Find a landmark of a face, once; ``side``: ``Left`` or ``Right`` for cheeks and ears.

    Raises:
        DuologueError: FAILED_PRECONDITION ``face-without-landmarks`` when neither shapes nor a marked point tell where it is.
    """
    marked = character.points.get(side + name.title(), character.points.get(name))
    skin = RestSkin.of(character, name)
    if marked is not None:
        centre, towards = skin.nearest(marked)
    else:
        centre, towards = PLACES[name](skin, side)
    normal = skin.normal_at(centre, towards)
    frame = _frame(character, normal, name, side)
    return Landmark(name, side if name in SIDED else "", centre, frame)


def _frame(character: Character, normal: Array, name: str, side: str) -> Array:
    left = -character.left if name in SIDED and side == "Right" else character.left
    towards = _up_of(character, name, side)
    up = towards - (towards @ normal) * normal
    if np.linalg.norm(up) < 0.3:  # under the chin up is ahead
        up = character.ahead - (character.ahead @ normal) * normal
    up /= np.linalg.norm(up)
    out = np.cross(up, normal)
    outwards = left if abs(out @ left) > 0.3 else -character.ahead  # of an ear: back
    if name == "arm":  # behind it, round its outside, however it rests
        outwards = character.ahead
    out = out if out @ outwards >= 0 else -out
    return np.stack([out, up, normal], axis=-1)


def _up_of(character: Character, name: str, side: str) -> Array:
    """Return which unit way (3,) is up: along an arm to its shoulder, and on a shoulder, however it slopes, ahead."""
    if name == "arm":
        way = character.rest_point(side + "Arm") - character.rest_point(side + "ForeArm")
        return way / np.linalg.norm(way)
    return character.ahead if name == "shoulder" else UP


def spots_on(character: Character, landmark: Landmark, path: Array) -> Spots:
    """Lay points (S, 2), metres outwards and up from a landmark, onto the skin along its normal.

    Raises:
        DuologueError: FAILED_PRECONDITION ``face-without-landmarks`` when the path leads off the skin.
    """
    out, up, normal = landmark.frame.T
    starts = landmark.centre + path[:, :1] * out + path[:, 1:] * up + _START * normal
    skin = RestSkin.of(character, landmark.name)
    triangle, shares, covers = skin.first_hit(starts, -normal)
    if (triangle < 0).any():
        raise DuologueError(
            "FAILED_PRECONDITION",
            "face-without-landmarks",
            f"the path over {character.mesh.name}'s {landmark.name} leads off the skin; make the offset smaller",
        )
    corners = skin.triangles[triangle]
    points = einsum("sk,skx->sx", shares, character.mesh.vertices[corners])
    return Spots(corners, shares, skin.normals_at(points, normal), covers)


def sides_of(name: str) -> tuple[str, ...]:
    """Return the sides that a landmark has: ``Left`` and ``Right``, or one without a name."""
    return SIDES if name in SIDED else ("",)
