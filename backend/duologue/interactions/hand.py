"""A hand as capsules, measured on its own mesh, and the shapes it takes: fingers bent about the hinges of its rest pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from duologue.files.reading import MAX_TOML, parse_toml, read_bytes
from duologue.interactions.actor import Array, Character, Pose
from duologue.motion.rotations import cross, einsum, exp_to_matrix, quat_between, quat_to_matrix
from duologue.rigs.joints import FINGERS, METACARPALS

BENDS: Final = ((-25.0, 95.0), (-5.0, 105.0), (-10.0, 75.0))
"""Degrees that a finger's three joints can be bent: about what hands do by themselves (AAOS tables)."""

_FILE: Final = Path(__file__).with_name("hand_shapes.toml")
_USUAL_RADIUS: Final = 0.0085
"""Metres: of a finger that no mesh tells about."""
_REMEMBERED: Final = 4096
"""Bent fingers that a hand keeps: as many as a few touches ask for."""
_LAST: Final = 0.8
"""Of the bone before it, how long a last phalanx is where no mesh tells."""
_HEEL: Final = 0.25
"""Of the way from the wrist to a knuckle, where the palm's capsule begins."""
_RAYS: Final = ("Palm1", "Palm2", "Palm3")
_PALM_MIDDLE: Final = 0.74
"""Of the same way, where the middle of a palm is."""
_BESIDE: Final = 0.008
"""Metres from the line through it within which skin is the palm's middle."""


@dataclass(frozen=True)
class HandShape:
    """Degrees: ``bends`` of each finger's three joints, the thumb's relative to its rest; ``oppose`` of the thumb from its rest;
    ``spread`` between neighbouring fingers, and ``abduct`` between thumb and hand in the palm's plane: None as at rest, which
    differs from rig to rig."""

    bends: Mapping[str, tuple[float, float, float]]
    oppose: float
    spread: float | None = None
    abduct: float | None = None

    def towards(self, other: HandShape, share: float) -> HandShape:
        """Return the shape that lies so far on the way to another, spread and abducted as this one."""

        def mixed(first: float, second: float) -> float:
            return first + share * (second - first)

        bends = {
            finger: cast("tuple[float, float, float]", tuple(map(mixed, bend, other.bends[finger])))
            for finger, bend in self.bends.items()
        }
        return replace(self, bends=bends, oppose=mixed(self.oppose, other.oppose))

    def bent(self, finger: str, more: float) -> HandShape:
        """Return the shape with one finger bent ``more`` degrees at its first joint, and less at the next two."""
        wanted = (b + share * more for b, share in zip(self.bends[finger], (1.0, 0.5, 0.25), strict=True))
        bend = cast("tuple[float, float, float]", tuple(map(_within_limits, wanted, BENDS)))
        return replace(self, bends={**self.bends, finger: bend})


@cache
def hand_shapes() -> Mapping[str, HandShape]:
    """Return all hand shapes by name."""
    tables = cast("dict[str, dict[str, Any]]", parse_toml(read_bytes(_FILE, MAX_TOML).decode()))
    return {
        name: HandShape(
            {finger: cast("tuple[float, float, float]", tuple(map(float, table[finger]))) for finger in FINGERS},
            float(table.get("oppose", 0.0)),
            *(None if table.get(key) is None else float(table[key]) for key in ("spread", "abduct")),
        )
        for name, table in tables.items()
    }


Bent = tuple[Array, list[int], Array]


