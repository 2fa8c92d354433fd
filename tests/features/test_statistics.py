"""Mean and deviation, by hand and against scipy's own standard scores."""

from __future__ import annotations

import json

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.features.pose import channels
from duologue.features.statistics import PoseStatistics, Scaler
from duologue.motion.skeleton import Skeleton
from scipy.stats import zscore


def test_standard_scores_and_back_through_json() -> None:
    mels = np.random.default_rng(0).normal([3.0, -5.0], [2.0, 0.1], (400, 2)).astype(np.float32)
    scaler = Scaler.measure(mels, floor=1e-3)
    np.testing.assert_allclose(scaler.standardise(mels), zscore(mels, axis=0), atol=1e-3)
    again = Scaler.from_json(json.loads(json.dumps(scaler.to_json())))
    np.testing.assert_array_equal(again.mean, scaler.mean)
    np.testing.assert_array_equal(again.std, scaler.std)


def test_a_column_that_hardly_moves_is_not_blown_up() -> None:
    still = np.full((50, 1), 0.25, np.float32)
    still[0] += 1e-4
    assert np.abs(Scaler.measure(still, floor=0.02).standardise(still)).max() < 0.01


def test_legs_and_trunk_have_a_scale_in_each_mode_and_arms_one_for_all() -> None:
    """Who sits (mode 2) varies five times as much as who stands (mode 0), and is elsewhere."""
    names = channels(Skeleton.builtin("duologue60"))
    rng = np.random.default_rng(0)
    modes = np.repeat([0, 2], 1000)
    features = rng.normal(
        np.where(modes == 2, 0.7, 0.2)[:, None], np.where(modes == 2, 0.5, 0.1)[:, None], (2000, len(names))
    )
    statistics = PoseStatistics.measure(names, [features], [modes])
    for column, own in (("Spine1.x", True), ("Head.y", True), ("LeftLeg.x", True), ("LeftArm.x", False)):
        k = names.index(column)
        expected = [0.1, 0.5] if own else [statistics.std[k]] * 2
        np.testing.assert_allclose(statistics.mode_std[[0, 2], k], expected, rtol=0.1)
    # A network that goes on keeps the scale that it knows; only one that learns is given a new one, once.
    earlier = PoseStatistics.measure(names, [2 * features]).to_json()  # from before there were modes
    kept, renewed = (statistics.keeping(earlier, learning) for learning in (("lower",), ("upper",)))
    spine, leg, arm = (names.index(column) for column in ("Spine1.x", "LeftLeg.x", "LeftArm.x"))
    assert kept.mode_std[0, spine] == kept.mode_std[2, spine] == np.float32(earlier["Spine1.x"][1])
    assert kept.mode_std[0, leg] == statistics.mode_std[0, leg]
    assert renewed.mode_std[0, spine] == statistics.mode_std[0, spine]
    assert renewed.mode_std[0, leg] == np.float32(earlier["LeftLeg.x"][1])
    assert renewed.mode_std[0, arm] == np.float32(earlier["LeftArm.x"][1])
    again = statistics.keeping(renewed.to_json(), ("lower", "upper"))
    np.testing.assert_array_equal(again.mode_std[:, spine], renewed.mode_std[:, spine])


def broken(row: list, how: str) -> object:
    return {
        "no row": "a mean of 0.1",
        "no deviation": row[:1],
        "words": ["a", "b", True, row[3], row[4]],
        "fewer deviations than means": [*row[:4], row[4][:-1]],
        "another number of modes": [*row[:3], row[3][:-1], row[4][:-1]],
    }[how]


@pytest.mark.parametrize(
    "how", ["no row", "no deviation", "words", "fewer deviations than means", "another number of modes"]
)
def test_statistics_that_are_not_ours_are_foreign_and_the_column_is_named(how) -> None:
    skeleton = Skeleton.builtin("duologue60")
    names = channels(skeleton)
    statistics = PoseStatistics.measure(names, [np.random.default_rng(0).normal(size=(400, len(names)))])
    whole = statistics.to_json()
    other = {**whole, "Spine1.x": broken(whole["Spine1.x"], how)}
    for read in (lambda: statistics.keeping(other, ("lower",)), lambda: PoseStatistics.from_json(other, skeleton)):
        with pytest.raises(DuologueError, match=r"Spine1\.x|action modes") as caught:
            read()
        assert (caught.value.code, caught.value.reason) == ("FAILED_PRECONDITION", "checkpoint-foreign")


@pytest.mark.parametrize("value", [{}, {"mean": [0.0], "std": ["wide"]}, {"mean": [0.0, 0.0], "std": [1.0]}])
def test_a_scale_that_is_none_is_foreign(value) -> None:
    with pytest.raises(DuologueError) as caught:
        Scaler.from_json(value)
    assert caught.value.reason == "checkpoint-foreign"
