"""A hand on the own face and on the partner's: the figures that every pattern is to reach, on some of them."""

import pytest
from duologue.brief import Interaction
from duologue.interactions.metrics import figures
from examples_touch import touch

SOME = [("ada", "poke-cheek", "B"), ("ada", "poke-cheek", "A"), ("ben", "poke-cheek", "A")]


@pytest.mark.parametrize(("name", "pattern", "target"), SOME)
def test_a_hand_is_on_the_skin_and_not_in_it(characters, name, pattern, target):
    cast = [characters[name], characters["ben" if name == "ada" else "ada"]]
    actors, solved = touch(cast, Interaction(pattern, "A", 2.0, 3.2, target=target))
    own, touched = actors[0], actors["AB".index(target)]
    rows = slice(round(solved.seconds[0] * 30), round(solved.seconds[-1] * 30) + 1)
    found = figures(own, touched, solved, rows)
    assert solved.short < 0.005
    assert found.non_collision > 0.98, found
    assert found.touchness > 0.95, found
    assert found.contact_f > 0.8, found
    assert found.mean_depth_mm < 2, found
    assert found.drift_mm < 2, found