class Hand:
    """One hand of a character at rest: its frame, its fingers' segments, its capsules, and the vertices it moves.

    ``frame`` (3, 3): columns along the hand, out of the palm, and towards the thumb's side. ``segments``: finger -> the bones of
    its joints and the points (n + 1, 3) they run through, the tip last. Capsules k of K: ``bones`` (K,), ``ends`` (K, 2, 3)
    at rest in our world, ``radius`` (K,); ``names`` (K,): ``Index3``, ``Palm2``.
    """

    def __init__(self, character: Character, side: str) -> None:
        self.character, self.side = character, side
        self.bone = character.joint[side + "Hand"]
        self.wrist = character.rest_point(side + "Hand")
        self.fingers = tuple(f for f in FINGERS if all(f"{side}Hand{f}{i}" in character.joint for i in (1, 2, 3)))
        under = character.under[self.bone]
        self.vertices = np.flatnonzero(character.mesh.weight_of(under) > 0.5)
        self.frame = self._frame()
        self.segments = {finger: self._segments(finger) for finger in self.fingers}
        self._build()
        # Fingers are tried bent one by one: the others need not be bent anew.
        self._bent = lru_cache(maxsize=_REMEMBERED)(self._finger)

    @staticmethod
    def of(character: Character, side: str) -> Hand:
        """Return a character's hand; worked out once."""
        return _hand_of(character, side)

    @property
    def sign(self) -> float:
        """1 for a left hand, -1 for a right one."""
        return 1.0 if self.side == "Left" else -1.0

    def index(self, name: str) -> int:
        """Return which capsule has that name."""
        return self.names.index(name)

    def tip(self, finger: str) -> int:
        """Return which capsule is a finger's last."""
        return self.index(f"{finger}3")

    def palm(self) -> NDArray[np.int64]:
        """Return which capsules are the palm's."""
        return np.array([k for k, name in enumerate(self.names) if name.startswith("Palm")])

    def palm_point(self, ends: Array, share: float) -> tuple[Array, float]:
        """Return a point in the middle of the palm, in the hand's frame from the wrist, and how far it is under the skin.

        Args:
            ends: (K, 2, 3) of :meth:`shaped`.
            share: of the way from the wrist to the knuckles.
        """
        rows = self.palm()
        rows = rows[1:] if self.fingers[:1] == ("Thumb",) and len(rows) > 1 else rows
        middle = ((1 - share) * ends[rows, 0] + share * ends[rows, 1]).mean(axis=0)
        return self.frame.T @ middle, float(self.radius[rows].mean())

    def palm_middle(self, ends: Array) -> Array:
        """Return the middle of the palm's skin (3,) likewise: over the rays of index, middle and ring finger, by the knuckles."""
        rays = [k for k, name in enumerate(self.names) if name in _RAYS] or self.palm().tolist()
        start, end = (
            ends[rays, 0].mean(axis=0),
            ends[rays, 1].mean(axis=0),
        )  # the lines begin ``_HEEL`` of the way from the wrist
        middle = self.frame.T @ (start + (_PALM_MIDDLE - _HEEL) / (1 - _HEEL) * (end - start))
        own = (self.character.mesh.vertices[self.vertices] - self.wrist) @ self.frame
        beside = np.linalg.norm((own - middle)[:, [0, 2]], axis=1)
        near = own[beside < max(_BESIDE, float(beside.min())), 1]
        return np.array([middle[0], float(near.max()), middle[2]])

    def _point(self, joint: str) -> Array:
        return self.character.rest_point(self.side + joint)

    def _frame(self) -> Array:
        knuckles = [self._point(f"Hand{f}1") for f in self.fingers if f != "Thumb"]
        if len(knuckles) >= 2:
            along = np.mean(knuckles, axis=0) - self.wrist
            across = knuckles[0] - knuckles[-1]
        else:  # a mitten: along the forearm, and palms face down in a rest pose
            along = self.wrist - self._point("ForeArm")
            across = np.cross(along, (0.0, 1.0, 0.0)) * -self.sign
        along = along / np.linalg.norm(along)
        palm = self.sign * np.cross(along, across)
        palm /= np.linalg.norm(palm)
        return np.stack([along, palm, self.sign * np.cross(palm, along)], axis=-1)

    def _segments(self, finger: str) -> tuple[tuple[int, ...], Array]:
        bones = tuple(self.character.joint[f"{self.side}Hand{finger}{i}"] for i in (1, 2, 3))
        points = [self.character.rest[bone, :3, 3] for bone in bones]
        moved = np.flatnonzero(self.character.mesh.weight_of(self.character.under[bones[2]]) > 0.5)
        last = points[2] - points[1]
        tip = points[2] + _LAST * last
        if len(moved):
            vertices = self.character.mesh.vertices[moved]
            direction = vertices.mean(axis=0) - points[2]
            direction /= max(float(np.linalg.norm(direction)), 1e-9)
            tip = points[2] + float(((vertices - points[2]) @ direction).max()) * direction
        return bones, np.array([*points, tip])

    def _build(self) -> None:
        names, bones, ends = list[str](), list[int](), list[Array]()
        for finger, (joints, points) in self.segments.items():
            for i in range(3):
                names.append(f"{finger}{i + 1}")
                bones.append(joints[i])
                ends.append(points[i : i + 2])
        for i, finger in enumerate(self.fingers or ("",)):
            end = self._point(f"Hand{finger}1") if finger else self.wrist + 0.08 * self.frame[:, 0]
            names.append(f"Palm{i}")
            bones.append(self.bone)
            ends.append(np.array([self.wrist + _HEEL * (end - self.wrist), end]))
        self.names, self.bones = tuple(names), np.array(bones)
        self.ends = np.array(ends)
        self.radius = self._radii()
        for k, name in enumerate(names):  # the ball at a tip does not stick out of it
            if name[:-1] in self.segments and name.endswith("3"):
                line = self.ends[k, 1] - self.ends[k, 0]
                length = float(np.linalg.norm(line))
                self.ends[k, 1] -= line * min(self.radius[k], 0.8 * length) / max(length, 1e-9)

    def _radii(self) -> Array:
        """Return (K,) the median distance of the vertices that each bone moves; the palm's go to their nearest line."""
        mesh = self.character.mesh
        held = [
            self.bone,
            *(self.character.joint[self.side + m] for m in METACARPALS if self.side + m in self.character.joint),
        ]
        palm = np.flatnonzero(mesh.weight_of(np.array(held)) > 0.5)
        lines = [k for k, name in enumerate(self.names) if name.startswith("Palm")]
        nearest = np.argmin([_line_distance(mesh.vertices[palm], self.ends[k]) for k in lines], axis=0)
        radius = np.full(len(self.names), _USUAL_RADIUS)
        for k, name in enumerate(self.names):
            if k in lines:
                moved = palm[nearest == lines.index(k)]
            else:
                moved = np.flatnonzero(mesh.weight_of(np.array([self.bones[k]])) > 0.6)
            if len(moved) >= 4:
                radius[k] = float(np.median(_line_distance(mesh.vertices[moved], self.ends[k])))
            elif name[-1] in "12":
                radius[k] = _USUAL_RADIUS
        return radius

    def capsules(self, pose: Pose) -> tuple[Array, Array, Array]:
        """Return both ends of the capsules, (T, K, 3) each, as a pose has them, and their radii (K,)."""
        rest = self.character.rest_turns[self.bones]
        local = einsum("kij,kei->kej", rest, self.ends - self.character.rest[self.bones, None, :3, 3])
        placed = einsum("tkij,kej->tkei", pose.turns[:, self.bones], local) + pose.heads[:, self.bones, None]
        return placed[:, :, 0], placed[:, :, 1], self.radius

    def shaped(self, shape: HandShape) -> tuple[dict[int, Array], Array]:
        """Take a shape, the hand itself at rest.

        Returns:
            Bone -> its rotation (3, 3) in the hand's frame at rest, away from its own rest; and the capsules' ends (K, 2, 3)
            relative to the wrist, both in our world's axes.
        """
        turns: dict[int, Array] = {}
        ends = self.ends - self.wrist
        for finger, (joints, _) in self.segments.items():
            aside = (shape.oppose, shape.abduct) if finger == "Thumb" else (shape.spread,)
            turned, rows, placed = self._bent(finger, shape.bends[finger], *aside)
            turns.update(zip(joints, turned, strict=True))
            ends[rows] = placed
        return turns, ends

    def _finger(
        self, finger: str, bends: tuple[float, float, float], first: float | None, abduct: float | None = None
    ) -> Bent:
        """Return how a finger's joints are turned (3, 3, 3), its capsules (3,), and their ends (3, 2, 3) from the wrist.

        ``first``: its spread, or how far a thumb is opposed.
        """
        points = self.segments[finger][1]
        bent = np.radians(bends)
        thumb = finger == "Thumb"
        turns = (
            self._thumb_turns(points, bent, first or 0.0, abduct) if thumb else self._finger_turns(finger, bent, first)
        )
        rows = [self.index(f"{finger}{i}") for i in (1, 2, 3)]
        ways = einsum("kij,kj->ki", turns, np.diff(points, axis=0))
        at = points[0] - self.wrist + np.concatenate([np.zeros((1, 3)), np.cumsum(ways, axis=0)[:2]])
        return turns, rows, at[:, None] + einsum("kij,kej->kei", turns, self.ends[rows] - points[:3, None])

    def surface(self, shape: HandShape, rows: NDArray[np.int64] | None = None) -> Array:
        """Return where the hand's ``vertices``, or ``rows`` (n,) of them, are in a shape: (n, 3) in its frame from the wrist."""
        rows = np.arange(len(self.vertices)) if rows is None else rows
        joint, weight = self._carried[0][rows], self._carried[1][rows]
        turns, moves = [np.eye(3)], [np.zeros(3)]
        shaped, _ = self.shaped(shape)
        for bones, points in self.segments.values():
            at = points[0] - self.wrist
            for i, bone in enumerate(bones):
                turns.append(shaped[bone])
                moves.append(at - shaped[bone] @ (points[i] - self.wrist))
                at = at + shaped[bone] @ (points[i + 1] - points[i])
        rest = self.character.mesh.vertices[self.vertices[rows]] - self.wrist
        turned = einsum("nkij,nj->nki", np.array(turns)[joint], rest) + np.array(moves)[joint]
        return einsum("nk,nki->ni", weight, turned) @ self.frame

    @cached_property
    def _carried(self) -> tuple[NDArray[np.int64], Array]:
        """Which joint of the fingers carries each vertex (n, k), 0 for the hand itself and 1 on for theirs, and how much."""
        carrier = np.zeros(len(self.character.armature.names), np.int64)
        bones = [bone for joints, _ in self.segments.values() for bone in joints]
        for k, bone in enumerate(bones):  # what hangs on a joint goes along, until the next joint
            carrier[self.character.under[bone]] = k + 1
        mesh = self.character.mesh
        return carrier[mesh.bones[self.vertices]], mesh.weights[self.vertices]

    @cached_property
    def full_radius(self) -> Array:
        """(K,): the radius within which nearly all that a capsule stands for lies; skin gives way to fingers, not to medians."""
        points = self.character.mesh.vertices[self.vertices]
        away = np.array([_line_distance(points, ends) for ends in self.ends])
        nearest = (away - self.radius[:, None]).argmin(axis=0)
        found = self.radius.copy()
        for k in range(len(found)):
            own = away[k, nearest == k]
            if len(own) >= 8 and self.names[k][-1] == "3" and self.names[k][:-1] in self.segments:
                found[k] = float(np.clip(np.quantile(own, 0.9), 0.8 * found[k], 1.35 * found[k]))
        return found

    @cached_property
    def triangles(self) -> NDArray[np.int64]:
        """(f, 3): the hand's triangles, as indices into its ``vertices``."""
        place = np.full(len(self.character.mesh.vertices), -1)
        place[self.vertices] = np.arange(len(self.vertices))
        triangles = place[self.character.mesh.triangles]
        return triangles[(triangles >= 0).all(axis=1)]

    def part(self, name: str, *, whole: bool = False) -> NDArray[np.bool_]:
        """Return which of the hand's ``vertices`` (n,) are of a finger's tip, or of all of it, of the ``Palm`` with all fingers
        and the ball of the thumb, or, without a name, of neither finger nor thumb."""
        under = self.character.under
        if name in self.segments:
            bones = under[self.segments[name][0][0 if whole else 2]]
        else:
            others = [bones[f == "Thumb"] for f, (bones, _) in self.segments.items() if f == "Thumb" or not name]
            bones = np.setdiff1d(under[self.bone], [bone for other in others for bone in under[other]])
        return self.character.mesh.weight_of(bones)[self.vertices] > 0.5

    def _finger_turns(self, finger: str, bends: Array, spread: float | None) -> Array:
        points = self.segments[finger][1]
        along, palm, _ = self.frame.T
        # Straight ahead from its knuckle, in the plane of the palm as it rests, then curled about the axis across.
        level = points[1] - points[0]
        level = level - (level @ palm) * palm
        level /= np.linalg.norm(level)
        if spread is not None:
            place = {"Index": 1.0, "Middle": 0.25, "Ring": -0.75, "Pinky": -1.75}[finger]
            level = exp_to_matrix(np.radians(spread) * place * self.sign * palm) @ along
        wanted = exp_to_matrix(np.cumsum(bends)[:, None] * cross(level, palm)) @ level
        return np.asarray(quat_to_matrix(quat_between(np.diff(points, axis=0), wanted)), np.float64)

    def _thumb_turns(self, points: Array, bends: Array, oppose: float, abduct: float | None) -> Array:
        """Lay the thumb beside the hand, turn it over in front of the palm about the hand's length, and bend it towards the
        fingers' middle."""
        along, palm, thumbwards = self.frame.T
        # About `along`, from the thumb's side to the palm's.
        turn = np.asarray(exp_to_matrix(np.radians(oppose) * cross(thumbwards, palm)), np.float64)
        if abduct is not None:
            whole = points[3] - points[0]
            aside = np.arctan2(whole @ thumbwards, whole @ along) - np.radians(abduct)
            turn = turn @ np.asarray(exp_to_matrix(aside * cross(thumbwards, along)), np.float64)
        goal = np.mean(
            [self.segments[f][1][1] if f in self.segments else self.wrist for f in ("Index", "Middle")], axis=0
        )
        goal = goal + 0.5 * np.linalg.norm(points[3] - points[0]) * palm
        turns: list[Array] = []
        at = points[0]
        for i in range(3):
            direction = turn @ (points[i + 1] - points[i])
            hinge = cross(direction, goal - at)
            hinge /= max(float(np.linalg.norm(hinge)), 1e-9)
            turn = np.asarray(exp_to_matrix(bends[i] * hinge), np.float64) @ turn
            turns.append(turn)
            at = at + turn @ (points[i + 1] - points[i])
        return np.array(turns)


@lru_cache(maxsize=16)
def _hand_of(character: Character, side: str) -> Hand:
    return Hand(character, side)


def _within_limits(bend: float, limits: tuple[float, float]) -> float:
    return min(max(bend, limits[0]), limits[1])


def _line_distance(points: Array, ends: Array) -> Array:
    """Return the distance (n,) of points (n, 3) from a line between two ends (2, 3)."""
    line = ends[1] - ends[0]
    along = np.clip((points - ends[0]) @ line / max(float(line @ line), 1e-12), 0.0, 1.0)
    return np.linalg.norm(points - ends[0] - along[:, None] * line, axis=1)
