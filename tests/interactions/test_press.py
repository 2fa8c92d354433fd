"""Skin under a finger: on a plane, where it can be reckoned, and on the sample characters' faces."""

from dataclasses import replace

import numpy as np
import pytest
from duologue.interactions.indentation import REACH, Capsules, exit_length, hertz
from duologue.interactions.landmarks import find_landmark
from duologue.interactions.press import LARGEST_DRAG, press, relaxed
from duologue.interactions.surface import edges_of, skin_of
from duologue.rigs.samples import SAMPLES
from examples_skin import FPS, character, deepest, finger, on_plane, plane, poked, still, turned
from hypothesis import given, settings
from hypothesis import strategies as st

PLACES = {"cheek": 0.006, "nose": 0.004, "chin": 0.004, "forehead": 0.002, "lips": 0.005, "ear": 0.003}


# -- the formulas ---------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_the_exit_is_on_the_capsules_surface_and_the_first_one(seed):
    rng = np.random.default_rng(seed)
    ends, radius = rng.normal(0, 0.02, (2, 3)), rng.uniform(0.005, 0.02)
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    inside = ends[0] + rng.uniform() * (ends[1] - ends[0]) + rng.uniform(-0.5, 0.5) * radius * direction
    far = exit_length(inside[None], direction[None], ends[None], np.array([radius]))[0]
    assert far > 0

    def signed(distance: np.ndarray) -> np.ndarray:
        points = inside + np.atleast_1d(distance)[:, None] * direction
        along = np.clip((points - ends[0]) @ (ends[1] - ends[0]) / ((ends[1] - ends[0]) @ (ends[1] - ends[0])), 0, 1)
        return np.linalg.norm(points - ends[0] - along[:, None] * (ends[1] - ends[0]), axis=1) - radius

    assert signed(np.array([far])) == pytest.approx(0, abs=1e-9)
    assert (signed(np.linspace(0, far * 0.999, 50)) < 0).all()


def test_the_profile_of_a_dent_is_that_of_hertz():
    """Half the depth at the rim of the contact, and on along a ball in the middle (Johnson 1985, section 3.4)."""
    ratio = np.array([0.0, 0.5, 1.0, 2.0])
    expected = [1.0, 0.875, 0.5, (np.sqrt(3.0) - np.pi / 3) / np.pi]
    np.testing.assert_allclose(hertz(ratio * 0.006, np.full(4, 0.006)), expected, atol=1e-12)


def test_neighbours_are_averaged_as_edges_say():
    """By the graph's own matrix, on a mesh with vertices that have no triangle."""
    _, found = character("ben")
    some = np.arange(len(found.rest)) % 3 > 0
    skin = found.part(some)
    rng = np.random.default_rng(0)
    values, kept, drawn = rng.normal(size=(2, len(skin.rest), 3)), *rng.uniform(size=(2, 2, len(skin.rest)))
    matrix = np.zeros((len(skin.rest),) * 2)
    for a, b in edges_of(skin.triangles):
        matrix[a, b] = matrix[b, a] = 1.0
    matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1.0)
    expected = values
    for _ in range(2):
        expected = kept[..., None] * expected + drawn[..., None] * (matrix @ expected)
    np.testing.assert_allclose(skin.smoothed(values, (kept, drawn), 2), expected, atol=1e-12)


# -- on a plane -----------------------------------------------------------------------------------------------------


@given(depth=st.floats(0.0005, 0.0075), step=st.sampled_from([0.003, 0.005]))
@settings(max_examples=20, deadline=None)
def test_skin_gets_out_of_the_finger_and_no_further(depth, step):
    pressed = on_plane(np.full(4, depth), step=step)
    moved = pressed.skin.rest + pressed.offsets
    capsules = finger(np.zeros((4, 3)), np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]), np.full(4, depth))
    assert deepest(capsules, moved) < 1e-4
    assert pressed.left.max() < 1e-4
    assert -moved[2, :, 2].min() == pytest.approx(depth, abs=3e-4 if step < 0.004 else 1e-3)


@given(depth=st.floats(0.002, 0.007))
@settings(max_examples=10, deadline=None)
def test_what_goes_in_comes_out_around(depth):
    pressed = on_plane(np.full(4, depth))
    height = pressed.offsets[2, :, 2] * pressed.skin.area
    went_in, came_out = -height[height < 0].sum(), height[height > 0].sum()
    assert 0.7 * went_in < came_out < 1.3 * went_in
    assert pressed.offsets[2, :, 2].max() < 0.004


def test_bone_stops_the_skin_and_the_rest_is_told():
    pressed = on_plane(np.full(4, 0.006), tissue=0.002)
    assert np.linalg.norm(pressed.offsets, axis=-1).max() <= 0.0021
    assert pressed.left.max() == pytest.approx(0.004, abs=5e-4)


def test_a_finger_apart_moves_nothing():
    pressed = on_plane(np.full(6, -0.008))
    assert not pressed.offsets.any()
    far = plane()
    nothing = press(far, *still(far, 2), finger(np.full((2, 3), 0.5), np.eye(3)[2], np.eye(3)[1], np.zeros(2)), FPS)
    assert len(nothing.skin.rest) == 0


def test_a_finger_amid_a_large_triangle_is_felt():
    """Of a mesh whose edges are 2 cm: the whole triangle sinks, for there is no vertex where the finger is."""
    skin, frames = plane(0.02), 4
    at = skin.rest[skin.triangles[80]].mean(axis=0)
    capsules = finger(np.tile(at, (frames, 1)), np.eye(3)[2], np.eye(3)[1], np.full(frames, 0.004))
    pressed = press(skin, *still(skin, frames), capsules, FPS)
    assert deepest(capsules, np.repeat(pressed.skin.rest[None], frames, 0)) < 0.001
    assert deepest(capsules, pressed.skin.at_probes(np.repeat(pressed.skin.rest[None], frames, 0))) > 0.003
    assert deepest(capsules, pressed.skin.at_probes(pressed.skin.rest + pressed.offsets)) < 2e-4


