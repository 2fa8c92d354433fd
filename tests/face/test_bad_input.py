"""Sound that is not clean speech, through the shipped face: nothing breaks, nothing freezes, mouths don't hang open."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hard_speech
import numpy as np
import pytest
from duologue.arkit import INDEX
from duologue.face.conditions import FaceConditions
from duologue.face.pipeline import FacePipeline
from duologue.facial.expression import own_voice
from duologue.facial.lips import REST, lip_gap
from duologue.labels import EMOTIONS

HERE = Path(__file__).resolve().parent
SHUT, OPEN = 1.0, 5.0  # lip gap in mm


@pytest.fixture(scope="module")
def face() -> FacePipeline:
    return FacePipeline.load("face")


def perform(face: FacePipeline, speech: np.ndarray) -> np.ndarray:
    frames = speech.shape[1] * 30 // hard_speech.RATE
    conditions = FaceConditions(
        speech,
        frames,
        np.array([0, 1]),
        np.full((2, frames), EMOTIONS.index("calmness")),
        lambda start, stop: np.ones((2, stop - start), bool),
    )
    return np.concatenate([window.weights for window in face.stream(conditions, steps=4)], axis=1)


def longest(shown: np.ndarray) -> float:
    """Seconds of the longest stretch of true frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shown.astype(int), [0]])))
    return float((edges[1::2] - edges[::2]).max(initial=0)) / 30


SOUNDS = [
    hard_speech.voices, hard_speech.whispered, hard_speech.music, hard_speech.both_voices_in_one_track,
    hard_speech.telephone, hard_speech.silence, hard_speech.hiss, hard_speech.clipped,
]  # fmt: skip


@pytest.mark.parametrize("sound", SOUNDS, ids=lambda sound: sound.__name__)
def test_a_face_stays_a_face(face: FacePipeline, sound: Callable[[], np.ndarray]) -> None:
    speech = sound()
    weights = perform(face, speech)
    assert np.isfinite(weights).all()
    assert weights.min() >= 0
    assert weights.max() <= 1
    voice = own_voice(speech, weights.shape[1])
    for performer, own in zip(weights, voice, strict=True):
        gap = lip_gap(performer)
        assert gap[own == 0].max(initial=0) <= SHUT, "no voice, no open mouth"
        lids = performer[:, INDEX["eyeBlinkLeft"]]
        assert lids.max() == 1.0, "and yet it blinks"
        looks = performer[:, INDEX["eyeLookOutLeft"]] + performer[:, INDEX["eyeLookInLeft"]]
        assert longest(np.abs(np.diff(looks)) < 1e-6) < 3.0, "and its eyes don't stare"


@pytest.mark.parametrize(
    "sound", [hard_speech.whispered, hard_speech.telephone, hard_speech.clipped], ids=lambda sound: sound.__name__
)
def test_words_that_are_hard_to_hear_still_move_the_lips_when_they_are_said(
    face: FacePipeline, sound: Callable[[], np.ndarray]
) -> None:
    """The same words, clean and spoilt, in the same frames: the jaw goes up and down with them alike."""
    clean, spoilt = (perform(face, voice())[..., INDEX["jawOpen"]] for voice in (hard_speech.voices, sound))
    frames = min(clean.shape[1], spoilt.shape[1])
    for one, other in zip(clean[:, :frames], spoilt[:, :frames], strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.4
        assert 0.4 < other.std() / one.std() < 2.5
        assert longest(lip_gap_of_jaw(other)) < 1.5


def lip_gap_of_jaw(jaw: np.ndarray) -> np.ndarray:
    """Whether a jaw alone, with nothing closing the lips, would part them wide."""
    return REST + jaw * 29.8 > OPEN + REST


def test_music_is_taken_for_singing_and_does_not_wedge_the_mouth(face: FacePipeline) -> None:
    weights = perform(face, hard_speech.music())
    assert weights[..., INDEX["jawOpen"]].max() < 0.8
    assert (np.abs(np.diff(weights[..., INDEX["jawOpen"]], axis=1)).mean(axis=1) > 1e-3).all(), "it is not frozen open"
    for performer in weights:
        assert longest(lip_gap(performer) > 2 * OPEN) < 3.0


def test_with_two_voices_in_one_track_the_other_face_listens(face: FacePipeline) -> None:
    a, b = perform(face, hard_speech.both_voices_in_one_track())
    assert np.diff(a[:, INDEX["jawOpen"]]).std() > 0.01
    assert not b[:, INDEX["jawOpen"]].any()
    assert b[:, INDEX["browInnerUp"]].std() > 0.005


TWENTY_MINUTES = """
import resource, sys
import numpy as np, torch
sys.path.insert(0, sys.argv[1])
from test_pipeline import ENCODER, TINY, FaceConditions, FaceModel, FacePipeline
torch.set_num_threads(1)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

def run(minutes):
    frames = minutes * 1800
    speech = np.tile(np.random.default_rng(0).normal(0, 0.1, (2, 16000)).astype(np.float32), minutes * 60)
    before, done = peak(), 0
    facing = lambda start, stop: np.ones((2, stop - start), bool)
    conditions = FaceConditions(speech, frames, np.array([0, 1]), np.full((2, frames), 3), facing)
    for window in face.stream(conditions, steps=1):
        assert np.isfinite(window.weights).all() and window.start == done
        done += window.weights.shape[1]
    assert done == frames
    return peak() - before

face = FacePipeline(FaceModel.untrained(0, TINY, ENCODER))
run(1)
print(run(20))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")
def test_twenty_minutes_need_no_more_memory_than_one() -> None:
    """Beyond the sound itself. The speech features of 20 minutes alone would be 37 MB here, and 590 MB at wav2vec2's width."""
    ended = subprocess.run(
        [sys.executable, "-c", TWENTY_MINUTES, str(HERE)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) < 64, "megabytes"
