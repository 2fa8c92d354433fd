"""Lips that know the words: what is said is made, what is there stays, and windows don't matter."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.arkit import INDEX
from duologue.facial.articulation import SpokenLips, biting
from duologue.facial.expression import Expression, ExpressionLayer
from duologue.facial.lips import lip_gap
from duologue.speech.phones import Phone

FRAMES = 240
JAW, CLOSE, ROLL = INDEX["jawOpen"], INDEX["mouthClose"], INDEX["mouthRollLower"]


def chatter(seed: int = 0) -> np.ndarray:
    """A mouth (2, 240, 52) that opens and closes as in speech, and never quite shuts."""
    rng = np.random.default_rng(seed)
    smooth = np.array([np.convolve(row, np.hanning(9) / 4, "same") for row in rng.random((2, FRAMES))])
    weights = np.zeros((2, FRAMES, 52), np.float32)
    weights[..., JAW] = smooth * 0.4
    weights[..., INDEX["mouthFunnel"]] = 0.1
    weights[..., INDEX["mouthLowerDownLeft"]] = weights[..., INDEX["mouthLowerDownRight"]] = 0.2
    return weights


def spoken(weights: np.ndarray, *phones: Phone, seal: float = 1.0) -> np.ndarray:
    """The first performer's (T, 52) of ``weights`` (2, T, 52), saying ``phones``."""
    lips = SpokenLips([phones, ()], weights.shape[1], [seal, seal])
    return np.concatenate(list(lips.follow([weights])), axis=1)[0]


@pytest.mark.parametrize("name", ["P", "B", "M"])
@pytest.mark.parametrize("start", np.linspace(2.0, 2.0 + 1 / 30, 4))
def test_a_word_shuts_lips_for_a_frame_wherever_its_phone_falls_between_frames(name: str, start: float) -> None:
    open_mouth = chatter()
    said = spoken(open_mouth, Phone(start, start + 0.04, name))
    at = slice(int(np.ceil((start - 0.06) * 30)), int((start + 0.1) * 30) + 1)
    assert lip_gap(open_mouth[0])[at].min() > 2
    assert lip_gap(said)[at].min() < 0
    assert said[at, JAW][lip_gap(said)[at].argmin()] < 0.1, "a closed mouth is no wide jaw"
    far = np.r_[0 : int((start - 0.3) * 30), int((start + 0.35) * 30) : FRAMES]
    np.testing.assert_array_equal(said[far], open_mouth[0, far])
    # No snap: lips don't go faster than those of the composing rules do.
    assert np.abs(np.diff(said[..., CLOSE])).max() < 0.5


@pytest.mark.parametrize("name", ["F", "V"])
def test_a_word_draws_the_lower_lip_to_the_teeth_and_keeps_lips_apart(name: str) -> None:
    said = spoken(chatter(), Phone(2.0, 2.08, name))
    assert biting(said)[60:63].max() > 0.95
    assert lip_gap(said)[60:63].min() > 0
    assert said[61, JAW] < 0.2


def test_where_the_model_closes_nothing_changes() -> None:
    weights = chatter()
    weights[0, 59:62, CLOSE] = (lip_gap(weights)[0, 59:62] + 1.0) / 37.5
    for late in (-0.07, 0.0, 0.07):  # the aligner errs a little
        np.testing.assert_array_equal(spoken(weights, Phone(1.97 + late, 2.05 + late, "P")), weights[0])


def test_a_closure_the_model_began_is_finished_where_it_is() -> None:
    weights = chatter()
    weights[0, 58:61, CLOSE] = weights[0, 58:61, JAW] * 0.6  # a p half made, 0.07 s before the aligner's
    said = spoken(weights, Phone(2.04, 2.1, "P"))
    shut = np.flatnonzero(lip_gap(said) < 0.5)
    assert set(shut) & {58, 59, 60}
    assert lip_gap(said)[63:].min() > 1, "there is no second closure at the aligned time"