def test_skin_is_dragged_along_and_slips():
    slide = np.linspace(0, 0.03, 30)
    pressed = on_plane(np.full(30, 0.003), slide=slide)
    early, late = pressed.offsets[4, :, 0], pressed.offsets[-1, :, 0]
    assert early.max() == pytest.approx(0.5 * slide[4], rel=0.25)
    assert 0.004 < late.max() <= LARGEST_DRAG + 0.0015


def test_a_turned_head_dents_alike():
    """All that is stored is of the mesh at rest: a head that has turned under the same hand has the same offsets."""
    skin, frames = plane(), 4
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    capsules = finger(np.zeros((frames, 3)), np.eye(3)[2], np.eye(3)[1], np.full(frames, 0.005))
    plain = press(skin, *still(skin, frames), capsules, FPS)
    hand = Capsules(capsules.ends @ turn.T + [1.0, 2.0, 3.0], capsules.radius)
    posed = np.repeat((skin.rest @ turn.T + [1.0, 2.0, 3.0])[None], frames, 0)
    other = press(skin, posed, turned(turn, frames), hand, FPS)
    np.testing.assert_array_equal(other.skin.vertices, plain.skin.vertices)
    np.testing.assert_allclose(other.offsets, plain.offsets, atol=1e-9)


def test_it_comes_over_two_frames_and_goes_within_half_a_second():
    step = np.zeros((30, 1, 3))
    step[10:15, 0, 2] = -0.006
    there = relaxed(step, FPS)[:, 0, 2]
    assert there[8] == 0
    assert there[9] == pytest.approx(-0.003)
    assert there[10] == pytest.approx(-0.006)
    assert abs(np.diff(there, 2)).max() < 0.004
    assert there[14 + 15] > -2e-5


# -- on faces -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_poke_leaves_no_skin_in_the_finger(name, place):
    skin, capsules, pressed = poked(name, place, PLACES[place])
    before, after = (
        deepest(capsules, pressed.skin.at_probes(pressed.skin.rest + moved))
        for moved in (0 * pressed.offsets, pressed.offsets)
    )
    assert before > 0.8 * PLACES[place] - 1e-4
    assert after < max(1e-4, pressed.left.max() + 1e-6)
    assert pressed.left.max() < 2.5e-4  # tissue lets the finger that deep
    # near enough alone moves, and by no more than there is tissue or rim
    far = np.linalg.norm(pressed.offsets, axis=-1)
    assert far.max() < PLACES[place] + 0.002
    assert not pressed.offsets[0].any()
    assert not pressed.offsets[-1].any()
    assert np.isin(pressed.skin.vertices, skin.vertices).all()
    accelerated = np.linalg.norm(np.diff(pressed.offsets, 2, axis=0), axis=-1)
    assert accelerated.max() < 0.004


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_beyond_reach_moves(name):
    _, skin = character(name)
    _, capsules, pressed = poked(name, "cheek", 0.006)
    moved = pressed.skin.vertices[np.abs(pressed.offsets).max(axis=(0, 2)) > 0]
    points = skin.rest[np.isin(skin.vertices, moved)]
    reach = min(deepest(capsules, np.repeat(point[None, None], len(capsules), 0)) for point in points)
    assert reach > -REACH


def test_lids_hardly_follow_and_teeth_are_no_skin():
    found, skin = character("ada")
    mesh = found.mesh
    names = {mesh.materials[m] for m in np.unique(mesh.vertex_material[skin.vertices])}
    assert {"skin", "lips", "brow"} <= names
    assert not names & {"teeth", "tongue", "sclera", "iris", "hair", "top", "earring"}
    index, delta = mesh.shapes["eyeBlinkLeft"]
    far = np.linalg.norm(delta, axis=1)
    lids = np.isin(skin.vertices, index[far > 0.8 * far.max()])
    assert skin.give[lids].max() < 0.3
    assert skin.tissue[lids].max() < 0.002


def test_tissue_is_deep_in_cheeks_and_shallow_on_bone():
    found, skin = character("ben")

    def at(place: str, side: str = "") -> float:
        centre = find_landmark(found, place, side).centre
        return float(skin.tissue[np.argmin(np.linalg.norm(skin.rest - centre, axis=1))])

    assert at("cheek", "Left") > 0.007
    assert at("cheek", "Right") == pytest.approx(at("cheek", "Left"), abs=2e-4)
    assert 0.005 < at("lips") < 0.0065
    assert at("forehead") < 0.0025
    assert at("chin") == pytest.approx(0.004, abs=6e-4)


def test_a_user_may_paint_how_soft_skin_is():
    """The vertex group in place of the landmarks; 1 is as soft as a cheek, and teeth stop lips all the same."""
    found, plain = character("ada")
    softness = np.zeros(len(found.mesh.vertices))
    softness[plain.vertices[plain.rest[:, 0] > 0]] = 1.0
    skin = skin_of(replace(found, mesh=replace(found.mesh, softness=softness)))
    left, right = (find_landmark(found, "cheek", side).centre for side in ("Left", "Right"))
    at = [float(skin.tissue[np.argmin(np.linalg.norm(skin.rest - place, axis=1))]) for place in (left, right)]
    assert at == [pytest.approx(0.008), 0.0]
    assert skin.tissue.max() <= 0.008
