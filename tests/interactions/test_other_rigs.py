"""Touch on rigs that are none of ours: in centimetres, of another size, with fewer fingers. Made from Ada."""

from dataclasses import replace

import numpy as np
import pytest
from duologue.brief import Interaction
from duologue.interactions.actor import Character
from duologue.interactions.rest_skin import RestSkin
from duologue.interactions.solve import solve
from duologue.rigs.rig_map import RigMatch
from examples_touch import FRAMES, scene, touch


def in_centimetres(character: Character) -> Character:
    """As FBX files come: the armature in centimetres, its object scaled by 0.01."""
    rest = character.armature.rest.copy()
    rest[:, :3, 3] *= 100.0
    world = character.armature.world @ np.diag([0.01, 0.01, 0.01, 1.0])
    return Character(replace(character.armature, rest=rest, world=world), character.match, character.mesh)


def scaled(character: Character, size: float) -> Character:
    """The whole figure, smaller or larger."""
    rest = character.armature.rest.copy()
    rest[:, :3, 3] *= size
    mesh = character.mesh
    shapes = {name: (index, size * delta) for name, (index, delta) in mesh.shapes.items()}
    return Character(
        replace(character.armature, rest=rest),
        character.match,
        replace(mesh, vertices=size * mesh.vertices, shapes=shapes),
    )


def without(character: Character, *parts: str) -> Character:
    bones = {joint: bone for joint, bone in character.match.bones.items() if not any(part in joint for part in parts)}
    match = RigMatch(character.match.rig_map, bones, character.match.missing, character.match.score)
    return Character(character.armature, match, character.mesh)


def test_a_rig_in_centimetres_moves_as_the_one_in_metres(characters):
    asked = Interaction("poke-cheek", "A", 2.0, 2.6)
    cast = characters["ada"], characters["ben"]
    tracks = [
        solve(lambda stretch, cast=cast: scene(cast, 0.52, stretch), FRAMES, [asked])
        for cast in (cast, (in_centimetres(cast[0]), cast[1]))
    ]
    np.testing.assert_allclose(tracks[1].layers[0].rotations, tracks[0].layers[0].rotations, atol=1e-4)


@pytest.mark.parametrize("size", [0.6, 1.5])
def test_a_child_and_a_giant_touch_their_own_faces(characters, size):
    one = scaled(characters["ada"], size)
    assert RestSkin.of(one, "cheek").size == pytest.approx(size * RestSkin.of(characters["ada"], "cheek").size)
    _, solved = touch((one, characters["ben"]), Interaction("stroke-cheek", "A", 2.0, 3.0))
    assert solved.short < 0.005
    ours = touch((characters["ada"], characters["ben"]), Interaction("stroke-cheek", "A", 2.0, 3.0))[1]
    ways = [np.linalg.norm(np.diff(spots_of(found), axis=0), axis=1).sum() for found in (solved, ours)]
    assert ways[0] == pytest.approx(size * ways[1], rel=0.2), "the way over a small face is short"


def spots_of(solved) -> np.ndarray:
    contact = solved.touching[0].contact
    return contact.spots.at_rest(contact.character)


def test_a_hand_without_a_middle_finger_strokes_with_the_index(characters):
    two = without(characters["ada"], "HandMiddle", "HandRing", "HandPinky")
    _, solved = touch((two, characters["ben"]), Interaction("stroke-cheek", "A", 2.0, 2.6, target="B"))
    assert solved.touching is not None
    assert solved.touching[0].contact.touch == ("Index",)
    assert solved.short < 0.005


@pytest.mark.parametrize("pattern", ["pinch-chin", "cup-cheek"])
def test_a_hand_of_three_fingers_reaches_as_far(characters, pattern):
    """As near as a brief would have them: it was 11 mm short where they stood farther off."""
    three = without(characters["ada"], "HandRing", "HandPinky")
    _, solved = touch((three, characters["ben"]), Interaction(pattern, "A", 2.0, 2.4, target="B"), 0.48)
    assert solved.short < 0.005


def hung(character: Character, joint: str, on: str) -> Character:
    """With a bone on another one, as a Biped's thighs hang on its lowest spine bone."""
    parents = list(character.armature.parents)
    parents[character.joint[joint]] = character.joint[on]
    return Character(replace(character.armature, parents=tuple(parents)), character.match, character.mesh)


@pytest.mark.parametrize("joint", ["LeftUpLeg", "RightUpLeg"])
def test_nobody_leans_by_a_bone_that_legs_hang_on(characters, joint):
    whole = characters["ada"].spine()
    names = characters["ada"].armature.names
    assert len(whole) >= 2
    biped = hung(characters["ada"], joint, "Spine")
    assert [names[bone] for bone in biped.spine()] == [names[bone] for bone in whole[1:]]


def test_where_legs_hang_on_the_whole_spine_its_uppermost_bone_is_what_leans(characters):
    ada = characters["ada"]
    assert hung(ada, "LeftUpLeg", ada.chest).spine() == ada.spine()[-1:]
