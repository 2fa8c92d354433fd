"""The deterministic layer: the resting mouth of a listener, sealed lips, and what a brief can set. (Eyes: test_eyes.py.)"""

from dataclasses import replace

import numpy as np
import pytest
from duologue.arkit import INDEX, NAMES
from duologue.facial.expression import ARTICULATORS, Expression, ExpressionLayer, own_voice
from duologue.facial.lips import lip_gap

RATE = 16_000


def two_speakers(seconds: int = 20) -> np.ndarray:
    """A speaks in the first half, B in the second: noise bursts of a syllable's length."""
    rng = np.random.default_rng(0)
    t = np.arange(seconds * RATE) / RATE
    syllables = rng.standard_normal((2, len(t))) * 0.1 * (np.sin(2 * np.pi * 4 * t) > -0.5)
    return (syllables * np.stack([t < seconds / 2, t >= seconds / 2])).astype(np.float32)


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


def one_frame(value: float, settings: Expression | tuple[Expression, Expression]) -> tuple[np.ndarray, np.ndarray]:
    """The layer's (2, 52) weights and raw weights for a model that says ``value`` everywhere, with nobody blinking."""
    layer = ExpressionLayer(np.zeros((2, 16000), np.float32), 30, 0, settings)
    given = np.full((2, 30, 52), value, np.float32), np.ones((2, 30), bool)
    return layer.apply(0, *given)[:, 5], layer.unclamped(0, *given)[:, 5]


CALM = Expression(blinks_per_minute=0, still_listener=False, seal=0)


def test_gain_comes_before_offset_and_raw_values_are_those_before_the_cut() -> None:
    settings = replace(
        CALM, gain={"jawOpen": 2.0, "browInnerUp": 0.5}, offset={"mouthSmileLeft": 0.2, "browInnerUp": -0.4}
    )
    cut, raw = one_frame(0.6, settings)
    assert raw[0, INDEX["jawOpen"]] == pytest.approx(1.2)
    assert cut[0, INDEX["jawOpen"]] == 1.0
    assert cut[0, INDEX["mouthSmileLeft"]] == pytest.approx(0.8)
    assert raw[0, INDEX["browInnerUp"]] == pytest.approx(-0.1)
    assert cut[0, INDEX["browInnerUp"]] == 0.0
    assert cut[0, INDEX["mouthSmileRight"]] == pytest.approx(0.6), "what is not named stays"
    assert one_frame(7.0, CALM)[0].max() == 1.0


def test_the_tongue_stays_in_unless_it_is_asked_for() -> None:
    cut, _ = one_frame(0.6, (CALM, replace(CALM, tongue=True)))
    assert cut[:, INDEX["tongueOut"]] == pytest.approx([0.0, 0.6])


def test_a_part_of_the_face_leaves_the_rest_to_somebody_else() -> None:
    shifted = replace(CALM, offset={"jawOpen": 0.1, "browInnerUp": 0.1}, tongue=True)
    mouth, upper = one_frame(0.6, (replace(shifted, part="mouth"), replace(shifted, part="upper")))[0]
    lower = [name.startswith(("jaw", "mouth", "tongue")) for name in NAMES]
    assert (mouth[lower] >= 0.6 - 1e-6).all()
    assert not mouth[np.invert(lower)].any()
    assert not upper[lower].any()
    stays = [INDEX[name] for name in NAMES if name.startswith(("brow", "cheek", "nose", "eyeSquint"))]
    assert (upper[stays] >= 0.6 - 1e-6).all()


def test_each_performer_has_settings_of_their_own() -> None:
    settings = (replace(CALM, gaze=0.0), Expression(blinks_per_minute=30, still_listener=True))
    layer = ExpressionLayer(np.zeros((2, 16000 * 20), np.float32), 600, 0, settings)
    a, b = layer.apply(0, np.full((2, 600, 52), 0.3, np.float32), np.ones((2, 600), bool))
    looks = [column for name, column in INDEX.items() if name.startswith("eyeLook")]
    assert not a[:, looks].any()
    assert b[:, looks].any()
    assert a[:, INDEX["eyeBlinkLeft"]].max() == pytest.approx(0.3)
    assert b[:, INDEX["eyeBlinkLeft"]].max() == 1.0
    assert a[:, INDEX["jawOpen"]].min() == pytest.approx(0.3)
    assert not b[:, INDEX["jawOpen"]].any()


def test_setting_one_performer_leaves_the_other_as_they_were() -> None:
    samples = two_speakers(10)
    given = np.random.default_rng(3).random((2, 300, 52), dtype=np.float32), np.ones((2, 300), bool)
    plain = ExpressionLayer(samples, 300, 5).apply(0, *given)
    other = ExpressionLayer(samples, 300, 5, (Expression(), Expression(blinks_per_minute=40, gaze=2))).apply(0, *given)
    np.testing.assert_array_equal(plain[0], other[0])
    assert not np.array_equal(plain[1], other[1])


def test_lips_sealed_by_half_go_half_the_way() -> None:
    weights = np.zeros((2, 10, 52), np.float32)
    weights[..., INDEX["jawOpen"]], weights[..., INDEX["mouthClose"]] = 0.2, 0.155
    gaps = []
    for seal in (0.0, 0.5, 1.0):
        layer = ExpressionLayer(np.zeros((2, 16000), np.float32), 10, 0, replace(CALM, seal=seal))
        gaps.append(lip_gap(layer.apply(0, weights, np.ones((2, 10), bool)))[0, 5])
    assert gaps[0] == pytest.approx(0.62 + 0.2 * 29.8 - 0.155 * 37.5, abs=1e-4)
    assert gaps[1] == pytest.approx((gaps[0] + gaps[2]) / 2, abs=1e-4)
    assert gaps[2] < 0.01
