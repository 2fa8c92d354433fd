"""Where cameras stand: the line is kept, faces are large, nobody stands in the way, nothing is cut off."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.staging import camera, framing, setups
from duologue.staging.camera import SENSOR, Placement, Sight
from duologue.staging.cut import Shot, cut
from hypothesis import given, settings
from hypothesis import strategies as st
from people import two_people

ASPECT = 16 / 9
FACE = 0.205
"""From chin to the brows' upper edge, metres, of both sample characters."""


def on_screen(placed: Placement, points: np.ndarray) -> np.ndarray:
    """Return points as the camera sees them: -1 to 1 from edge to edge, right and up, and how far away they are."""
    axes = camera.axes_of(placed.azimuth)
    away = (points - placed.position) @ axes
    back = away[..., 2] * np.cos(placed.tilt) + away[..., 1] * np.sin(placed.tilt)
    up = away[..., 1] * np.cos(placed.tilt) - away[..., 2] * np.sin(placed.tilt)
    half = SENSOR / 2 / placed.lens
    return np.stack([away[..., 0] / -back / half, up / -back / half * ASPECT, -back], axis=-1)


def order(placed: Placement, sight: Sight) -> float:
    """Return on which side of A the camera sees B: 1 right, -1 left."""
    return float(np.sign((sight.heads[1] - sight.heads[0]).mean(axis=0) @ camera.axes_of(placed.azimuth)[:, 0]))


@pytest.mark.parametrize("turn", [30.0, 60.0, 90.0])
def test_the_camera_stands_where_both_faces_are_seen(turn):
    assert camera.choose_azimuth(two_people(turn)) == pytest.approx(0.0)
    assert camera.choose_azimuth(two_people(180.0 - turn)) == pytest.approx(0.0 if turn == 90.0 else np.pi)


def test_the_camera_never_hides_one_behind_the_other():
    sight = two_people(0.0)
    sight.forward[:] = (1.0, 0.0, 0.0)  # both look along the line between them
    azimuth = camera.choose_azimuth(sight)
    assert abs(np.cos(azimuth)) > 0.6


@pytest.mark.parametrize("apart", [0.8, 1.2, 4.0])
@pytest.mark.parametrize("floor", [False, True])
def test_heads_hands_and_hips_are_in_the_picture_of_both(apart, floor):
    sight = two_people(60.0, apart)
    placed = camera.place(sight, ASPECT, floor=floor)
    points = np.concatenate([sight.heads.reshape(-1, 3), sight.hands.reshape(-1, 3), sight.hips.reshape(-1, 3)])
    points = np.concatenate([points, sight.hips.reshape(-1, 3) * (1, 0, 1)]) if floor else points
    assert (np.abs(on_screen(placed, points)[:, :2]) < 1).all()


@pytest.mark.parametrize("who", [0, 1])
@pytest.mark.parametrize("apart", [0.5, 0.8, 1.2, 2.0, 5.0])
def test_a_close_shot_is_of_one_face_that_fills_a_third_of_it(who, apart):
    sight = two_people(65.0, apart, taller=0.15)
    placed = framing.close(sight, who, 0.0, ASPECT)
    head = sight.heads[who]
    crown, chin = (on_screen(placed, head + np.array([0, side * sight.sizes[who] / 2, 0])) for side in (1, -1))
    assert (crown[:, 1] < 0.95).all()
    assert (chin[:, 1] > -0.7).all()
    face = FACE / (SENSOR * crown[0, 2] / placed.lens / ASPECT)
    assert face > 1 / 3
    partner = on_screen(placed, sight.heads[1 - who])
    assert ((np.abs(partner[:, 0]) > 1.2) | (partner[:, 2] < 0)).all()
    eyeline = np.degrees(np.arccos(camera.towards(placed.azimuth) @ sight.forward[who, 0]))
    assert 10 < eyeline < (70 if apart < 0.6 else 50)  # neither into the lens nor a profile


@pytest.mark.parametrize("who", [0, 1])
@pytest.mark.parametrize("apart", [0.8, 1.2, 2.0, 2.5])
@pytest.mark.parametrize("taller", [0.0, 0.15, -0.25])
def test_over_a_shoulder_both_heads_are_in_the_picture_on_their_sides(who, apart, taller):
    sight = two_people(65.0, apart, taller=taller)
    if not framing.is_over(sight).any():
        pytest.skip("these two are not filmed so")
    placed = framing.over(sight, who, 0.0, ASPECT)
    subject, partner = on_screen(placed, sight.heads[who])[0], on_screen(placed, sight.heads[1 - who])[0]
    assert 0.2 < abs(subject[0]) < 0.45
    assert 0.5 < abs(partner[0]) < 0.95
    assert np.sign(subject[0]) == -np.sign(partner[0])
    assert np.abs([subject[1], partner[1]]).max() < 0.8
    assert partner[2] > 1.2  # behind the partner, not inside
    assert subject[2] > partner[2]


