"""Hands on shoulders and backs, and hands struck together: on sloping shoulders, coarse meshes, with wrists that people have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from duologue.brief import Interaction
from duologue.evaluation.contact.bodies import body_figures
from duologue.evaluation.contact.distances import Surface
from duologue.evaluation.contact.measures import figures_of, touched_surface
from duologue.evaluation.contact.played import Played, play
from duologue.evaluation.contact.standing import scene_of_take, standing_take
from duologue.interactions import contact
from duologue.interactions.actor import Character, Pose
from duologue.interactions.dense_skin import DenseSkin
from duologue.interactions.field import TRUNK, BodyField
from duologue.interactions.hand_shapes import hand_shapes
from duologue.interactions.landmarks import find_landmark
from duologue.interactions.mesh_depth import depths
from duologue.motion.rotations import einsum, exp_to_matrix
from duologue.units import FPS


def played(characters: dict[str, Character], pattern: str, toucher: str) -> Played:
    cast = characters[toucher], characters["ben" if toucher == "ada" else "ada"]
    return play(scene_of_take(cast, standing_take(pattern)), Interaction(pattern, "A", 2.0, 3.2, target="B"))


def sheared(character: Character, slope: float) -> Character:
    """With shoulders that fall by so much for each metre from the middle."""
    down = slope * np.abs(character.mesh.vertices[:, :1]) * (0.0, 1.0, 0.0)
    return Character(
        character.armature, character.match, replace(character.mesh, vertices=character.mesh.vertices - down)
    )


@pytest.mark.parametrize("side", ["Left", "Right"])
@pytest.mark.parametrize("slope", [-0.3, 0.0, 0.4])
def test_ahead_is_ahead_on_a_shoulder_however_it_slopes(characters, slope: float, side: str) -> None:
    """On one that fell by more than 17 degrees what was called up led to the neck, and an arm went round somebody backwards."""
    one = sheared(characters["ada"], slope)
    out, up, normal = find_landmark(one, "shoulder", side).frame.T
    assert up @ one.ahead > 0.9
    assert out @ (one.left if side == "Left" else -one.left) > 0.8
    assert normal[1] > 0.8


def test_a_neck_that_arms_hang_on_is_not_turned(characters) -> None:
    """As of a Biped: who looked at the hand on its way drew the own shoulder back by 25 mm, and the arm was too short."""
    ada = characters["ada"]
    parents = list(ada.armature.parents)
    for side in ("Left", "Right"):
        parents[ada.joint[side + "Shoulder"]] = ada.joint["Neck"]
    biped = Character(replace(ada.armature, parents=tuple(parents)), ada.match, ada.mesh)
    pose = Pose(biped, biped.rest[None, :, :3, :3], biped.rest[None, :, :3, 3])
    assert biped.neck()
    for bone in biped.neck():
        pose.turn(bone, np.asarray(exp_to_matrix(np.array([[0.0, 0.5, 0.0]]))))
    np.testing.assert_allclose(pose.joint("LeftHand")[0], biped.rest_point("LeftHand"))
    assert not np.allclose(pose.turns[0, biped.joint["Head"]], biped.rest[biped.joint["Head"], :3, :3])
    assert len(ada.neck()) == len(biped.neck()) + 1


def test_what_lies_amid_large_triangles_is_skin_as_well() -> None:
    square = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.1, 0.1, 0.0], [0.0, 0.1, 0.0]])
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    points = np.column_stack([np.random.default_rng(1).uniform(0.02, 0.08, (50, 2)), np.linspace(-0.004, 0.004, 50)])
    skin = DenseSkin(square, triangles, 0.015)
    np.testing.assert_allclose(depths(points, *skin.posed(square)), -points[:, 2], atol=1e-9)
    moved = skin.posed(np.stack([square, square + 1.0]))[0]
    np.testing.assert_allclose(moved[1] - moved[0], 1.0)
    fine = DenseSkin(square, triangles, 0.2)
    assert np.isinf(depths(points, *fine.posed(square))).any(), "vertices alone say nothing of it"


def test_a_trunk_cut_into_large_triangles_has_no_holes(characters) -> None:
    """Through a Rocketbox man's chest a hand went 60 mm deep on its way: between vertices 10 cm apart nothing was in its way."""
    box = trimesh.creation.box((0.4, 0.5, 0.24))
    ada = characters["ada"]
    bone = ada.joint[ada.chest]
    vertices = box.vertices + ada.rest_point(ada.chest)
    bones, weights = np.full((len(vertices), 1), bone), np.ones((len(vertices), 1))
    none = np.zeros(0, np.int64)
    faces = np.array(box.faces)
    mesh = replace(ada.mesh, vertices=vertices, triangles=faces, bones=bones, weights=weights, shapes={}, material=none)
    field = BodyField(Character(ada.armature, ada.match, mesh), ada.chest, np.array([bone]), TRUNK)
    inside = np.random.default_rng(2).uniform((-0.18, -0.23, -0.1), (0.18, 0.23, 0.1), (300, 3))
    assert field.at_rest(inside + ada.rest_point(ada.chest)).max() < 0.0
    outside = 1.3 * inside[np.abs(inside[:, 2]) > 0.095]
    assert field.at_rest(outside * (1.0, 1.0, 1.2) + ada.rest_point(ada.chest)).min() > 0.0


def test_a_short_arm_lies_flat_on_a_shoulder_far_above(characters) -> None:
    """The hand stood on its heel, and its thumb on the shoulder: F 0.68."""
    one = played(characters, "pat-shoulder", "ada")
    assert figures_of(one, 8).contact_f > 0.8


