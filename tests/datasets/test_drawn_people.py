"""People who are drawn: the same by the same seed, whole, and none like another."""

import numpy as np
import pytest
from duologue.arkit import NAMES
from duologue.datasets.synthesis.characters.build import encode
from duologue.datasets.synthesis.characters.drawn import draw_person
from duologue.datasets.synthesis.characters.hair import STYLES
from duologue.datasets.synthesis.video.people import build_person
from duologue.interactions.landmarks import find_landmark
from duologue.interactions.patterns import FACE
from duologue.passes.contract import BODY, EYE, HAIR, HAND, HEAD
from duologue.people.person import Person, person_path


def test_a_seed_is_a_person() -> None:
    first, again, other = draw_person(3, "p"), draw_person(3, "p"), draw_person(4, "p")
    assert first == again
    assert first.face != other.face
    assert first.colours != other.colours


def test_all_hair_and_clothes_are_worn() -> None:
    drawn = [draw_person(seed, "p") for seed in range(60)]
    assert {person.hair.__name__ for person in drawn} == set(STYLES)
    assert {person.body.cut for person in drawn} == {"jumper", "jacket", "tee"}
    assert 1.45 < min(person.height for person in drawn) < 1.65
    assert 1.7 < max(person.height for person in drawn) < 1.95


@pytest.mark.parametrize("seed", [12])
def test_a_drawn_person_is_a_whole_character(seed: int, tmp_path) -> None:
    build_person(tmp_path, seed, "p000")
    written = person_path(tmp_path, "p000").read_bytes()
    assert written == encode(draw_person(seed * 7919, "p000"))
    person = Person.load(tmp_path, "p000", 0)
    mesh = person.character.mesh
    assert set(NAMES) <= set(mesh.shapes)
    assert abs(mesh.vertices[:, 1].min()) < 0.003
    assert {BODY, HEAD, HAND, HAIR, EYE} == set(person.part.tolist())
    for name in FACE:
        find_landmark(person.character, name, "Left" if name in {"cheek", "ear"} else "")
    for picture in (*person.faces, *person.hands):
        assert picture.shape == (64, 64, 3)
        assert 0.15 < (picture < 250).any(axis=-1).mean() < 0.98
    assert len({picture.tobytes() for picture in person.faces}) == len(person.faces)
    assert np.ptp(mesh.vertices[:, 0]) > 1.2  # arms out
