import numpy as np
import pytest
from duologue.brief.constraints import GazeTarget, HandTarget
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.performance.direction import REACHING, Direction

SKELETON = Skeleton.builtin("duologue60")
HAND, HEAD = SKELETON.index("LeftHand"), SKELETON.index("Head")


@pytest.fixture
def standing():
    """Both stand for three seconds, arms bent a little, on the floor at their places."""
    rotations = np.zeros((2, 90, len(SKELETON.names), 3), np.float32)
    rotations[:, :, SKELETON.index("LeftForeArm"), 1] = -0.6
    root = np.zeros((2, 90, 3), np.float32)
    root[..., 1] = SKELETON.offsets[0, 1]
    root[1, :, 0] = 1.2
    return root, rotations


def test_a_hand_is_at_its_point_for_as_long_as_asked_and_comes_and_goes_softly(standing):
    root, rotations = standing
    _, before = forward_kinematics(SKELETON, rotations, root)
    point = before[0, 0, HAND] + [-0.2, 0.1, 0.15]
    direction = Direction(SKELETON, [HandTarget("A", "left", 1.0, 1.5, *point.tolist())])
    led = direction.apply(0, root, rotations)
    _, after = forward_kinematics(SKELETON, led, root)
    assert np.linalg.norm(after[0, 30:46, HAND] - point, axis=-1).max() < 1e-3
    assert direction.out_of_reach == 0
    np.testing.assert_array_equal(led[1], rotations[1])
    away = int(30 * REACHING) + 1
    np.testing.assert_allclose(led[0, : 30 - away], rotations[0, : 30 - away], atol=1e-6)
    np.testing.assert_allclose(led[0, 46 + away :], rotations[0, 46 + away :], atol=1e-6)
    assert np.linalg.norm(np.diff(after[0, :, HAND], axis=0), axis=-1).max() < 0.05


def test_a_point_out_of_reach_is_said_and_the_arm_goes_as_near_as_it_can(standing):
    root, rotations = standing
    direction = Direction(SKELETON, [HandTarget("A", "left", 1.0, 1.0, 3.0, 1.2, 0.0)])
    _, after = forward_kinematics(SKELETON, direction.apply(0, root, rotations), root)
    assert direction.out_of_reach > 1
    shoulder = after[0, 30, SKELETON.index("LeftArm")]
    towards = (after[0, 30, HAND] - shoulder) / np.linalg.norm(after[0, 30, HAND] - shoulder)
    wish = np.array([3.0, 1.2, 0]) - shoulder
    assert towards @ wish / np.linalg.norm(wish) > 0.999


@pytest.mark.parametrize("point", [(0.5, 1.2, 1.5), (-0.8, 2.0, 1.0), (0.2, 0.3, 1.2)])
def test_a_head_looks_where_it_is_asked_to_within_three_degrees(standing, point):
    root, rotations = standing
    direction = Direction(SKELETON, [GazeTarget("B", 1.0, 2.0, *(point[0] + 1.2, *point[1:]))])
    turned = direction.apply(0, root, rotations)
    matrices, positions = forward_kinematics(SKELETON, turned, root)
    wish = np.array([point[0] + 1.2, *point[1:]]) - positions[1, 40, HEAD]
    cosine = matrices[1, 40, HEAD, :, 2] @ wish / np.linalg.norm(wish)
    assert np.degrees(np.arccos(min(cosine, 1))) < 3
    np.testing.assert_array_equal(turned[0], rotations[0])
    aimed = direction.looked_at(0, np.full((2, 90, 2), 30, np.float32), positions[:, :, HEAD], matrices[:, :, HEAD])
    assert np.abs(aimed[1, 40]).max() < 3, "the eyes as well"
    assert (aimed[0] == 30).all()


def test_how_a_take_is_cut_makes_no_difference(standing):
    root, rotations = standing
    targets = [GazeTarget("A", 1.0, 2.0, 0.5, 1.0, 2.0), HandTarget("B", "right", 0.5, 0.8, 0.9, 1.2, 0.3)]
    whole = Direction(SKELETON, targets).apply(0, root, rotations)
    cut = Direction(SKELETON, targets)
    parts = [cut.apply(a, root[:, a:b], rotations[:, a:b]) for a, b in ((0, 17), (17, 18), (18, 90))]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-6)
