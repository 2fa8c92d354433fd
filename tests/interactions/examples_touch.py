"""Two people who stand before each other and move a little, for all tests that solve touches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from duologue.brief import Interaction
from duologue.interactions.actor import Character, Scene, scene_of
from duologue.interactions.solve import solve_one
from duologue.interactions.solved import Solved, Span
from duologue.motion.skeleton import Skeleton
from duologue.take import Track

FRAMES = 150
SKELETON = Skeleton.builtin("duologue60")


@cache
def standing(x: float, heading: float, frames: int = FRAMES) -> Track:
    """Somebody at x who looks along ``heading``, arms hanging; head and trunk sway, a nod of 3 degrees among it."""
    rotations = np.zeros((frames, len(SKELETON), 3), np.float32)
    time = np.arange(frames) / 30
    rotations[:, 0, 1] = heading
    for side, sign in (("Left", -1), ("Right", 1)):
        rotations[:, SKELETON.index(side + "Arm")] = (0, 0, sign * 1.35)
        rotations[:, SKELETON.index(side + "ForeArm")] = (0, sign * 0.25, 0)
    rotations[:, SKELETON.index("Head"), 1] = 0.08 * np.sin(2 * time + heading)
    rotations[:, SKELETON.index("Neck"), 0] = 0.05 * np.sin(3 * time + heading)
    rotations[:, SKELETON.index("Spine1"), 2] = 0.03 * np.sin(1.5 * time)
    root = np.tile(np.array([x, SKELETON.offsets[0][1], 0.0], np.float32), (frames, 1))
    weights = np.zeros((frames, 52), np.float32)
    return Track(root, rotations, weights, np.ones(frames, bool), np.zeros(frames, np.uint8))


def scene(characters: Sequence[Character], apart: float = 0.52, stretch: slice = slice(None)) -> Scene:
    """A and B so many metres apart, over a stretch of frames."""
    tracks = (standing(-apart / 2, np.pi / 2), standing(apart / 2, -np.pi / 2))
    return scene_of(characters, SKELETON, [track[stretch] for track in tracks])


def touch(characters: Sequence[Character], interaction: Interaction, apart: float = 0.52) -> tuple[Scene, Solved]:
    """Solve one touch on the two; the scene that comes back has it."""
    actors = scene(characters, apart)
    span = Span(np.arange(FRAMES) / 30, FRAMES / 30, 30)
    return actors, solve_one(actors, interaction, span)
