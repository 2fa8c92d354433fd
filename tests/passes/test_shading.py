"""Colours: clay, normals, contact, keypoints, by what they must be in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.passes import Keypoints, Moment, merge, paint
from duologue.passes.contract import BODY, HAND, HEAD, PROP, SCENE
from duologue.passes.raster import rasterise
from duologue.passes.shading import CLAY, inverse_depth, normals
from duologue.passes.surface import check_outside
from duologue.passes.touching import closest_weights, with_contact
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from shapes import FRONT, ball, character, quad, sheet

N = 64


def one(*meshes, wanted, people=()):
    return paint([Moment(merge(meshes), FRONT, people)], (N, N), wanted)


def test_a_ball_has_the_normals_of_a_ball():
    hits = rasterise(*_arrays(ball(radius=0.2)), FRONT, (N, N))
    normal, turned = normals(ball(radius=0.2), hits, FRONT)
    wanted = np.einsum(
        "nk,nkc->nc", hits.weights[hits.found], ball().vertices[ball().triangles[hits.triangle[hits.found]]]
    )
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.abs(np.einsum("nc,nc->n", normal, wanted) - 1).max() < 1e-3
    assert turned.max() == pytest.approx(1.0, abs=5e-3)
    assert normal[:, 2].min() > -0.2


def _arrays(mesh):
    return mesh.vertices, mesh.triangles


def test_the_back_of_a_sheet_faces_the_camera_as_well():
    flipped = quad()
    object.__setattr__(flipped, "triangles", flipped.triangles[:, ::-1])
    seen = one(flipped, wanted=("normal",)).normal[0, N // 2, N // 2]
    np.testing.assert_allclose(seen, (128, 128, 255), atol=1)


def test_clay_is_lit_from_the_camera_and_props_keep_their_colour():
    clip = one(quad((-0.2, 0, 0), 0.1), quad((0.2, 0, 0), 0.1, part=PROP, colour=(10, 250, 10), name="cup"),
               quad((0, 0, -1), 2.0, part=SCENE, person=0, name="wall"), wanted=("structure", "ident", "part"))  # fmt: skip
    left, right = clip.structure[0, N // 2, 23], clip.structure[0, N // 2, 40]
    np.testing.assert_allclose(left, CLAY, rtol=0.02)
    np.testing.assert_allclose(right, (10, 250, 10), rtol=0.02, atol=1)
    assert not clip.structure[0, 0].any(), "the wall is black"
    assert not clip.ident[0, 0].any()
    assert set(np.unique(clip.part)) == {8 + BODY, 8 + PROP, SCENE}


def test_depth_is_one_range_for_the_whole_clip():
    moments = [Moment(merge([quad((0, 0, z))]), FRONT) for z in (0.0, 0.1, 0.2, 0.3, 1.0)]
    clip = paint(moments, (N, N), ("depth",))
    assert clip.depth_range == pytest.approx((1.0, 2.0))
    middle = clip.depth[:, N // 2, N // 2].astype(float)
    np.testing.assert_allclose(middle, (2.0, 1.9, 1.8, 1.7, 1.0), rtol=1e-3)
    np.testing.assert_allclose(inverse_depth(np.array([1.0, 4 / 3, 2.0, np.inf]), 1.0, 2.0), (1.0, 0.5, 0.0, 0.0))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_nearest_point_of_a_triangle_is_that_of_non_negative_least_squares(seed):
    rng = np.random.default_rng(seed)
    corners, points = rng.normal(size=(10, 3, 3)), rng.normal(0, 2, (10, 3))
    weights = closest_weights(points, corners)
    for corner, point, weight in zip(corners, points, weights, strict=True):
        # A heavy row of ones makes the weights sum to 1.
        wanted, _ = nnls(np.vstack([corner.T, np.full(3, 1e5)]), np.r_[point, 1e5])
        np.testing.assert_allclose(weight, wanted, atol=1e-6)


@pytest.mark.parametrize("gap", [0.003, 0.0, -0.004])
def test_a_fingertip_at_a_cheek(gap):
    """Two balls: the distance of the nearest points is known, and so is how fast one slides over the other."""
    face = ball(radius=0.1, rings=96, part=HEAD, person=2, name="face")
    place = np.array((0.0, 0.0, 0.1 + 0.01 + gap))
    tip, later = (ball(place + step, 0.01, 32, part=HAND, name="tip") for step in ((0, 0, 0), (0.01, 0, 0)))
    moving = merge([face, tip])
    moving = with_contact(_moved(moving, merge([face, later])), fps=30.0)
    first = moving.spans["tip"][0]
    assert moving.distance[first:].min() == pytest.approx(gap, abs=2e-4)
    assert moving.distance[:first].min() == pytest.approx(gap, abs=4e-4)
    nearest = first + moving.distance[first:].argmin()
    assert moving.sliding[nearest] == pytest.approx(0.3, rel=0.02)
    assert np.isinf(moving.distance[:first]).mean() > 0.9, "what is far away touches nothing"


def _moved(now, after):
    from duologue.passes.surface import moved_next

    return moved_next(now, after)


def test_contact_is_drawn_below_the_hand_that_hides_it():
    face = sheet(0.2, 80, part=HEAD, person=2)
    hand = ball((0, 0, 0.032), 0.03, part=HAND, name="hand")
    clip = one(face, hand, wanted=("contact", "part"))
    nearness, depth, speed = np.moveaxis(clip.contact[0], -1, 0)
    assert nearness[N // 2, N // 2] > 40, "it is near there, though the hand is in front"
    assert nearness[N // 2, 4] == 0
    assert not depth.any()
    assert not speed.any()


def test_keypoints_are_drawn_where_they_are_and_hidden_ones_are_not():
    body = np.full((18, 3), np.nan)
    body[2], body[3] = (-0.2, 0.1, 0.0), (0.2, 0.1, 0.0)
    shown = one(quad((0, 0, -0.05), 0.35), wanted=("pose",), people=(Keypoints(body),)).pose[0]
    row = int(32 - 0.1 / 2 * 100 / 36 * 32)
    assert shown[row, 32].tolist() == [153, 102, 0], "the upper arm's colour, limbs at 0.6"
    assert shown[row - 6, 32].tolist() == [0, 0, 0]
    other = quad((0.2, 0.1, 0.2), 0.05, person=2, name="somebody's back")
    hidden = one(quad((0, 0, -0.05), 0.35), other, wanted=("pose",), people=(Keypoints(body),)).pose[0]
    assert not hidden[row, 32].any(), "without an elbow there is no arm"


def test_a_camera_in_a_head_is_refused():
    from duologue.passes import Camera

    ada = character("ada", 1, 0.0, 0.0)
    head = ada.vertices[np.unique(ada.triangles[ada.part == HEAD])]
    inside = Camera.looking(head.mean(axis=0), (0, 1, 5))
    with pytest.raises(DuologueError) as caught:
        check_outside(ada, inside)
    assert caught.value.reason == "camera-inside-head"
    assert "A's head" in str(caught.value)
    for aside in ((0.0, 1.5, 0.6), (0.12, head.mean(axis=0)[1], 0.1), (0.0, 1.2, 0.0)):
        check_outside(ada, Camera.looking(aside, (0, 1, 5)))


def test_what_cannot_be_drawn_is_named():
    broken = quad(name="a shirt")
    broken.vertices[1, 2] = np.nan
    for what, reason in (
        (lambda: merge([quad(), broken]), "surface-not-finite"),
        (lambda: paint([Moment(merge([quad((9, 0, 0))]), FRONT)], (N, N), ("part",)), "nothing-in-sight"),
        (lambda: paint([Moment(merge([quad(person=0)]), FRONT)], (N, N), ("part",)), "nothing-in-sight"),
        (lambda: paint([Moment(merge([quad()]), FRONT)] * 3, (N, N), ("part",)), "frames-shape"),
        (lambda: paint([Moment(merge([quad()]), FRONT)], (8, N), ("part",)), "size-unsupported"),
        (lambda: paint([Moment(merge([quad()]), FRONT)], (N, N), ("parts",)), "unknown-label"),
    ):
        with pytest.raises(DuologueError) as caught:
            what()
        assert caught.value.reason == reason
        if reason == "surface-not-finite":
            assert "a shirt" in str(caught.value)


def test_a_hand_touches_nothing_where_there_is_nothing_to_touch():
    surface = merge([quad()])
    nobody = np.zeros((0, 3), np.int32)
    for pair in ((surface.triangles, nobody), (nobody, surface.triangles)):
        assert np.isinf(with_contact(surface, 30.0, [pair]).distance).all()
