"""Ablations from one command to one table: all are trained, gone on with, left to whoever has them, and compared."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from duologue.checkpoints.store import open_checkpoint
from duologue.cli import app
from duologue.errors import DuologueError
from duologue.evaluation.video.ablations import checkpoints_of
from duologue.files.lock import only_writer
from duologue.recipes.video_ablations import train_ablations
from duologue.video.ablations import ABLATIONS
from duologue.video.checkpoint import VideoModel
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent.parent / "video"))
from synthetic_clips import corpus  # pyright: ignore[reportMissingImports]  on the path since the line above


def typed(*words: str) -> str:
    run = CliRunner().invoke(app, list(words))
    assert run.exit_code == 0, run.output
    return run.output


def trained(folder: Path, *more: str) -> str:
    where = ["--clips", str(folder / "clips"), "--out", str(folder / "run"), "--config", "tiny", "--steps", "2"]
    return typed("train", "video-ablations", *where, *more)


def test_each_is_trained_and_compared(tmp_path: Path) -> None:
    corpus(tmp_path / "clips", test=2)
    trained(tmp_path, "--seeds", "1")
    folder = tmp_path / "run" / "ablations"
    first = {path: path.read_bytes() for path in folder.glob("*/*/*/checkpoint/model.safetensors")}
    assert len(first) == 2 * len(ABLATIONS)
    for name in ABLATIONS:
        model = VideoModel.load(open_checkpoint(folder / name / "0" / "2" / "checkpoint"))
        assert model.config.spatial == (0 if name == "region-latents" else 4)
    trained(tmp_path, "--seeds", "2", "--only", "whole", "--only", "identity")
    assert all(path.read_bytes() == before for path, before in first.items())
    assert {name: len(found) for name, found in checkpoints_of(folder).items()} == {
        name: 2 if name in {"whole", "identity"} else 1 for name in ABLATIONS
    }

    out = tmp_path / "report.json"
    where = ["--clips", str(tmp_path / "clips"), "--video", str(folder / "whole" / "0" / "2" / "checkpoint")]
    printed = typed("evaluate", "video", *where, "--steps", "1", "--ablations", str(folder), "--out", str(out))
    assert "worth of each part" in printed
    found = json.loads(out.read_text())["ablations"]
    assert found["systems"].keys() >= {"whole asym", "whole render", "experts render", "asymmetric-mask full"}
    assert found["differences"].keys() == ABLATIONS.keys() - {"whole"}
    worth = found["differences"]["identity"]["render against render"]["psnr_hand"]
    assert worth["low"] <= worth["value"] <= worth["high"]
    assert len(worth["by_seed"]) == 2
    assert worth["value"] == pytest.approx(sum(worth["by_seed"]) / 2)


def test_a_run_is_left_to_whoever_has_it(tmp_path: Path) -> None:
    corpus(tmp_path / "clips")
    folder = tmp_path / "run" / "ablations"
    with only_writer(folder / "whole" / "0", "training-busy", "another one"):
        trained(tmp_path, "--seeds", "1", "--only", "whole", "--only", "experts")
    assert not (folder / "whole" / "0" / "1").exists()
    assert (folder / "experts" / "0" / "2" / "checkpoint").is_dir()
    with pytest.raises(DuologueError) as error:
        checkpoints_of(folder)
    assert error.value.reason == "ablations-missing"


def test_an_unknown_part_is_named(tmp_path: Path) -> None:
    corpus(tmp_path / "clips")
    with pytest.raises(DuologueError, match="'experts'") as error:
        train_ablations(tmp_path / "clips", tmp_path / "run", names=("expert",))
    assert error.value.reason == "unknown-label"
    assert not (tmp_path / "run").exists()
