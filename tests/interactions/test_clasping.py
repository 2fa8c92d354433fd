"""Two hands that meet, by trimesh: palms parallel and on each other, fingers round the other hand and never through it."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from duologue.evaluation.contact.distances import Surface
from duologue.interactions.clasping import Clasp, clasp_of
from duologue.interactions.hand import Hand
from duologue.interactions.patterns import patterns
from duologue.rigs.joints import METACARPALS
from test_other_rigs import without

PATTERNS = ("shake-hands", "hold-hands", "high-five")


@pytest.fixture(scope="module")
def met(characters) -> dict[str, tuple[tuple[Hand, Hand], Clasp]]:
    found: dict[str, tuple[tuple[Hand, Hand], Clasp]] = {}
    for name in PATTERNS:
        sides = ("Right", "Left") if name == "hold-hands" else ("Right", "Right")
        hands = Hand.of(characters["ada"], sides[0]), Hand.of(characters["ben"], sides[1])
        found[name] = hands, clasp_of(*hands, patterns()[name])
    return found


def surfaces(hands: tuple[Hand, Hand], clasp: Clasp, step: int) -> list[np.ndarray]:
    return [clasp.points(k, hand, clasp.shapes[k][step]) for k, hand in enumerate(hands)]


def palm_of(hand: Hand, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean way (3,) that a palm's own triangles face, by trimesh, and their middles."""
    joint = hand.character.joint
    held = np.array([joint[hand.side + name] for name in ("Hand", *METACARPALS) if hand.side + name in joint])
    faces = hand.triangles[(hand.character.mesh.weight_of(held)[hand.vertices] > 0.5)[hand.triangles].all(axis=1)]
    rest = trimesh.Trimesh(hand.character.mesh.vertices[hand.vertices], faces, process=False)
    mesh = trimesh.Trimesh(points, faces[rest.face_normals @ hand.frame[:, 1] > 0.7], process=False)
    mean = (mesh.face_normals * mesh.area_faces[:, None]).sum(axis=0)
    return mean / np.linalg.norm(mean), mesh.triangles_center


@pytest.mark.parametrize("pattern", PATTERNS)
def test_palms_that_meet_are_parallel_and_lie_on_each_other(met, pattern):
    hands, clasp = met[pattern]
    points = surfaces(hands, clasp, -1)
    palms = [palm_of(hand, at) for hand, at in zip(hands, points, strict=True)]
    assert np.degrees(np.arccos(-palms[0][0] @ palms[1][0])) < 20
    for k in (0, 1):
        away, _ = Surface(points[1 - k], hands[1 - k].triangles).signed(palms[k][1])
        assert (away < 0.005).mean() > 0.4


@pytest.mark.parametrize("pattern", PATTERNS)
def test_neither_hand_is_in_the_other_on_its_way_or_when_closed(met, pattern):
    hands, clasp = met[pattern]
    for step in range(len(clasp.shapes[0])):
        points = surfaces(hands, clasp, step)
        for k in (0, 1):
            signed, _ = Surface(points[1 - k], hands[1 - k].triangles).signed(points[k])
            assert -signed.min() < 0.005
            assert -signed[signed < 0].mean() < 0.002


def test_fingers_of_shaken_hands_reach_round_the_other_hand(met):
    hands, clasp = met["shake-hands"]
    points = surfaces(hands, clasp, -1)
    opened = surfaces(hands, clasp, 0)
    for k, hand in enumerate(hands):
        out, middles = palm_of(hand, points[k])
        other = Surface(points[1 - k], hands[1 - k].triangles)
        for finger in ("Middle", "Ring", "Pinky"):
            tip = hand.part(finger)
            assert (points[k][tip] @ out).mean() > (opened[k][tip] @ out).mean()
            assert other.signed(points[k][tip])[0].min() < 0.015
        thumb = hand.character.mesh.weight_of(hand.character.under[hand.segments["Thumb"][0][1]])[hand.vertices] > 0.5
        assert other.signed(points[k][thumb])[0].min() < 0.006, "no thumb stands off"
    # The larger hand's fingers come round to the smaller one's back.
    out, middles = palm_of(hands[1], points[1])
    beyond = (points[1][hands[1].part("Ring")] - middles.mean(axis=0)) @ out
    assert beyond.max() > 0.02


def test_fingers_of_a_high_five_lie_on_those_of_the_other_hand(met):
    hands, clasp = met["high-five"]
    points = surfaces(hands, clasp, -1)
    for k, hand in enumerate(hands):
        other = Surface(points[1 - k], hands[1 - k].triangles)
        for finger in ("Index", "Middle", "Ring", "Pinky"):
            whole = hand.character.mesh.weight_of(hand.character.under[hand.segments[finger][0][1]])[hand.vertices]
            assert other.signed(points[k][whole > 0.5])[0].min() < 0.003


def test_hands_without_fingers_meet_palm_on_palm(characters):
    for name in PATTERNS:
        sides = ("Right", "Left" if name == "hold-hands" else "Right")
        mittens = [
            Hand(without(characters[who], "Thumb", "Index", "Middle", "Ring", "Pinky"), side)
            for who, side in zip(("ada", "ben"), sides, strict=True)
        ]
        hands = mittens[0], mittens[1]
        points = surfaces(hands, clasp_of(*hands, patterns()[name]), -1)
        signed, _ = Surface(points[1], hands[1].triangles).signed(points[0])
        # Of a vertex in a crease the other side may be told.
        assert -0.006 < np.sort(signed)[2] < 0.004
