# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a minute's take: quick, and far quicker than key by key."""

from __future__ import annotations

from addon import benchmark


def test_a_minute_is_written_in_time():
    # A tenth of the minute: both ways grow with the number of frames, and the ratio is what must hold.
    told = benchmark.run(6.0)
    assert told["ratio"] >= 15
    assert told["write"] <= 1.5
