"""Blinks and gaze: the statistics of people in conversation, by seed, whatever the windows."""

import numpy as np
import pytest
from duologue.arkit import INDEX
from duologue.facial.expression import Expression, ExpressionLayer
from duologue.facial.eyes import blink_curve, draw_gaze, listening_brows

MINUTES = 10
FRAMES = MINUTES * 1800


def eyes(
    partner: tuple[float, float] | None = None, *, facing: bool = True, seed: int = 2, **settings: float
) -> np.ndarray:
    """(2, FRAMES, 52) of two silent performers whose model moves nothing."""
    layer = ExpressionLayer(np.zeros((2, FRAMES * 534), np.float32), FRAMES, seed, Expression(**settings))
    where = None if partner is None else np.broadcast_to(np.float32(partner), (2, FRAMES, 2))
    return layer.apply(0, np.zeros((2, FRAMES, 52), np.float32), np.full((2, FRAMES), facing), where)


def degrees(weights: np.ndarray) -> np.ndarray:
    """(..., 2) right and up of the right eye; weight 1 is 30 degrees."""
    out, inwards, up, down = (weights[..., INDEX[f"eyeLook{way}Right"]] for way in ("Out", "In", "Up", "Down"))
    return np.stack([out - inwards, up - down], axis=-1) * 30


def blinks(lids: np.ndarray) -> np.ndarray:
    return np.flatnonzero((lids[1:] > 0.95) & (lids[:-1] <= 0.95))


@pytest.mark.parametrize("seed", range(3))
def test_blinks_come_as_often_as_asked_and_shut_the_lids(seed: int) -> None:
    minutes = 20
    curve = blink_curve(minutes * 1800, 17.0, np.random.default_rng(seed))
    onsets = blinks(curve)
    assert 12 <= len(onsets) / minutes <= 22
    assert np.diff(onsets).min() >= 12, "half a second lies between two blinks"
    shut = curve > 0.5
    lengths = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], shut, [0]]))))[::2]
    assert 2 <= np.median(lengths) <= 8, "0.1 to 0.25 s at half height"


def test_no_blinks_when_none_are_asked_for() -> None:
    assert not blink_curve(900, 0.0, np.random.default_rng(0)).any()


@pytest.mark.parametrize("seed", range(4))
def test_both_people_blink_like_people_whoever_speaks(seed: int) -> None:
    faces = eyes(seed=seed)
    for performer in faces:
        left, right = performer[:, INDEX["eyeBlinkLeft"]], performer[:, INDEX["eyeBlinkRight"]]
        np.testing.assert_array_equal(left, right)
        starts = blinks(left)
        assert 10 <= len(starts) / MINUTES <= 25
        assert left.max() == 1.0, "lids close fully"
        assert all(left[start : start + 3].max() == 1.0 for start in starts)
        gaps = np.diff(starts) / 30
        assert gaps.std() > 0.3 * gaps.mean(), "people are no metronomes"
    assert not np.array_equal(faces[0], faces[1]), "nor do two of them blink together"


def test_both_eyes_look_the_same_way() -> None:
    faces = eyes()
    for way, other in (("Out", "In"), ("In", "Out")):
        np.testing.assert_array_equal(faces[..., INDEX[f"eyeLook{way}Right"]], faces[..., INDEX[f"eyeLook{other}Left"]])
    assert not (faces[..., INDEX["eyeLookOutRight"]] * faces[..., INDEX["eyeLookInRight"]]).any()
    np.testing.assert_array_equal(faces[..., INDEX["eyeLookUpLeft"]], faces[..., INDEX["eyeLookUpRight"]])


def test_eyes_jump_and_hold() -> None:
    """Saccades: most frames hold still, and there are one to four jumps a second (people: about three)."""
    moved = np.abs(np.diff(degrees(eyes(blinks_per_minute=0)), axis=1)).max(axis=-1) > 0.2
    assert moved.mean() < 0.15
    assert 1 <= moved.sum(axis=1).mean() / (MINUTES * 60) <= 4


