"""What it takes to get bodies out of each other, hands out of bodies, legs out of legs: the needs, frame by frame, not smoothed.

Frames come first: (n, 2 performers, ...). A centimetre of overlap is left alone, for skin and cloth give way and a hand may rest.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.capsules import Capsules, closest_on_lines
from duologue.motion.rotations import einsum
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.motion.smoothing import Envelope, Queue, Tally

Array = NDArray[np.float64]

TOLERANCE: Final = 0.01
"""Metres of overlap that count as touching."""

LARGEST_SHIFT: Final = 0.4
"""Metres that one performer is moved at most, by whatever overlap: beyond that the scene is wrong, not the motion."""

LARGEST_REACH: Final = 0.2
"""Metres that a wrist is moved at most."""

LARGEST_STEP: Final = 0.15
"""Metres that an ankle is moved at most."""

_ROUNDS: Final = 4
"""Lines that cross are nearest where they cross, and once apart somewhere else: parting takes a few looks."""

_TRUNK: Final = ("pelvis", "abdomen", "chest", "neck", "head", "LeftThigh", "RightThigh")
_BODY: Final = (
    *_TRUNK,
    *(side + part for side in ("Left", "Right") for part in ("Shin", "Foot", "Shoulder", "UpperArm")),
)
_ARM: Final = ("Forearm", "Hand", "Fingers")
_LEG: Final = ("Thigh", "Shin", "Foot")
_ASIDE: Final = 0.02
"""Metres to the side that are added to what lies between two legs: those that go through each other have no side of their own."""


class PushOut:
    """Overlap between two bodies of one skeleton, and what would undo it."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self._capsules = capsules = Capsules.of(skeleton)
        self._body = capsules.indices(*_BODY)
        self._trunk = capsules.indices(*_TRUNK)
        self._arms = np.stack([capsules.indices(*(side + part for part in _ARM)) for side in ("Left", "Right")])
        self._legs = np.stack([capsules.indices(*(side + part for part in _LEG)) for side in ("Left", "Right")])
        self._hip, self._hips = skeleton.index("Hips"), skeleton.indices("LeftUpLeg", "RightUpLeg")

    def roots(self, matrices: Array, positions: Array) -> Array:
        """Return how far to shift each performer over the floor (n, 2, 3), given the world (n, 2, J, …): half the overlap each.

        The bodies part along the line between their hips, on which nobody is turned about another.
        """
        lines = np.asarray(self._capsules.place(matrices, positions), np.float64)[:, :, self._body]
        radii = self._capsules.radii[self._body]
        touching = radii[:, None] + radii - TOLERANCE
        apart = (positions[:, 0, self._hip] - positions[:, 1, self._hip]) * np.array([1.0, 0.0, 1.0])
        length = np.linalg.norm(apart, axis=-1, keepdims=True)
        direction = np.where(length > 1e-6, apart / np.maximum(length, 1e-6), np.array([1.0, 0.0, 0.0]))
        need = np.zeros(len(lines))
        for _ in range(_ROUNDS):
            moved = lines[:, 0] + (need[:, None] * direction)[:, None, None]
            _, _, between = closest_on_lines(moved[:, :, None], lines[:, 1, None, :])
            # How far along it until these two points, which may lie beside it, are `touching` apart.
            square = einsum("nabi,nabi->nab", between, between)
            along = einsum("nabi,ni->nab", between, direction)
            more = np.sqrt(np.maximum(touching**2 - (square - along * along), 0.0)) - along
            need += np.where(square < touching**2, more, 0.0).max(axis=(1, 2))
            if not need.any():
                break
        half = np.asarray(np.minimum(0.5 * need, LARGEST_SHIFT)[:, None] * direction, np.float64)
        return np.stack([half, -half], axis=1)

    def wrists(self, matrices: Array, positions: Array) -> Array:
        """Return how far to move each wrist (n, 2, 2 arms, 3), left first, out of the own trunk, thighs and the other's body."""
        lines = np.asarray(self._capsules.place(matrices, positions), np.float64)
        radii = self._capsules.radii
        arms = lines[:, :, self._arms]  # n, 2, 2 arms, 3 parts, 2, 3
        own, other = lines[:, :, None, None, self._trunk], lines[:, ::-1, None, None, self._body]
        obstacles = np.concatenate([own, other], axis=4)
        obstacle_radii = np.concatenate([radii[self._trunk], radii[self._body]])
        along, _, between = closest_on_lines(arms[..., None, :, :], obstacles)
        distance = np.linalg.norm(between, axis=-1)
        overlap = radii[self._arms][..., None] + obstacle_radii - distance - TOLERANCE
        # A forearm swings about its elbow: near the elbow the wrist would have to go far for little, so it isn't asked to.
        lever = np.where(np.arange(len(_ARM))[:, None] == 0, along, 1.0)
        overlap = np.where(lever > 0.3, overlap / np.maximum(lever, 0.3), 0.0)
        flat = overlap.reshape(*overlap.shape[:3], overlap.shape[3] * overlap.shape[4])
        deepest = flat.argmax(axis=-1)[..., None]
        depth = np.clip(np.take_along_axis(flat, deepest, axis=-1), 0.0, LARGEST_REACH)
        normal = (between / np.maximum(distance, 1e-6)[..., None]).reshape(*flat.shape, 3)
        return np.asarray(depth * np.take_along_axis(normal, deepest[..., None], axis=-2)[..., 0, :], np.float64)

    def ankles(self, matrices: Array, positions: Array, ankles: Array, share: Array) -> Array:
        """Return how far to move each ankle (n, 2, 2 legs, 3), left first, until no leg stands in the other.

        ``ankles`` (n, 2, 2, 3): where they are going to be; ``share`` (n, 2, 2): how much of it each of the two legs goes.
        Shins swing about their knees; nothing goes down, for the floor is there.
        """
        lines = np.asarray(self._capsules.place(matrices, positions), np.float64)[:, :, self._legs]
        radii = self._capsules.radii[self._legs]
        touching = radii[0][:, None] + radii[1] - TOLERANCE
        aside = positions[:, :, self._hips[0]] - positions[:, :, self._hips[1]]
        aside *= _ASIDE / np.maximum(np.linalg.norm(aside, axis=-1, keepdims=True), 1e-6)
        shift = np.zeros_like(ankles)
        start = ankles - lines[..., 1, 1, :]
        for _ in range(_ROUNDS):
            gone = (start + shift)[..., None, None, :] * np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])[..., None]
            left, right = np.moveaxis(lines + gone, 2, 0)
            s, t, between = closest_on_lines(left[:, :, :, None], right[:, :, None])
            # A point of a thigh stays where it is, one of a shin goes along the farther it is from the knee.
            lever = np.stack(np.broadcast_arrays(_lever(s, -2), _lever(t, -1)), axis=-1)
            given = np.sum(lever * share[:, :, None, None], axis=-1)
            overlap = touching - np.linalg.norm(between, axis=-1)
            overlap = np.where(given > 0.2, overlap / np.maximum(given, 0.2), 0.0).reshape(*shift.shape[:2], 9)
            deepest = overlap.argmax(axis=-1)[..., None]
            depth = np.take_along_axis(np.maximum(overlap, 0.0), deepest, axis=-1)
            if not depth.any():
                break
            between = (
                np.take_along_axis(between.reshape(*overlap.shape, 3), deepest[..., None], axis=-2)[..., 0, :] + aside
            )
            way = depth * between / np.maximum(np.linalg.norm(between, axis=-1, keepdims=True), 1e-6)
            both = np.stack([way, -way], axis=2) * share[..., None]
            # What the lower one can't go down, the upper one goes up.
            both[..., 1] = np.maximum(both[..., 1], 0.0) * (share.sum(-1) / np.maximum(share.max(-1), 1e-6))[..., None]
            shift += both
        length = np.linalg.norm(shift, axis=-1, keepdims=True)
        return shift * np.minimum(1.0, LARGEST_STEP / np.maximum(length, 1e-9))


