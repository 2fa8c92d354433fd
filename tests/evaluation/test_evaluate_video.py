"""``duologue evaluate video``: the whole report of a model that knows nothing yet, which is the carried picture."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from duologue.cli import app
from duologue.datasets.corpus.video import PATTERNS
from duologue.evaluation.video.examples import of_each_pattern
from duologue.evaluation.video.length import ThereAndBack, lengths
from duologue.passes import png
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.video.pipeline import VideoPipeline
from duologue.video.training_data import fit_latents
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent.parent / "video"))
from synthetic_clips import SIDE, corpus, drawn  # pyright: ignore[reportMissingImports]  on the path since the line above


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
    shown = ["--sheet", str(tmp_path / "sheet.png"), "--videos", str(tmp_path / "videos")]
    more = ["--out", str(tmp_path / "report.json"), *shown]
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
    assert systems["ceiling_composited"]["psnr"]["value"] > systems["ceiling"]["psnr"]["value"]
    assert 0 <= report["router_accuracy"] <= 1
    for name in ("hand", "head", "both"):
        assert report["router"][name]["low"] <= report["router"][name]["value"] <= report["router"][name]["high"]
    assert report["seconds_17_frames"] > 0
    assert report["ratio_render_base"] > 0  # which is the slower is a measurement, not a test: tiny networks take turns
    assert report["ratio_asym_base"] > 0
    assert report["goals"]["over_carried"] == {
        "value": report["over_carried"]["value"],
        "bound": [2.0, None],
        "met": False,
    }
    sheet = png.read(tmp_path / "sheet.png")
    assert sheet.shape == (
        6 * SIDE + 4,
        3 * (6 * SIDE + 4),
        3,
    )  # six systems, six moments, a clip of each of three patterns
    first = of_each_pattern(clips, "test")[PATTERNS[4]].arrays["rgb"]
    assert np.array_equal(sheet[:SIDE, :SIDE], first[0])
    assert np.array_equal(sheet[:SIDE, 5 * SIDE : 6 * SIDE], first[-1])
    pytest.importorskip("av")
    films = sorted((tmp_path / "videos").iterdir())
    assert [film.name for film in films] == sorted(f"{pattern}.mp4" for pattern in PATTERNS[4:7])


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


def test_a_clip_there_and_back() -> None:
    clip = drawn(2)
    rgb = clip.arrays["rgb"]
    long = ThereAndBack(clip, 49)
    assert np.array_equal(long.read("beauty", 0, 17), rgb)
    assert np.array_equal(long.read("beauty", 16, 49), np.concatenate([rgb[::-1], rgb[1:]]))
    assert long.read("contact", 40, 44).shape == (4, SIDE, SIDE, 3)
    assert not long.has("depth")


def test_every_frame_of_a_long_clip_is_made(tmp_path: Path) -> None:
    clips = corpus(tmp_path / "clips")
    model = VideoModel.untrained(VideoConfig.named("tiny"))
    fit_latents(model, clips, clips.numbers("train"))
    made: dict[str, list[float]] = {}
    found = lengths(
        VideoPipeline(model), clips.load(0), "render", 1, frames=(17, 65),
        report=lambda name, done, of: made.setdefault(name, []).append(done / of),
    )  # fmt: skip
    assert found.keys() == {"carried", "render"}
    assert [row["frames"] for row in found["render"]] == [17, 65]
    assert all(done[-1] == 1 for done in made.values())
    assert made["render, 65 frames"][0] == 17 / 65
