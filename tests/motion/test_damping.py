"""What is quick in joints, damped or enlarged: nods go, slow turns stay, and the windows don't show."""

import numpy as np
import pytest
from duologue.motion.damping import GESTURES, HEAD, SECONDS, Damper
from duologue.motion.skeleton import Skeleton
from scipy.spatial.transform import Rotation

SKELETON = Skeleton.builtin("duologue60")
HELD = SKELETON.indices(*HEAD)


def nodding(seconds: float = 20.0) -> np.ndarray:
    """(2, n, J, 3): both nod by 0.15 rad twice a second about a head turned by 0.3; everything else moves as well."""
    t = np.arange(int(seconds * 30)) / 30
    rotations = np.random.default_rng(0).normal(0, 0.1, (2, len(t), len(SKELETON), 3)).astype(np.float32)
    rotations[:, :, HELD] = 0
    rotations[:, :, SKELETON.index("Head"), 0] = 0.15 * np.sin(2 * np.pi * 2 * t)
    rotations[:, :, SKELETON.index("Head"), 1] = 0.3
    return rotations


def test_nods_go_by_as_much_as_asked_and_the_rest_of_the_body_stays() -> None:
    given = nodding()
    damped = Damper(SKELETON, (1.0, 0.5)).push(given)
    nods = damped[:, 120:, SKELETON.index("Head"), 0].std(axis=1) / given[0, 120:, SKELETON.index("Head"), 0].std()
    assert nods[0] < 0.06
    assert nods[1] == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(damped[:, :, SKELETON.index("Head"), 1], 0.3, atol=0.01)
    others = np.setdiff1d(np.arange(len(SKELETON)), HELD)
    np.testing.assert_array_equal(damped[:, :, others], given[:, :, others])


def test_undamped_nothing_changes_to_the_bit() -> None:
    given = nodding(2)
    np.testing.assert_array_equal(Damper(SKELETON, (0.0, 0.0)).push(given), given)
    np.testing.assert_array_equal(Damper(SKELETON, (0.0, 1.0)).push(given)[0], given[0])


def test_a_head_that_turns_to_somebody_else_follows_with_the_time_constant() -> None:
    given = np.zeros((2, 300, len(SKELETON), 3), np.float32)
    given[:, 60:, SKELETON.index("Neck"), 1] = 0.8
    turned = Damper(SKELETON, (1.0, 1.0)).push(given)[0, :, SKELETON.index("Neck"), 1]
    assert not turned[:60].any()
    # A step through a first-order low-pass: 1 - 1/e of the way after one time constant.
    assert turned[60 + int(SECONDS * 30)] == pytest.approx(0.8 * (1 - np.exp(-1)), rel=0.03)
    assert np.diff(turned).max() < 0.02, "and without a jump"


@pytest.mark.parametrize("cut", [[60, 210, 450], [1, 2, 3], [128, 256], list(range(7, 600, 7))])
def test_windows_of_any_size_give_one_motion(cut: list[int]) -> None:
    given = nodding()
    whole = Damper(SKELETON, (1.0, 0.7)).push(given)
    damper = Damper(SKELETON, (1.0, 0.7))
    pieces = np.concatenate([damper.push(piece) for piece in np.split(given, cut, axis=1)], axis=1)
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


def test_equal_rotations_written_differently_are_held_alike() -> None:
    """v and v - 2 pi v/|v| are one rotation: the mean must not be torn between their quaternions q and -q."""
    given = np.zeros((2, 90, len(SKELETON), 3), np.float32)
    given[..., SKELETON.index("Head"), 0] = 0.4
    other = given.copy()
    other[:, ::2, SKELETON.index("Head"), 0] -= 2 * np.pi
    damped = [Damper(SKELETON, (1.0, 1.0)).push(way)[..., SKELETON.index("Head"), :] for way in (given, other)]
    first, second = (Rotation.from_rotvec(head.reshape(-1, 3)) for head in damped)
    assert (first.inv() * second).magnitude().max() < 1e-3


def test_gestures_grow_and_shrink_about_where_they_are_made() -> None:
    t = np.arange(600) / 30
    given = np.zeros((2, len(t), len(SKELETON), 3), np.float32)
    arm, leg = SKELETON.index("LeftArm"), SKELETON.index("LeftLeg")
    given[:, :, arm, 2] = -1.2 + 0.3 * np.sin(2 * np.pi * t)
    given[:, :, leg, 0] = 0.2 * np.sin(2 * np.pi * t)
    damped = Damper(SKELETON, (-0.5, 0.6), GESTURES).push(given)
    size = damped[:, 120:, arm, 2].std(axis=1) / given[0, 120:, arm, 2].std()
    np.testing.assert_allclose(size, [1.5, 0.4], atol=0.06)
    np.testing.assert_allclose(damped[:, 120:, arm, 2].mean(axis=1), -1.2, atol=0.03)
    np.testing.assert_array_equal(damped[:, :, leg], given[:, :, leg])
