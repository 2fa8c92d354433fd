"""Mean and deviation, by hand and against scipy's own standard scores."""

from __future__ import annotations

import json

import numpy as np
from duologue.features.statistics import Scaler
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
