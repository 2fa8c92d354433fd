"""Cameras that are drawn: never in a head, and the hand and the face in the picture where that can be."""

import numpy as np
import pytest
from duologue.datasets.corpus.video import FRAMES
from duologue.datasets.synthesis.video.scenes import Script, Staged
from duologue.datasets.synthesis.video.views import FACE, SEEN, draw_look, draw_shot
from duologue.passes.contract import HAND, HEAD
from duologue.passes.surface import Mesh, check_outside, merge
from duologue.people.person import Person


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return Person.load(tmp_path_factory.mktemp("nobody"), "ada", 0)


def staged_at(person: Person, apart: float) -> tuple[Staged, Mesh]:
    """Two of her in a T-pose, face to face; A's left hand counts as the busy one, B's as the touched face."""
    rest = person.character.mesh.vertices
    turned = rest * (-1.0, 1.0, -1.0) + (0.0, 0.0, apart)
    meshes = [
        Mesh(vertices, person.character.mesh.triangles.astype(np.int32), person.part,
             np.full(len(person.part), number, np.uint8), person.colour, name=str(number))
        for number, vertices in ((1, rest), (2, turned))
    ]  # fmt: skip
    head, hand = person.character.rest_point("Head"), person.character.rest_point("LeftHand")
    heads = head, head * (-1.0, 1.0, -1.0) + (0.0, 0.0, apart)

    def still(point: np.ndarray) -> np.ndarray:
        return np.tile(point, (FRAMES, 1))

    staged = Staged(
        Script("poke-cheek", "touch", "partner", None, apart, 0.0), (person, person), (rest[None], turned[None]),
        np.ones(FRAMES, np.uint8), still(heads[1] + (0.05, 0.05, -0.1)), (still(heads[0]), still(heads[1])), still(hand),
        np.array((0.0, 0.0, -1.0)), None, 1,
    )  # fmt: skip
    return staged, merge(meshes)


@pytest.mark.parametrize("apart", [0.4, 0.9])
def test_no_camera_is_in_a_head_and_the_best_of_them_is_taken(person: Person, apart: float) -> None:
    staged, surface = staged_at(person, apart)
    enough = 0
    for seed in range(8):
        shot = draw_shot(np.random.default_rng(seed), staged, [surface], [8])
        for camera in (shot.cameras[0], shot.cameras[-1]):
            check_outside(surface, camera)
        assert 0.0 <= shot.seen <= 1.0
        assert 35.0 <= shot.about["lens"] <= 85.0
        assert len(shot.cameras) == FRAMES
        enough += shot.seen >= SEEN and shot.face >= FACE
    assert enough >= 1  # a hand in a T-pose is far from the face: most pictures show one of them
    assert (person.part == HAND).any()
    assert (person.part == HEAD).any()


def test_looks_differ_by_seed_and_are_the_same_by_the_same(person: Person) -> None:
    staged, surface = staged_at(person, 0.6)
    camera = draw_shot(np.random.default_rng(0), staged, [surface], [8]).cameras[0]
    (one, about), (again, _), (other, _) = (draw_look(np.random.default_rng(seed), camera) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.lamps, again.lamps)
    np.testing.assert_array_equal(one.background, again.background)
    assert not np.array_equal(one.background, other.background)
    assert one.background.shape == (256, 256, 3)
    assert about["background"] in {"plain", "gradient", "blotches"}
