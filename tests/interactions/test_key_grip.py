"""A thumb before the side of the index finger: on any hand, and round a partner's chin."""

from dataclasses import replace

import numpy as np
import pytest
from duologue.brief import Interaction
from duologue.interactions.hand import Hand
from duologue.interactions.hand_shapes import hand_shapes
from duologue.interactions.key_grip import pinch_across, thumb_to
from duologue.interactions.landmarks import find_landmark
from examples_touch import touch


def _tip(hand: Hand, shape, name: str = "Thumb3") -> np.ndarray:
    return hand.frame.T @ hand.shaped(shape)[1][hand.index(name), 1]


@pytest.mark.parametrize("side", ["Left", "Right"])
@pytest.mark.parametrize(("bend", "abduct", "oppose"), [(10.0, 20.0, 0.0), (40.0, 45.0, 30.0), (0.0, 55.0, -10.0)])
def test_a_thumb_finds_its_way_to_where_a_thumb_can_be(characters, side, bend, abduct, oppose):
    hand, fork = Hand.of(characters["ben"], side), hand_shapes()["fork"]
    there = replace(fork, bends={**fork.bends, "Thumb": (0.4 * bend, bend, 0.8 * bend)}, abduct=abduct, oppose=oppose)
    found = thumb_to(hand, fork, _tip(hand, there))
    assert np.linalg.norm(_tip(hand, found) - _tip(hand, there)) < 0.003
    assert {f: b for f, b in found.bends.items() if f != "Thumb"} == {
        f: b for f, b in fork.bends.items() if f != "Thumb"
    }


@pytest.mark.parametrize("side", ["Left", "Right"])
@pytest.mark.parametrize("name", ["ada", "ben"])
def test_thumb_and_finger_lie_across_the_hand(characters, name, side):
    """Behind each other along it, the axis of a nose turned the whole hand before the eyes."""
    hand = Hand.of(characters[name], side)
    ways = [_tip(hand, shape, "Index3") - _tip(hand, shape) for shape in pinch_across(hand, "pinch")]
    assert np.linalg.norm(ways[0]) > 0.05
    assert np.linalg.norm(ways[1]) < 0.024
    for way in ways:
        assert way[2] < -0.5 * np.linalg.norm(way), "the finger is on the side away from the thumb's"


@pytest.mark.parametrize("order", [("ada", "ben"), ("ben", "ada")])
def test_a_partners_chin_is_between_thumb_and_index_finger(characters, order):
    cast = [characters[name] for name in order]
    actors, solved = touch(cast, Interaction("rest-chin", "A", 2.0, 2.8, target="B"), 0.5)
    frame = 72
    assert solved.touching is not None
    hand = solved.touching[0].contact.hand
    first, last, _ = hand.capsules(actors[0].pose)
    head = actors[1].pose.turn_of("Head")[frame]
    chin = find_landmark(cast[1], "chin")
    at = actors[1].pose.joint("Head")[frame] + head @ (chin.centre - cast[1].rest_point("Head"))
    thumb = head.T @ (last[frame, hand.index("Thumb3")] - at)
    index = head.T @ (0.5 * (first + last)[frame, hand.index("Index2")] - at)
    assert np.linalg.norm(thumb) < 0.02, "the thumb's tip is at the chin"
    assert index[1] < -0.012, "the index finger is below it"
    assert index[1] < thumb[1] - 0.008
