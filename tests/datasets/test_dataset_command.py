"""``duologue dataset``: checks of the layouts that readers know, figures, labels."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from duologue.arkit import INDEX, NAMES
from duologue.cli import app
from duologue.datasets.checking import check
from duologue.datasets.corpus.body import Corpus
from duologue.datasets.labelling import runs
from duologue.datasets.labels.phones import read_phones_csv
from duologue.datasets.readers.live_link import FaceCapture
from duologue.datasets.statistics import face, speech
from duologue.datasets.statistics.report import statistics
from duologue.errors import DuologueError
from duologue.features import pose as poses
from examples_data import TEXTGRID, interact, save, some_pair, standing
from typer.testing import CliRunner


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["dataset", *map(str, arguments)])
    return result.exit_code, result.stdout


def voice(path: Path, seconds: float = 3.0, rate: int = 16_000) -> None:
    noise = 0.1 * np.random.default_rng(1).normal(size=int(seconds * rate))
    soundfile.write(path, noise * (np.arange(len(noise)) > rate), rate)


def beat(root: Path) -> Path:
    for name, speaker in (("1_wayne_0_73_73", "1"), ("2_scott_1_3_3", "2")):
        save(root / speaker / f"{name}.bvh", *standing(90))
        voice(root / speaker / f"{name}.wav")
    (root / "1" / "1_wayne_0_73_73.TextGrid").write_text(TEXTGRID)
    return root


def captures(root: Path) -> Path:
    weights = np.zeros((90, len(NAMES)))
    weights[30:40, INDEX["eyeBlinkLeft"]] = 0.9
    weights[:, INDEX["jawOpen"]] = np.linspace(0, 0.5, 90)
    rows = [",".join(["time", *NAMES])] + [",".join(map(str, [k / 30, *row])) for k, row in enumerate(weights)]
    (root / "a.csv").write_text("\n".join(rows))
    voice(root / "a.wav")
    return root


def corpus(root: Path) -> Path:
    Corpus.write(root, [some_pair(60, 1), some_pair(60, 2)], {})
    return root


@pytest.mark.parametrize(
    ("make", "layout", "holds"),
    [
        (corpus, "corpus", {"pairs": 2, "minutes": 0.07}),
        (interact, "InterAct", {"sequences": 1, "hours": 0.0008, "people": 2, "with words": 0}),
        (beat, "BEAT", {"sequences": 2, "hours": 0.0017, "people": 2, "with words": 1}),
        (captures, "face captures", {"sequences": 1, "hours": 0.0008, "people": 1, "with words": 0}),
    ],
)
def test_whole_data_is_whole(tmp_path, make, layout, holds):
    findings = check(make(tmp_path))
    assert (findings.layout, findings.holds, findings.problems, findings.notes) == (layout, holds, [], [])
    assert run("check", tmp_path)[0] == 0


def cut_motion(root: Path) -> str:
    path = next(root.glob("**/*.bvh"))
    path.write_text(path.read_text()[:-400])
    return "bvh-truncated"


def silent(root: Path) -> str:
    path = next(root.glob("**/*.wav"))
    soundfile.write(path, np.zeros(48_000), 16_000)
    return "audio-silent"


def long_speech(root: Path) -> str:
    voice(next(root.glob("**/*.wav")), seconds=6.0)
    return "lengths-differ"


def not_a_number(root: Path) -> str:
    path = root / "mel.npy"
    mel = np.load(path)
    mel[70, 1, 3] = np.nan
    np.save(path, mel)
    return "corpus-values"


def without_partner(root: Path) -> str:
    next((root / "bvhs").glob("*.bvh")).unlink()
    return "interact-actors"


def without_sound(root: Path) -> str:
    next(root.glob("**/*.wav")).unlink()
    return "speech-missing" if (root / "a.csv").exists() else "speech-not-found"


def misnamed(root: Path) -> str:
    path = next(root.glob("**/*.bvh"))
    path.rename(path.with_name("wayne.bvh"))
    return "name-unknown"


@pytest.mark.parametrize(
    ("make", "damage"),
    [
        (corpus, not_a_number),
        (interact, without_partner),
        (interact, cut_motion),
        (interact, without_sound),
        (beat, silent),
        (beat, misnamed),
        (captures, without_sound),
    ],
)
def test_what_is_broken_is_named_with_its_file_and_reason(tmp_path, make, damage):
    reason = damage(make(tmp_path))
    code, text = run("check", tmp_path, "--json")
    report = json.loads(text)
    assert code == 2
    assert [problem["reason"] for problem in report["problems"]] == [reason]
    assert report["problems"][0]["file"]


def test_motion_and_sound_of_other_lengths_are_noted_and_kept(tmp_path):
    reason = long_speech(beat(tmp_path))
    code, text = run("check", tmp_path, "--json")
    report = json.loads(text)
    assert (code, report["problems"], report["holds"]["sequences"]) == (0, [], 2)
    assert [note["reason"] for note in report["notes"]] == [reason]


def test_a_folder_that_is_none_of_them(tmp_path):
    save(tmp_path / "wave.bvh", *standing(5))  # motion, but not named as any data set's
    with pytest.raises(DuologueError) as caught:
        check(tmp_path)
    assert (caught.value.reason, caught.value.exit_code) == ("layout-unknown", 3)
    with pytest.raises(DuologueError) as caught:
        statistics(tmp_path)
    assert (caught.value.reason, caught.value.exit_code) == ("data-missing", 3)


def test_a_damaged_corpus_is_checked_by_its_reason(tmp_path):
    text = corpus(tmp_path) / "text.npy"
    text.write_bytes(text.read_bytes()[:100])
    assert [problem.reason for problem in check(tmp_path).problems] == ["corpus-damaged"]
    text.unlink()
    (problem,) = check(tmp_path).problems
    assert problem.reason == "corpus-outdated"
    assert "text.npy" in problem.message


def test_turns_gaps_and_overlaps_are_counted():
    a, b = np.zeros(300, bool), np.zeros(300, bool)
    a[0:60] = a[70:100] = True  # a pause of a third of a second belongs to the turn
    b[115:200] = True
    a[190:290] = True  # A begins before B is done
    assert speech.turns(a) == [(0, 100), (190, 290)]
    taken = [(*turn, who) for who, active in enumerate((a, b)) for turn in speech.turns(active)]
    assert speech.transfers(taken) == [15, -10]


def test_figures_of_speech_add_up(tmp_path):
    pair = some_pair(300)
    pair.activity[:] = 0
    pair.activity[:150, 0] = 1
    pair.activity[120:300, 1] = 1
    pair.text[:] = 0
    pair.text[:75, 0] = 1
    Corpus.write(tmp_path, [pair], {})
    figures = speech.figures(Corpus.open(tmp_path))
    assert figures["each speaks, percent of frames"] == 55.0
    assert figures["both speak, percent of frames"] == 10.0
    assert figures["nobody speaks, percent of frames"] == 0.0
    assert figures["turns"] == 2
    assert figures["words known, percent of speech"] == round(100 * 75 / 330, 1)


def statues(root: Path, *, speaking: bool, floating: bool) -> Path:
    """People who stand at ease and never move; ``floating``: a metre over the floor, so that no foot ever bears weight."""
    pairs = []
    for seed in range(2):
        pair = some_pair(90, seed)
        hips, rotations = standing(90)
        rotations[:] = 0
        hips[:, 1] += floating
        features, path = poses.from_world(hips, rotations)
        pair.features[:], pair.path[:] = features[:, None], path[:, None]
        pair.path[:, 1, 0] += 1.0
        pair.activity[:] = 0
        pair.activity[:, 0] = speaking
        pairs.append(pair)
    Corpus.write(root, pairs, {})
    return root


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("speaking", "floating"), [(False, False), (True, False), (True, True)])
def test_people_who_never_move_have_figures_without_warnings(tmp_path, speaking, floating):
    code, text = run("statistics", statues(tmp_path, speaking=speaking, floating=floating), "--json")
    assert code == 0
    body = json.loads(text, parse_constant=no_constant)["body"]
    speaker, _, ratio = body["hand speed, one speaks, not walking: speaker, listener, ratio"]
    assert speaker == (0.0 if speaking else None)
    assert ratio is None
    assert body["correlation of status with expanse, head pitch, hand speed"] == [None] * 3
    assert (body["feet in contact slide, m/s"] == [None]) == floating
    assert run("statistics", tmp_path)[0] == 0


def test_figures_of_faces(tmp_path):
    figures = statistics(captures(tmp_path))["face"]
    assert figures["captures"] == 1
    assert figures["blinks a minute"] == 20.0  # one in three seconds
    assert figures["jawOpen: mean, 95th percentile, most"][2] == 0.5
    assert "mouthPucker" in figures["shapes that never move"]
    assert "jawOpen" not in figures["shapes that never move"]
    lacking = face.figures([FaceCapture(np.zeros((30, len(NAMES)), np.float32), ("tongueOut",))])
    assert lacking["shapes that a table lacks"] == ["tongueOut"]


def test_actions_of_a_motion_file_go_to_a_table(tmp_path):
    save(tmp_path / "a.bvh", *standing(90))
    code, text = run("labels", tmp_path / "a.bvh", "--out", tmp_path / "labels", "--json")
    assert code == 0
    assert json.loads(text) == [{"file": str(tmp_path / "a.bvh"), "label": "action", "spans": [[0.0, 3.0, "stand"]]}]
    assert (tmp_path / "labels" / "a.actions.csv").read_text() == "start,end,action\n0.000,3.000,stand\n"


def test_phones_of_a_recording_are_read_back_as_they_were_written(tmp_path):
    pytest.importorskip("pocketsphinx")
    demo = Path(__file__).parents[2] / "backend" / "duologue" / "demo"
    samples, rate = soundfile.read(demo / "ben.flac")
    soundfile.write(tmp_path / "ben.wav", samples[: 8 * rate], rate)
    code, text = run("labels", tmp_path / "ben.wav", "--out", tmp_path, "--json")
    assert code == 0
    phones = read_phones_csv(tmp_path / "ben.phones.csv")
    assert [phone.name for phone in phones] == [label for _, _, label in json.loads(text)[0]["spans"]]
    assert {"AH", "M"} <= {phone.name for phone in phones}  # "Um"; the rest the recogniser gets wrong


def test_equal_labels_are_one_span():
    spans = runs(np.array([0, 0, 2, 2, 2, 0]), ("sit", "walk", "stand"), 2)
    assert [(s.start, s.end, s.label) for s in spans] == [(0, 1, "sit"), (1, 2.5, "stand"), (2.5, 3, "sit")]


@pytest.mark.parametrize("files", [("a.txt",), ("x/a.bvh", "y/a.bvh")])
def test_what_cannot_be_labelled_is_named(tmp_path, files):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("")
    result = CliRunner().invoke(app, ["dataset", "labels", *(str(tmp_path / file) for file in files)])
    assert isinstance(result.exception, DuologueError)
    assert result.exception.reason in {"labels-unsupported", "labels-same-name"}
