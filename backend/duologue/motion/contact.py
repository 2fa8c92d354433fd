"""Which feet bear on the floor: the points of the soles, when they take hold and when they let go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import Floats, einsum
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class ContactRule:
    """When a point of the sole bears weight: near the floor and slow. It lets go later than it grips, so noise can't flicker.

    Heights in metres above where the point is when standing flat, speeds in m/s. The usual single thresholds are 5 cm for the
    ball and 12 cm for the ankle at 0.95 m/s (InterGen's losses: squared speed below 0.001 m² a frame), or 3 cm at 0.3 m/s
    (common in tools); the first misses nothing, the second is sure. Gripping takes the second, letting go lies between.
    """

    grip_height: float = 0.03
    grip_speed: float = 0.30
    release_height: float = 0.05
    release_speed: float = 0.60

    def grips(self, height: Floats, speed: Floats) -> Flags:
        """Return where a free point takes hold."""
        return (height < self.grip_height) & (speed < self.grip_speed)

    def releases(self, height: Floats, speed: Floats) -> Flags:
        """Return where a point that holds lets go."""
        return (height > self.release_height) | (speed > self.release_speed)


RULE: Final = ContactRule()
"""What counts as bearing weight wherever contacts are measured."""


def hysteresis(grips: Flags, releases: Flags) -> Flags:
    """Return the state (T, ...) of switches that turn on with ``grips`` and off with ``releases``; off at first."""
    frame = np.arange(len(grips)).reshape(-1, *[1] * (grips.ndim - 1))
    last_on = np.maximum.accumulate(np.where(grips, frame, -1), axis=0)
    last_off = np.maximum.accumulate(np.where(releases & ~grips, frame, -1), axis=0)
    return last_on > last_off


@dataclass(frozen=True, eq=False)
class Soles:
    """The points a body stands on, (2 feet, left first; heel, ball): a joint each and the offset in its frame, metres."""

    feet: NDArray[np.intp]
    heel: Array
    ball: Array
    toes: NDArray[np.intp]
    tip: Array

    @classmethod
    def of(cls, skeleton: Skeleton) -> Soles:
        """Derive the points from the rest pose, in which the soles lie on the floor.

        Raises:
            DuologueError: NOT_FOUND ``unknown-joint`` when the skeleton has other foot names than duologue60.
        """
        feet, toes = skeleton.indices("LeftFoot", "RightFoot"), skeleton.indices("LeftToeBase", "RightToeBase")
        rest = skeleton.rest_positions
        floor = min(0.0, float(rest[:, 1].min()))
        ankle, ball = rest[feet], rest[toes]
        under = np.array([[0.0, 1.0, 0.0]])
        # The heel bone reaches behind the ankle by about a third of what the ball lies before it.
        back = np.stack([np.zeros(2), np.zeros(2), -0.35 * (ball - ankle)[:, 2]], axis=-1)
        heel = back - under * (ankle[:, 1:2] - floor)
        below = (ball - ankle) - under * (ball[:, 1:2] - floor)
        ends = dict(skeleton.ends)
        tip = np.array([ends.get(toe, (0.0, 0.0, 0.07)) for toe in toes])
        tip[:, 1] = floor - ball[:, 1]
        return cls(np.array(feet), heel, below, np.array(toes), tip)

    def place(self, matrices: Floats, positions: Floats) -> Floats:
        """Return the world positions (..., 2 feet, 2 points, 3) of heel and ball."""
        local = np.stack([self.heel, self.ball], axis=1)
        turned = einsum("...fij,fpj->...fpi", matrices[..., self.feet, :, :], local)
        return turned + positions[..., self.feet, None, :]


def foot_contacts(points: Floats, rule: ContactRule = RULE, fps: float = FPS) -> Flags:
    """Return which points (T, ..., 3) of soles, metres in the world with Y up, bear on the floor: (T, ...)."""
    step = np.diff(points, axis=0, prepend=points[:1])
    speed = np.linalg.norm(step[..., [0, 2]], axis=-1) * fps
    height = points[..., 1]
    return hysteresis(rule.grips(height, speed), rule.releases(height, speed))
