"""Two bones that reach: against the law of cosines, and without ever bending the wrong way."""

from __future__ import annotations

import numpy as np
from duologue.motion.ik import two_bone
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

HINGE = np.array([1.0, 0.0, 0.0])


def _leg(bend: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A leg hanging down, 0.42 and 0.40 m, its knee bent backwards by an angle about +X."""
    knee = np.array([0.0, -0.42, 0.0])
    return np.zeros(3), knee, knee + Rotation.from_euler("X", bend).apply([0, -0.40, 0])


@given(st.floats(-0.2, 2.2), st.integers(0, 2**32 - 1))
def test_the_tip_reaches_its_target_and_bones_keep_their_length(bend: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    root, knee, ankle = _leg(bend)
    way = rng.normal(size=3) * [0.4, 0.2, 0.6] - [0, 1, 0]
    target = way / np.linalg.norm(way) * rng.uniform(0.1, 0.81)
    upper, lower, reached = two_bone(root, knee, ankle, target, HINGE)
    new_knee = upper @ knee
    new_ankle = new_knee + lower @ (ankle - knee)
    np.testing.assert_allclose(new_ankle, target, atol=1e-9)
    np.testing.assert_allclose(reached, target, atol=1e-9)
    for turn in (upper, lower):
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
        np.testing.assert_allclose(np.linalg.det(turn), 1)
    # The law of cosines: the angle at the knee follows from the three lengths alone.
    reach = np.linalg.norm(target)
    wanted = np.arccos((0.42**2 + 0.40**2 - reach**2) / (2 * 0.42 * 0.40))
    there = np.arccos(np.dot(-new_knee, new_ankle - new_knee) / (0.42 * 0.40))
    np.testing.assert_allclose(there, wanted, atol=1e-6)
    # Never inverted: the bend turns about the thigh's own hinge the healthy way.
    assert np.dot(np.cross(new_knee, new_ankle - new_knee), upper @ HINGE) > 0


@given(st.floats(0.12, 2.2), st.floats(-0.5, 0.5))
def test_nothing_moves_when_the_tip_is_where_it_should_be(bend: float, swivel: float) -> None:
    turn = Rotation.from_euler("Y", swivel)
    root, knee, ankle = (turn.apply(point) for point in _leg(bend))
    upper, lower, _ = two_bone(root, knee, ankle, ankle, turn.apply(HINGE))
    np.testing.assert_allclose(upper, np.eye(3), atol=1e-7)
    np.testing.assert_allclose(lower, np.eye(3), atol=1e-7)


def test_what_is_out_of_reach_is_pointed_at() -> None:
    root, knee, ankle = _leg(0.5)
    far = np.array([0.0, -1.0, 1.0])
    upper, lower, reached = two_bone(root, knee, ankle, far, HINGE)
    new_ankle = upper @ knee + lower @ (ankle - knee)
    np.testing.assert_allclose(new_ankle, reached, atol=1e-9)
    np.testing.assert_allclose(reached / np.linalg.norm(reached), far / np.linalg.norm(far), atol=1e-9)
    assert 0.815 < np.linalg.norm(reached) < 0.82


def test_a_path_through_the_straight_leg_has_no_jump() -> None:
    """The target goes out of reach and comes back: the knee's path stays continuous."""
    root, knee, ankle = _leg(0.3)
    heights = -0.75 - 0.12 * np.sin(np.linspace(0, np.pi, 200))
    targets = np.stack([0 * heights, heights, 0 * heights + 0.02], axis=-1)
    upper, _, _ = two_bone(
        *(np.broadcast_to(p, targets.shape) for p in (root, knee, ankle)),
        targets,
        np.broadcast_to(HINGE, targets.shape),
    )
    path = upper @ knee
    assert np.linalg.norm(np.diff(path, axis=0), axis=-1).max() < 0.03