def test_lips_that_are_shut_amid_an_open_vowel_part_and_its_consonants_stay_shut() -> None:
    weights = chatter()
    weights[0, 57:70, CLOSE] = (lip_gap(weights)[0, 57:70] + 1.0) / 37.5  # "map", all of it behind shut lips
    map_ = (Phone(1.9, 2.0, "M"), Phone(2.0, 2.24, "AE"), Phone(2.24, 2.33, "P"))
    said = lip_gap(spoken(weights, *map_))
    assert said[62:66].min() > 1.9  # 2.07 to 2.17 s
    assert said[58:60].max() < 0
    assert said[67:70].min() < 0
    open_mouth = chatter()
    open_mouth[..., JAW] += 0.1
    np.testing.assert_array_equal(spoken(open_mouth, map_[1]), open_mouth[0])  # what is apart is left as it is
    np.testing.assert_array_equal(spoken(weights, map_[1], seal=0.0), weights[0])
    reduced = Phone(2.0, 2.24, "AH")  # may come close
    np.testing.assert_array_equal(spoken(weights, reduced), weights[0])


def test_two_plosives_are_two_closures_of_one_performer_alone() -> None:
    weights = chatter()
    lips = SpokenLips([(Phone(2, 2.06, "M"), Phone(2.3, 2.36, "P")), ()], FRAMES, [1, 1])
    said = np.concatenate(list(lips.follow([weights])), axis=1)
    gap = lip_gap(said[0])
    assert gap[60:62].min() < 0
    assert gap[69:71].min() < 0
    assert gap[63:67].max() > 1
    np.testing.assert_array_equal(said[1], weights[1])


def test_no_seal_leaves_the_models_lips_and_half_a_seal_goes_half_the_way() -> None:
    weights = chatter()
    phone = Phone(2.0, 2.08, "P")
    np.testing.assert_array_equal(spoken(weights, phone, seal=0.0), weights[0])
    gaps = [lip_gap(spoken(weights, phone, seal=seal))[61] for seal in (0.0, 0.5, 1.0)]
    assert gaps[0] > gaps[1] + 1 > gaps[2] + 2


@pytest.mark.parametrize("cuts", [(60, 210), (30, 61, 62, 63, 150), tuple(range(1, FRAMES))])
def test_however_a_clip_is_cut_the_lips_are_the_same(cuts: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    starts = np.sort(rng.uniform(0, FRAMES / 30, (2, 25)))
    phones = [
        tuple(Phone(t, t + 0.08, (*"PBMFV", "AA", "EH")[k]) for t, k in zip(row, rng.integers(7, size=25), strict=True))
        for row in starts
    ]
    weights = chatter(7)
    weights[..., CLOSE] = np.random.default_rng(1).random((2, FRAMES)) * 0.2
    (whole,) = SpokenLips(phones, FRAMES, [1, 0.7]).follow([weights])
    pieces = np.split(weights, list(cuts), axis=1)
    lips = SpokenLips(phones, FRAMES, [1, 0.7])
    np.testing.assert_allclose(np.concatenate(list(lips.follow(pieces)), axis=1), whole, rtol=0, atol=1e-6)
    assert np.isfinite(whole).all()


def test_a_phone_at_a_windows_end_waits_for_the_next_and_nothing_else_does() -> None:
    weights = chatter()
    lips = SpokenLips([(Phone(1.97, 2.05, "P"),), ()], FRAMES, [1, 1])
    assert [window.shape[1] for window in lips.follow([weights[:, :30], weights[:, 30:60], weights[:, 60:]])] == [
        30,
        23,
        187,
    ]
    # A take that is stopped ends with the frames there are.
    lips = SpokenLips([(Phone(1.97, 2.05, "P"),), ()], FRAMES, [1, 1])
    assert sum(window.shape[1] for window in lips.follow([weights[:, :60]])) == 60


def test_words_where_nobody_speaks_shut_nothing() -> None:
    quiet = np.zeros((2, FRAMES * 16000 // 30), np.float32)
    layer = ExpressionLayer(quiet, FRAMES, 0, Expression(blinks_per_minute=0), [(Phone(2.0, 2.1, "P"),), ()])
    (said,) = layer.spoken([chatter()])
    resting = layer.apply(0, said, np.ones((2, FRAMES), bool))[0]
    assert np.ptp(lip_gap(resting)[50:70]) < 0.6, "a mouth at rest stays as it rests"
    assert resting[:, CLOSE].max() == 0
    assert resting[:, ROLL].max() == 0
