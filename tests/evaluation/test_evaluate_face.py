"""``duologue evaluate face`` on the kit's held-out speech: a whole report, the same again, and errors with a name."""

import json
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.checkpoints.store import open_checkpoint, write_checkpoint
from duologue.cli import app
from duologue.datasets.readers.kit_speech import Clip
from duologue.evaluation.face.held_out import ABOUT, cut_at_pauses, held_out_sets, once
from duologue.evaluation.face.report import FaceEvaluation, evaluate_face
from duologue.speech.phones import Phone
from typer.testing import CliRunner

KIT = Path(__file__).resolve().parents[2].parent / "shared" / "kit"
needs_kit = pytest.mark.skipif(
    not (KIT / "face_ict").is_dir() or find_spec("pocketsphinx") is None,
    reason="needs the kit beside the repository, and pocketsphinx to align its speech",
)


@needs_kit
def test_a_report_on_measured_faces(tmp_path: Path) -> None:
    settings = FaceEvaluation(
        KIT, sets=("grid",), samples=2, steps=2, style_samples=1, speed_samples=1, disturbed_samples=1, cache=tmp_path
    )
    stages: list[str] = []
    report = evaluate_face(settings, lambda stage, done, total: stages.append(stage))
    assert {"reading speech", "grid", "styles", "worse sound", "speed"} == set(stages)
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
    (style,) = report["style"].values()  # of the swap, against base; nothing was fine-tuned throughout
    assert 0.5 < style["spread"]["value"] < 2  # too short a clip to recognise anybody, but eight speakers differ
    assert style["shift"]["value"] > 0
    assert 0 <= report["disturbed"]["noise 5 dB under the voice"]["value"] <= 1
    assert report["speed"]["times_faster"]["value"] > 4
    assert report["speed"]["real_time_factor"]["value"] > report["speed"]["real_time_factor_encoder"]["value"] > 0
    assert all(math.isfinite(x) for x in leaves(report) if isinstance(x, float))  # JSON has no NaN

    again = evaluate_face(
        FaceEvaluation(KIT, sets=("grid",), samples=2, steps=2, style_samples=0, speed_samples=0, disturbed_samples=0)
    )
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
    folder = tmp_path / "face"
    settings = FaceEvaluation(
        KIT,
        (str(folder),),
        whole=folder,
        sets=("grid",),
        samples=1,
        steps=1,
        style_samples=1,
        speed_samples=0,
        disturbed_samples=0,
    )
    report = evaluate_face(settings)
    judged = report["sets"]["grid"]["systems"]
    assert list(judged)[:3] == ["fine-tuned (swap)", "fine-tuned (no swap)", "base"]
    assert judged["fine-tuned (swap)"] == judged["base"]  # the decoder is the same
    assert judged["fine-tuned (no swap)"] != judged["base"]
    swapped, whole = report["style"]["fine-tuned (swap)"], report["style"]["fine-tuned (no swap)"]
    assert (swapped["recognised"]["value"], swapped["shift"]["value"]) == (1, 0)
    assert (whole["recognised"]["value"], whole["spread"]["value"]) == (1 / 8, pytest.approx(0, abs=1e-6))


@needs_kit
def test_mfa_speakers_bring_their_phones_or_are_aligned_once(tmp_path: Path) -> None:
    (held,) = held_out_sets(KIT, tmp_path, ["mfa"], 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mfa-61-70968-0000.json"]  # the one without a phone tier
    assert {"P", "B", "M"} & {phone.name for phones in held.dialogues[0].phones for phone in phones}
    (again,) = held_out_sets(KIT, tmp_path, ["mfa"], 1)
    assert again.dialogues[0].phones == held.dialogues[0].phones


@needs_kit
def test_the_command_prints_json_and_writes_the_same(tmp_path: Path) -> None:
    arguments = ["--kit", str(KIT), "--set", "grid", "--samples", "1", "--steps", "1", "--styles", "0", "--speed", "0"]
    arguments += ["--disturbed", "0"]
    done = CliRunner().invoke(app, ["evaluate", "face", *arguments, "--json", "-o", str(tmp_path / "report.json")])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "report.json").read_text())


def test_recordings_are_cut_at_pauses_and_every_sound_is_heard_once() -> None:
    rng = np.random.default_rng(0)
    # Vowels of 0.4 s, and after every fifth, that is every 2 s, a pause of 0.2 s.
    talking = tuple(Phone(0.4 * k, 0.4 * k + (0.2 if k % 5 == 4 else 0.4), "AA") for k in range(60))
    clips = [Clip(f"speech_mfa/{n}", rng.standard_normal(24 * 16000).astype(np.float32), talking) for n in range(2)]
    pieces = cut_at_pauses(clips[0], shortest=3.5)
    assert [round(len(piece.samples) / 16000, 1) for piece in pieces] == [3.9, 4.0, 4.0, 4.0, 4.0, 4.1]
    assert sum(len(piece.phones) for piece in pieces) == 60
    assert all(0 <= p.start < p.end <= len(piece.samples) / 16000 for piece in pieces for p in piece.phones)
    np.testing.assert_array_equal(np.concatenate([piece.samples for piece in pieces]), clips[0].samples)

    dialogues = once(clips, 99, seed=0)
    assert len(dialogues) == len(cut_at_pauses(clips[0]))  # two clips, two pieces a conversation
    assert sum(len(phones) for dialogue in dialogues for phones in dialogue.phones) == 120
    for dialogue in dialogues:  # B speaks when A is done
        assert dialogue.phones[0][-1].end < dialogue.phones[1][0].start
        for track, phones in zip(dialogue.samples, dialogue.phones, strict=True):
            inside = slice(int(phones[0].start * 16000), int(phones[-1].end * 16000))
            assert np.sqrt(np.mean(track[inside] ** 2)) == pytest.approx(0.08, rel=0.05)
            assert not track[: max(inside.start - 8000, 0)].any()
    assert len(once(clips, 2, seed=0)) == 2


def test_every_set_says_what_its_truth_is_worth() -> None:
    from duologue.cli.evaluate_face import SETS

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
