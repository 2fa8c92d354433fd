"""Fingers beside the one that leads: they lie on the skin, closed, and the thumb beside them; judged on the meshes by trimesh."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.brief import Interaction
from duologue.evaluation.contact.distances import Surface
from duologue.evaluation.contact.parts import part_of
from duologue.evaluation.contact.played import Played, play
from duologue.evaluation.contact.standing import scene_of_take, standing_take
from duologue.evaluation.contact.surfaces import outer_face
from duologue.interactions.actor import Character
from duologue.interactions.hand import Hand
from duologue.interactions.hand_shapes import hand_shapes
from duologue.motion.rotations import einsum

NEAR = 0.005


def played(characters: dict[str, Character], pattern: str, target: str, toucher: str = "ada") -> Played:
    cast = characters[toucher], characters["ben" if toucher == "ada" else "ada"]
    scene = scene_of_take(cast, standing_take(pattern))
    return play(scene, Interaction(pattern, "A", 2.0, 3.2, target="A" if target == "own" else "B"))


def posed_skin(one: Played, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    vertices, local = np.unique(outer_face(one.other.character), return_inverse=True)
    return one.skin(vertices, rows), local.reshape(-1, 3)


@pytest.mark.parametrize("pattern", ["swipe-cheek", "stroke-forehead"])
def test_the_second_finger_is_on_the_skin_all_the_way(characters, pattern: str) -> None:
    """Bent once for all of the way, in steps of four degrees, it hovered up to 5 mm over a third to a half of it."""
    one = played(characters, pattern, "partner")
    rows = one.rows[one.held(one.rows)][2:-2:6]
    skin, triangles = posed_skin(one, rows)
    tip = np.unique(part_of(one.own.character, one.hands[0].side, "Middle").triangles)
    gaps = []
    for points, at in zip(one.hand(tip, rows), skin, strict=True):
        gaps.append(float(Surface(at, triangles).signed(points)[0].min()))
    assert max(gaps) < 0.0015
    assert min(gaps) > -NEAR


def test_a_pinched_ear_is_not_turned_inside_out(characters) -> None:
    """Pressed from both sides as it was let go, it folded, and its normals led inwards: far from it nobody knew outside."""
    one = played(characters, "pinch-ear", "partner", "ben")
    skin, triangles = posed_skin(one, one.rows)
    vertices = np.unique(outer_face(one.other.character))
    before = one.other.character.mesh.pose(
        np.asarray(one.other.pose.skinning(), np.float64)[one.rows],
        {name: values[one.rows] for name, values in one.other.weights.items()},
        vertices,
    )
    normals = [
        np.cross(
            points[:, triangles[:, 1]] - points[:, triangles[:, 0]],
            points[:, triangles[:, 2]] - points[:, triangles[:, 0]],
        )
        for points in (before, skin)
    ]
    assert np.abs(skin - before).max() > 0.001
    assert (einsum("tfi,tfi->tf", *normals) > 0).all()


@pytest.mark.parametrize("side", ["Left", "Right"])
@pytest.mark.parametrize("name", ["ada", "ben"])
def test_shapes_say_how_far_thumb_and_fingers_are_spread(characters, name: str, side: str) -> None:
    """On any rig: at rest samples' thumbs stand off by 50 degrees and fingers are fanned out by 10."""
    hand = Hand(characters[name], side)
    shape = hand_shapes()["flat"]
    assert shape.abduct is not None
    assert shape.spread is not None
    turns, _ = hand.shaped(shape)
    along, _, thumbwards = hand.frame.T

    def aside(finger: str, first: int) -> float:
        bones, points = hand.segments[finger]
        way = turns[bones[first]] @ (points[first + 1] - points[first])
        return float(np.degrees(np.arctan2(way @ thumbwards, way @ along)))

    assert abs(aside("Index", 0) - aside("Middle", 0) - 0.75 * shape.spread) < 0.2
    assert abs(aside("Middle", 0) - aside("Ring", 0) - shape.spread) < 0.2
    assert abs(aside("Thumb", 0) - shape.abduct) < 15  # its metacarpal stands off a little more than all of it
