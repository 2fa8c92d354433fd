"""The figures of the wire are there, and mean what they say. Whether they are good is `duologue bench`'s business."""

from __future__ import annotations

import json

import numpy as np
from duologue.service.bench import Ratio, measure_wire


def test_a_run_gives_ratios_with_their_intervals() -> None:
    report = json.loads(json.dumps(measure_wire(take_seconds=10, window_ms=20, rounds=3)))
    for name in ("wire_overhead", "curve_overhead", "noise"):
        assert report[name]["low"] <= report[name]["median"] <= report[name]["high"]
    assert report["window_bytes"] == 2 * 150 * ((3 + 180 + 52) * 4 + 2)
    assert report["wire_overhead"]["median"] > 0.9  # the wire can't be faster than none
    assert report["megabytes_per_second"] > 0


def test_the_interval_of_a_known_ratio() -> None:
    below = np.linspace(1, 2, 40)
    ratio = Ratio.of(below * np.tile([1.0, 1.2], 20), below)
    assert 1.0 <= ratio.low <= ratio.median <= ratio.high <= 1.2 + 1e-12
    exact = Ratio.of(below * 1.5, below)
    np.testing.assert_allclose([exact.low, exact.median, exact.high], 1.5)
