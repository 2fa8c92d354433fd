"""Blind comparisons: fair plans, keys that stay apart, answers counted from either side, and intervals from a textbook."""

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from duologue.cli import app
from duologue.errors import DuologueError
from duologue.evaluation import blind_set, compare
from duologue.evaluation.compare import ANSWERS, Shown
from typer.testing import CliRunner


def takes(folder: Path, briefs: list[str], speech: bytes = b"speech") -> Path:
    for brief in briefs:
        (folder / brief).mkdir(parents=True)
        (folder / brief / compare.TAKE).write_bytes(b"")
        for performer in "AB":
            (folder / brief / f"{performer}.wav").write_bytes(speech)
    return folder


def test_only_takes_that_all_have_of_the_same_speech(tmp_path) -> None:
    ours, flat = takes(tmp_path / "ours", ["one", "two", "three"]), takes(tmp_path / "flat", ["two", "one"])
    assert compare.briefs_of([ours, flat]) == ["one", "two"]

    def reason(*folders: Path) -> str:
        with pytest.raises(DuologueError) as caught:
            compare.briefs_of(folders)
        return caught.value.reason

    assert reason(ours) == reason(ours, ours) == "compare-few"
    assert reason(ours, takes(tmp_path / "other", ["four"])) == "takes-missing"
    assert reason(ours, takes(tmp_path / "deaf", ["two"], b"something else")) == "speech-differs"


def test_every_two_systems_meet_on_every_brief_and_sides_are_fair() -> None:
    systems, briefs = ["ours", "flat", "truth"], [f"brief {k}" for k in range(8)]
    shown = compare.plan(systems, briefs, seed=3)
    met = {(s.brief, *sorted((s.left, s.right))) for s in shown}
    assert len(met) == len(shown) == 3 * 8
    assert (
        sum(systems.index(s.left) < systems.index(s.right) for s in shown) == 12
    )  # the first named is left half the time
    assert [s.name for s in shown] == sorted(s.name for s in shown)
    assert [s.brief for s in shown] != sorted(s.brief for s in shown)
    assert shown == compare.plan(systems, briefs, seed=3)
    assert shown != compare.plan(systems, briefs, seed=4)


def test_answers_count_for_whom_they_are_about(tmp_path) -> None:
    shown = [Shown("1", "x", "ours", "flat"), Shown("2", "y", "flat", "ours")]
    (tmp_path / "ada.csv").write_text("video,answer\n1,left much better\n2,right better\n")
    (tmp_path / "ben.csv").write_text("video,answer\n1,same\n2,left better\n")
    (tmp_path / "eve.csv").write_text("video,answer\n1,\n2,\n")  # gave up
    counts = compare.tally(["ours", "flat"], compare.read_answers(tmp_path, shown))["ours against flat"]
    assert (counts["answers"], counts["people"], counts["videos"]) == (4, 2, 2)
    assert {name: level["count"] for name, level in counts["levels"].items()} == {
        "much better": 1, "better": 1, "same": 1, "worse": 1, "much worse": 0,
    }  # fmt: skip
    assert (counts["preferred"]["count"], counts["preferred"]["of"]) == (2, 3)


def test_wilsons_interval_is_the_textbooks() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263 has 0.2553 to 0.3662, 0 of 20 has 0 to 0.1611.
    interval = compare.wilson(81, 263)
    assert (interval["low"], interval["high"]) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    none = compare.wilson(0, 20)
    assert (none["low"], none["high"]) == (pytest.approx(0, abs=1e-9), pytest.approx(0.1611, abs=1e-4))
    assert compare.wilson(0, 0)["value"] is None


def test_wrong_answers_are_named_with_their_line(tmp_path) -> None:
    shown = [Shown("1", "x", "ours", "flat")]
    with pytest.raises(DuologueError) as caught:
        compare.read_answers(tmp_path, shown)
    assert caught.value.reason == "answers-missing"
    (tmp_path / "ada.csv").write_text("video,answer\n1,the left one\n")
    with pytest.raises(DuologueError) as caught:
        compare.read_answers(tmp_path, shown)
    assert caught.value.reason == "answer-unknown"
    assert "ada.csv, line 2" in caught.value.message
    with pytest.raises(DuologueError) as caught:
        compare.read_key(tmp_path / "key.json")
    assert caught.value.reason == "key-missing"


@pytest.mark.skipif(find_spec("bpy") is None, reason="the command looks for a Blender first")
def test_a_blind_set_and_its_tally(tmp_path, monkeypatch) -> None:
    ours, flat = takes(tmp_path / "ours", ["one", "two"]), takes(tmp_path / "flat", ["one", "two"])
    for folder in (ours, flat):
        for brief in ("one", "two"):
            (folder / brief / "preview.mp4").write_bytes(f"{folder.name} {brief}".encode())
    joined: dict[str, tuple[bytes, bytes]] = {}

    def beside(left: Path, right: Path, video: Path, progress) -> None:
        joined[video.stem] = (left.read_bytes(), right.read_bytes())
        video.write_bytes(b"video")

    monkeypatch.setattr(blind_set, "_beside", beside)
    out = tmp_path / "set"
    done = CliRunner().invoke(app, ["evaluate", "compare", str(ours), str(flat), "--out", str(out), "--seed", "1"])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == ["1.mp4", "2.mp4", "answers.csv", "index.html"]
    page = (out / "index.html").read_text()
    assert "{{" not in page
    assert "ours" not in page
    assert "flat" not in page
    key = tmp_path / "set-key.json"
    for name, video in json.loads(key.read_text())["videos"].items():
        assert joined[name] == tuple(f"{video[side]} {video['brief']}".encode() for side in ("left", "right"))

    with (out / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    videos = json.loads(key.read_text())["videos"]
    lines = [f"{row['video']},{ANSWERS[0] if videos[row['video']]['left'] == 'ours' else ANSWERS[-1]}" for row in rows]
    (out / "answers.csv").write_text("\n".join(["video,answer", *lines]))
    counted = CliRunner().invoke(app, ["evaluate", "tally", str(out), "--key", str(key), "--json"])
    assert json.loads(counted.stdout)["ours against flat"]["levels"]["much better"]["count"] == 2
    table = CliRunner().invoke(app, ["evaluate", "tally", str(out), "--key", str(key)])
    assert "much better, %" in table.stdout
    again = CliRunner().invoke(app, ["evaluate", "compare", str(ours), str(flat), "--out", str(out)])
    assert getattr(again.exception, "reason", "") == "folder-not-empty"
