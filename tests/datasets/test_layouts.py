"""Every layout, written as it is released, recognised, read and prepared: what comes back is what went in."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from duologue.cli import app
from duologue.datasets.checking import check
from duologue.datasets.corpus.body import KNOWN, Corpus
from duologue.datasets.corpus.pairs import dialogue_of
from duologue.datasets.dialogues import read_captures
from duologue.datasets.layouts import open_data, recognise
from duologue.datasets.preparing import prepare
from duologue.datasets.readers.affect import emotion_at
from duologue.datasets.synthesis.layouts.material import Material, to_and_fro
from duologue.datasets.synthesis.layouts.writers import WRITERS, as_ict, write
from duologue.errors import DuologueError
from duologue.executors.processes import Processes
from duologue.labels import EMOTIONS
from duologue.motion.skeleton import forward_kinematics
from duologue.rigs.body import leg_length, rest_points
from duologue.smpl.joints import adult, words
from examples_data import DEMO, SKELETON, lively_material, scene_of
from typer.testing import CliRunner

KIT = Path(__file__).parents[3] / "shared" / "kit"
SECONDS = 6.0


def made(layout: str, material: Material, root: Path, sequences: int = 2) -> Path:
    write(layout, material, root, sequences, SECONDS, lambda done, total: None)
    return root


TWO, ONE = "bodies of two people", "bodies, face to face with another recording's"


LAYOUTS = [
    ("interact", "interact", 4, {TWO, "faces"}),
    ("seamless", "seamless", 4, {TWO}),
    ("seamless-tars", "seamless", 4, {TWO}),
    ("beat2", "beat2", 2, {ONE}),
    ("amass", "amass", 2, {f"{ONE}, silent"}),
    ("beat", "beat", 2, {ONE}),
    ("captures", "captures", 1, {"faces"}),
    ("plain", "plain", 2, {TWO, "faces"}),
]


@pytest.mark.parametrize(("layout", "name", "people", "trains"), LAYOUTS)
def test_a_layout_is_recognised_and_whole(tmp_path, material, layout, name, people, trains):
    root = made(layout, material, tmp_path)
    assert recognise(root) == name
    findings = check(root)
    assert findings.problems == []
    assert (findings.holds["sequences"], findings.holds["people"]) == (2, people)
    assert set(findings.trains) == trains
    assert findings.holds["hours"] == pytest.approx(2 * SECONDS / 3600, abs=2e-4)


def test_every_layout_that_is_written_is_tested():
    assert [row[0] for row in LAYOUTS] == list(WRITERS)


def placed(motion) -> np.ndarray:
    """Joints of a motion about its hips, in metres."""
    root, rotations = motion
    return forward_kinematics(SKELETON, rotations, np.zeros_like(root))[1]


@pytest.mark.parametrize("layout", ["interact", "beat", "plain"])
def test_motion_in_bvh_comes_back(tmp_path, material, layout):
    """Retargeting spreads a spine's bend evenly over its joints, on whatever skeleton it came: hands follow by a centimetre."""
    data = open_data(made(layout, material, tmp_path))
    scene = scene_of(data)
    for person, part in zip(scene.people, material.pair(0, SECONDS), strict=False):
        np.testing.assert_allclose(placed(person.motion), placed(part.motion), atol=0.015)
        assert np.abs(person.motion[0] - part.motion[0])[:, [0, 2]].max() < 0.02


@pytest.mark.parametrize("layout", ["beat2", "amass", "seamless"])
def test_motion_as_smpl_parameters_comes_back(tmp_path, material, layout):
    """Hands and head are where they were but for what the shorter spine can't say; whichever axis is up."""
    data = open_data(made(layout, material, tmp_path))
    scene = scene_of(data)
    known = np.ones(int(SECONDS * 30), bool) if scene.people[0].known is None else scene.people[0].known[:, 0]
    turn = scene.people[0].motion[1][0, 0] - material.pair(0, SECONDS)[0].motion[1][0, 0]
    assert abs(turn[1]) < 0.2, "nobody was turned round"
    ours, theirs = placed(scene.people[0].motion), placed(material.pair(0, SECONDS)[0].motion)
    for joint in ("LeftHand", "RightHand", "Head", "LeftHandIndex3"):
        off = np.linalg.norm((ours - theirs)[known, SKELETON.index(joint)], axis=-1)
        assert off.max() < 0.05, (joint, off.max())


