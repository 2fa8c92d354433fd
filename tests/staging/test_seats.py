"""Chairs fit who sits: under the hips, turned as they are, on the floor, and nothing of the body in the wood."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.motion.skeleton import Skeleton
from duologue.staging import chair, seats
from duologue.staging.seats import Sitting
from duologue.take import Take, Track

SKELETON = Skeleton.builtin("duologue60")


def seated(spans, frames: int = 300, heading: float = 0.7, height: float = 0.5) -> Take:
    """A sits in these stretches (start, stop, x), lowered over half a second; B stands."""
    root = np.tile([0.0, 0.955, 0.0], (frames, 1))
    actions = np.zeros(frames, np.uint8)
    for start, stop, x in spans:
        down = np.clip((np.arange(frames) - start) / 15, 0, 1) * np.clip((stop - np.arange(frames)) / 15, 0, 1)
        root[:, 1] -= (0.955 - height) * down
        root[start:stop, 0] = x
        actions[start:stop] = 2
    rotations = np.zeros((frames, 60, 3))
    rotations[:, 0, 1] = heading
    still = np.tile([3.0, 0.955, 0.0], (frames, 1))
    a, b = (
        Track(where, turns, np.zeros((frames, 52)), np.ones(frames, bool), modes)
        for where, turns, modes in (
            (root, rotations, actions),
            (still, np.zeros((frames, 60, 3)), np.zeros(frames, np.uint8)),
        )
    )
    return Take(SKELETON, (a, b))


def test_who_sits_is_found_where_they_sit_and_who_stands_is_not():
    (found,) = seats.sittings(seated([(60, 250, 0.4)]))
    assert found.who == 0
    assert 70 <= found.start <= 85
    assert 230 <= found.stop <= 250
    np.testing.assert_allclose(found.place, (0.4, 0.5, 0.0), atol=0.02)
    assert found.heading == pytest.approx(0.7, abs=1e-3)


def test_one_chair_serves_twice_and_two_places_need_two():
    assert len(seats.sittings(seated([(30, 110, 0.4), (150, 250, 0.45)]))) == 1
    assert len(seats.sittings(seated([(30, 110, 0.0), (150, 250, 1.2)]))) == 2


def test_nobody_sits_who_was_only_asked_to_or_for_an_instant():
    assert seats.sittings(seated([(60, 250, 0.4)], height=0.94)) == []
    assert seats.sittings(seated([(60, 250, 0.4)], frames=1)) == []


def body(seat: float, heading: float, middle) -> np.ndarray:
    """A body that sits at a height: a trunk 0.24 deep and thighs ahead of it, as points."""
    random = np.random.default_rng(1)
    trunk = random.uniform((-0.17, seat, -0.13), (0.17, seat + 0.6, 0.11), (4000, 3))
    thighs = random.uniform((-0.18, seat, 0.0), (0.18, seat + 0.14, 0.45), (2000, 3))
    shins = random.uniform((-0.15, 0.0, 0.40), (0.15, seat, 0.5), (2000, 3))
    turn = np.array([[np.cos(heading), 0, np.sin(heading)], [0, 1, 0], [-np.sin(heading), 0, np.cos(heading)]])
    return np.concatenate([trunk, thighs, shins]) @ turn.T + (middle[0], 0.0, middle[2])


@pytest.mark.parametrize("heading", [0.0, 1.3, -2.5])
@pytest.mark.parametrize("height", [0.35, 0.45, 0.6])
def test_the_chair_stands_under_the_body_and_outside_it(heading, height):
    middle = np.array([1.0, height + 0.1, -0.4])
    points = body(height, heading, middle)
    seat = seats.fit(Sitting(0, 0, 90, middle, heading), middle[None], points, 0.95)
    assert seat is not None
    assert seat.place == pytest.approx((1.0, -0.4))
    assert seat.height == pytest.approx(height, abs=0.01)
    mesh = chair.build(seat)
    assert mesh.vertices[:, 1].min() == pytest.approx(0.0)  # it stands on the floor
    turn = np.array([[np.cos(heading), 0, np.sin(heading)], [0, 1, 0], [-np.sin(heading), 0, np.cos(heading)]])
    local = (points - (middle[0], 0.0, middle[2])) @ turn
    for corners in mesh.vertices.reshape(-1, 8, 3):
        low, high = corners.min(axis=0) + 0.012, corners.max(axis=0) - 0.012
        assert not ((local > low) & (local < high)).all(axis=1).any()


def test_faces_of_the_chair_look_outwards():
    seat = seats.Seat(0, (0.0, 0.0), 0.0, 0.45, 0.44, 0.26, 0.15, 0.87)
    mesh = chair.build(seat)
    for part, faces in zip(mesh.vertices.reshape(-1, 8, 3), mesh.faces.reshape(-1, 6, 4), strict=True):
        for face in faces:
            a, b, c, _ = mesh.vertices[face]
            assert np.cross(b - a, c - a) @ (mesh.vertices[face].mean(axis=0) - part.mean(axis=0)) > 0
    assert set(mesh.materials) == {chair.WOOD, chair.CLOTH}


def test_who_sits_on_the_floor_gets_no_chair_and_a_body_without_skin_gets_one():
    middle = np.array([0.0, 0.2, 0.0])
    assert seats.fit(Sitting(0, 0, 90, middle, 0.0), middle[None], body(0.1, 0.0, middle), 0.95) is None
    high = np.array([0.0, 0.55, 0.0])
    seat = seats.fit(Sitting(0, 0, 90, high, 0.0), high[None], np.zeros((0, 3)), 0.95)
    assert seat is not None
    assert seat.height == pytest.approx(0.45, abs=0.01)


def test_a_child_gets_a_child_s_chair():
    middle = np.array([0.0, 0.35, 0.0])
    seat = seats.fit(Sitting(0, 0, 90, middle, 0.0), middle[None], np.zeros((0, 3)), 0.6)
    assert seat is not None
    assert seat.width == pytest.approx(0.44 * 0.6 / 0.95)
