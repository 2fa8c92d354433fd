"""Bodies to test on: two of the kit's recordings, and two who just stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from duologue.motion.bvh import read_bvh
from duologue.motion.contact import Soles
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.rigs.clips import retarget_clip
from scipy.spatial.transform import Rotation


@dataclass(frozen=True)
class Pair:
    """Two performers: roots (2, T, 3) and rotations (2, T, J, 3) on duologue60."""

    root: np.ndarray
    rotations: np.ndarray


def standing(frames: int, gap: float = 1.2) -> Pair:
    """Two people who stand with soft knees and hanging arms, A at -gap/2 facing B at +gap/2, and don't move."""
    skeleton = Skeleton.builtin("duologue60")
    rotations = np.zeros((2, frames, len(skeleton), 3))
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        for joint, angle in (("UpLeg", -0.35), ("Leg", 0.7), ("Foot", -0.35)):
            rotations[:, :, skeleton.index(side + joint), 0] = angle
        rotations[:, :, skeleton.index(side + "Arm"), 2] = -1.3 * sign
    root = np.tile([0.0, 1.0, 0.0], (2, frames, 1))
    soles = Soles.of(skeleton).place(*forward_kinematics(skeleton, rotations[0, 0], root[0, 0]))
    root[..., 1] -= soles[..., 1].min()
    rotations[0, :, 0, 1], rotations[1, :, 0, 1] = np.pi / 2, -np.pi / 2
    root[0, :, 0], root[1, :, 0] = -gap / 2, gap / 2
    return Pair(root, rotations)


@pytest.fixture(scope="session")
def kit_pair(kit_bvhs: Callable[[str], list[Path]]) -> Callable[..., Pair]:
    """Give two Rocketbox clips on duologue60, cut to one length, facing each other over a gap."""
    skeleton = Skeleton.builtin("duologue60")

    def load(first: str, second: str, gap: float = 1.2) -> Pair:
        files = {path.stem: path for path in kit_bvhs("body_rocketbox")}
        tracks = []
        for name, yaw, x in ((first, np.pi / 2, -gap / 2), (second, -np.pi / 2, gap / 2)):
            clip = read_bvh(files[name])
            same = {joint: joint for joint in clip.skeleton.names}
            rotations, root = retarget_clip(clip.skeleton, clip.rotations, clip.root_translation, same, skeleton)
            turn = Rotation.from_euler("Y", yaw)
            rotations[:, 0] = (turn * Rotation.from_rotvec(rotations[:, 0])).as_rotvec()
            tracks.append((turn.apply(root) + np.array([x, 0, 0]), rotations))
        frames = min(len(root) for root, _ in tracks)
        return Pair(np.stack([r[:frames] for r, _ in tracks]), np.stack([q[:frames] for _, q in tracks]))

    return load


@pytest.fixture(name="standing")
def standing_fixture() -> Callable[..., Pair]:
    return standing
