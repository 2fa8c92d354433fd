"""Touches judged by meshes: distances with their signs, areas, and hands that are where they should not be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from duologue.brief import Interaction
from duologue.brief.nearness import NEAR
from duologue.errors import DuologueError
from duologue.evaluation.contact.bodies import body_figures
from duologue.evaluation.contact.distances import Surface
from duologue.evaluation.contact.goals import goals
from duologue.evaluation.contact.lips import lip_pairs, parted
from duologue.evaluation.contact.measures import figures_of
from duologue.evaluation.contact.played import Played, play
from duologue.evaluation.contact.report import figures_over
from duologue.evaluation.contact.standing import nearer, scene_of_take, standing_take
from duologue.evaluation.contact.surfaces import outer_face, spread_over
from duologue.interactions.actor import Actor, Character
from duologue.rigs.samples import SAMPLES, load_sample


def test_distances_from_a_box_are_those_of_the_formula():
    """Inside the nearest face counts; outside all three axes add up, where the nearest is a face, an edge or a corner."""
    box = trimesh.creation.box((2.0, 2.0, 2.0))
    points = np.random.default_rng(0).uniform(-2.0, 2.0, (500, 3))
    beyond = np.abs(points) - 1.0
    expected = np.linalg.norm(np.maximum(beyond, 0.0), axis=1) + np.minimum(beyond.max(axis=1), 0.0)
    signed, closest = Surface(np.asarray(box.vertices), np.asarray(box.faces)).signed(points)
    np.testing.assert_allclose(signed, expected, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(points - closest, axis=1), np.abs(expected), atol=1e-9)


def test_a_surface_that_is_open_elsewhere_has_its_inside():
    sphere = trimesh.creation.icosphere(3, 1.0)
    open_ = sphere.faces[sphere.triangles_center[:, 1] > -0.5]
    points = np.array([[0.0, 0.9, 0.0], [0.0, 1.1, 0.0], [0.7, 0.5, 0.0]])
    signed, _ = Surface(np.asarray(sphere.vertices), np.asarray(open_)).signed(points)
    np.testing.assert_allclose(signed, np.linalg.norm(points, axis=1) - 1.0, atol=0.01)


def test_what_is_beside_an_open_surface_is_not_inside():
    square = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    surface = Surface(square, np.array([[0, 1, 2], [0, 2, 3]]))
    signed, _ = surface.signed(np.array([[0.5, 0.5, -0.2], [0.5, 0.5, 0.2], [1.3, 0.5, -0.4], [1.3, 1.4, -1.2]]))
    np.testing.assert_allclose(signed, [-0.2, 0.2, 0.5, 1.3])


def test_points_share_out_the_area_evenly():
    sphere = trimesh.creation.icosphere(2, 0.05)
    points = spread_over(np.asarray(sphere.vertices), np.asarray(sphere.faces), 0.004)
    assert points.area.sum() == pytest.approx(sphere.area)
    np.testing.assert_allclose(points.shares.sum(axis=1), 1.0)
    placed = points.at(np.asarray(sphere.vertices))
    upper = points.area[placed[:, 1] > 0].sum()
    assert upper == pytest.approx(sphere.area / 2, rel=0.02)


@pytest.fixture(scope="module")
def cast() -> tuple[Character, Character]:
    ada, ben = (Character.of(load_sample(name)) for name in SAMPLES)
    return ada, ben


def test_the_outside_of_a_face_has_no_mouth(cast):
    mesh = cast[0].mesh
    outside = np.unique(outer_face(cast[0]))
    lips, _ = mesh.shapes["mouthPucker"]
    assert np.isin(lips, outside).mean() > 0.5
    ahead = mesh.vertices[outside] @ cast[0].ahead
    nose = outside[ahead.argmax()]
    cheeks, delta = mesh.shapes["cheekPuff"]
    assert nose in outside
    assert np.isin(cheeks[np.linalg.norm(delta, axis=1) > 0.004], outside).mean() > 0.95


def test_lips_face_each_other_and_go_apart_with_the_jaw(cast):
    for character in cast:
        upper, lower = lip_pairs(character)
        apart = np.linalg.norm(character.mesh.vertices[upper] - character.mesh.vertices[lower], axis=1)
        assert len(upper) > 10
        assert apart.max() < 0.003
        index, delta = character.mesh.shapes["jawOpen"]
        drop = np.zeros(len(character.mesh.vertices))
        drop[index] = delta[:, 1]
        assert (drop[lower] < drop[upper] - 0.003).all()


def test_a_finger_on_a_cheek_leaves_the_lips_shut_and_lips_that_are_pulled_apart_are_noticed(poke):
    rows = poke.rows[poke.held(poke.rows)][::6]
    assert parted(poke, rows) < 0.5
    open_ = Actor(
        poke.other.character, poke.other.pose, {**poke.other.weights, "jawOpen": np.full(len(poke.other), 0.2)}
    )
    assert parted(replace(poke, other=open_), rows) > 2


def test_people_stand_as_near_as_a_brief_would_have_them():
    for pattern, near in NEAR.items():
        a, b = standing_take(pattern).tracks
        way = a.root_translation[0] - b.root_translation[0]
        facing = np.array([np.sin(b.rotations[0, 0, 1]), 0.0, np.cos(b.rotations[0, 0, 1])])
        bearing = np.degrees(np.arccos(way @ facing / np.linalg.norm(way)))
        assert np.linalg.norm(way) == pytest.approx(near.led)
        assert near.bearing[0] - 1e-3 <= bearing <= near.bearing[1] + 1e-3
        assert near.alongside == bool(np.allclose(a.rotations[:, 0, 1], b.rotations[:, 0, 1]))


def test_a_take_is_set_near_enough():
    far = standing_take("high-five")
    near = nearer(far, "cup-cheek")
    places = [track.root_translation.mean(axis=0) for track in near.tracks]
    assert np.linalg.norm(places[0] - places[1]) == pytest.approx(NEAR["cup-cheek"].led, abs=1e-4)
    np.testing.assert_array_equal(near.tracks[0].root_translation, far.tracks[0].root_translation)
    with pytest.raises(DuologueError) as caught:
        nearer(replace(far, tracks=tuple(track[:20] for track in far.tracks)), "cup-cheek")
    assert caught.value.reason == "take-too-short"


@pytest.fixture(scope="module")
def poke(cast) -> Played:
    return play(scene_of_take(cast, standing_take("poke-cheek")), Interaction("poke-cheek", "A", 2.0, 2.6, target="B"))


def moved(played: Played, by: np.ndarray) -> Played:
    """The same touch by somebody who stands elsewhere."""
    pose = played.own.pose.copy()
    pose.heads = pose.heads + by
    return replace(played, own=Actor(played.own.character, pose, played.own.weights))


def test_a_finger_on_a_cheek_is_on_it(poke):
    found = figures_of(poke, 6)
    assert found.colliding == 0
    assert found.touching == found.held > 0
    assert found.contact_f > 0.8
    assert found.off_mm < 2


def test_an_arm_that_hangs_beside_its_own_body_is_in_no_ribs(poke):
    found = body_figures(poke, poke.rows[::8])
    assert found.arm_mm < 12
    assert found.balance_mm == 0
    assert 0 <= found.wrist_degrees < 80
    assert found.jump_degrees <= max(found.usual_degrees, 0.05)


def test_an_elbow_through_the_partner_is_found(poke):
    inside = moved(poke, np.array([0.30, -0.25, 0.0]))
    assert body_figures(inside, poke.rows[poke.held(poke.rows)][::6]).arm_mm > 30


def test_a_finger_that_stops_short_touches_nothing(poke):
    """Both stand along x: who stands a centimetre farther off does not touch, and the area asked for is not touched."""
    found = figures_of(moved(poke, np.array([-0.012, 0.0, 0.0])), 6)
    assert found.touching == 0
    assert found.contact_f == 0
    assert found.colliding == 0


def test_a_finger_in_a_cheek_collides(poke):
    found = figures_of(moved(poke, np.array([0.015, 0.0, 0.0])), 6)
    assert found.colliding > 0
    assert found.deepest_mm > 8


def test_a_finger_beside_its_place_misses_the_asked_area(poke):
    right, beside = figures_of(poke, 6), figures_of(moved(poke, np.array([0.0, 0.02, 0.0])), 6)
    assert beside.off_mm == pytest.approx(20.0, abs=4.0)
    assert beside.contact_f < 0.5 < right.contact_f


def test_figures_over_touches_miss_goals_or_meet_them():
    row = {
        "frames": 100, "colliding": 3, "held": 30, "touching": 30, "contact_f": 0.9, "drift_mm": 1.0, "depth_mm": 30.0,
        "inside": 10, "seconds": 1.0, "contact_seconds": 2.0,
    }  # fmt: skip
    found = goals(figures_over([row, row | {"colliding": 0, "inside": 30}]))
    assert found["non_collision"] == {"value": pytest.approx(0.985), "bound": [0.98, None], "met": True}
    assert found["mean_depth_mm"]["value"] == pytest.approx(1.5)
    assert found["solve_seconds_per_second"]["met"]
    assert goals(figures_over([]))["touchness"]["met"] is None


def test_hands_that_are_shaken_fill_the_asked_palm_and_those_held_aside_do_not(cast):
    shake = play(
        scene_of_take(cast, standing_take("shake-hands")), Interaction("shake-hands", "A", 2.0, 2.8, target="B")
    )
    found = figures_of(shake, 6)
    assert found.colliding == 0
    assert found.deepest_mm < 5
    assert found.touching == found.held > 0
    assert found.contact_f > 0.8
    assert found.off_mm < 2
    aside = figures_of(moved(shake, np.array([0.0, 0.04, 0.0])), 6)
    assert aside.contact_f < found.contact_f - 0.1
    assert aside.off_mm == pytest.approx(40, abs=6)


@pytest.mark.parametrize("pattern", ["pat-shoulder", "arm-round-shoulders"])
def test_a_hand_goes_round_shoulders_and_arms_on_its_way_there_and_back(cast, pattern):
    own, other = cast[::-1]
    touch = play(scene_of_take((own, other), standing_take(pattern)), Interaction(pattern, "A", 2.0, 2.8, target="B"))
    found = figures_of(touch, 3)
    assert found.deepest_mm < 5
    assert found.touching == found.held > 0
    assert found.contact_f > 0.8
