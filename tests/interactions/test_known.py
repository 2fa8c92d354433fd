"""A character that comes again is the same one; one that was changed in anything is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from duologue.interactions.actor import Character
from duologue.interactions.known import known
from duologue.rigs.samples import load_sample


def again() -> Character:
    """Ada, read anew."""
    return Character.of(load_sample("ada"))


def test_what_comes_again_is_the_same():
    first = known(again())
    assert known(again()) is first
    for _ in range(3):  # others in between
        known(Character.of(load_sample("ben")))
    assert known(again()) is first


def dented(character: Character) -> Character:
    """One vertex of 21,000, a hundredth of a millimetre."""
    vertices = character.mesh.vertices.copy()
    vertices[4711, 1] += 1e-5
    return replace(character, mesh=replace(character.mesh, vertices=vertices))


def less_open(character: Character) -> Character:
    index, delta = character.mesh.shapes["jawOpen"]
    shapes = {**character.mesh.shapes, "jawOpen": (index, 0.99 * delta)}
    return replace(character, mesh=replace(character.mesh, shapes=shapes))


def marked(character: Character) -> Character:
    return replace(character, points={"nose": np.array([0.0, 1.5, 0.1])})


def softened(character: Character) -> Character:
    return replace(character, mesh=replace(character.mesh, softness=np.ones(len(character.mesh.vertices))))


def moved(character: Character) -> Character:
    world = character.armature.world.copy()
    world[0, 3] += 0.1
    return replace(character, armature=replace(character.armature, world=world))


def remapped(character: Character) -> Character:
    bones = {name: bone for name, bone in character.match.bones.items() if not name.startswith("LeftHandPinky")}
    return replace(character, match=replace(character.match, bones=bones))


@pytest.mark.parametrize("change", [dented, less_open, marked, softened, moved, remapped])
def test_what_was_changed_is_another(change):
    first = known(again())
    other = known(change(again()))
    assert other is not first
    assert known(change(again())) is other


def test_few_are_kept():
    first = known(again())
    for shift in range(1, 6):
        mesh = again().mesh
        known(replace(again(), mesh=replace(mesh, vertices=mesh.vertices + shift)))
    assert known(again()) is not first
