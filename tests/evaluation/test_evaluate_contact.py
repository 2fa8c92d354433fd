"""``duologue evaluate contact`` as a whole, on one pattern: what its report has, and its sheet."""

from __future__ import annotations

import json

import numpy as np
import pytest
from duologue.cli.evaluate import app
from duologue.evaluation.contact.sheet import TILE
from duologue.passes import png
from typer.testing import CliRunner

TOP = {
    "non_collision", "touchness", "contact_f", "touch_drift_mm", "mean_depth_mm", "solve_seconds_per_second", "part_iou",
    "flow_error_px", "patterns", "characters", "goals",
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contact")
    arguments = ["contact", "--pattern", "poke-nose", "--every", "12", "--no-passes", "--json"]
    result = CliRunner().invoke(
        app, [*arguments, "--sheet", str(folder / "sheet.png"), "--out", str(folder / "r.json")]
    )
    assert result.exit_code == 0, result.output
    return json.loads((folder / "r.json").read_text()), folder / "sheet.png"


def test_the_report_has_every_figure_by_pattern_and_by_character(made):
    report, _ = made
    assert report.keys() >= TOP
    assert report["part_iou"] is None
    assert set(report["patterns"]["poke-nose"]) == {"own", "partner"}
    assert len(report["touches"]) == 4
    assert {row["toucher"] for row in report["touches"]} == set(report["characters"])
    assert report["touchness"] == 1.0
    assert report["goals"]["touchness"]["met"]
    for row in report["touches"]:
        assert row["held"] >= 3
        assert row["deepest_frame"] in range(150)


def test_the_sheet_shows_a_hand_at_every_face(made):
    report, path = made
    picture = png.read(path)
    rows, columns = report["sheet"]["rows"], report["sheet"]["columns"]
    assert rows == ["poke-nose"]
    assert picture.shape == (TILE, 2 * TILE * len(columns), 3)
    near = [picture[:, 2 * TILE * k + TILE : 2 * TILE * (k + 1)].astype(int) for k in range(len(columns))]
    for tile in near:  # the touching hand is drawn redder than any skin
        hand = (tile[..., 0] - tile[..., 2] > 70) & (tile[..., 0] - tile[..., 1] > 40)
        assert 0.02 < hand.mean() < 0.5
        middle = np.argwhere(hand).mean(axis=0)
        assert (np.abs(middle - TILE / 2) < 0.45 * TILE).all()


def test_an_unknown_pattern_is_named():
    result = CliRunner().invoke(app, ["contact", "--pattern", "poke-toe"])
    assert result.exit_code != 0
    assert result.exception.reason == "unknown-label"
