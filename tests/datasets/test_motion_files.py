"""Readers on files made here in the real layouts; what comes back is compared with what went in."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from duologue.datasets.corpus.body import Corpus
from duologue.datasets.corpus.pairs import pair_of
from duologue.datasets.preparing import prepare
from duologue.datasets.readers.beat import Beat, emotion_of
from duologue.datasets.readers.bvh import read_motion, read_pair
from duologue.datasets.readers.interact import InterAct
from duologue.datasets.readers.kit_motion import on_foot
from duologue.datasets.scene import Reading
from duologue.errors import DuologueError
from duologue.labels import EMOTIONS
from duologue.motion.bvh import BvhClip, write_bvh
from duologue.motion.contact import Soles
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.speech.text import TextEncoder
from examples_data import SKELETON, TEXTGRID, interact, save, scene_of, standing

KIT = Path(__file__).parents[3] / "shared" / "kit"


def test_a_bvh_comes_back_on_our_skeleton_in_metres_at_30_fps(tmp_path):
    root, rotations = standing(121)
    save(tmp_path / "a.bvh", root, rotations, fps=60.0)
    read_root, read = read_motion(tmp_path / "a.bvh", SKELETON)
    assert len(read) == 61
    positions = forward_kinematics(SKELETON, read, read_root)[1]
    truth = forward_kinematics(SKELETON, rotations[::2], root[::2])[1]
    np.testing.assert_allclose(positions, truth, atol=5e-3)


def test_a_skeleton_that_no_map_knows_is_named(tmp_path):
    strange = Skeleton(("a", "b"), (-1, 0), np.array([[0, 1.0, 0], [0, 1.0, 0]]))
    write_bvh(tmp_path / "strange.bvh", BvhClip(strange, np.zeros((3, 2, 3)), np.zeros((3, 3)), 30.0))
    with pytest.raises(DuologueError, match=r"strange\.bvh.*lacks"):
        read_motion(tmp_path / "strange.bvh", SKELETON)


def test_a_pair_keeps_its_distance_and_facing(tmp_path):
    for name, x, heading in (("a", -0.7, np.pi / 2), ("b", 0.7, -np.pi / 2)):
        save(tmp_path / f"{name}.bvh", *standing(x=x, heading=heading))
    a, b = read_pair((tmp_path / "a.bvh", tmp_path / "b.bvh"), SKELETON)
    np.testing.assert_allclose((b[0] - a[0])[:, [0, 2]], np.tile([1.4, 0.0], (60, 1)), atol=5e-3)


class NoWords(TextEncoder):
    def __init__(self):
        pass

    def frames(self, words, frames):
        return np.zeros((frames, 384), np.float32)


def test_interact_is_read_as_it_is_downloaded(tmp_path):
    data, reading = InterAct(interact(tmp_path)), Reading()
    (entry,) = data.entries
    assert (entry.people, data.people) == (("001", "002"), ["001", "002"])
    scene = scene_of(data, reading=reading)
    assert (reading.problems, reading.notes) == ([], [])
    assert (scene.name, scene.relationship) == ("20231119_051", "boss / subordinate")
    assert [person.gender for person in scene.people] == ["male", "female"]
    pair = pair_of(scene, SKELETON, NoWords(), (0, 1))
    assert pair.features.shape == (90, 2, 184)
    assert pair.mel.shape == (90, 2, 27)
    assert pair.roles == ("boss", "subordinate")
    assert (pair.emotion == EMOTIONS.index("joy")).all()
    np.testing.assert_allclose(pair.path[0, :, 0], [-0.6, 0.6], atol=5e-3)
    np.testing.assert_allclose(pair.path[0, :, 2], [np.pi / 2, -np.pi / 2], atol=1e-2)


def test_what_interact_lacks_is_named(tmp_path):
    with pytest.raises(DuologueError, match=r"scenarios\.db, actors\.db, bvhs, wav"):
        InterAct(tmp_path)
    root = interact(tmp_path)
    (root / "bvhs" / "20231119_002_051.bvh").unlink()
    (problem,) = InterAct(root).problems
    assert problem.reason == "interact-actors"
    assert "needs two" in problem.message


def test_an_actor_who_was_not_there_that_day_is_named(tmp_path):
    root = interact(tmp_path)
    for folder, suffix in (("bvhs", ".bvh"), ("wav", ".wav")):
        (root / folder / f"20231119_002_051{suffix}").rename(root / folder / f"20231119_003_051{suffix}")
    data = InterAct(root)
    assert not data.entries
    assert "001 and 002" in data.problems[0].message


def test_beat_is_read_as_it_is_downloaded_and_two_speakers_stand_face_to_face(tmp_path):
    for speaker, name, numbers, x in (("1", "wayne", "0_73_73", 3.0), ("2", "scott", "1_3_3", -2.0)):
        save(tmp_path / speaker / f"{speaker}_{name}_{numbers}.bvh", *standing(90, x, 0.4))
        noise = 0.1 * np.random.default_rng(int(speaker)).normal(size=3 * 16000) * (np.arange(3 * 16000) > 16000)
        soundfile.write(tmp_path / speaker / f"{speaker}_{name}_{numbers}.wav", noise, 16000)
    (tmp_path / "1" / "1_wayne_0_73_73.TextGrid").write_text(TEXTGRID)
    save(tmp_path / "1" / "1_wayne_0_1_1.bvh", *standing(90, 0, 0))  # without a sound it is left out
    assert (emotion_of("1_wayne_0_73_73"), emotion_of("2_scott_1_3_3")) == ("anger", "calmness")
    made = prepare(Beat(tmp_path), tmp_path / "corpus")
    assert made.pairs == 2
    assert [(p.file, p.reason) for p in made.problems] == [("1/1_wayne_0_1_1.wav", "speech-not-found")]
    corpus = Corpus.open(tmp_path / "corpus")
    assert len(corpus.starts) == 3
    np.testing.assert_allclose(corpus.arrays["path"][:90].mean(0)[:, :2], [[-0.8, 0], [0.8, 0]], atol=1e-3)
    np.testing.assert_allclose(corpus.arrays["path"][:90].mean(0)[:, 2], [np.pi / 2, -np.pi / 2], atol=1e-3)
    text = np.abs(corpus.arrays["text"].astype(np.float32)).sum(-1)
    assert text[45:90, 0].all(), "A's words are there"
    assert not text[:90, 1].any()
    with pytest.raises(DuologueError, match="its speakers"):
        Beat(tmp_path / "corpus")


@pytest.mark.skipif(not KIT.exists(), reason="the kit of training data is not here")
def test_the_kit_clips_stand_on_the_floor():
    path = KIT / "body_gestures_smartbody" / "Gestures" / "ChrBrad_Idle01_BeatHighBt01.bvh"
    root, rotations = read_motion(path, SKELETON)
    positions = forward_kinematics(SKELETON, rotations, root)[1]
    toes = positions[:, SKELETON.indices("LeftToeBase", "RightToeBase"), 1]
    assert toes.min() > 0.0
    assert toes.max() < 0.06
    assert positions[:, SKELETON.index("Head"), 1].min() > 1.4


def test_who_walks_is_put_down_on_the_lower_sole_frame_by_frame():
    """CMU's walks hover by centimetres that change over the step: a walk has no flight."""
    skeleton = Skeleton.builtin("duologue60")
    soles = Soles.of(skeleton)
    root = np.tile(skeleton.offsets[0], (60, 1))
    root[:, 1] += 0.05 + 0.04 * np.sin(np.arange(60) / 5)
    rotations = np.zeros((60, len(skeleton), 3))
    rotations[30:, skeleton.index("LeftUpLeg"), 0] = -0.6
    placed = soles.place(*forward_kinematics(skeleton, rotations, on_foot(skeleton, root, rotations)))
    assert np.abs(placed[..., 1].min((1, 2))).max() < 0.01
