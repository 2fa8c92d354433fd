"""``duologue evaluate body`` on a tiny corpus and networks never trained: a whole report, the same again, named errors."""

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest
from duologue.cli import app
from duologue.datasets.corpus.body import Corpus
from duologue.evaluation.body import speed as body_speed
from duologue.evaluation.body.goals import goals
from duologue.evaluation.body.report import OURS, TRUTH, BodyEvaluation, evaluate_body
from duologue.evaluation.body.results import targets_of
from duologue.evaluation.body.systems import System, copied, held_out_clips, of_checkpoint, samples
from duologue.evaluation.compare import briefs_of
from duologue.take import Take
from typer.testing import CliRunner

EXAMPLES = Path(__file__).parents[1] / "body" / "examples_body.py"
FRAMES = 40


def examples():
    spec = importlib.util.spec_from_file_location("examples_body", EXAMPLES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path, Path]:
    """A held-out corpus, a training corpus and a checkpoint, each tiny."""
    here, body = tmp_path_factory.mktemp("body"), examples()
    test = body.write_corpus(here / "test", pairs=3, frames=FRAMES + 5)
    train = body.write_corpus(here / "train", pairs=4, frames=90, seed=1)
    return test, train, body.tiny_model().save(here / "tiny", "body", {}).folder


def settings(folders, **changes) -> BodyEvaluation:
    test, train, checkpoint = folders
    values = {
        "train": train,
        "frames": FRAMES,
        "steps": 2,
        "samples": 2,
        "effect_pairs": 0,
        "speed_pairs": 0,
        "resamples": 5,
    }
    return BodyEvaluation(test, (str(checkpoint),), **(values | changes))


def test_a_whole_report(folders) -> None:
    checkpoint = str(folders[2])
    stages: list[str] = []
    report = evaluate_body(settings(folders, flat=checkpoint), lambda stage, done, total: stages.append(stage))
    assert list(report["systems"]) == [OURS, "flat", "copied training clips", TRUTH]
    assert set(stages) == {*report["systems"], "distances"}
    assert (report["pairs"], report["corpus"]["too_short"]) == (3, 0)
    ours, flat, copies, truth = report["systems"].values()
    assert ours == flat  # one checkpoint under two names
    assert all(
        value["low"] == value["high"] == 0
        for value in report["minus_ours"]["flat"].values()
        if value["low"] is not None
    )
    assert truth["as_sampled"]["actions_obeyed_percent"]["value"] == 100
    assert truth["as_sampled"]["jerk_ratio"]["value"] == 1
    assert truth["diversity"]["div_g_standardised_of_truth"]["value"] == pytest.approx(1)
    assert truth["diversity"]["div_sample_standardised"]["value"] is None
    assert "frechet" not in truth
    # Copies are real motion: nearer to the truth than what untrained networks make.
    assert copies["frechet"]["fd_k_radians"]["value"] < ours["frechet"]["fd_k_radians"]["value"]
    assert report["goals"]["flat minus ours, fd_g_radians"]["met"] is False
    assert all(math.isfinite(x) for x in leaves(report) if isinstance(x, float))  # JSON has no NaN
    assert evaluate_body(settings(folders, flat=checkpoint)) == report


def test_labels_and_speed(folders, monkeypatch) -> None:
    monkeypatch.setattr(body_speed, "DDPM_STEPS", 4)
    report = evaluate_body(settings(folders, effect_pairs=2, speed_pairs=2, train=None))
    contrasts = report["effects"]["emotions"]["joy - sadness"]
    assert (
        contrasts["wrist_speed_m_s"]["difference"]["value"] != 0
    )  # untrained networks, but each label sounds different
    assert set(report["effects"]["roles"]) == {
        "boss - subordinate",
        "teacher - student",
        "parent - child",
        "bully - classmate",
    }
    assert (
        report["speed"]["real_time_factor"]["value"] > report["speed"]["real_time_factor_sampling_alone"]["value"] > 0
    )
    assert 1 < report["speed"]["two_minutes_over_one"] < 4
    assert report["speed"]["minus_ddpm"]["fd_g"]["value"] is not None


def test_what_was_sampled_is_read_again(folders, tmp_path) -> None:
    (clip, *_), _ = held_out_clips(Corpus.open(folders[0]), 1, FRAMES)
    ours = of_checkpoint("ours", folders[2], 2)
    first = list(samples(ours, clip, 2, tmp_path))
    assert len(list(tmp_path.rglob("*.npz"))) == 2
    deaf = System("ours", lambda clip, seed: pytest.fail("sampled again"), ours.key)
    for before, after in zip(first, samples(deaf, clip, 2, tmp_path), strict=True):
        np.testing.assert_array_equal(before.rotations, after.rotations)
    assert not np.array_equal(first[0].rotations, first[1].rotations)  # two seeds, two takes


