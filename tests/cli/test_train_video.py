"""``duologue train video``: one command, stages that resume, a gate before the last."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from duologue.cli import app
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent.parent / "video"))
from synthetic_clips import corpus


def run(folder: Path, *more: str):
    folders = ["--clips", str(folder / "clips"), "--out", str(folder / "run")]
    command = ["train", "video", *folders, "--config", "tiny", "--steps", "3"]
    return CliRunner().invoke(app, [*command, *more])


def test_stages_resume_and_stop_at_the_gate(tmp_path: Path) -> None:
    corpus(tmp_path / "clips")
    first = run(tmp_path, "--stages", "ab")
    assert first.exit_code == 0, first.output
    log = [json.loads(line) for line in (tmp_path / "run" / "a" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["judged"].keys() >= {"carried whole", "add whole", "add holes", "add hand"}
    stamp = (tmp_path / "run" / "a" / "checkpoint" / "model.safetensors").read_bytes()

    missed = run(tmp_path)
    assert missed.exit_code != 0
    gate = json.loads((tmp_path / "run" / "gate.json").read_text())
    assert not gate["passed"]
    assert gate["gained"] == gate["add whole"] < gate["margin"] == 2
    assert not (tmp_path / "run" / "c").exists()

    whole = run(tmp_path, "--regardless")
    assert whole.exit_code == 0, whole.output
    assert "models import" in whole.output
    assert (tmp_path / "run" / "c" / "checkpoint" / "manifest.json").is_file()
    assert (tmp_path / "run" / "a" / "checkpoint" / "model.safetensors").read_bytes() == stamp