def test_past_who_stands_nobody_who_sits_is_looked_at():
    assert framing.is_over(two_people()).all()
    assert not framing.is_over(two_people(taller=0.5)).any()
    assert not framing.is_over(two_people(apart=0.5)).any()
    assert not framing.is_over(two_people(apart=4.0)).any()


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-180, 180), st.floats(0.6, 3.0), st.floats(0.0, 120.0), st.floats(-0.3, 0.3),
    st.lists(st.tuples(st.integers(0, 1), st.integers(20, 200)), min_size=1, max_size=8),
)  # fmt: skip
def test_the_line_is_kept_in_every_shot(facing, apart, turn, taller, lines):
    frames = 600
    speaking = np.zeros((2, frames), bool)
    at = 0
    for who, length in lines:
        speaking[who, at : at + length] = True
        at += length
    sight = turned(two_people(turn, apart, frames // 5, taller), facing)
    shots = cut(speaking, np.zeros_like(speaking), np.repeat(framing.is_over(sight), 5))
    made = setups.plan(sight, shots, np.zeros_like(speaking), ASPECT)
    assert sorted((s.start, s.stop) for one in made for s in one.shots) == [(s.start, s.stop) for s in shots]
    orders = {order(place, sight) for one in made for place in one.places}
    assert len(orders) == 1


def turned(sight: Sight, degrees: float) -> Sight:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return Sight(sight.heads @ turn.T, sight.forward @ turn.T, sight.hands @ turn.T, sight.hips @ turn.T, sight.frames)


def test_who_walks_on_gets_new_cameras_on_the_same_side():
    frames = 600
    sight = two_people(65.0, 1.2, frames // 5)
    away = np.clip((sight.frames - 200) / 200, 0, 1)[:, None] * (2.5, 0.0, 1.0)
    for part in (sight.heads, sight.hips):
        part[:] += away
    sight.hands[:] += away[:, None]
    moving = np.zeros((2, frames), bool)
    moving[:, 200:400] = True
    shots = [Shot(0, 100, "two"), Shot(100, 200, "close", 0), Shot(200, 400, "wide"), Shot(400, 600, "close", 0)]
    made = setups.plan(sight, shots, moving, ASPECT)
    assert [one.size for one in made] == ["two", "close", "wide", "close"]
    assert np.linalg.norm(made[1].places[0].position - made[3].places[0].position) > 2.0
    for one in made:
        (shot,) = one.shots
        part = sight.between(shot.start, shot.stop)
        assert order(one.places[0], part) == order(made[0].places[0], sight.between(0, 100))
        heads = part.heads if one.subject < 0 else part.heads[one.subject]
        assert (np.abs(on_screen(one.places[0], heads)[..., :2]) < 0.95).all()


def test_a_head_that_strays_is_followed_and_one_that_stays_is_not():
    still, strays = two_people(65.0, 1.2, 60), two_people(65.0, 1.2, 60)
    still.heads[0, :, 0] += 0.02 * np.sin(still.frames / 20)
    strays.heads[0, :, 2] += np.clip(strays.frames / 300, 0, 1) * 0.8
    shots = [Shot(0, 300, "close", 0)]
    moving = np.zeros((2, 300), bool)
    assert len(setups.plan(still, shots, moving, ASPECT)[0].places) == 1
    (one,) = setups.plan(strays, shots, moving, ASPECT)
    assert len(one.places) == len(one.frames) > 5
    seen = [
        on_screen(place, strays.between(frame, frame + 5).heads[0])[0]
        for place, frame in zip(one.places, one.frames, strict=True)
    ]
    assert np.abs(np.array(seen)[:, :2]).max() < 0.8


def test_faces_of_a_split_picture_are_followed_wherever_they_go():
    frames = 300
    sight = two_people(65.0, 1.2, frames // 5)
    sight.heads[1, :, 2] += np.linspace(0, 2.0, frames // 5)
    made = setups.faces(sight, frames, 2.0)
    assert [one.subject for one in made] == [0, 1]
    for one in made:
        assert one.frames[0] == 0
        assert one.frames[-1] == frames - 1
        for place, frame in zip(one.places, one.frames, strict=True):
            x, y, depth = on_screen(place, sight.between(frame, frame + 5).heads[one.subject])[0]
            assert abs(x) < 0.7
            assert abs(y) < 0.7
            assert depth > 0.5


@pytest.mark.parametrize(("moves", "sits"), [(False, False), (True, False), (False, True)])
def test_feet_and_chairs_are_seen_where_somebody_uses_them(moves, sits):
    sight = two_people(65.0, 1.2, 60)
    sight.hips[1, :, 1] -= 0.4 * sits
    (one,) = setups.plan(sight, [Shot(0, 300, "wide")], np.full((2, 300), moves), ASPECT)
    feet = on_screen(one.places[0], sight.hips * (1, 0, 1))
    assert (feet[..., 1].min() > -1) == (moves or sits)


def test_one_moment_is_enough():
    sight = two_people(65.0, 1.2, 1)
    shots = cut(np.zeros((2, 1), bool), np.zeros((2, 1), bool))
    (one,) = setups.plan(sight, shots, np.zeros((2, 1), bool), ASPECT)
    assert len(one.places) == 1
    assert len(setups.faces(sight, 1, ASPECT)) == 2