def _lever(along: Array, axis: int) -> Array:
    """Return how far a point ``along`` (…, 3, 3) capsules of ``_LEG`` goes with its ankle, 0 to 1; parts lie along ``axis``."""
    parts = np.arange(len(_LEG)).reshape(-1, 1) if axis == -2 else np.arange(len(_LEG))
    return np.where(parts == 0, 0.0, np.where(parts == 1, along, 1.0))


class Parting:
    """Shifts both performers over the floor, as a stream, until their bodies don't overlap; ``Envelope.AHEAD`` frames late."""

    def __init__(self, push_out: PushOut) -> None:
        self._push_out = push_out
        self._queue, self._envelope = Queue(), Envelope()
        self.parted = Tally()

    def push(self, root: Array, turns: Array, *, last: bool) -> tuple[Array, Array]:
        """Take roots (n, 2, 3) and exponential maps (n, 2, J, 3); return those frames that have become final."""
        placed = forward_kinematics(self._push_out.skeleton, turns, root)
        matrices, positions = (np.asarray(array, np.float64) for array in placed)
        self._queue.push(root, turns, self._push_out.roots(matrices, positions))
        ready = len(self._queue) if last else max(len(self._queue) - Envelope.AHEAD, 0)
        shift = self._envelope.follow(self._queue.peek(2), ready)
        root, turns, _ = self._queue.take(ready)
        self.parted.add(np.linalg.norm(shift, axis=-1))
        return root + shift, turns
