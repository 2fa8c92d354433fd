"""Puts feet where the lock wants them, legs and hands where they are free, with the hips as low as that takes; as a stream."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.contact import Soles
from duologue.motion.foot_lock import FootLock, FootLockOptions
from duologue.motion.ik import two_bone
from duologue.motion.push_out import PushOut
from duologue.motion.rotations import Floats, einsum, matrix_to_exp, quat_between, quat_to_matrix
from duologue.motion.skeleton import forward_kinematics
from duologue.motion.smoothing import Envelope, Queue, Tally

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_SIDES: Final = ("Left", "Right")

_REACH: Final = 0.998
"""Of the leg's length, how far it reaches before the hips come down instead."""

_LOWEST: Final = 0.15
"""Metres that the hips come down at most."""

_STEP_ASIDE: Final = 0.05
"""Metres that the foot of a step goes round the other leg at most: it comes down where it was going to, or balance is lost."""

_SEATED: Final = 0.8
"""Of the legs' length: whose hips are lower over the floor has their weight on a seat, not on their feet."""


class Limbs:
    """Legs and arms of both performers. Frames come first: (n, 2 performers, ...); left before right."""

    def __init__(
        self, push_out: PushOut, fps: float, feet: FootLockOptions, *, free_hands: bool, part_legs: bool
    ) -> None:
        self._push_out, self._free_hands, self._part_legs = push_out, free_hands, part_legs
        self._skeleton = skeleton = push_out.skeleton
        self._floor = feet.floor
        self._lock = FootLock(feet, fps)
        self._soles = Soles.of(skeleton)
        self._legs = np.array([skeleton.indices(*(s + j for j in ("UpLeg", "Leg", "Foot", "ToeBase"))) for s in _SIDES])
        self._arms = np.array([skeleton.indices(*(s + j for j in ("Arm", "ForeArm", "Hand"))) for s in _SIDES])
        self._parents = np.array(skeleton.parents)
        self._leg_length = np.linalg.norm(skeleton.offsets[self._legs[:, 1:3]], axis=-1).sum(axis=-1)
        self._queue = Queue()
        self._lower, self._free, self._aside = Envelope(), Envelope(), Envelope()
        self.frames = 0
        self.held, self.lowered, self.freed, self.parted = Tally(), Tally(), Tally(), Tally()

    @property
    def given_up(self) -> int:
        """How often a foot was let go because the motion went too far from where it stood."""
        return self._lock.given_up

    def push(self, root: Array, turns: Array, *, last: bool) -> tuple[Array, Array]:
        """Take roots (n, 2, 3) and exponential maps (n, 2, J, 3); return those frames that have become final."""
        placed = forward_kinematics(self._skeleton, turns, root)
        matrices, positions = (np.asarray(array, np.float64) for array in placed)
        ankles, feet, toes, moved, held = self._stand(matrices, positions)
        give = self._may_give(positions, held)
        aside = self._push_out.ankles(matrices, positions, ankles, give) if self._part_legs else np.zeros_like(ankles)
        aside = np.where(self._seated(positions)[..., None, None], aside, _shortened(aside, _STEP_ASIDE))
        wrists = self._push_out.wrists(matrices, positions) if self._free_hands else np.zeros((len(root), 2, 2, 3))
        lower = self._too_far(positions, ankles)
        self._queue.push(root, turns, matrices, positions, ankles, feet, toes, moved, held, lower, wrists, aside, give)

        ready = len(self._queue) if last else max(len(self._queue) - Envelope.AHEAD, 0)
        down = self._lower.follow(self._queue.peek(9), ready)
        away = self._free.follow(self._queue.peek(10), ready)
        # A sole that carries stays where it is, also when the other leg has passed; it only comes down.
        firm = (self._queue.peek(12) == 0)[..., None] & np.array([True, False, True])
        apart = self._aside.follow(self._queue.peek(11), ready, firm)
        root, turns, matrices, positions, ankles, feet, toes, moved, held, _, _, _, _ = self._queue.take(ready)
        ankles = ankles + apart
        self.frames += ready
        self.held.add(moved, held.any(axis=-1))
        self.lowered.add(down[..., 0])
        self.freed.add(np.linalg.norm(away, axis=-1).max(axis=-1))
        self.parted.add(np.linalg.norm(apart, axis=-1).max(axis=-1))

        fall = down * np.array([0.0, -1.0, 0.0])
        turns = turns.copy()
        positions = positions + fall[:, :, None]
        self._bend_legs(turns, (matrices, positions), (ankles, feet, toes))
        if away.any():
            self._bend_arms(turns, matrices, positions, away)
        return root + fall, turns

    def _stand(self, matrices: Array, positions: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Return where the ankles belong (n, 2, 2, 3), world rotations of feet and toes, how far soles moved, which are held."""
        points = np.asarray(self._soles.place(matrices, positions), np.float64)
        offsets, held = self._lock.push(points)
        heel, ball = points[..., 0, :], points[..., 1, :]
        new_heel, new_ball = heel + offsets[..., 0, :], ball + offsets[..., 1, :]
        # The sole is rigid: it takes the direction from heel to ball, and its middle goes to the middle of the two.
        turn = quat_to_matrix(quat_between(ball - heel, new_ball - new_heel))
        feet = turn @ matrices[..., self._legs[:, 2], :, :]
        middle = 0.5 * (self._soles.heel + self._soles.ball)
        ankles = 0.5 * (new_heel + new_ball) - einsum("...fij,fj->...fi", feet, middle)
        toes = turn @ matrices[..., self._legs[:, 3], :, :]
        if self._floor:
            toes = self._lift_toes(ankles, feet, toes)
        moved = np.linalg.norm(offsets, axis=-1).max(axis=(-2, -1))
        return tuple(np.asarray(x, np.float64) for x in (ankles, feet, toes, moved, held.any(axis=-1)))  # pyright: ignore[reportReturnType]

    def _may_give(self, positions: Array, held: Array) -> Array:
        """Return how much each leg gives way to the other (n, 2, 2): half each at a seat, else only one whose sole is free."""
        free = held == 0
        alone = free & ~free[..., ::-1]
        either = self._seated(positions)[..., None] | free.all(-1, keepdims=True)
        return np.where(either, 0.5, alone.astype(np.float64))

    def _seated(self, positions: Array) -> Flags:
        """Return whose weight a seat carries (n, 2)."""
        return positions[:, :, 0, 1] < _SEATED * self._leg_length.mean()

    def _lift_toes(self, ankles: Floats, feet: Floats, toes: Floats) -> Floats:
        """Bend toes up whose tips would be under the floor."""
        joint = ankles + einsum("...fij,fj->...fi", feet, self._skeleton.offsets[self._legs[:, 3]])
        tip = einsum("...fij,fj->...fi", toes, self._soles.tip)
        length = np.linalg.norm(tip, axis=-1)
        rise = np.clip(-joint[..., 1], tip[..., 1], length)
        flat = np.sqrt(np.maximum(length**2 - rise**2, 0.0) / np.maximum(length**2 - tip[..., 1] ** 2, 1e-12))
        lifted = tip * flat[..., None]
        lifted[..., 1] = rise
        return quat_to_matrix(quat_between(tip, lifted)) @ toes

    def _too_far(self, positions: Array, ankles: Array) -> Array:
        """Return by how much hips must come down (n, 2, 1) for both ankles to be within reach; 0 where they are as it is."""
        thigh, foot = positions[..., self._legs[:, 0], :], positions[..., self._legs[:, 2], :]
        offset = thigh - ankles
        reach = np.maximum(_REACH * self._leg_length, np.linalg.norm(thigh - foot, axis=-1))
        aside = offset[..., 0] ** 2 + offset[..., 2] ** 2
        need = offset[..., 1] - np.sqrt(np.maximum(reach**2 - aside, 0.0))
        return np.clip(need, 0.0, _LOWEST).max(axis=-1, keepdims=True)

    def _bend_legs(self, turns: Array, placed: tuple[Array, Array], wanted: tuple[Array, Array, Array]) -> None:
        """Write the legs' rotations into ``turns`` for the wanted ankles and world rotations of feet and toes."""
        (matrices, positions), (ankles, feet, toes) = placed, wanted
        thigh, shin, foot, toe = (self._legs[:, k] for k in range(4))
        hinge = matrices[..., thigh, :, :][..., 0]  # knees bend backwards about the thigh's own +X
        before_thigh, before_shin, _ = two_bone(
            positions[..., thigh, :], positions[..., shin, :], positions[..., foot, :], ankles, hinge
        )
        world = [matrices[..., self._parents[thigh], :, :], before_thigh @ matrices[..., thigh, :, :]]
        world += [before_shin @ matrices[..., shin, :, :], feet, toes]
        for k, joint in enumerate((thigh, shin, foot, toe)):
            turns[..., joint, :] = matrix_to_exp(np.swapaxes(world[k], -1, -2) @ world[k + 1])

    def _bend_arms(self, turns: Array, matrices: Array, positions: Array, away: Array) -> None:
        """Write into ``turns`` the rotations of those arms whose wrists move ``away`` (n, 2, 2, 3)."""
        wrists = positions[..., self._arms[:, 2], :]
        bent = bend_arms(self._arms, self._parents, matrices, positions, wrists + away)
        moved = away.any(axis=-1)[..., None]
        for k in range(3):
            joint = self._arms[:, k]
            turns[..., joint, :] = np.where(moved, bent[k], turns[..., joint, :])


def _shortened(vectors: Array, longest: float) -> Array:
    """Return vectors (..., 3) of at most a length."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors * np.minimum(1.0, longest / np.maximum(length, 1e-9))


def bend_arms(
    arms: NDArray[np.intp], parents: NDArray[np.intp], matrices: Array, positions: Array, wrists: Array
) -> tuple[Floats, Floats, Floats]:
    """Bend both arms so that the wrists are where they are wanted, as near as they reach; hands keep their place in the world.

    Args:
        arms: (2, 3) the joints of upper arm, forearm and hand, left before right.
        parents: (J,) each joint's parent.
        matrices: (..., J, 3, 3) world rotations.
        positions: (..., J, 3) world positions, metres.
        wrists: (..., 2, 3) where the wrists go.

    Returns:
        Exponential maps (..., 2, 3), parent-local, of the upper arms, the forearms and the hands.
    """
    upper, lower, hand = (arms[:, k] for k in range(3))
    # Elbows bend forwards: about -Y on the left, +Y on the right.
    hinge = matrices[..., upper, :, :][..., 1] * np.array([-1.0, 1.0])[:, None]
    before_upper, before_lower, _ = two_bone(
        positions[..., upper, :], positions[..., lower, :], positions[..., hand, :], wrists, hinge
    )
    world = [matrices[..., parents[upper], :, :], before_upper @ matrices[..., upper, :, :]]
    world += [before_lower @ matrices[..., lower, :, :], matrices[..., hand, :, :]]
    local = [matrix_to_exp(np.swapaxes(world[k], -1, -2) @ world[k + 1]) for k in range(3)]
    return local[0], local[1], local[2]