def test_a_clip_is_the_truth_with_what_it_was_conditioned_on(folders) -> None:
    corpus = Corpus.open(folders[0])
    clips, short = held_out_clips(corpus, None, FRAMES)
    assert (len(clips), short) == (3, 0)
    features = clips[1].truth.features()  # world and back
    start = int(corpus.starts[1])
    # The first step of a clip is not told apart from none; the hips' heading is the path's.
    np.testing.assert_allclose(features[1:], corpus.arrays["features"][start + 1 : start + FRAMES], atol=2e-3)
    np.testing.assert_array_equal(clips[1].conditions.mel[0], corpus.arrays["mel"][start : start + FRAMES, 0])
    assert clips[1].conditions.roles == ("boss", "subordinate")
    others = targets_of(clips, examples().SKELETON)[2].others
    assert len(others) == 2  # the two other clips, never one's own


def test_copies_are_stretches_of_training_data_drawn_anew_for_every_seed(folders) -> None:
    (clip, *_), _ = held_out_clips(Corpus.open(folders[0]), 1, FRAMES)
    system = copied(Corpus.open(folders[1]), FRAMES)
    a, b, again = system(clip, 0), system(clip, 1), system(clip, 0)
    assert a.root.shape == (2, FRAMES, 3)
    np.testing.assert_array_equal(a.root, again.root)
    assert not np.array_equal(a.root, b.root)


def test_takes_of_every_system_for_a_comparison(folders, tmp_path) -> None:
    evaluate_body(settings(folders, pairs=2, samples=1, takes=tmp_path, take_pairs=1))
    takes = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("take.safetensors"))
    assert takes == [f"{name}/pair-00/take.safetensors" for name in ("copied-training-clips", "ground-truth", "ours")]
    take = Take.load(tmp_path / "ours" / "pair-00" / "take.safetensors")
    assert take.frames == FRAMES
    assert briefs_of([tmp_path / "ours", tmp_path / "ground-truth"]) == ["pair-00"]


def test_goals_say_what_is_met_and_what_cannot_be_told(folders) -> None:
    report = evaluate_body(settings(folders, train=None))
    reached = goals(report)
    assert reached["flat minus ours, fd_k_standardised"]["met"] is None  # no flat one was given
    assert reached["feet slide in contact, cm/s, cleaned"]["met"] in (True, False)
    report["minus_ours"]["flat"] = {"fd_g_radians": {"value": 2.0, "low": 0.5, "high": 3.0}}
    report["systems"]["ours"]["as_sampled"]["actions_obeyed_percent"]["value"] = 94.9
    reached = goals(report)
    assert reached["flat minus ours, fd_g_radians"]["met"] is True
    assert reached["actions obeyed, % of frames"]["met"] is False


def test_the_command_prints_json_and_writes_the_same(folders, tmp_path) -> None:
    test, train, checkpoint = map(str, folders)
    arguments = [
        "--corpus",
        test,
        "--train",
        train,
        "--checkpoint",
        checkpoint,
        "--frames",
        str(FRAMES),
        "--steps",
        "1",
    ]
    arguments += ["--samples", "1", "--pairs", "2", "--effects", "0", "--speed", "0", "--resamples", "2"]
    done = CliRunner().invoke(app, ["evaluate", "body", *arguments, "--json", "-o", str(tmp_path / "report.json")])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "report.json").read_text())
    table = CliRunner().invoke(app, ["evaluate", "body", *arguments], env={"COLUMNS": "160"})
    assert table.exit_code == 0, table.output
    assert "FD_g, radians" in table.stdout
    assert "actions obeyed" in table.stdout


def test_wrong_arguments_are_named(folders, tmp_path) -> None:
    def reason(*arguments: str) -> str:
        return getattr(CliRunner().invoke(app, ["evaluate", "body", *arguments]).exception, "reason", "")

    assert reason("--corpus", str(tmp_path)) == "corpus-missing"
    assert reason("--corpus", str(folders[0]), "--frames", "300") == "corpus-short"
    assert reason("--corpus", str(folders[0]), "-o", str(tmp_path / "no" / "r.json")) == "folder-not-found"


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    return [value]
