"""``duologue evaluate face`` on the kit's held-out speech: a whole report, the same again, and errors with a name."""

import json
import math
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from duologue.checkpoints import open_checkpoint, write_checkpoint
from duologue.cli import app
from duologue.evaluation.face import FaceEvaluation, evaluate_face
from duologue.evaluation.face_sets import ABOUT, held_out_sets
from typer.testing import CliRunner

KIT = Path(__file__).resolve().parents[2].parent / "shared" / "kit"
needs_kit = pytest.mark.skipif(
    not (KIT / "face_ict").is_dir() or find_spec("pocketsphinx") is None,
    reason="needs the kit beside the repository, and pocketsphinx to align its speech",
)


@needs_kit
def test_a_report_on_measured_faces(tmp_path: Path) -> None:
    settings = FaceEvaluation(KIT, sets=("grid",), samples=2, steps=2, style_samples=1, speed_samples=1, cache=tmp_path)
    stages: list[str] = []
    report = evaluate_face(settings, lambda stage, done, total: stages.append(stage))
    assert {"reading speech", "grid", "speed"} == set(stages)
    grid = report["sets"]["grid"]
    assert grid["truth"] == "measured"
    assert grid["conversations"] == 2
    truth, rules = grid["systems"]["truth (measured)"], grid["systems"]["rules"]
    assert truth["lve_mm2"]["value"] == truth["fdd_mm2"]["value"] == 0
    assert rules["lve_mm2"]["value"] > 1
    assert rules["closure_ict"]["value"] == 1  # told every phone, the rules close every p, b and m
    assert rules["blinks_per_minute"]["value"] == 0
    shipped = next(iter(grid["systems"]))
    assert grid["systems"][shipped]["lve_mm2"]["low"] <= grid["systems"][shipped]["lve_mm2"]["value"]
    assert "style" not in report  # there is nothing that could have lost it
    assert report["speed"]["times_faster"]["value"] > 4
    assert report["speed"]["real_time_factor"]["value"] > report["speed"]["real_time_factor_encoder"]["value"] > 0
    assert all(math.isfinite(x) for x in leaves(report) if isinstance(x, float))  # JSON has no NaN

    again = evaluate_face(FaceEvaluation(KIT, sets=("grid",), samples=2, steps=2, style_samples=0, speed_samples=0))
    assert again["sets"] == report["sets"]
    assert "speed" not in again


@needs_kit
def test_a_fine_tuned_face_is_judged_three_ways_and_for_its_styles(tmp_path: Path) -> None:
    base = open_checkpoint("face")
    tensors = {key: value for key, value in base.tensors().items() if not key.startswith("tuned.")}
    tuned = {key.replace("denoiser.", "tuned."): v for key, v in tensors.items() if key.startswith("denoiser.")}
    for name in ("tuned.own_style.weight", "tuned.partner_style.weight"):
        tuned[name] = torch.zeros_like(tuned[name])  # it forgets who speaks, and nothing else
    write_checkpoint(tmp_path / "face", "face", base.config, tensors | tuned)
    settings = FaceEvaluation(
        KIT, (str(tmp_path / "face"),), sets=("grid",), samples=1, steps=1, style_samples=1, speed_samples=0
    )
    report = evaluate_face(settings)
    judged = report["sets"]["grid"]["systems"]
    assert list(judged)[:3] == ["fine-tuned (swap)", "fine-tuned (no swap)", "base"]
    assert judged["fine-tuned (swap)"] == judged["base"]  # the decoder is the same
    assert judged["fine-tuned (no swap)"] != judged["base"]
    kept, lost = report["style"]["fine-tuned (swap)"], report["style"]["fine-tuned (no swap)"]
    assert (kept["recognised"]["value"], kept["shift"]["value"]) == (1, 0)
    assert (lost["recognised"]["value"], lost["spread"]["value"]) == (1 / 8, pytest.approx(0, abs=1e-6))


@needs_kit
def test_mfa_speakers_are_aligned_once_and_kept(tmp_path: Path) -> None:
    (held,) = held_out_sets(KIT, tmp_path, ["mfa"], 1)
    assert len(list(tmp_path.glob("mfa-*.json"))) == 5
    assert {"P", "B", "M"} & {phone.name for phones in held.dialogues[0].phones for phone in phones}
    (again,) = held_out_sets(KIT, tmp_path, ["mfa"], 1)
    assert again.dialogues[0].phones == held.dialogues[0].phones


@needs_kit
def test_the_command_prints_json_and_writes_the_same(tmp_path: Path) -> None:
    arguments = ["--kit", str(KIT), "--set", "grid", "--samples", "1", "--steps", "1", "--styles", "0", "--speed", "0"]
    done = CliRunner().invoke(app, ["evaluate", "face", *arguments, "--json", "-o", str(tmp_path / "report.json")])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "report.json").read_text())


def test_every_set_says_what_its_truth_is_worth() -> None:
    from duologue.cli.evaluate import SETS

    assert set(SETS) == set(ABOUT)


def test_wrong_arguments_are_named_before_any_work(tmp_path: Path) -> None:
    unknown = CliRunner().invoke(app, ["evaluate", "face", "--kit", str(tmp_path), "--set", "opera"])
    assert getattr(unknown.exception, "reason", "") == "set-unknown"
    empty = CliRunner().invoke(app, ["evaluate", "face", "--kit", str(tmp_path)])
    assert getattr(empty.exception, "reason", "") == "ict-missing"
    nowhere = CliRunner().invoke(
        app, ["evaluate", "face", "--kit", str(tmp_path), "-o", str(tmp_path / "no" / "r.json")]
    )
    assert getattr(nowhere.exception, "reason", "") == "folder-not-found"
    assert not list(tmp_path.iterdir())


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    return [value]
