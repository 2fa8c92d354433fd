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
from duologue.interactions.patterns import FACE, SIDED
from duologue.motion.rotations import einsum
from duologue.rigs.joints import SIDES, chain

_AROUND: Final = 0.012
"""Metres round a point over which its normal is averaged: a fingertip's width."""
_START: Final = 0.06
"""Metres outside of the skin from which it is looked for, along the normal."""
_COVERED: Final = 0.004
"""Metres by which hair or a helmet lies above the skin before it counts as covering it."""

NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "cheek": ("cheekPuff", "cheekSquint{side}", "mouthSmile{side}"),
    "nose": ("noseSneerLeft", "noseSneerRight"),
    "chin": ("jawOpen",),
    "forehead": ("browInnerUp", "browOuterUpLeft"),
    "lips": ("mouthPucker", "mouthFunnel", "mouthClose", "jawOpen"),
    "ear": ("eyeBlinkLeft", "eyeBlinkRight", "eyeSquintLeft", "browInnerUp"),
}
"""Landmark -> the ARKit shapes that tell where it is, the first that a face has before the others."""


@dataclass(frozen=True, eq=False)
class Landmark:
    """A place on the skin at rest: ``centre`` (3,) and ``frame`` (3, 3), whose columns point outwards (from the middle, on the
    left for what lies in the middle), up, and out of the skin."""

    name: str
    side: str
    centre: Array
    frame: Array


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


def find_landmark(character: Character, name: str, side: str = "") -> Landmark:
    """Find a landmark of a face; ``side``: ``Left`` or ``Right`` for cheeks and ears.

    Raises:
        DuologueError: FAILED_PRECONDITION ``face-without-landmarks`` when neither shapes nor a marked point tell where it is.
    """
    marked = character.points.get(side + name.title(), character.points.get(name))
    skin = _Skin.of(character, name)
    if marked is not None:
        centre, towards = skin.nearest(marked)
    else:
        centre, towards = _GUESSES[name](skin, side)
    normal = skin.normal_at(centre, towards)
    return Landmark(name, side if name in SIDED else "", centre, _frame(character, normal, side, name in SIDED))


def _frame(character: Character, normal: Array, side: str, sided: bool) -> Array:
    left = character.left if not sided or side == "Left" else -character.left
    up = UP - (UP @ normal) * normal
    if np.linalg.norm(up) < 0.3:  # under the chin up is ahead
        up = character.ahead - (character.ahead @ normal) * normal
    up /= np.linalg.norm(up)
    out = np.cross(up, normal)
    outwards = left if abs(out @ left) > 0.3 else -character.ahead  # of an ear: back
    out = out if out @ outwards >= 0 else -out
    return np.stack([out, up, normal], axis=-1)


def spots_on(character: Character, landmark: Landmark, path: Array) -> Spots:
    """Lay points (S, 2), metres outwards and up from a landmark, onto the skin along its normal.

    Raises:
        DuologueError: FAILED_PRECONDITION ``face-without-landmarks`` when the path leads off the skin.
    """
    out, up, normal = landmark.frame.T
    starts = landmark.centre + path[:, :1] * out + path[:, 1:] * up + _START * normal
    skin = _Skin.of(character, landmark.name)
    triangle, shares, covers = skin.first_hit(starts, -normal)
    if (triangle < 0).any():
        raise DuologueError(
            "FAILED_PRECONDITION",
            "face-without-landmarks",
            f"the path over {character.mesh.name}'s {landmark.name} leads off the skin; make the offset smaller",
        )
    corners = skin.triangles[triangle]
    points = einsum("sk,skx->sx", shares, character.mesh.vertices[corners])
    normals = np.array([skin.normal_at(point, normal) for point in points])
    return Spots(corners, shares, normals, covers)


