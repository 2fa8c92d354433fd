"""Who is turned to whom, frame by frame: what the face model is told (InterAct, arXiv 2509.05747), from bodies alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.scene import Scene
from duologue.motion.placement import faces_partner
from duologue.motion.skeleton import Skeleton, forward_kinematics

CHEST: Final = "Spine3"
PLACES: Final = ("away", "partner")
"""What somebody is turned to. Arrays of facing are indices into this tuple."""


def facing(scene: Scene, frames: int) -> NDArray[np.bool_] | None:
    """Return whose chest is turned to the other, (2, T), by ``motion.placement.faces_partner``; None unless both bodies are
    known."""
    motions = [person.motion for person in scene.people if person.motion is not None]
    if len(motions) != 2:
        return None
    skeleton = Skeleton.builtin("duologue60")
    chest = skeleton.index(CHEST)
    placed = [forward_kinematics(skeleton, rotations[:frames], root[:frames]) for root, rotations in motions]
    matrices, positions = (np.stack([each[k][:, chest] for each in placed]) for k in (0, 1))
    return faces_partner(positions, matrices)
