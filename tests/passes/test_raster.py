"""What a pixel sees: against closed form, the near plane and both searches against each other."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.passes import Camera, merge
from duologue.passes.camera import Camera as _Camera
from duologue.passes.raster import rasterise, search_arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import FRONT, ball, character, mesh, quad, sheet

SIZE = (64, 48)


def hits(what, camera=FRONT, size=SIZE, **more):
    return rasterise(what.vertices, what.triangles, camera, size, **more)


def test_a_square_covers_the_pixels_whose_centres_lie_in_its_projection():
    seen = hits(quad(half=0.2), size=(64, 64))
    # 50 mm on 36 mm: x / depth * 100 / 36 is 1 at the edge. The square is 2 m away.
    edge = 0.2 / 2.0 * 100 / 36 * 32
    wanted = np.abs(np.arange(64) + 0.5 - 32) <= edge
    np.testing.assert_array_equal(seen.found, wanted[:, None] & wanted[None])
    np.testing.assert_allclose(seen.depth[seen.found], 2.0)


def test_a_tilted_triangle_has_true_depths_and_weights():
    """Of the plane z = x: a ray of slope s meets it at depth 2 / (1 + s)."""
    tilted = mesh([(-1, -1, -1), (1, -1, 1), (0, 1, 0)], [(0, 1, 2)])
    seen = hits(tilted, size=(64, 64))
    rows, columns = np.nonzero(seen.found)
    slope = (columns + 0.5 - 32) / 32 * 36 / 100
    np.testing.assert_allclose(seen.depth[seen.found], 2.0 / (1.0 + slope), rtol=1e-12)
    points = np.einsum("nk,kc->nc", seen.weights[seen.found], tilted.vertices)
    pixels, _ = FRONT.project(points, (64, 64))
    np.testing.assert_allclose(pixels, np.stack([columns, rows], 1) + 0.5, atol=1e-9)


def test_the_nearer_one_is_seen_and_of_equals_the_first():
    near, far = quad((0, 0, 0.5), 0.1), quad((0, 0, 0), 0.3)
    both = merge([far, near])
    seen = hits(both, size=(64, 64))
    assert set(np.unique(seen.triangle)) == {-1, 0, 1, 2, 3}
    assert seen.depth[32, 32] == pytest.approx(1.5)
    twice = merge([far, far])
    assert hits(twice).triangle.max() == 1


def test_squares_side_by_side_leave_no_gap_and_are_hit_once():
    """Every centre inside of a mesh is in a triangle of it, also where it lies on an edge."""
    seen = hits(sheet(0.3), size=(240, 240))
    inside = np.abs(np.arange(240) + 0.5 - 120) < 0.3 / 2 * 100 / 36 * 120
    np.testing.assert_array_equal(seen.found, inside[:, None] & inside[None])


def test_what_crosses_the_near_plane_is_cut_there():
    floor = mesh([(-5, -0.5, 5), (5, -0.5, 5), (0, -0.5, -50)], [(0, 1, 2)])
    seen = hits(floor)
    assert not seen.found[:24].any()
    assert seen.found[-1].all()
    rows, _ = np.nonzero(seen.found)
    down = (rows + 0.5 - 24) / 24 * 36 / 100
    np.testing.assert_allclose(seen.depth[seen.found], 0.5 / down, rtol=1e-9)
    points = np.einsum("nk,kc->nc", seen.weights[seen.found], floor.vertices)
    np.testing.assert_allclose(points[:, 1], -0.5, atol=1e-9)
    assert hits(mesh(floor.vertices + np.array((0, 0, 60)), floor.triangles)).found.sum() == 0, "all of it is behind"


def test_beyond_the_far_plane_there_is_nothing():
    camera = Camera(FRONT.position, FRONT.axes, FRONT.focal, far=1.9)
    assert not hits(quad(), camera).found.any()


def test_an_orthographic_camera_with_a_shift():
    camera = _Camera(FRONT.position, FRONT.axes, (2.0, 2.0), (0.25, -0.5), orthographic=True)
    seen = hits(quad(half=0.2), camera, (64, 64))
    rows, columns = np.nonzero(seen.found)
    # 0.2 m are 0.4 of the half picture; the middle moves a quarter to the right and half down.
    assert (columns.min(), columns.max()) == (27, 52)
    assert (rows.min(), rows.max()) == (35, 60)
    np.testing.assert_allclose(seen.depth[seen.found], 2.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_the_compiled_search_finds_the_same_triangles(seed, orthographic):
    compiled = pytest.importorskip("duologue.passes.compiled", reason="numba is not installed (the extra `video`)")
    rng = np.random.default_rng(seed)
    soup = mesh(rng.normal(0, 0.6, (60, 3)).round(rng.integers(1, 4)), rng.integers(0, 60, (200, 3)))
    camera = _Camera(FRONT.position, FRONT.axes, (1.5, 2.0), (0.1, 0.0), orthographic, near=1.6)
    one, other = (hits(soup, camera, search=search) for search in (search_arrays, compiled.search_compiled))
    np.testing.assert_array_equal(one.triangle, other.triangle)
    np.testing.assert_array_equal(one.depth, other.depth)


def test_the_compiled_search_finds_the_same_of_people():
    compiled = pytest.importorskip("duologue.passes.compiled", reason="numba is not installed (the extra `video`)")
    both = merge([character("ada", 1, -0.5, 1.2), character("ben", 2, 0.5, -1.2)])
    camera = Camera.looking((0.3, 1.5, 2.6), (0, 1.15, 0), aspect=1.5)
    one, other = (hits(both, camera, (192, 128), search=s) for s in (search_arrays, compiled.search_compiled))
    np.testing.assert_array_equal(one.triangle, other.triangle)
    assert one.found.mean() > 0.1


def test_a_ball_has_its_area():
    seen = hits(ball(radius=0.2), size=(512, 512))
    # A ball of radius r at distance d is a disc of r / sqrt(d^2 - r^2).
    radius = 0.2 / np.sqrt(2.0**2 - 0.2**2) * 100 / 36 * 256
    assert seen.found.sum() == pytest.approx(np.pi * radius**2, rel=0.004)
