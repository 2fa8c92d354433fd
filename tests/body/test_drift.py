"""Nobody turns their back in ten minutes of talk; and nobody is corrected who only looks away, walks, or is led."""

from __future__ import annotations

import numpy as np
from duologue.body.drift import FREE, PATIENCE, RATE, DriftCorrection, bearings
from duologue.labels import ACTION_MODES

STAND, WALK = ACTION_MODES.index("stand"), ACTION_MODES.index("walk")
STARTS = np.array([[-0.6, 0.0, np.pi / 2], [0.6, 0.0, -np.pi / 2]])
WINDOW = 120


def drifting(minutes: float, degrees_a_second: float, action: int = STAND, *, led: bool = False) -> np.ndarray:
    """A's heading as it is left by a network that turns A a little all the time, (windows,) radians."""
    correction, heading, headings = DriftCorrection(STARTS), STARTS[0, 2], []
    for _ in range(int(minutes * 60 * 30 / WINDOW)):
        path = np.repeat(STARTS[:, None], WINDOW, axis=1)
        path[0, :, 2] = heading + np.radians(degrees_a_second) / 30 * np.arange(1, WINDOW + 1)
        fresh = correction.correct(path, np.full((2, WINDOW), action), np.full((2, WINDOW), led))
        np.testing.assert_array_equal(fresh[..., :2], path[..., :2], err_msg="only turned, never moved")
        np.testing.assert_array_equal(fresh[1], path[1], err_msg="B stands as B should")
        heading = fresh[0, -1, 2]
        headings.append(heading)
    return np.array(headings)


def test_the_partner_straight_ahead_has_bearing_zero():
    path = np.array([[[0.0, 0.0, 0.0]], [[0.0, 1.0, np.pi / 2]]])
    np.testing.assert_allclose(bearings(path)[:, 0], [0.0, np.pi / 2])


def test_a_slow_drift_is_held_for_ten_minutes():
    for rate in (0.5, -1.0):
        away = np.abs(drifting(10, rate) - STARTS[0, 2])
        assert away.max() < FREE + 4 * abs(np.radians(rate)) + 1e-9
        assert away[-1] > 0.9 * FREE, "they may turn as far as anyone may"


def test_nothing_happens_in_the_first_while_and_nothing_abrupt_later():
    turned = drifting(1, 10)
    begun = PATIENCE // WINDOW
    np.testing.assert_allclose(turned[:begun], STARTS[0, 2] + np.radians(40) * np.arange(1, begun + 1))
    assert np.diff(turned).min() >= np.radians(40) - RATE * WINDOW - 1e-9


def test_whoever_walks_or_is_led_is_left_alone():
    for heading in (drifting(2, 2, WALK), drifting(2, 2, led=True)):
        np.testing.assert_allclose(np.diff(heading), np.radians(8))
