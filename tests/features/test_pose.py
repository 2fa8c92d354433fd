import numpy as np
from duologue.features.pose import (
    LOWER_JOINTS,
    channels,
    columns,
    from_world,
    mirrored,
    placement,
    to_world,
    walk,
)
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


def test_standardised_channels_come_back_as_features_under_any_mixture_of_modes():
    names = channels(SKELETON)
    rng = np.random.default_rng(1)
    features = rng.normal(0.2, 0.5, (2, 900, len(names)))
    modes = rng.integers(0, 3, (2, 900))
    features += modes[..., None]
    statistics = PoseStatistics.measure(names, [features], [modes], 3)
    weights = rng.dirichlet(np.ones(3), (2, 900))
    standard = statistics.standardise(features, weights)
    back = statistics.restore(standard[..., statistics.lower], standard[..., statistics.upper], weights)
    np.testing.assert_allclose(back, features, atol=1e-5)


def test_each_mode_has_a_scale_of_its_own_below_the_hips_and_none_above():
    names = ("root.dz", "LeftUpLeg.x", "LeftArm.x", "contact.LeftHeel")
    rng = np.random.default_rng(2)
    walks = rng.normal([0.04, 0.0, 0.0, 0.4], [0.01, 0.3, 0.3, 0.4], (4000, 4))
    stands = rng.normal([0.0003, 0.1, 0.0, 1.0], [0.001, 0.02, 0.1, 0.001], (4000, 4))
    statistics = PoseStatistics.measure(names, [stands, walks], [np.zeros(4000, int), np.ones(4000, int)], 2)
    np.testing.assert_allclose(statistics.mode_mean[:, 0], [0, 0.04], atol=1e-3)  # who stands does not drift
    np.testing.assert_allclose(statistics.mode_std[:, 0], [0.001, 0.01], rtol=0.1)
    np.testing.assert_allclose(statistics.mode_std[:, 1], [0.02, 0.3], rtol=0.05)
    assert statistics.mode_std[0, 2] == statistics.mode_std[1, 2] == statistics.std[2]
    assert statistics.mode_std[0, 3] == np.float32(0.3)
    assert statistics.lower.tolist() == [0, 3, 1], "how it moves over the floor comes first"
    assert statistics.given.tolist() == [0, 1]


def test_a_mirror_swaps_feet_and_their_contacts():
    features = np.zeros((1, len(channels(SKELETON))))
    features[0, -4:] = [1.0, 0.5, 0.2, 0.1]
    assert mirrored(features, SKELETON)[0, -4:].tolist() == [0.2, 0.1, 1.0, 0.5]
    np.testing.assert_array_equal(mirrored(mirrored(features, SKELETON), SKELETON), features)


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
