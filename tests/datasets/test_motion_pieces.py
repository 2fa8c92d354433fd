import numpy as np
import pytest
from duologue.datasets.synthesis.body.pieces import Motion, add, envelope, join, overlay
from duologue.motion.skeleton import Skeleton, forward_kinematics
from scipy.spatial.transform import Rotation

SKELETON = Skeleton.builtin("duologue60")


def swaying(frames=60, phase=0.0, speed=0.01):
    time = np.arange(frames)[:, None, None] / 30
    rotations = 0.2 * np.sin(3 * time + phase + np.arange(180).reshape(60, 3))
    rotations[:, 0] *= [1, 0, 1]
    root = np.stack([0 * time[:, 0, 0], 0.9 + 0 * time[:, 0, 0], speed * np.arange(frames)], axis=-1)
    return Motion.from_world(root, rotations)


def turn_between(first, second):
    """Degrees between two frames' rotations, the largest over the joints; scipy is the oracle."""
    a, b = (Rotation.from_quat(frame[:, [1, 2, 3, 0]]) for frame in (first, second))
    return np.degrees((a.inv() * b).magnitude().max())


def test_pieces_join_without_a_jump_and_the_later_one_keeps_its_shape():
    first, second = swaying(phase=0.0), swaying(phase=2.0)
    assert turn_between(first.rotations[-1], second.rotations[0]) > 10
    joined = join([first, second], ease=12)
    assert len(joined) == 120
    largest = max(turn_between(joined.rotations[t], joined.rotations[t + 1]) for t in range(119))
    assert largest < 4
    np.testing.assert_allclose(joined.rotations[:60], first.rotations)
    assert turn_between(joined.rotations[80], second.rotations[20]) < 1e-3


def test_a_mirror_swaps_sides_and_twice_is_nothing():
    motion = swaying()
    mirrored = motion.mirrored(SKELETON)
    features = [m.features() for m in (motion, mirrored)]
    hands = SKELETON.indices("LeftHand", "RightHand")
    positions = [
        forward_kinematics(SKELETON, f[:, 4:].reshape(60, 60, 3), np.zeros((60, 3)))[1][:, hands] for f in features
    ]
    np.testing.assert_allclose(positions[1], positions[0][:, ::-1] * [-1, 1, 1], atol=1e-5)
    np.testing.assert_allclose(mirrored.mirrored(SKELETON).features(), features[0], atol=1e-6)


def test_a_stretched_walk_goes_as_far():
    motion = swaying(speed=0.02)
    longer = motion.stretched(1.25)
    assert len(longer) == 75
    np.testing.assert_allclose(longer.steps.sum(0), motion.steps.sum(0), atol=1e-9)
    assert turn_between(longer.rotations[-1], motion.rotations[-1]) < 1e-4


def test_an_overlay_reaches_its_pose_and_leaves_the_other_joints_alone():
    base, over = swaying(phase=0.0), swaying(phase=1.0)
    arm = SKELETON.indices("LeftArm", "LeftForeArm")
    weight = envelope(40, rise=(5, 15), fall=(25, 35))
    overlaid = overlay(base, over.rotations[:40], arm, 10, weight)
    assert turn_between(overlaid.rotations[30, arm], over.rotations[20, arm]) < 1e-4
    assert turn_between(overlaid.rotations[12, arm], base.rotations[12, arm]) < 1e-4
    others = [j for j in range(60) if j not in arm]
    assert np.array_equal(overlaid.rotations[:, others], base.rotations[:, others])


def test_adding_a_motion_that_does_not_move_adds_nothing():
    base, still = swaying(), np.repeat(swaying().rotations[:1], 30, axis=0)
    overlaid = add(base, still, list(range(60)), 5, np.ones(30))
    assert turn_between(overlaid.rotations[20], base.rotations[20]) < 1e-4


def test_an_envelope_rises_holds_and_falls():
    weight = envelope(40, rise=(5, 15), fall=(25, 35))
    assert weight[[0, 5, 35, 39]] == pytest.approx(0)
    assert weight[15:26] == pytest.approx(1)
    assert (np.diff(weight[5:16]) > 0).all()
