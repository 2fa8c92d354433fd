"""Soles that stand do not move: what a standing foot slips by is taken out, and made up for in the next step; as a stream of
windows.

What is sampled slips: one of two soles drifts, and where somebody is led to a place the whole body is. Each stance is therefore
held to one spot, its feet's roll from heel to ball left as it is, and the difference goes into the swings between (footskate
clean-up after Kovar, Schreiner and Gleicher, SCA 2002, whose constraint is a plant and whose repair is inverse kinematics; here
a plant is where the body wants its foot on average, not where it first came down). Where a stance is held too far from what the
body wants, a small step is put in, as people do to keep their balance.

Places in the plane are complex numbers, as :mod:`.stances` has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from duologue.easing import smoothstep
from duologue.motion.contact import Soles, hysteresis
from duologue.motion.ik import two_bone
from duologue.motion.rotations import Floats, einsum, matrix_to_exp, yaw_matrix
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.motion.stances import RULE, STEP, Array, Flags, Plane, Slip, Stance, room_for_step, runs, slip_of, too_far
from duologue.motion.swing import leaning, raise_foot, swing

_SEATED: Final = (0.85, 1.2)
"""Of the standing height of the hips, below which somebody is on the way to a seat, and how much more they put up with there."""
_AHEAD: Final = 40
"""Frames of a stance over which the place is found that the body wants."""
_REACH: Final = 0.999
"""Of the leg's length, how far it stretches before the hips come down."""
_LEANT: Final = 10
"""Frames in which hips come back from a lean of the window before, and before which no step is put in: they lean first."""
_LOWEST: Final = 0.08
"""Metres that they come down at most."""


