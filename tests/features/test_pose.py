import numpy as np
from duologue.features.pose import LOWER_JOINTS, columns, from_world, placement, to_world, walk
from duologue.features.statistics import PoseStatistics
from duologue.motion.skeleton import Skeleton

SKELETON = Skeleton.builtin("duologue60")


def test_constants_are_decided_over_all_clips_and_not_by_the_first():
    still, moving = np.zeros((10, 3)), np.zeros((10, 3))
    moving[:, 1] = np.linspace(0, 1, 10)
    statistics = PoseStatistics.measure(("root.height", "LeftHandIndex1.x", "Head.z"), [still, moving])
    assert statistics.varies.tolist() == [False, True, False]
    assert statistics.upper.tolist() == [1]
    assert statistics.lower.tolist() == []


def test_lower_and_upper_columns_split_the_body_at_the_hips():
    names = columns(SKELETON)
    assert len(names) == 4 + 3 * 60
    statistics = PoseStatistics.measure(names, [np.random.default_rng(0).normal(size=(9, len(names)))])
    lower = {names[i].split(".")[0] for i in statistics.lower}
    assert lower == {"root", *LOWER_JOINTS}
    assert len(statistics.lower) + len(statistics.upper) == len(names)


def test_standardised_channels_come_back_as_features():
    names = columns(SKELETON)
    features = np.random.default_rng(1).normal(0.2, 0.5, (2, 50, len(names)))
    statistics = PoseStatistics.measure(names, [features])
    standard = statistics.standardise(features)
    back = statistics.restore(standard[..., statistics.lower], standard[..., statistics.upper])
    np.testing.assert_allclose(back, features, atol=1e-5)


def test_a_walk_in_a_circle_comes_back_to_the_world_it_was_taken_from():
    time = np.linspace(0, 4, 120)
    root = np.stack([np.sin(time), 0.9 + 0.02 * np.sin(9 * time), np.cos(time)], axis=-1)
    rotations = 0.3 * np.sin(time[:, None, None] + np.arange(180).reshape(60, 3))
    rotations[:, 0] = np.stack([0.1 * np.sin(time), time - 1, 0.05 * np.cos(time)], axis=-1)
    features, path = from_world(root, rotations)
    walked = walk(path[0], features, moving=False)
    np.testing.assert_allclose(walked, path, atol=1e-9)
    world_root, turned = to_world(np.stack([features] * 2), np.stack([walked] * 2))
    np.testing.assert_allclose(world_root[1], root, atol=1e-9)
    np.testing.assert_allclose(turned[1], rotations, atol=1e-6)


def test_where_the_partner_stands_by_hand():
    # A in the origin looking along +Z; B two metres to A's left (+X), turned to look at A (heading -90 degrees).
    path = np.array([[[0.0, 0.0, 0.0]], [[2.0, 0.0, -np.pi / 2]]])
    seen = placement(path)[:, 0]
    np.testing.assert_allclose(seen[0], [1.0, 0.0, -1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(seen[1], [0.0, 1.0, 1.0, 0.0], atol=1e-12)  # B has A straight ahead