class _Skin:
    """The outside of a head at rest, or of a trunk: triangles that it moves, the skin's and what covers it."""

    def __init__(self, character: Character, landmark: str) -> None:
        mesh = character.mesh
        self.character = character
        self.points = mesh.vertices
        weight = character.head_weight if landmark in FACE else character.trunk_weight
        chosen = np.flatnonzero(weight[mesh.triangles].min(axis=1) > 0.5)
        self.triangles = mesh.triangles[chosen]
        self.material = mesh.material[chosen] if len(mesh.material) else np.zeros(len(chosen), np.int64)
        moved = np.zeros(len(mesh.vertices), np.bool_)
        for name in ("cheekPuff", "noseSneerLeft", "mouthPucker", "mouthSmileLeft", "jawOpen"):
            if name in mesh.shapes:
                index, delta = mesh.shapes[name]
                moved[index[np.linalg.norm(delta, axis=1) > 1e-4]] = True
        own = np.unique(self.material[moved[self.triangles].all(axis=1)])
        self.is_skin = np.isin(self.material, own) if len(own) and landmark in FACE else np.ones(len(chosen), np.bool_)
        self.vertices = np.unique(self.triangles[self.is_skin])
        a, b, c = (self.points[self.triangles[:, k]] for k in range(3))
        cross = np.cross(b - a, c - a)
        self.middle, self.area = (a + b + c) / 3, cross
        self.eye_height = self._eye_height()

    @staticmethod
    def of(character: Character, landmark: str) -> _Skin:
        """Return the skin that a landmark of a character lies on; worked out once for head and trunk."""
        return _skin_of(character, "nose" if landmark in FACE else "back")

    def _eye_height(self) -> float:
        found = self.centre_of(*NEEDED["ear"])
        return (
            float(found[1])
            if found is not None
            else float(np.mean(np.asarray(self.points[self.vertices, 1], np.float64)))
        )

    def centre_of(self, *shapes: str, where: NDArray[np.bool_] | None = None) -> Array | None:
        """Return the centre (3,) of what the first of these shapes moves, weighted by how far, squared; None without one."""
        for name in shapes:
            if name not in self.character.mesh.shapes:
                continue
            index, delta = self.character.mesh.shapes[name]
            weight = (delta**2).sum(axis=1)
            weight = weight * np.isin(index, self.vertices) * (1.0 if where is None else where[index])
            if weight.sum() > 0:
                return weight @ self.points[index] / weight.sum()
        return None

    def normal_at(self, point: Array, towards: Array) -> Array:
        """Return the unit normal (3,) of the skin round a point, of what faces ``towards``."""
        near = np.linalg.norm(self.middle - point, axis=1)
        facing = self.area @ towards > 0
        weight = np.exp(-((near / _AROUND) ** 2)) * facing * self.is_skin
        normal = weight @ self.area
        return normal / max(float(np.linalg.norm(normal)), 1e-12)

    def nearest(self, point: Array) -> tuple[Array, Array]:
        """Return the skin's vertex (3,) nearest to a point, and the way out of the head there."""
        vertex = self.vertices[np.argmin(np.linalg.norm(self.points[self.vertices] - point, axis=1))]
        found = self.points[vertex]
        out = found - self.points[self.vertices].mean(axis=0)
        return found, out / np.linalg.norm(out)

    def first_hit(self, starts: Array, direction: Array) -> tuple[NDArray[np.int64], Array, tuple[str, ...]]:
        """Return where rays (S, 3) first meet the head: triangles (S,), -1 for none, shares (S, 3), names of what covers skin.

        Source: T. Möller and B. Trumbore, "Fast, minimum storage ray/triangle intersection", 1997.
        """
        a, b, c = (self.points[self.triangles[:, k]] for k in range(3))
        first, second = b - a, c - a
        p = np.cross(direction, second)
        determinant = einsum("fi,fi->f", first, p)
        safe = np.where(np.abs(determinant) > 1e-14, determinant, np.inf)
        away = starts[:, None] - a
        u = einsum("sfi,fi->sf", away, p) / safe
        q = np.cross(away, first)
        v = einsum("sfi,i->sf", q, direction) / safe
        distance = einsum("sfi,fi->sf", q, second) / safe
        hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (distance > 0) & (determinant > 0)
        distance = np.where(hit, distance, np.inf)
        nearest = distance.argmin(axis=1)
        rows = np.arange(len(starts))
        found = np.isfinite(distance[rows, nearest])
        on_skin = np.where(self.is_skin, distance, np.inf).min(axis=1)
        covered = found & (distance[rows, nearest] < on_skin - _COVERED)
        names = {self.character.mesh.materials[self.material[k]] for k in nearest[covered]}
        u, v = u[rows, nearest], v[rows, nearest]
        shares = np.stack([1 - u - v, u, v], axis=-1)
        return np.where(found, nearest, -1), shares, tuple(sorted(names))

    def front(self, point: Array, towards: Array) -> Array:
        """Return where the skin is met from outside, looking at ``point`` (3,) against ``towards``; the point if it isn't."""
        triangle, shares, _ = self.first_hit((point + 0.15 * towards)[None], -towards)
        if triangle[0] < 0:
            return point
        return shares[0] @ self.points[self.triangles[triangle[0]]]


@lru_cache(maxsize=8)
def _skin_of(character: Character, name: str) -> _Skin:
    return _Skin(character, name)


def _lacking(skin: _Skin, name: str) -> DuologueError:
    shapes = ", ".join(NEEDED[name]).replace("{side}", "")
    return DuologueError(
        "FAILED_PRECONDITION",
        "face-without-landmarks",
        f"{skin.character.mesh.name}'s face has no shape that tells where its {name} is ({shapes}); map one, or mark the place "
        "with an Empty",
    )