class StanceHold:
    """The state of both performers' feet along a take. Arrays are (2 performers, n frames, ...)."""

    def __init__(self, skeleton: Skeleton) -> None:
        """Prepare for a skeleton that uses duologue60's joint names.

        Raises:
            DuologueError: NOT_FOUND ``unknown-joint`` for another skeleton.
        """
        self._skeleton, self._soles = skeleton, Soles.of(skeleton)
        sides = ("Left", "Right")
        self._legs = np.array([skeleton.indices(*(s + j for j in ("UpLeg", "Leg", "Foot"))) for s in sides])
        self._parents = np.array(skeleton.parents)
        self._length = np.linalg.norm(skeleton.offsets[self._legs[:, 1:]], axis=-1).sum(-1)
        self._low = _SEATED[0] * float(skeleton.offsets[0, 1])
        self._before: Array | None = None  # the last frame's soles, (2, 1, 2, 2, 3)
        self._bears = np.zeros((2, 2, 2), bool)
        self._offset, self._speed = np.zeros((2, 2), complex), np.zeros((2, 2), complex)
        self._turn = np.zeros((2, 2))
        self._fall, self._lean = np.zeros(2), np.zeros(2, complex)

    def push(self, root: Floats, rotations: Floats, free: Array) -> tuple[Floats, Floats]:
        """Take the next frames' hips (2, n, 3), metres, and exponential maps (2, n, J, 3); return both, standing soles at rest.

        ``free`` (2, n): how far each frame may be changed, 0 to 1.
        """
        matrices, positions = forward_kinematics(self._skeleton, rotations.astype(np.float64), root.astype(np.float64))
        points = np.asarray(self._soles.place(matrices, positions), np.float64)
        begun = self._before is not None
        points = np.concatenate([points[:, :1] if self._before is None else self._before, points], axis=1)
        bears = self._bearing(points)
        offset, turn = np.zeros((2, points.shape[1], 2), complex), np.zeros((2, points.shape[1], 2))
        lift, lean = np.zeros(turn.shape), np.zeros((2, points.shape[1]), complex)
        for performer in range(2):
            slips = [slip_of(points[performer, :, foot], bears[performer, :, foot]) for foot in range(2)]
            low = np.concatenate([positions[performer, :1, 0, 1], positions[performer, :, 0, 1]]) < self._low
            stances = self._stances(performer, slips, low, begun=begun)
            for foot, slip in enumerate(slips):
                moved = self._moved(performer, foot, slip, stances[foot], points[performer, :, foot])
                offset[performer, :, foot], turn[performer, :, foot], lift[performer, :, foot] = moved
            hips = positions[performer, :, 0, 2] + 1j * positions[performer, :, 0, 0]
            lean[performer] = leaning(slips, stances, np.append(hips[:1], hips))
        gone = smoothstep(np.arange(lean.shape[1], dtype=np.float64) / _LEANT)
        # On a seat hips stay where they are.
        lean[:, 1:] *= smoothstep((positions[:, :, 0, 1] / self._low - 0.8) / 0.2)
        lean = lean + (self._lean[:, None] - lean[:, :1]) * (1 - gone)
        self._before, self._bears, self._lean = points[:, -1:], bears[:, -1], lean[:, -1].copy()
        self._speed = offset[:, -1] - offset[:, -2]
        self._offset, self._turn = offset[:, -1].copy(), turn[:, -1].copy()
        part = free[..., None]
        away, aside = part * offset[:, 1:], free * lean[:, 1:]
        moved = away.astype(complex), part * turn[:, 1:], part * lift[:, 1:], aside.astype(complex)
        return self._bent(root, rotations, (matrices, positions), moved, free)

    def _bearing(self, points: Array) -> Flags:
        """Return which points of the soles (2, n, 2, 2, 3) bear, (2, n, 2, 2); the first frame's are known already."""
        step = np.diff(points[..., [0, 2]], axis=1, prepend=points[:, :1][..., [0, 2]])
        speed = np.hypot(step[..., 0], step[..., 1]) * 30.0
        grips, releases = RULE.grips(points[..., 1], speed), RULE.releases(points[..., 1], speed)
        if self._before is not None:
            grips[:, 0], releases[:, 0] = self._bears, ~self._bears
        return np.moveaxis(hysteresis(np.moveaxis(grips, 1, 0), np.moveaxis(releases, 1, 0)), 0, 1)

    def _stances(self, performer: int, slips: Sequence[Slip], low: Flags, *, begun: bool) -> list[list[Stance]]:
        """Return both feet's stances in order, with steps put in where one is held too far off."""
        stances: list[list[Stance]] = []
        for foot, slip in enumerate(slips):
            spans = runs(slip.stands)
            own = [slip.fitted(first, last, first + _AHEAD) for first, last in spans]
            if begun and spans and spans[0][0] == 0:
                own[0] = slip.going_on(spans[0][1], self._offset[performer, foot], self._turn[performer, foot])
            stances.append(own)
        stands = np.stack([slip.stands for slip in slips], axis=-1)
        patience = np.where(low, _SEATED[1], 1.0)
        at = [0, 0]
        rested = 0
        while True:  # one step more each time round, until none is wanted
            late = [too_far(slips[k], stances[k], at[k], patience) for k in range(2)]
            foot = int(late[1][0] < late[0][0])
            when, index = late[foot]
            if index < 0:
                return stances
            stance = stances[foot][index]
            earliest = max(when - STEP // 2, stance.first + 3, rested + 3, _LEANT if begun else 0)
            first = room_for_step(stands, foot, earliest, stance.last)
            if first is None:
                at[foot] = index + 1
                continue
            last = first + STEP
            stands[first + 1 : last, foot] = False
            after = slips[foot].fitted(last, stance.last, last + _AHEAD)
            before = Stance(stance.first, first, stance.turn, stance.pivot, stance.place)
            stances[foot][index : index + 1] = [before, after]
            at[foot], rested = index + 1, last

    def _moved(
        self, performer: int, foot: int, slip: Slip, stances: Sequence[Stance], points: Array
    ) -> tuple[Plane, Array, Array]:
        """Return by how much (n,) a foot is moved, turned and lifted in each frame: held where it stands, led where it swings."""
        count = len(slip.middle)
        offset, turn, lift = np.zeros(count, complex), np.zeros(count), np.zeros(count)
        begin, speed = (0, self._offset[performer, foot], self._turn[performer, foot]), self._speed[performer, foot]
        for stance in stances:
            span = slice(stance.first, stance.last + 1)
            offset[span], turn[span] = slip.held(stance)
            if stance.first > begin[0]:
                end = (stance.first, offset[stance.first], turn[stance.first])
                swing(offset, turn, begin, end, speed)
                raise_foot(lift, begin[0], stance.first, points, slip.stands)
            begin, speed = (stance.last, offset[stance.last], turn[stance.last]), 0.0
        if begin[0] < count - 1:  # a step that ends in the next window
            swing(offset, turn, begin, (max(count - 1, begin[0] + STEP), 0.0, 0.0), speed)
        return offset, turn, lift

    def _bent(
        self,
        root: Floats,
        rotations: Floats,
        placed: tuple[Floats, Floats],
        moved: tuple[Plane, Array, Array, Plane],
        free: Array,
    ) -> tuple[Floats, Floats]:
        """Return hips and rotations with the feet ``moved``: by offset, turn and lift (2, n, 2), the hips by lean (2, n)."""
        matrices, positions = placed
        offset, turn, lift, lean = moved
        if not (np.abs(offset).max() > 1e-6 or np.abs(turn).max() > 1e-6 or self._fall.any()):
            return root, rotations
        thigh, shin, foot = (self._legs[:, k] for k in range(3))
        turned = yaw_matrix(turn)
        middle = self._soles.place(matrices, positions).mean(-2)
        ankles = middle + einsum("pnfij,pnfj->pnfi", turned, positions[:, :, foot] - middle)
        ankles = ankles + np.stack([offset.imag, lift, offset.real], axis=-1)
        aside = np.stack([lean.imag, np.zeros(lean.shape), lean.real], axis=-1)
        fall = self._falling(
            positions[:, :, thigh] + aside[:, :, None] - ankles, positions[:, :, thigh] - positions[:, :, foot]
        )
        hips = aside - (free * fall)[..., None] * np.array([0.0, 1.0, 0.0])
        changed = (np.abs(offset) + np.abs(turn) + np.abs(lift) > 1e-6) | (np.abs(hips) > 1e-6).any(-1)[..., None]
        at = positions + hips[:, :, None]
        hinge = matrices[:, :, thigh][..., 0]
        # The leg turns half-way with its foot, so that the knee stays over the toes.
        before_thigh, before_shin, _ = two_bone(at[:, :, thigh], at[:, :, shin], at[:, :, foot], ankles, hinge)
        world = [matrices[:, :, self._parents[thigh]], before_thigh @ matrices[:, :, thigh]]
        world += [before_shin @ matrices[:, :, shin], turned @ matrices[:, :, foot]]
        out = np.array(rotations, np.float64)
        for k, joint in enumerate((thigh, shin, foot)):
            bent = matrix_to_exp(np.swapaxes(world[k], -1, -2) @ world[k + 1])
            out[:, :, joint] = np.where(changed[..., None], bent, out[:, :, joint])
        return root + hips, out

    def _falling(self, legs: Array, own: Array) -> Array:
        """Return by how much (2, n) hips come down for both legs, thigh minus ankle (2, n, 2, 3), to reach; ``own``: before."""
        reach = np.maximum(_REACH * self._length, np.linalg.norm(own, axis=-1))
        aside = legs[..., 0] ** 2 + legs[..., 2] ** 2
        need = np.clip(legs[..., 1] - np.sqrt(np.maximum(reach**2 - aside, 0.0)), 0.0, _LOWEST).max(-1)
        window = np.hanning(11)[1:-1]
        fall = np.empty_like(need)
        for performer, row in enumerate(need):
            wide = np.max([np.roll(np.pad(row, 4), k)[4:-4] for k in range(-4, 5)], axis=0)
            fall[performer] = np.convolve(np.pad(wide, 4, mode="edge"), window / window.sum(), "valid")
        away = self._fall[:, None] - fall[:, :1]
        fall = fall + away * (1 - smoothstep(np.arange(1, need.shape[1] + 1, dtype=np.float64) / 10))
        self._fall = fall[:, -1].copy()
        return fall
