"""``duologue evaluate video``: the whole report of a model that knows nothing yet, which is the carried picture."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from duologue.cli import app
from duologue.passes import png
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.video.training_data import fit_latents
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent.parent / "video"))
from synthetic_clips import SIDE, corpus


def test_an_untrained_model_is_judged(tmp_path: Path) -> None:
    clips = corpus(tmp_path / "clips", test=3)
    model = VideoModel.untrained(VideoConfig.named("tiny"))
    fit_latents(model, clips, clips.numbers("train"))
    model.save(tmp_path / "video", "video", {"steps": 0})
    command = [
        "evaluate",
        "video",
        "--clips",
        str(tmp_path / "clips"),
        "--video",
        str(tmp_path / "video"),
        "--steps",
        "2",
    ]
    more = ["--out", str(tmp_path / "report.json"), "--sheet", str(tmp_path / "sheet.png")]
    run = CliRunner().invoke(app, [*command, *more])
    assert run.exit_code == 0, run.output
    report = json.loads((tmp_path / "report.json").read_text())
    systems = report["systems"]
    assert systems.keys() >= {"ceiling", "held_frame", "warped", "carried", "asym", "add", "stream", "render", "full"}
    asked = "psnr psnr_hand psnr_hand_face psnr_holes psnr_contact ssim warp_error flicker silhouette_iou hand_boundary_f seconds"
    for figures in systems.values():
        assert figures.keys() == set(asked.split())
        assert figures["psnr"]["low"] <= figures["psnr"]["value"] <= figures["psnr"]["high"]
    assert report["clips"] == 3
    assert systems["add"]["psnr"]["value"] == pytest.approx(systems["render"]["psnr"]["value"])
    assert abs(report["over_carried"]["value"]) < 2
    assert systems["carried"]["psnr"]["value"] > systems["held_frame"]["psnr"]["value"]
    assert systems["ceiling_restored"]["psnr"]["value"] > systems["ceiling"]["psnr"]["value"]
    assert 0 <= report["router_accuracy"] <= 1
    assert report["ratio_asym_base"] == pytest.approx(1, abs=0.5)
    assert report["goals"]["over_carried"] == {
        "value": report["over_carried"]["value"],
        "bound": [2.0, None],
        "met": False,
    }
    sheet = png.read(tmp_path / "sheet.png")
    assert sheet.shape[1] == 2 * (6 * SIDE + 4)


def test_a_split_without_clips_is_said(tmp_path: Path) -> None:
    from duologue.errors import DuologueError
    from duologue.evaluation.video.report import VideoEvaluation, evaluate_video

    clips = corpus(tmp_path / "clips")
    model = VideoModel.untrained(VideoConfig.named("tiny"))
    fit_latents(model, clips, clips.numbers("train"))
    model.save(tmp_path / "video", "video", {})
    with pytest.raises(DuologueError) as error:
        evaluate_video(VideoEvaluation(tmp_path / "clips", tmp_path / "video"))
    assert error.value.reason == "corpus-empty"
