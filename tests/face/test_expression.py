"""The deterministic layer: blinks, gaze, the resting mouth of a listener."""

import numpy as np
import pytest
from duologue.arkit import INDEX
from duologue.datasets.lips import lip_gap
from duologue.face.expression import ARTICULATORS, Expression, ExpressionLayer, blink_curve, own_voice

RATE = 16_000


def two_speakers(seconds: int = 20) -> np.ndarray:
    """A speaks in the first half, B in the second: noise bursts of a syllable's length."""
    rng = np.random.default_rng(0)
    t = np.arange(seconds * RATE) / RATE
    syllables = rng.standard_normal((2, len(t))) * 0.1 * (np.sin(2 * np.pi * 4 * t) > -0.5)
    return (syllables * np.stack([t < seconds / 2, t >= seconds / 2])).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_blinks_come_as_often_as_asked_and_shut_the_lids(seed: int) -> None:
    minutes = 20
    curve = blink_curve(minutes * 1800, 17.0, np.random.default_rng(seed))
    onsets = np.flatnonzero((curve[1:] > 0.95) & (curve[:-1] <= 0.95))
    assert 12 <= len(onsets) / minutes <= 22
    assert np.diff(onsets).min() >= 12, "half a second lies between two blinks"
    shut = curve > 0.5
    lengths = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], shut, [0]]))))[::2]
    assert 2 <= np.median(lengths) <= 8, "0.1 to 0.25 s at half height"


def test_no_blinks_when_none_are_asked_for() -> None:
    assert not blink_curve(900, 0.0, np.random.default_rng(0)).any()


def test_the_mouth_rests_while_only_the_partner_speaks() -> None:
    samples = two_speakers()
    layer = ExpressionLayer(samples, 600, seed=1)
    chatter = np.full((2, 600, 52), 0.3, np.float32)
    out = layer.apply(0, chatter, np.ones((2, 600), bool))
    columns = [INDEX[name] for name in ARTICULATORS]
    assert out[0, 330:, columns].max() == 0
    assert out[1, :270, columns].max() == 0
    assert out[0, 30:270, INDEX["jawOpen"]].min() == pytest.approx(0.3, abs=1e-5)
    assert out[0, 330:, INDEX["mouthSmileLeft"]].min() == pytest.approx(0.3), "a listener may smile"


def test_a_steady_voice_without_pauses_counts_as_a_voice_and_silence_does_not() -> None:
    hum = np.sin(np.arange(5 * RATE) * 0.05).astype(np.float32) * 0.2
    assert own_voice(np.stack([hum, 0 * hum]), 150)[0].min() > 0.9
    assert own_voice(np.stack([hum, 0 * hum]), 150)[1].max() == 0


def test_windows_of_any_size_get_the_same_layer() -> None:
    samples = two_speakers(10)
    weights = np.random.default_rng(3).random((2, 300, 52), dtype=np.float32)
    facing = np.ones((2, 300), bool)
    layer = ExpressionLayer(samples, 300, seed=5)
    whole = layer.apply(0, weights, facing)
    pieces = [layer.apply(a, weights[:, a:b], facing[:, a:b]) for a, b in ((0, 60), (60, 210), (210, 300))]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)
    np.testing.assert_array_equal(ExpressionLayer(samples, 300, seed=5).apply(0, weights, facing), whole)
    assert not np.array_equal(ExpressionLayer(samples, 300, seed=6).apply(0, weights, facing), whole)


def test_both_eyes_look_the_same_way_and_mostly_at_a_partner_they_face() -> None:
    frames = 3000
    layer = ExpressionLayer(np.zeros((2, frames * 534), np.float32), frames, seed=2)
    look = {
        towards: layer.apply(0, np.zeros((2, frames, 52), np.float32), np.full((2, frames), towards))
        for towards in (True, False)
    }
    for out in look.values():
        np.testing.assert_allclose(out[..., INDEX["eyeLookOutRight"]], out[..., INDEX["eyeLookInLeft"]])
        assert not (out[..., INDEX["eyeLookOutRight"]] * out[..., INDEX["eyeLookInRight"]]).any()
    sideways = {
        key: np.mean(out[..., INDEX["eyeLookOutRight"]] + out[..., INDEX["eyeLookInRight"]] > 0.15)
        for key, out in look.items()
    }
    assert 0.05 < sideways[True] < 0.4 < 2 * sideways[True] < 0.95


def test_lips_that_nearly_meet_meet_and_open_ones_are_left_alone() -> None:
    weights = np.zeros((2, 10, 52), np.float32)
    weights[..., INDEX["jawOpen"]] = 0.2
    weights[:, 4:6, INDEX["mouthClose"]] = 0.17
    settings = Expression(still_listener=False)
    out = ExpressionLayer(np.zeros((2, 16000), np.float32), 10, 0, settings).apply(0, weights, np.ones((2, 10), bool))
    gap = lip_gap(out)
    assert lip_gap(weights)[0, 4] == pytest.approx(0.62 + 0.2 * 29.8 - 0.17 * 37.5, abs=1e-4)
    assert gap[:, 4:6].max() <= 0.01
    np.testing.assert_allclose(gap[:, :4], lip_gap(weights)[:, :4], atol=1e-4)


def test_gain_offset_clamp_and_a_tongue_that_stays_in() -> None:
    frames = 30
    settings = Expression(
        blinks_per_minute=0, still_listener=False, gain={"jawOpen": 2.0}, offset={"mouthSmileLeft": 0.2}, clamp=False
    )
    layer = ExpressionLayer(np.zeros((2, 16000), np.float32), frames, 0, settings)
    out = layer.apply(0, np.full((2, frames, 52), 0.6, np.float32), np.ones((2, frames), bool))
    assert out[0, 0, INDEX["jawOpen"]] == pytest.approx(1.2), "raw values are kept on request"
    assert out[0, 0, INDEX["mouthSmileLeft"]] == pytest.approx(0.8)
    assert not out[..., INDEX["tongueOut"]].any()
    clamped = ExpressionLayer(np.zeros((2, 16000), np.float32), frames, 0).apply(
        0, np.full((2, frames, 52), 7.0, np.float32), np.ones((2, frames), bool)
    )
    assert clamped.max() <= 1.0
