"""The shipped checkpoint on speech it never saw: lips that close where the phones say, a listener who listens."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from duologue.arkit import INDEX
from duologue.datasets.labels.phones import read_phones_csv
from duologue.datasets.labels.split import FaceSplit
from duologue.face.conditions import FaceConditions
from duologue.face.pipeline import FacePipeline
from duologue.facial.expression import own_voice
from duologue.facial.lips import lip_gap
from duologue.labels import EMOTIONS
from duologue.speech.phones import BILABIALS, Phone

SPEECH = Path(__file__).resolve().parents[2].parent / "shared" / "kit" / "speech_matthes"
CALM = EMOTIONS.index("calmness")


@pytest.fixture(scope="module")
def performance() -> tuple[np.ndarray, np.ndarray, list[Phone]]:
    """Two held-out recordings by a real voice: one after the other as A, B silent until the last."""
    if not SPEECH.is_dir():
        pytest.skip("the kit is not beside the repository")
    paths = [
        path for path in sorted(SPEECH.glob("*.phones.csv")) if FaceSplit.read().holds(f"speech_matthes/{path.name}")
    ][1:3]
    assert len(paths) == 2
    tracks, phones, now = [], [], 0.0
    for path in paths:
        samples, rate = soundfile.read(path.with_name(path.name.replace(".phones.csv", ".flac")), dtype="float32")
        assert rate == 16_000
        phones += [Phone(now + p.start, now + p.end, p.name) for p in read_phones_csv(path)]
        tracks.append(samples)
        now += len(samples) / rate
    a = np.concatenate(tracks)
    speech = np.stack([np.concatenate([a, 0 * tracks[0]]), np.concatenate([0 * a, tracks[0]])])
    frames = speech.shape[1] * 30 // 16_000
    conditions = FaceConditions(
        speech,
        frames,
        np.array([0, 1]),
        np.full((2, frames), CALM),
        lambda start, stop: np.ones((2, stop - start), bool),
    )
    weights = np.concatenate([window.weights for window in FacePipeline.load("face").stream(conditions)], axis=1)
    return speech, weights, phones


def test_lips_close_at_most_plosives(performance: tuple[np.ndarray, np.ndarray, list[Phone]]) -> None:
    _, weights, phones = performance
    gap = lip_gap(weights[0])
    reached = [
        gap[max(int(np.ceil((p.start - 0.06) * 30)), 0) : int((p.end + 0.06) * 30) + 1].min() < 1.0
        for p in phones
        if p.name in BILABIALS
    ]
    assert len(reached) >= 5
    assert np.mean(reached) >= 0.75


def test_open_vowels_open_the_jaw_and_silence_leaves_it_shut(
    performance: tuple[np.ndarray, np.ndarray, list[Phone]],
) -> None:
    _, weights, phones = performance
    jaw = weights[0, :, INDEX["jawOpen"]]

    def mean(*names: str) -> float:
        return float(
            np.mean(
                [jaw[int((p.start + p.end) / 2 * 30)] for p in phones if p.name in names and p.end - p.start > 0.06]
            )
        )

    assert mean("AA", "AE", "AO") > 1.5 * mean("IY", "UW", "S")
    assert mean("IY", "UW", "S") > 0.02


def test_a_listener_keeps_the_mouth_still_and_stays_alive(
    performance: tuple[np.ndarray, np.ndarray, list[Phone]],
) -> None:
    speech, weights, _ = performance
    voice = own_voice(speech, weights.shape[1])
    listening = (voice[1] == 0) & (voice[0] > 0)
    speed = np.abs(np.diff(weights[1], axis=0, prepend=weights[1, :1]))
    speaking = voice[1] > 0.9
    assert speed[listening, INDEX["jawOpen"]].mean() < 0.1 * speed[speaking, INDEX["jawOpen"]].mean()
    assert weights[1, listening, INDEX["eyeBlinkLeft"]].max() > 0.9
    assert weights[1][listening][:, INDEX["browInnerUp"]].std() > 1e-3
