"""A hand on the own face and on the partner's, by the judge of ``evaluate contact``: the figures to reach, on some."""

import numpy as np
import pytest
from duologue.brief import Interaction
from duologue.evaluation.contact.measures import figures_of
from duologue.evaluation.contact.played import play
from duologue.evaluation.contact.standing import APART, standing_pair

SOME = [
    ("ada", "poke-cheek", "A"),
    ("ben", "poke-cheek", "B"),
    ("ben", "swipe-lips", "B"),
    ("ada", "stroke-cheek", "B"),
]


@pytest.mark.parametrize(("name", "pattern", "target"), SOME)
def test_a_hand_is_on_the_skin_and_not_in_it(characters, name, pattern, target):
    cast = [characters[name], characters["ben" if name == "ada" else "ada"]]
    played = play(standing_pair(cast, APART), Interaction(pattern, "A", 2.0, 3.0, target=target))
    found = figures_of(played, 4)
    assert played.solved.short < 0.005
    assert found.colliding == 0, found
    assert found.touching > 0.95 * found.held, found
    assert found.contact_f > 0.8, found
    assert found.depth_mm < 2 * max(found.inside, 1), found
    assert found.drift_mm < 2, found


def test_skin_takes_all_that_a_hand_presses(characters):
    """A forehead gives by 2 mm: what a pattern asks beyond that, the hand takes back before the skin is asked."""
    cast = [characters["ben"], characters["ada"]]
    played = play(standing_pair(cast, APART), Interaction("poke-forehead", "A", 2.0, 3.0, press=1.0))
    assert played.keys is not None
    assert played.keys.largest > 0.0005
    assert np.linalg.norm(played.keys.offsets(), axis=-1).max() < 0.0025
    assert played.keys.left < 0.001