def test_a_thumb_that_rests_before_the_palm_is_turned_off_what_the_palm_is_on(characters, monkeypatch) -> None:
    """As of MakeHuman's and Rocketbox's hands: it was bent by whatever took its ball farthest, 14 mm into a shoulder."""
    before = {name: replace(shape, oppose=shape.oppose + 30.0) for name, shape in hand_shapes().items()}
    monkeypatch.setattr(contact, "hand_shapes", lambda: before)
    one = played(characters, "pat-back", "ben")
    rows = one.rows[::2]
    vertices, local = np.unique(touched_surface(one), return_inverse=True)
    hand = one.hands[0]
    thumb = one.hand(hand.vertices[hand.part("Thumb", whole=True)], rows)
    for points, skin in zip(thumb, one.skin(vertices, rows), strict=True):
        assert Surface(skin, local.reshape(-1, 3)).signed(points)[0].min() > -0.005


@pytest.mark.parametrize("toucher", ["ada", "ben"])
def test_high_fives_are_given_with_wrists_that_are_hardly_bent(characters, toucher: str) -> None:
    """At the height of shoulders, arms stretched, wrists were bent by 56 degrees."""
    one = played(characters, "high-five", toucher)
    assert body_figures(one, one.rows[::8]).wrist_degrees < 45


@pytest.mark.parametrize("toucher", ["ada", "ben"])
def test_high_fives_are_struck_at_the_height_of_heads_and_part_again(characters, toucher: str) -> None:
    """At chest height and for as long as they were asked for, 1.2 s, they read as a prayer."""
    one = played(characters, "high-five", toucher)
    phases = one.solved.phases
    assert 0.2 <= phases.releases - phases.touches <= 0.3
    assert phases.returns < 3.2
    at = round(30 * phases.touches) + 3
    heads = [actor.pose.joint("Head")[at] for actor in (one.own, one.other)]
    assert one.solved.points[at - round(30 * one.solved.seconds[0]), 1] > min(head[1] for head in heads)


@pytest.mark.parametrize("toucher", ["ada", "ben"])
def test_the_arm_round_somebody_is_the_one_beside_them_and_goes_behind(characters, toucher: str) -> None:
    """Round somebody much taller it went through the back, 49 mm deep."""
    one = played(characters, "arm-round-shoulders", toucher)
    assert one.solved.hand == "right", "who is touched stands on the right"
    body = body_figures(one, one.rows[::8])
    assert body.arm_mm < body.arm_before_mm + 10
    elbow, chest = one.own.pose.joint("RightForeArm")[75], one.other.pose.joint(one.other.character.chest)[75]
    facing = one.other.pose.turn_of("Hips")[75] @ one.other.character.ahead
    assert (elbow - chest) @ facing < 0.05
    # Its hand lies on the far arm or shoulder, not at the neck, which is what it did.
    other = one.other.pose
    hand, far, neck = one.own.pose.joint("RightHandMiddle1")[75], other.joint("RightArm")[75], other.joint("Neck")[75]
    assert np.linalg.norm(hand - far) < 0.14 < np.linalg.norm(hand - neck)


@pytest.mark.parametrize("pattern", ["hold-hands", "shake-hands"])
def test_forearms_of_hands_that_meet_keep_out_of_the_own_side(characters, pattern: str) -> None:
    """On their way the taller one's went 32 mm into his side."""
    one = played(characters, pattern, "ben")
    body = body_figures(one, one.rows[::4])
    assert body.arm_mm < body.arm_before_mm + 1


def test_fingers_begin_to_close_before_palms_meet(characters) -> None:
    """As two flat boards laid on each other, hands were shaken before they held each other."""
    one = played(characters, "shake-hands", "ben")
    first = round(30 * one.solved.phases.touches)
    pose, hand = one.own.pose, one.hands[0]
    turned = pose.turns[:, hand.segments["Ring"][0][2]]
    # Against the hand, in each frame: how far the last bone has turned since the palms held each other for a quarter of a second.
    turned = np.swapaxes(pose.turns[:, hand.bone], 1, 2) @ turned
    since = np.swapaxes(turned[first + 8][None], 1, 2) @ turned
    to_go = np.degrees(np.arccos(np.clip((np.einsum("tii->t", since) - 1) / 2, -1, 1)))
    assert to_go[first - 5] > 30
    assert to_go[first] < 0.6 * to_go[first - 5]


def test_a_pat_comes_off_the_cloth_between_two_taps(characters) -> None:
    cast = characters["ben"], characters["ada"]
    one = play(scene_of_take(cast, standing_take("pat-back")), Interaction("pat-back", "A", 2.0, 3.2, target="B"))
    rows = one.rows
    chest, hand = one.other.character.chest, one.own.pose.joint(one.hands[0].side + "Hand")[rows]
    turn = one.other.pose.turn_of(chest)[rows]
    local = einsum("tji,tj->ti", turn, hand - one.other.pose.joint(chest)[rows])
    held = one.held(rows)
    seconds = rows / FPS
    between = ~held & (seconds > 2.0) & (seconds < 3.2)
    assert int((np.diff(held.astype(int)) > 0).sum()) == 3
    still = np.linalg.norm(local[held] - local[held].mean(axis=0), axis=1)
    assert still.max() < 0.004, "each tap is where the others are"
    assert np.linalg.norm(local[between] - local[held].mean(axis=0), axis=1).max() == pytest.approx(0.03, abs=0.006)
    assert one.solved.short < 1e-6
