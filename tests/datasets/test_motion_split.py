"""What training never uses, and that emotions and roles have a manner each."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from duologue.datasets.labels.split import BodySplit
from duologue.datasets.readers.kit_voices import read_voices
from duologue.datasets.synthesis.body.library import load_library
from duologue.datasets.synthesis.body.manner import AGE, CLOSENESS, OF_EMOTIONS, STATUS, manner
from duologue.errors import DuologueError
from duologue.labels import EMOTIONS, RELATIONSHIPS, ROLES
from duologue.motion.skeleton import Skeleton

KIT = Path(__file__).parents[3] / "shared" / "kit"
needs_kit = pytest.mark.skipif(not KIT.exists(), reason="the kit of training data is not here")


def test_copies_of_a_clip_are_on_one_side():
    split = BodySplit.read()
    assert split.holds_clip("smartbody/Gestures/ChrBrad_Idle01_OfferLf01")
    assert split.holds_clip("smartbody/Gestures2/ChrBrad_Idle01_OfferLf01")
    assert split.holds_clip("reactidle/003_acted/2")
    assert not split.holds_clip("reactidle/002_acted/3")
    assert not split.holds_clip("rocketbox/m_idle_breathe_01")
    assert split.holds_voice("matthes/7")
    assert not split.holds_voice("matthes/1")


def test_a_split_that_is_none_is_named(tmp_path):
    (tmp_path / "split.toml").write_text("clips = 3")
    with pytest.raises(DuologueError, match=r"split\.toml"):
        BodySplit.read(tmp_path / "split.toml")


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    whole = load_library(KIT, tmp_path_factory.mktemp("kit"), Skeleton.builtin("duologue60"))
    split = BodySplit.read()
    return {
        held: {kind: [c for c in clips if split.holds_clip(c.name) == held] for kind, clips in whole.items()}
        for held in (False, True)
    }


@needs_kit
@pytest.mark.timeout(300)
def test_both_sides_have_every_kind_and_no_clip_in_common(sides):
    names = [{clip.name for clips in sides[held].values() for clip in clips} for held in (False, True)]
    assert not names[0] & names[1]
    assert 0.1 < len(names[1]) / (len(names[0]) + len(names[1])) < 0.25
    for kind in sides[False]:
        assert sides[False][kind], f"no {kind} to train on"
        assert sides[True][kind], f"no {kind} held out"
    for kind in ("idle", "listen", "laugh", "sit", "sit-gesture", "sit-down", "stand-up", "walk", "turn"):
        for held in (False, True):
            assert {"m", "f"} <= {clip.gender for clip in sides[held][kind]}, kind


@needs_kit
def test_voices_are_on_one_side_each():
    split, paths = BodySplit.read(), defaultdict(set)
    for voice in read_voices(KIT):
        paths[split.holds_voice(voice.name)] |= {recording.path for recording in voice.recordings}
    assert not paths[True] & paths[False]
    assert 0.08 < len(paths[True]) / (len(paths[True]) + len(paths[False])) < 0.25


def test_every_emotion_and_role_has_its_place():
    assert set(OF_EMOTIONS) == set(EMOTIONS)
    assert set(CLOSENESS) == set(RELATIONSHIPS)
    assert {*STATUS, *AGE} <= set(ROLES)
    manners = [manner(emotion, role) for emotion in EMOTIONS for role in ROLES]
    assert all(0.65 <= m.size <= 1.35 and 0.68 <= m.tempo <= 1.35 for m in manners)
    assert np.ptp([manner(emotion).tempo for emotion in EMOTIONS]) > 0.4
    with pytest.raises(DuologueError, match="is not a label"):
        manner("hangry")
