# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench's rows from inside Blender. What the times are is for `duologue bench` to say: none decides about a landing."""

from __future__ import annotations

import addon
from addon.rendering import benchmark


def test_every_figure_is_measured_and_names_its_limit():
    rows = benchmark.run(6.0, 1, addon.register, addon.unregister)
    assert len(rows) == 3
    for row in rows:
        assert row["value"] > 0
        assert row["limit"] > 0
        assert row["how"]


def test_whole_curves_beat_key_by_key():
    ratio = next(
        row for row in benchmark.run(6.0, 1, addon.register, addon.unregister) if "keyframe_insert" in row["name"]
    )
    assert ratio["value"] < 1
