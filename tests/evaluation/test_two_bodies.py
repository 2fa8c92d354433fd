from __future__ import annotations

import numpy as np
import pytest
import trimesh
from duologue.evaluation.contact.two_bodies import capsule_gaps, gap_figures, surface_gap
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Track
from numpy.typing import NDArray

BALL = trimesh.creation.icosphere(4, 0.1)


def balls(apart: float) -> NDArray[np.float64]:
    vertices = np.asarray(BALL.vertices, np.float64)
    return np.stack([vertices, vertices + np.array([apart, 0, 0])])


@pytest.mark.parametrize("apart", [0.15, 0.2, 0.201, 0.25, 0.9, 3.0])
def test_two_balls_are_as_far_apart_as_their_middles_less_their_radii(apart: float) -> None:
    assert surface_gap(balls(apart), np.asarray(BALL.faces, np.int64)) == pytest.approx(apart - 0.2, abs=0.001)


def test_capsules_of_two_people_who_come_near() -> None:
    """Two who stand beside each other: what comes nearest are their upper arms' or hands' capsules, one to one."""
    skeleton = Skeleton.builtin("duologue60")
    tracks = []
    for side in (0, 1):
        root = np.tile(skeleton.rest_positions[0], (3, 1))
        root[:, 2] += side * np.array([3.0, 0.5, 0.1])
        still = np.zeros((3, 60, 3), np.float32)
        tracks.append(
            Track(
                root.astype(np.float32),
                still,
                np.zeros((3, 52), np.float32),
                np.ones(3, np.bool_),
                np.zeros(3, np.uint8),
            )
        )
    gaps = capsule_gaps(Take(skeleton, (tracks[0], tracks[1])), np.arange(3))
    assert gaps[0] > gaps[1] > 0 > gaps[2]  # trunks 23 cm thick, 10 cm apart
    np.testing.assert_allclose(gaps[0] - gaps[1], 2.5, atol=0.02)


def test_figures_are_counted_by_hand() -> None:
    figures = gap_figures([0.1, 0.004, -0.01, -0.03])
    assert figures == {
        "frames": 4,
        "touch_percent": 75.0,
        "penetration_percent": 25.0,
        "penetration_cm": pytest.approx(1.0),
        "deepest_cm": pytest.approx(3.0),
        "nearest_cm": 0.0,
    }
