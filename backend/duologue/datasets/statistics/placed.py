"""Bodies of a scene with every joint in the world, for all that is measured of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.pairs import fitted_mask
from duologue.datasets.labels.actions import label_actions
from duologue.datasets.scene import Person, Scene
from duologue.features.root import heading
from duologue.motion.skeleton import Skeleton, forward_kinematics

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Body:
    """T frames of one person on duologue60, 30 fps, metres, Y up."""

    skeleton: Skeleton
    rotations: Array
    """(T, J, 3): exponential maps."""
    matrices: Array
    """(T, J, 3, 3): of the joints in the world."""
    positions: Array
    """(T, J, 3)"""
    heading: Array
    """(T,): radians."""
    actions: NDArray[np.uint8]
    """(T,): indices into ``labels.ACTION_MODES``, by the rule on the motion."""
    known: Mask
    """(T, 2): whether the upper body, and hips and legs, were measured."""

    @classmethod
    def of(cls, person: Person, frames: int) -> Body | None:
        """Place a person's first frames; None of one without motion."""
        if person.motion is None or not frames:
            return None
        skeleton = Skeleton.builtin("duologue60")
        root, rotations = (np.asarray(array[:frames], np.float64) for array in person.motion)
        matrices, positions = forward_kinematics(skeleton, rotations, root)
        known = np.ones((frames, 2), bool) if person.known is None else fitted_mask(person.known, frames)
        return cls(
            skeleton,
            rotations,
            np.asarray(matrices, np.float64),
            np.asarray(positions, np.float64),
            np.asarray(heading(rotations[:, 0]), np.float64),
            label_actions(skeleton, root, rotations),
            known,
        )


def bodies_of(scene: Scene) -> tuple[Body | None, ...]:
    """Return everybody's body for as long as all that a scene has of everybody lasts."""
    frames = min(person.frames for person in scene.people)
    return tuple(Body.of(person, frames) for person in scene.people)