def _cheek(skin: _Skin, side: str) -> tuple[Array, Array]:
    character = skin.character
    left = character.left if side == "Left" else -character.left
    middle = character.rest_point("Head") @ left
    beside = skin.points @ left > middle + 0.008
    centre = skin.centre_of(*(name.format(side=side) for name in NEEDED["cheek"]), where=beside)
    if centre is None:
        raise _lacking(skin, "cheek")
    # The apple of the cheek: above the middle of what puffs, as wide as the eye's outer corner.
    nose = _nose(skin, "")[0]
    centre = centre + (0.5 * (nose[1] - centre[1])) * UP
    towards = 0.75 * character.ahead + 0.66 * left
    towards /= np.linalg.norm(towards)
    return skin.front(centre, towards), towards


def _nose(skin: _Skin, side: str) -> tuple[Array, Array]:
    del side
    ahead = skin.character.ahead
    sides = [skin.centre_of(name) for name in NEEDED["nose"]]
    if sides[0] is None or sides[1] is None:
        raise _lacking(skin, "nose")
    middle = (sides[0] + sides[1]) / 2
    near = skin.vertices[np.linalg.norm(skin.points[skin.vertices] - skin.front(middle, ahead), axis=1) < 0.035]
    across = np.abs((skin.points[near] - middle) @ skin.character.left)
    tip = near[np.argmax(skin.points[near] @ ahead - across)]
    return skin.points[tip], ahead


def _chin(skin: _Skin, side: str) -> tuple[Array, Array]:
    del side
    if "jawOpen" not in skin.character.mesh.shapes:
        raise _lacking(skin, "chin")
    index, delta = skin.character.mesh.shapes["jawOpen"]
    far = np.linalg.norm(delta, axis=1)
    with_jaw = index[(far > 0.6 * far.max()) & np.isin(index, skin.vertices)]
    heights = skin.points[with_jaw, 1]
    low = with_jaw[heights <= np.quantile(heights, 0.2)]
    ahead, left = skin.character.ahead, skin.character.left
    centre = skin.points[low].mean(axis=0)
    centre = centre - ((centre - skin.character.rest_point("Head")) @ left) * left
    towards = ahead - 0.25 * UP
    towards /= np.linalg.norm(towards)
    return skin.front(centre, towards), towards


def _forehead(skin: _Skin, side: str) -> tuple[Array, Array]:
    del side
    centre = skin.centre_of(*NEEDED["forehead"])
    if centre is None:
        raise _lacking(skin, "forehead")
    ahead, left = skin.character.ahead, skin.character.left
    centre = centre - ((centre - skin.character.rest_point("Head")) @ left) * left
    return skin.front(centre + 0.012 * UP, ahead), ahead


def _lips(skin: _Skin, side: str) -> tuple[Array, Array]:
    del side
    centre = skin.centre_of(*NEEDED["lips"])
    if centre is None:
        raise _lacking(skin, "lips")
    ahead, left = skin.character.ahead, skin.character.left
    centre = centre - ((centre - skin.character.rest_point("Head")) @ left) * left
    return skin.front(centre, ahead), ahead


def _ear(skin: _Skin, side: str) -> tuple[Array, Array]:
    left = skin.character.left if side == "Left" else -skin.character.left
    if not any(name in skin.character.mesh.shapes for name in NEEDED["ear"]):
        raise _lacking(skin, "ear")
    points = skin.points[skin.vertices]
    below = skin.eye_height - points[:, 1]
    out = np.where((below > -0.01) & (below < 0.03), points @ left, -np.inf)
    return points[np.argmax(out)], left


def _shoulder(skin: _Skin, side: str) -> tuple[Array, Array]:
    character = skin.character
    left = character.left if side == "Left" else -character.left
    neck = (
        character.rest_point(chain("Neck", character.joint)[0])
        if chain("Neck", character.joint)
        else character.rest_point("Head")
    )
    joint = character.rest_point(side + "Arm")
    towards = UP + 0.15 * left
    towards = towards / np.linalg.norm(towards)
    return skin.front(joint + 0.3 * (neck - joint) * (1.0, 0.0, 1.0), towards), towards


def _back(skin: _Skin, side: str) -> tuple[Array, Array]:
    del side
    character = skin.character
    spine = character.spine()
    return skin.front(character.rest[spine[-1], :3, 3], -character.ahead), -character.ahead


_GUESSES: Final = {
    "cheek": _cheek, "nose": _nose, "chin": _chin, "forehead": _forehead, "lips": _lips, "ear": _ear,
    "shoulder": _shoulder, "back": _back,
}  # fmt: skip


def sides_of(name: str) -> tuple[str, ...]:
    """Return the sides that a landmark has: ``Left`` and ``Right``, or one without a name."""
    return SIDES if name in SIDED else ("",)