def test_faces_of_interact_come_back_whichever_order_their_columns_have(tmp_path, material):
    root = made("interact", material, tmp_path)
    part = material.pair(0, SECONDS)[0]
    path = next((root / "face_arkit").glob("20231119_001_001.npy"))
    without_tongue = part.face.copy()
    without_tongue[:, 51] = 0

    def face():
        data = open_data(root)
        return scene_of(data).people[0].face

    np.testing.assert_allclose(face(), without_tongue, atol=1e-6)
    np.save(path, part.face[:, :51])  # in Apple's order, as face_ict shows
    np.testing.assert_allclose(face(), without_tongue, atol=1e-6)
    path.unlink()
    np.testing.assert_allclose(face(), without_tongue, atol=1e-6)


def test_a_scene_is_a_dialogue_for_the_face(tmp_path, material):
    data = open_data(made("interact", material, tmp_path))
    dialogue = dialogue_of(scene_of(data), (0, 1))
    frames = int(SECONDS * 30)
    assert dialogue.samples.shape == (2, frames * 16_000 // 30)
    assert dialogue.weights.shape == (2, frames, 52)
    assert dialogue.performers == (0, 1)
    assert dialogue.facing.all(), "they stand face to face"
    assert (dialogue.emotion == EMOTIONS.index("admiration")).all()


def test_sentences_read_for_the_lips_are_captures(tmp_path, material):
    root = made("interact", material, tmp_path)
    part = material.single(7, SECONDS)
    for name in ("wav", "face_ict"):
        (root / "lip_acc" / name).mkdir(parents=True)
    soundfile.write(root / "lip_acc" / "wav" / "s01.wav", part.sound.samples, 16_000)
    np.save(root / "lip_acc" / "face_ict" / "s01.npy", as_ict(part.face))
    (dialogue,), problems = read_captures(root, 2)
    assert (dialogue.performers, dialogue.style.tolist(), problems) == ((0,), [2, 2], [])
    np.testing.assert_allclose(dialogue.weights[0, :, :51], part.face[:, :51], atol=1e-6)
    assert not dialogue.weights[1].any()
    assert {"006"} < set(open_data(root).people)
    made("plain", material, tmp_path / "plain")
    with pytest.raises(DuologueError) as caught:
        read_captures(tmp_path / "plain", 0)
    assert caught.value.reason == "captures-missing"


def test_a_pair_of_seamless_is_placed_masked_and_heard_as_it_says(tmp_path, material):
    data = open_data(made("seamless-tars", material, tmp_path))
    scene = scene_of(data)
    frames = int(SECONDS * 30)
    assert scene.placed
    assert scene.split == "train"
    middle = [person.motion[0].mean(0)[[0, 2]] for person in scene.people]
    np.testing.assert_allclose(middle, [[-0.75, 0], [0.75, 0]], atol=1e-6)  # strangers: 1.5 m
    for person, part in zip(scene.people, material.pair(0, SECONDS), strict=True):
        assert not person.known[20:26].any()
        assert person.known[:20, 0].all()
        assert person.known[30 : frames // 2 - 12].all()
        assert not person.known[frames // 2 + 12 :, 1].any(), "legs are below the picture"
        assert person.known[frames // 2 + 12 :, 0].all()
        assert (person.emotion == EMOTIONS.index("joy")).all()
        spoken = np.zeros(frames, bool)
        for word in part.words:
            spoken[round(word.start * 30) : round(word.end * 30)] = True
        np.testing.assert_array_equal(person.activity, spoken)
        assert [word["word"] for word in json.loads(person.words.content)] == [word.text for word in part.words]


def test_friends_stand_nearer_than_strangers(tmp_path, material):
    data = open_data(made("seamless", material, tmp_path))
    scenes = [scene_of(data, number) for number in range(2)]
    apart = [np.linalg.norm(s.people[0].motion[0].mean(0) - s.people[1].motion[0].mean(0)) for s in scenes]
    assert [scene.relationship for scene in scenes] == ["strangers", "friends with similar hobbies"]
    np.testing.assert_allclose(apart, [1.5, 1.2], atol=0.05)


def test_valence_and_arousal_are_an_emotion_by_their_angle():
    valence, arousal = np.array([0.1, 0.8, 0.5, -0.5, -0.8, -0.5]), np.array([0.1, 0.1, 0.7, 0.7, -0.1, -0.6])
    named = [EMOTIONS[k] for k in emotion_at(valence, arousal)]
    assert named == ["calmness", "joy", "excitement", "fear", "sadness", "boredom"]


def test_a_corpus_is_prepared_in_processes_as_in_one_and_goes_on_where_it_was_stopped(tmp_path, material):
    root = made("plain", material, tmp_path / "data", 6)
    stopped = []

    def stop(done, total):
        stopped.append(done)
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(open_data(root), tmp_path / "one", tell=stop)
    first = tmp_path / "one" / "shards" / "00000.safetensors"
    before = first.stat().st_mtime_ns
    one = prepare(open_data(root), tmp_path / "one")
    assert first.stat().st_mtime_ns == before, "what was done is not done again"
    two = prepare(open_data(root), tmp_path / "two", executor=Processes(2))
    assert (one.pairs, two.pairs, one.problems) == (6, 6, ())
    a, b = Corpus.open(tmp_path / "one"), Corpus.open(tmp_path / "two")
    for name in a.arrays:
        np.testing.assert_array_equal(a.arrays[name], b.arrays[name])
    assert a.description == b.description
    assert a.description["styles"] == ["anna", "ben"]
    changed = root / "scene_0000" / "scene.toml"
    changed.write_text(changed.read_text().replace("joy", "anger", 1))
    prepare(open_data(root), tmp_path / "one")
    assert Corpus.open(tmp_path / "one").arrays["emotion"][0].tolist() == [
        EMOTIONS.index("anger"),
        EMOTIONS.index("joy"),
    ]


def test_a_damaged_shard_is_named(tmp_path, material):
    data = open_data(made("beat", material, tmp_path / "data"))
    prepare(data, tmp_path / "corpus")
    shard = tmp_path / "corpus" / "shards" / "00000.safetensors"
    whole = bytearray(shard.read_bytes())
    whole[-5] ^= 1
    shard.write_bytes(whole)
    with pytest.raises(DuologueError) as caught:
        prepare(data, tmp_path / "corpus")
    assert caught.value.reason == "shard-damaged"


def test_masks_and_splits_reach_the_corpus(tmp_path, material):
    data = open_data(made("seamless", material, tmp_path / "data"))
    prepare(data, tmp_path / "corpus")
    known = Corpus.open(tmp_path / "corpus").arrays[KNOWN]
    assert known.shape[1:] == (2, 2)
    assert not known[20:26].any()
    plain = open_data(made("plain", material, tmp_path / "plain", 10))
    tested = prepare(plain, tmp_path / "test", split="test")
    trained = prepare(plain, tmp_path / "train")
    assert (tested.pairs, trained.pairs) == (1, 9)


def test_the_command_prepares_and_lists_what_is_left_out(tmp_path, material):
    root = made("interact", material, tmp_path / "data")
    (root / "wav" / "20231119_001_001.wav").write_bytes(b"RIFF")
    result = CliRunner().invoke(app, ["dataset", "prepare", str(root), "--out", str(tmp_path / "corpus")])
    assert result.exit_code == 0
    assert "1 pairs" in result.stdout
    (problem,) = json.loads((tmp_path / "corpus" / "left_out.json").read_text())["problems"]
    assert (problem["file"], problem["reason"]) == ("wav/20231119_001_001.wav", "audio-not-audio")


def test_notes_of_a_kind_are_counted_where_there_are_many(tmp_path, material):
    root = made("seamless", material, tmp_path)
    result = CliRunner().invoke(app, ["dataset", "check", str(root)])
    assert result.exit_code == 0
    assert result.stdout.count("(legs-masked):") == 3
    assert "1 more (legs-masked)" in result.stdout
    listed = json.loads(CliRunner().invoke(app, ["dataset", "check", str(root), "--json"]).stdout)["notes"]
    assert sum(note["reason"] == "legs-masked" for note in listed) == 4


def test_an_example_is_made_by_its_command(tmp_path):
    if not KIT.exists():
        pytest.skip("the kit of training data is not here")
    out = tmp_path / "example"
    arguments = [
        "dataset",
        "example",
        "amass",
        "--kit",
        str(KIT),
        "--out",
        str(out),
        "--sequences",
        "1",
        "--seconds",
        "3",
    ]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert recognise(out) == "amass"


def test_to_and_fro_never_jumps():
    order = to_and_fro(5, 23, 3)
    assert set(order) == set(range(5))
    assert np.abs(np.diff(order)).max() == 1


def test_our_adult_and_theirs_have_legs_of_one_length():
    """Without a model file the path over the floor is neither stretched nor shrunk."""
    tree = adult("smplx")
    theirs = leg_length(rest_points(tree, {word: name for name, word in words("smplx").items()}))
    ours = leg_length(rest_points(SKELETON, {name: name for name in SKELETON.names}))
    assert theirs == pytest.approx(ours, rel=0.02)


def test_a_known_mask_keeps_training_from_what_was_filled_in(tmp_path, material):
    """Other values in masked frames: the same losses."""
    torch = pytest.importorskip("torch")
    from duologue.body.config import BodyConfig
    from duologue.body.training import BodyTrainer
    from duologue.body.training_settings import BodyTraining
    from duologue.training.loop import Optimisation

    data = open_data(made("seamless", material, tmp_path / "data"))
    prepare(data, tmp_path / "corpus")
    settings = BodyTraining(BodyConfig.named("tiny"), Optimisation(2, 1e-3, 2, warm_up=1), window=20, half=False)
    settings = replace(settings, network=replace(settings.network, styles=tuple(data.people)))
    trainer = BodyTrainer(Corpus.open(tmp_path / "corpus"), settings)
    batch = trainer.batch(np.random.default_rng(0), 0)
    unknown = replace(batch, known=torch.zeros_like(batch.known))
    losses = trainer.losses(unknown).terms
    assert all(
        term.item() == 0 for name, term in losses.items() if name.endswith(("pose", "speed", "position", "flat"))
    )
    assert any(term.item() > 0 for term in trainer.losses(batch).terms.values())


@pytest.mark.parametrize("layout", ["interact", "seamless", "beat2"])
def test_a_download_becomes_a_checkpoint_that_performs_by_one_command(tmp_path, layout):
    pytest.importorskip("torch")
    from duologue.body.pipeline import BodyPipeline
    from duologue.brief import Brief
    from duologue.checkpoints.store import open_checkpoint
    from duologue.face.pipeline import FacePipeline
    from duologue.performance.performance import Performance
    from duologue.speech.decode import load_pair
    from duologue.speech.text import TextEncoder
    from duologue.take import Take, Window

    root, out = made(layout, lively_material(), tmp_path / "data"), tmp_path / "out"
    told = CliRunner().invoke(
        app, ["train", "body", f"--{layout}", str(root), "--config", "tiny", "--steps", "2", "--out", str(out)]
    )
    assert told.exit_code == 0, told.output
    assert not (out / "corpus.part").exists()
    body = BodyPipeline.load(open_checkpoint(str(out / "checkpoint")))
    assert body.model.config.styles == tuple(open_data(root).people)
    performance = Performance(body, FacePipeline.load(open_checkpoint("face")), TextEncoder.load(), {})
    for name in ("ada", "ben"):
        samples, rate = soundfile.read(DEMO / f"{name}.flac", dtype="float32")
        soundfile.write(tmp_path / f"{name}.wav", samples[4 * rate : 7 * rate], rate)
    (tmp_path / "brief.toml").write_text(
        'steps = 2\n[performers.A]\nspeech = "ada.wav"\n[performers.B]\nspeech = "ben.wav"\n'
    )
    brief = Brief.load(tmp_path / "brief.toml")
    a, b, _ = load_pair(brief)
    windows = [event for event in performance.stream(brief, (a, b)) if isinstance(event, Window)]
    take = Take.from_windows(performance.skeleton, windows, {})
    assert take.frames == 90
    other = CliRunner().invoke(app, ["train", "body", "--beat", str(root), "--out", str(tmp_path / "other")])
    assert isinstance(other.exception, DuologueError)
    assert other.exception.reason == "layout-other"


def test_faces_of_a_data_set_become_a_face_by_one_command(tmp_path):
    pytest.importorskip("torch")
    from duologue.checkpoints.store import open_checkpoint
    from duologue.face.pipeline import FacePipeline

    root, out = made("interact", lively_material(), tmp_path / "data"), tmp_path / "out"
    asked = ["train", "face", "--config", "tiny", "--steps", "2", "--out", str(out)]
    told = CliRunner().invoke(app, [*asked, "--data", str(root)])
    assert told.exit_code == 0, told.output
    model = FacePipeline.load(open_checkpoint(str(out / "face"))).model
    assert model.config.styles == len(open_data(root).people)
    assert len((out / "log.jsonl").read_text().splitlines()) == 1
    faceless = made("seamless", lively_material(), tmp_path / "faceless")
    for arguments, reason in ((("--data", str(faceless)), "faces-missing"), ((), "corpus-missing")):
        refused = CliRunner().invoke(app, [*asked, *arguments])
        assert isinstance(refused.exception, DuologueError)
        assert refused.exception.reason == reason
