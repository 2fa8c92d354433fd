"""A hand is capsules measured on its mesh, and its fingers bend the way fingers do, on either side."""

import numpy as np
import pytest
from duologue.interactions.actor import Pose
from duologue.interactions.hand import Hand
from duologue.interactions.hand_shapes import hand_shapes
from duologue.interactions.patterns import patterns

BOTH = pytest.mark.parametrize(("name", "side"), [(n, s) for n in ("ada", "ben") for s in ("Left", "Right")])


def at_rest(character) -> Pose:
    return Pose(character, character.rest[None, :, :3, :3], character.rest[None, :, :3, 3])


@BOTH
def test_capsules_are_as_thick_as_the_fingers(characters, name, side):
    hand = Hand(characters[name], side)
    assert len(hand.names) == 20
    # A fingertip is 11 to 16 mm across, a thumb's root three times that.
    assert 0.0055 < hand.radius[hand.tip("Pinky")] < hand.radius[hand.tip("Index")] < 0.0085
    assert 0.014 < hand.radius[hand.index("Thumb1")] < 0.018
    # The hand's own vertices lie on them: the median is within 2 mm, nothing is 2 cm away.
    a, b, radius = hand.capsules(at_rest(characters[name]))
    points = characters[name].mesh.vertices[hand.vertices]
    line = b[0] - a[0]
    along = np.einsum("nkx,kx->nk", points[:, None] - a[0], line) / (line**2).sum(axis=1)
    near = a[0] + np.clip(along, 0, 1)[..., None] * line
    outside = (np.linalg.norm(points[:, None] - near, axis=-1) - radius).min(axis=1)
    assert abs(np.median(outside)) < 0.002
    assert outside.max() < 0.02


@BOTH
def test_the_palm_faces_down_at_rest_and_the_thumb_ahead(characters, name, side):
    along, palm, thumbwards = Hand(characters[name], side).frame.T
    assert along @ characters[name].left * (1 if side == "Left" else -1) > 0.95
    assert palm[1] < -0.95
    assert thumbwards @ characters[name].ahead > 0.95


@BOTH
def test_a_fist_brings_fingertips_to_the_palm_and_a_pinch_brings_two_together(characters, name, side):
    hand = Hand(characters[name], side)
    palm = hand.frame[:, 1]

    def tip(shape, finger):
        return hand.shaped(hand_shapes()[shape])[1][hand.tip(finger), 1]

    for finger in ("Middle", "Ring", "Pinky"):
        assert np.linalg.norm(tip("point", finger)) < 0.75 * np.linalg.norm(tip("flat", finger))
        assert (tip("point", finger) - tip("flat", finger)) @ palm > 0  # towards the palm, not the back of the hand
    apart = [np.linalg.norm(tip(shape, "Thumb") - tip(shape, "Index")) for shape in ("pinch", "pinch-closed")]
    assert apart[0] > 0.04
    assert apart[1] < 0.034


def test_posed_capsules_are_where_the_shape_says(characters):
    character = characters["ada"]
    hand, pose = Hand(character, "Right"), at_rest(character)
    turns, ends = hand.shaped(hand_shapes()["point"])
    for bone, turn in turns.items():
        pose.set_turn(bone, (turn @ character.rest[bone, :3, :3])[None])
    a, b, _ = hand.capsules(pose)
    assert np.allclose(np.stack([a[0], b[0]], axis=1) - hand.wrist, ends, atol=1e-9)


def test_every_pattern_has_a_shape_that_there_is():
    assert {pattern.shape for pattern in patterns().values()} <= set(hand_shapes())
