"""``duologue interact`` as it is typed: with weights that were trained, stopped by Ctrl-C and gone on with, and refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.checkpoints.store import write_checkpoint
from duologue.cli import app
from duologue.errors import DuologueError
from duologue.evaluation.contact.standing import standing_take
from duologue.passes import png
from duologue.passes.sources import StoredPasses
from duologue.recipes.video import train_video
from duologue.video.checkpoint import VideoModel
from safetensors.torch import save_file
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent.parent / "video"))
from synthetic_clips import corpus  # pyright: ignore[reportMissingImports]  on the path since the line above

TOUCH = ("--add", "A stroke cheek of B 1.8-2.6", "--size", "64")


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("take") / "take.safetensors"
    standing_take("stroke-cheek").save(path)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a few steps of the recipe leave."""
    folder = tmp_path_factory.mktemp("video")
    corpus(folder / "clips")
    steps = dict.fromkeys("abc", 3)
    checkpoint = train_video(folder / "clips", folder, config="tiny", steps=steps, regardless=True, judged=0)
    model = VideoModel.load(checkpoint)
    model.config = replace(
        model.config, window=2
    )  # pictures come by fives and fours, so that a clip of few has several windows
    return model.save(folder / "video", "video", checkpoint.part("training")).folder


def typed(take: Path, out: Path, *more: str) -> list[str]:
    return ["interact", str(take), *TOUCH, "--out", str(out), *more]


def refused(take: Path, out: Path, *more: str) -> DuologueError:
    """The error of a command, which has written nothing."""
    run = CliRunner().invoke(app, typed(take, out, *more))
    assert isinstance(run.exception, DuologueError), run.output
    assert not out.exists()
    return run.exception


@pytest.mark.timeout(900)  # a solve and a drawing, in a process of its own
@pytest.mark.skipif(sys.platform == "win32", reason="a signal of a terminal")
def test_ctrl_c_keeps_what_is_there_and_the_same_command_goes_on(take: Path, weights: Path, tmp_path: Path) -> None:
    """Asked to stop after its first pictures: they are kept and said, 130; then the rest, as if nothing had been."""
    out = tmp_path / "out"
    asked = ("--frames", "41:65:2", "--backend", "tiny", "--weights", str(weights), "--steps", "50")
    words = typed(take, out, *asked)
    environment = {**os.environ, "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", "duologue", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    limit = time.monotonic() + 600
    while not (out / "frames" / "0001.png").is_file() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    kept = {path.name: path.read_bytes() for path in (out / "frames").iterdir()}
    assert len(kept) in {5, 9}
    assert f"Stopped: {len(kept)} of 13 pictures are kept; the same command goes on from there." in said
    report = json.loads((out / "report.json").read_text())
    assert not report["complete"]
    assert report["frames"]["made"] == len(kept)

    run = CliRunner().invoke(app, words)
    assert run.exit_code == 0, run.output
    assert all((out / "frames" / name).read_bytes() == before for name, before in kept.items())
    gone_on = json.loads((out / "report.json").read_text())
    assert gone_on["complete"]
    whole = tmp_path / "whole"
    shutil.copytree(out / "passes", whole / "passes")
    run = CliRunner().invoke(app, [str(whole) if word == str(out) else word for word in words])
    assert run.exit_code == 0, run.output
    assert json.loads((whole / "report.json").read_text())["digest"] == gone_on["digest"]


def test_one_frame_by_a_trained_model(take: Path, weights: Path, tmp_path: Path) -> None:
    """A clip of one frame is its first picture. What the network was trained to is in the report."""
    run = CliRunner().invoke(
        app, typed(take, tmp_path, "--frames", "60:60", "--backend", "tiny", "--weights", str(weights), "--json")
    )
    assert run.exit_code == 0, run.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["frames"]["count"], report["backend"]["mode"]) == (1, "render")
    assert list(report["backend"]["weights"]) == ["video"]
    beauty = StoredPasses.open(tmp_path / "passes").read("beauty", 0, 1)[0]
    assert np.array_equal(png.read(tmp_path / "frames" / "0001.png"), beauty)


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _pickle(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    torch.save({"a": torch.ones(1)}, folder / "model.pth")


def _bodys(folder: Path) -> None:
    write_checkpoint(folder, "body", {"model": "body", "format": 1}, {"a": torch.ones(1)})


def _other_sizes(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["network"]["width"] *= 2
    write_checkpoint(folder, "video", config, {"denoiser.enter.weight": torch.ones(1)})


@pytest.mark.parametrize(
    ("spoil", "reason", "says"),
    [
        (shutil.rmtree, "weights-missing", "duologue train video"),
        (_cut, "checkpoint-hash", "model.safetensors"),
        (_pickle, "weights-unsafe", "model.pth"),
        (_bodys, "checkpoint-foreign", "'body'"),
        (_other_sizes, "checkpoint-foreign", "don't fit its config"),
    ],
)
def test_bad_weights_of_tiny(
    take: Path, weights: Path, tmp_path: Path, spoil: Callable[[Path], object], reason: str, says: str
) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(weights, folder)
    spoil(folder)
    error = refused(take, tmp_path / "out", "--backend", "tiny", "--weights", str(folder))
    assert (error.reason, says in error.message) == (reason, True), error.message


def test_too_little_memory(take: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.video.backends.memory.free_memory", lambda _: 200_000_000)
    asked = ("--backend", "tiny", "--weights", str(weights), "--frames", "60:60")
    error = refused(take, tmp_path / "out", *asked, "--size", "1024")
    assert error.reason == "memory-short"
    assert "0.20 GB free" in error.message
    assert "--backend carried" in error.message
    run = CliRunner().invoke(app, typed(take, tmp_path / "small", *asked))
    assert run.exit_code == 0, run.output


@pytest.mark.parametrize(
    ("more", "reason", "says"),
    [
        (("--frames", "1:2000"), "frames-shape", "2001"),
        (("--frames", "1:2001"), "out-of-range", "the take has 1 to"),
        (("--size", "128x9"), "size-unsupported", "128x16"),
        (("--size", "8192"), "size-unsupported", "4096"),
        (("--backend", "wan-vace", "--weights", "FOREIGN"), "weights-missing", "config.json"),
        (("--backend", "wan-vace", "--weights", "nowhere"), "weights-missing", "nowhere"),
        (("--region", "hand"), "pictures-missing", "without --region"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_written(
    take: Path, tmp_path: Path, more: tuple[str, ...], reason: str, says: str
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    save_file({"double_blocks.0.weight": torch.ones(2)}, foreign / "diffusion_pytorch_model.safetensors")
    error = refused(take, tmp_path / "out", *(str(foreign) if word == "FOREIGN" else word for word in more))
    assert (error.reason, says in error.message) == (reason, True), error.message
