"""Hands and heads where a director wants them: wrists led to points by inverse kinematics, heads turned to what is looked at.

What is asked for is known before the take begins, so every frame is made by itself and a take may be cut as it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief.constraints import Constraint, GazeTarget, HandTarget
from duologue.easing import smoothstep
from duologue.labels import PERFORMERS
from duologue.motion.limbs import bend_arms
from duologue.motion.rotations import Floats, einsum, matrix_to_exp, quat_between, quat_slerp, quat_to_matrix
from duologue.motion.skeleton import Skeleton, forward_kinematics

Array = NDArray[np.float64]

REACHING: Final = 0.6
"""Seconds that a hand takes to a point, and back."""
TURNING: Final = 0.4
"""Seconds that a head takes."""
_NECK: Final = (("Neck", 0.3), ("Neck1", 0.4), ("Head", 1.0))
"""How much of what is still missing each joint turns, from below: the last one all of it."""
_FARTHEST: Final = np.radians(65.0)
"""That a head turns from where the body's motion has it; beyond that the eyes go alone."""


class Direction:
    """The hands and heads of one take."""

    def __init__(self, skeleton: Skeleton, constraints: Sequence[Constraint], fps: float = 30.0) -> None:
        """Prepare for a skeleton that uses duologue60's joint names; constraints of other kinds are not for here."""
        self._skeleton, self._fps = skeleton, fps
        self._hands = [target for target in constraints if isinstance(target, HandTarget)]
        self._gazes = [target for target in constraints if isinstance(target, GazeTarget)]
        sides = ("Left", "Right")
        self._arms = np.array([skeleton.indices(*(side + j for j in ("Arm", "ForeArm", "Hand"))) for side in sides])
        self._parents = np.array(skeleton.parents)
        self._neck = [(skeleton.index(name), share) for name, share in _NECK if name in skeleton.names]
        self._head = skeleton.index("Head")
        self._out_of_reach = 0.0

    @property
    def out_of_reach(self) -> float:
        """By how many metres the farthest point that a hand was led to so far is beyond its arm; 0 where all were reached."""
        return self._out_of_reach

    def apply(self, start: int, root: NDArray[np.float32], rotations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return rotations (P, n, J, 3) of the frames from ``start``, heads turned and hands led; root (P, n, 3) in metres."""
        count = rotations.shape[1]
        for target in self._gazes:
            rotations = self._look(rotations, root, target, self._weight(target, start, count, TURNING))
        for target in self._hands:
            rotations = self._lead(rotations, root, target, self._weight(target, start, count, REACHING))
        return rotations

    def looked_at(
        self, start: int, partner: NDArray[np.float32], head: Floats, rotation: Floats
    ) -> NDArray[np.float32]:
        """Return where the eyes aim, (P, n, 2): ``partner`` (degrees right and up of the head), or the point asked for.

        ``head`` (P, n, 3) and ``rotation`` (P, n, 3, 3): the heads' places and turns in the world.
        """
        aimed = partner.copy()
        for target in self._gazes:
            performer = PERFORMERS.index(target.performer)
            weight = self._weight(target, start, partner.shape[1], TURNING)[:, None]
            away = np.array([target.x, target.y, target.z]) - head[performer]
            x, y, z = einsum("nij,ni->jn", rotation[performer], away)
            angles = np.degrees(np.stack([np.arctan2(-x, z), np.arctan2(y, np.hypot(x, z))], axis=-1))
            aimed[performer] += weight * (angles - aimed[performer])
        return aimed

    def _weight(self, target: HandTarget | GazeTarget, start: int, count: int, ease: float) -> Array:
        """Return (n,): 1 from ``seconds`` to ``until``, rising before and falling after for ``ease`` seconds."""
        time = (start + np.arange(count)) / self._fps
        # A point in time is a whole frame's.
        until = max(target.until, (np.ceil(target.seconds * self._fps - 1e-6)) / self._fps)
        return smoothstep((time - target.seconds) / ease + 1) * smoothstep((until - time) / ease + 1)

    def _look(
        self, rotations: NDArray[np.float32], root: NDArray[np.float32], target: GazeTarget, weight: Array
    ) -> NDArray[np.float32]:
        if not weight.any():
            return rotations
        performer = PERFORMERS.index(target.performer)
        out = rotations.copy()
        point = np.array([target.x, target.y, target.z])
        for joint, share in self._neck:  # three joints, each looking at what those below left to do
            own = out[performer].astype(np.float64)
            matrices, positions = forward_kinematics(self._skeleton, own, root[performer].astype(np.float64))
            forward = matrices[:, self._head, :, 2]
            turn = quat_between(forward, point - positions[:, self._head])
            angle = 2 * np.arccos(np.clip(np.abs(turn[:, 0]), 0, 1))
            reached = np.minimum(1.0, _FARTHEST / np.maximum(angle, 1e-6))
            part = quat_slerp(np.array([1.0, 0, 0, 0]), turn, weight * share * reached)
            world = quat_to_matrix(part) @ matrices[:, joint]
            parent = matrices[:, self._parents[joint]]
            out[performer, :, joint] = matrix_to_exp(np.swapaxes(parent, -1, -2) @ world)
        return out

    def _lead(
        self, rotations: NDArray[np.float32], root: NDArray[np.float32], target: HandTarget, weight: Array
    ) -> NDArray[np.float32]:
        if not weight.any():
            return rotations
        performer, side = PERFORMERS.index(target.performer), ("left", "right").index(target.side)
        own = rotations[performer].astype(np.float64)
        matrices, positions = forward_kinematics(self._skeleton, own, root[performer].astype(np.float64))
        matrices, positions = np.asarray(matrices, np.float64), np.asarray(positions, np.float64)
        wrists = positions[:, self._arms[:, 2]].copy()
        point = np.array([target.x, target.y, target.z])
        wrists[:, side] += weight[:, None] * (point - wrists[:, side])
        shoulder = positions[weight > 0.999, self._arms[side, 0]]
        if len(shoulder):
            arm = np.linalg.norm(self._skeleton.offsets[self._arms[side, 1:]], axis=-1).sum()
            beyond = float(np.linalg.norm(point - shoulder, axis=-1).max() - arm)
            self._out_of_reach = max(self._out_of_reach, beyond)
        bent = bend_arms(self._arms, self._parents, matrices, positions, wrists)
        out = rotations.copy()
        for joint, turned in zip(self._arms[side], bent, strict=True):
            out[performer, :, joint] = np.where(weight[:, None] > 0, turned[:, side], own[:, joint])
        return out
