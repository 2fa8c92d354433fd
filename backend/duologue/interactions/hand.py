"""A hand as it rests and as it is bent: its frame, its fingers, its capsules, and its own mesh in any shape."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Character, Pose
from duologue.interactions.dense_skin import DenseSkin
from duologue.interactions.finger_bending import finger_turns, thumb_turns
from duologue.interactions.hand_capsules import HEEL, finger_segments, hand_capsules
from duologue.interactions.hand_shapes import HandShape
from duologue.motion.rotations import einsum
from duologue.rigs.joints import FINGERS

_FINEST: Final = 0.012
"""Metres between the points of a hand that others are measured against: some are cut into triangles of 2 to 3 cm."""
_REMEMBERED: Final = 4096
"""Bent fingers that a hand keeps: as many as a few touches ask for."""
_MITTEN: Final = 0.08
"""Metres from the wrist to where the knuckles of a hand without fingers would be."""
_RAYS: Final = ("Palm1", "Palm2", "Palm3")
_PALM_MIDDLE: Final = 0.74
"""Of the way from the wrist to a knuckle, where the middle of a palm is."""
_BESIDE: Final = 0.008
"""Metres from the line through it within which skin is the palm's middle."""
_FANNED: Final = {"Index": 1.0, "Middle": 0.25, "Ring": -0.75, "Pinky": -1.75}
"""Where each finger is spread to, in angles between neighbours: the axis of a hand runs beside its middle finger."""

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
        self.segments = {finger: finger_segments(character, side, finger) for finger in self.fingers}
        self._capsules = hand_capsules(character, side, self.segments, _MITTEN * self.frame[:, 0])
        self.names, self.bones = self._capsules.names, self._capsules.bones
        self.ends, self.radius = self._capsules.ends, self._capsules.radius
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

    def touching(self, part: str) -> int:
        """Return which capsule touches: that of the bone that is named, as ``Index2``, or of a finger the last."""
        return self.index(part) if part[-1].isdigit() else self.tip(part)

    def palm(self) -> NDArray[np.int64]:
        """Return which capsules are the palm's."""
        return np.array([k for k, name in enumerate(self.names) if name.startswith("Palm")])

    def palm_middle(self, ends: Array) -> Array:
        """Return the middle of the palm's skin (3,), in the hand's frame from the wrist: over the rays of index, middle and ring
        finger, by the knuckles.

        Args:
            ends: (K, 2, 3) of :meth:`shaped`.
        """
        rays = [k for k, name in enumerate(self.names) if name in _RAYS] or self.palm().tolist()
        # The lines begin ``HEEL`` of the way from the wrist.
        start, end = ends[rays, 0].mean(axis=0), ends[rays, 1].mean(axis=0)
        middle = self.frame.T @ (start + (_PALM_MIDDLE - HEEL) / (1 - HEEL) * (end - start))
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
        if finger == "Thumb":
            goal = self.before_fingers
            turns = thumb_turns(points, self.frame, bent, goal=goal, oppose=first or 0.0, abduct=abduct)
        else:
            aside = None if first is None else self.sign * np.radians(_FANNED[finger] * first)
            turns = finger_turns(points, self.frame, bent, aside)
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
    def before_fingers(self) -> Array:
        """(3,): the middle between the second joints of index and middle finger at rest: what a thumb bends towards."""
        at = [self.segments[f][1][1] if f in self.segments else self.wrist for f in ("Index", "Middle")]
        return np.mean(at, axis=0)

    @cached_property
    def triangles(self) -> NDArray[np.int64]:
        """(f, 3): the hand's triangles, as indices into its ``vertices``."""
        place = np.full(len(self.character.mesh.vertices), -1)
        place[self.vertices] = np.arange(len(self.vertices))
        triangles = place[self.character.mesh.triangles]
        return triangles[(triangles >= 0).all(axis=1)]

    @cached_property
    def skin(self) -> DenseSkin:
        """Its mesh as points near enough to each other to tell what is in it."""
        return DenseSkin(self.character.mesh.vertices[self.vertices], self.triangles, _FINEST)

    def part(self, name: str, *, whole: bool = False) -> NDArray[np.bool_]:
        """Return which of the hand's ``vertices`` (n,) are of a finger's tip, or of all of it, of one bone of it (``Index2``), of
        the ``Palm`` with all fingers and the ball of the thumb, or, without a name, of neither finger nor thumb."""
        under = self.character.under
        if name in self.names:
            bones = self.bones[[self.index(name)]]
        elif name in self.segments:
            bones = under[self.segments[name][0][0 if whole else 2]]
        else:
            others = [bones[f == "Thumb"] for f, (bones, _) in self.segments.items() if f == "Thumb" or not name]
            bones = np.setdiff1d(under[self.bone], [bone for other in others for bone in under[other]])
        return self.character.mesh.weight_of(bones)[self.vertices] > 0.5


@lru_cache(maxsize=16)
def _hand_of(character: Character, side: str) -> Hand:
    return Hand(character, side)
