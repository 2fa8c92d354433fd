"""Two performers in the world, every joint placed once for all that is measured of them, and how they stand to each other.

Roots (2, T, 3) in metres and exponential maps (2, T, J, 3) in one world, Y up, 30 fps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.features.root import heading
from duologue.motion.placement import bearing_to_partner, faces_partner
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

CHEST: Final = "Spine3"
WRISTS: Final = ("LeftHand", "RightHand")


@dataclass(frozen=True, eq=False)
class Bodies:
    """Both performers: ``matrices`` (2, T, J, 3, 3) and ``positions`` (2, T, J, 3) of all joints in the world."""

    skeleton: Skeleton
    root: Floats
    rotations: Floats
    matrices: Floats = field(init=False)
    positions: Floats = field(init=False)

    def __post_init__(self) -> None:
        matrices, positions = forward_kinematics(
            self.skeleton, self.rotations.astype(np.float64), self.root.astype(np.float64)
        )
        object.__setattr__(self, "matrices", matrices)
        object.__setattr__(self, "positions", positions)

    @property
    def frames(self) -> int:
        """T."""
        return self.root.shape[1]

    def at(self, *names: str) -> Floats:
        """Return the positions (2, T, n, 3) of joints."""
        return self.positions[:, :, self.skeleton.indices(*names)]

    def speeds(self, *names: str, own: bool = False) -> Floats:
        """Return joints' speeds (2, T, n), m/s; ``own``: against the hips, so that walking is none. Frame 0 has frame 1's."""
        at = self.at(*names)
        if own:
            at = at - self.positions[:, :, :1]
        speed = np.linalg.norm(np.diff(at, axis=1), axis=-1) * FPS
        return np.concatenate([speed[:, :1], speed], axis=1)


def relation(bodies: Bodies) -> Floats:
    """Return how the two stand to each other, (T, 3): the hips' distance (metres), A's and B's bearing to the other (radians)."""
    hips = bodies.positions[:, :, 0]
    yaw = heading(bodies.rotations[:, :, 0].astype(np.float64))
    forward = np.stack([np.sin(yaw), np.zeros_like(yaw), np.cos(yaw)], axis=-1)
    distance = np.linalg.norm((hips[0] - hips[1])[:, [0, 2]], axis=-1)
    return np.column_stack([distance, *bearing_to_partner(hips, forward)])


def facing(bodies: Bodies) -> NDArray[np.bool_]:
    """Return whose chest is turned to the other, (2, T)."""
    return faces_partner(bodies.at(CHEST)[:, :, 0], bodies.matrices[:, :, bodies.skeleton.index(CHEST)])
