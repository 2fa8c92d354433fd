"""What a BVH file holds: a skeleton and one performer's motion on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.motion.skeleton import Skeleton, forward_kinematics

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BvhClip:
    """One performer's motion.

    ``rotations`` (T, J, 3): parent-local exponential maps, radians. ``root_translation`` (T, 3): world position of the root,
    metres. ``translations`` (T, J, 3): parent-local joint positions where the file animates them on other joints than the root,
    to be used in place of ``skeleton.offsets``. ``orders``: a rotation order for each joint. ``scale``: metres in a unit of the
    file.
    """

    skeleton: Skeleton
    rotations: Array
    root_translation: Array
    fps: float
    translations: Array | None = None
    orders: tuple[str, ...] = ()
    scale: float = 1.0

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.rotations)

    def positions(self) -> Array:
        """Return the world positions (T, J, 3) of the joints, metres."""
        placed = forward_kinematics(self.skeleton, self.rotations, self.root_translation, self.translations)
        return np.asarray(placed[1], np.float64)