@pytest.mark.parametrize("partner", [(0.0, 0.0), (18.0, 6.0), (-20.0, -4.0)])
def test_eyes_rest_on_a_partner_they_face_wherever_the_head_points(partner: tuple[float, float]) -> None:
    """Argyle & Cook 1976: listeners look at the partner about 75 % of the time."""
    off = np.linalg.norm(degrees(eyes(partner)) - partner, axis=-1)
    assert 0.65 <= (off < 6).mean() <= 0.9
    away = np.linalg.norm(degrees(eyes(partner, facing=False)), axis=-1)
    assert (away > 4).mean() > 0.8, "without a partner they wander"


def test_a_partner_out_of_reach_is_looked_at_as_far_as_eyes_go() -> None:
    sideways = degrees(eyes((80.0, 0.0), gaze_at_partner=2))[..., 0]
    assert 22 < np.median(sideways) < 28
    assert sideways.max() <= 30.01, "a shape at 1 is the end of its way"


@pytest.mark.parametrize(
    ("setting", "low", "high"), [(0.0, 0.0, 0.1), (0.5, 0.25, 0.55), (1.5, 0.8, 0.95), (2.0, 0.98, 1.0)]
)
def test_how_much_they_look_at_the_partner_can_be_set(setting: float, low: float, high: float) -> None:
    off = np.linalg.norm(degrees(eyes((-18.0, 6.0), gaze_at_partner=setting)) - (-18.0, 6.0), axis=-1)
    assert low <= (off < 7).mean() <= high


def test_people_look_away_more_while_they_speak() -> None:
    """Kendon 1967: speakers look at the partner about half as much as listeners do."""
    speaking = draw_gaze(np.ones(FRAMES, np.float32), np.random.default_rng(0)).leaves.mean()
    listening = draw_gaze(np.zeros(FRAMES, np.float32), np.random.default_rng(0)).leaves.mean()
    assert 0.45 <= speaking <= 0.6
    assert 0.17 <= listening <= 0.3


def test_brows_rise_now_and_then_while_the_partner_speaks_and_only_then() -> None:
    listens = np.arange(FRAMES) // 300 % 2 == 0  # ten seconds each
    raised = listening_brows(listens, np.random.default_rng(0))
    starts = np.flatnonzero((raised[1:] > 0.02) & (raised[:-1] <= 0.02))
    assert 3 <= len(starts) / (MINUTES / 2) <= 9
    assert listens[starts - 5].all()
    assert 0.1 < raised.max() <= 0.3
    assert np.abs(np.diff(raised)).max() < 0.1, "brows are not thrown"
    assert not listening_brows(np.zeros(FRAMES, bool), np.random.default_rng(0)).any()


@pytest.mark.parametrize("seed", range(3))
def test_a_listener_is_alive_and_a_brief_can_ask_for_less(seed: int) -> None:
    """A minute in which only A speaks, with a model that moves nothing."""
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 60 * 16000)).astype(np.float32)
    speech = np.concatenate([noise, 0 * noise])

    def brows(setting: float) -> np.ndarray:
        layer = ExpressionLayer(speech, 1800, seed, Expression(brows=setting))
        return layer.apply(0, np.zeros((2, 1800, 52), np.float32), np.ones((2, 1800), bool))[..., INDEX["browInnerUp"]]

    speaker, listener = brows(1.0)
    assert not speaker.any()
    assert listener.std() > 0.02
    np.testing.assert_allclose(brows(0.5)[1], listener / 2, atol=1e-6)
    assert not brows(0.0).any()


def test_gaze_scales_all_of_it() -> None:
    whole, half, none = (degrees(eyes((-10.0, 3.0), gaze=scale)) for scale in (1.0, 0.5, 0.0))
    np.testing.assert_allclose(half, whole / 2, atol=1e-4)
    assert not none.any()
