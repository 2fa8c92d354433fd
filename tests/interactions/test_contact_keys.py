"""Corrective shapes: few, and within half a millimetre."""

from dataclasses import replace

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.interactions.contact_keys import ERROR, MOST, contact_keys
from duologue.interactions.press import Pressed
from examples_skin import on_plane, plane, poked


def pressed_of(offsets: np.ndarray) -> Pressed:
    skin = plane(0.02)
    return Pressed(skin.part(np.arange(len(skin.rest)) < offsets.shape[1]), offsets, np.zeros(len(offsets)))


@pytest.mark.parametrize("name", ["ada", "ben"])
@pytest.mark.parametrize("place", ["cheek", "lips"])
def test_a_poke_is_held_by_a_few_shapes(name, place):
    _, _, pressed = poked(name, place, 0.005)
    keys = contact_keys([pressed])
    assert 1 <= len(keys) <= 12
    whole = np.zeros_like(pressed.offsets)
    whole[:, np.isin(pressed.skin.vertices, keys.vertices)] = keys.offsets()
    measured = np.linalg.norm(whole - pressed.offsets, axis=-1).max()
    assert measured == pytest.approx(keys.error, abs=1e-9)
    assert keys.error < ERROR
    assert keys.names[0] == "duologue_touch_01"
    assert keys.values.min() >= 0
    assert keys.values.max() <= 1 + 1e-12
    assert not keys.values[np.abs(pressed.offsets).max(axis=(1, 2)) == 0].any(), "at rest all of them are 0"
    assert not keys.coarse


def test_a_stroke_needs_more_and_stays_under_the_limit():
    pressed = on_plane(np.full(45, 0.004), slide=np.linspace(-0.03, 0.03, 45))
    keys = contact_keys([pressed])
    assert 4 < len(keys) <= MOST
    assert keys.error < ERROR


def test_too_many_ways_at_once_are_cut_off_and_the_error_is_told():
    offsets = np.random.default_rng(0).normal(0, 0.002, (60, 20, 3))
    keys = contact_keys([pressed_of(offsets)])
    assert len(keys) == MOST
    assert keys.error > ERROR
    assert keys.values.min() >= -1
    assert keys.error == pytest.approx(np.linalg.norm(keys.offsets() - offsets, axis=-1).max())


def test_two_hands_on_one_face_add_up():
    first, second = np.zeros((2, 10, 4, 3))
    first[2:5, 1, 2], second[4:8, 3, 0] = -0.003, 0.002
    keys = contact_keys([pressed_of(first), pressed_of(second)])
    whole = np.zeros((10, 4, 3))
    whole[:, keys.vertices] = keys.offsets()
    np.testing.assert_allclose(whole, first + second, atol=ERROR)


def test_nothing_moved_makes_no_shapes():
    keys = contact_keys([pressed_of(np.zeros((5, 4, 3)))])
    assert len(keys) == 0
    assert keys.error == keys.largest == keys.edge == 0
    assert keys.offsets().shape == (5, 0, 3)


def test_a_coarse_mesh_is_told():
    assert contact_keys([on_plane(np.full(4, 0.004), step=0.01)]).coarse
    assert not contact_keys([on_plane(np.full(4, 0.004), step=0.003)]).coarse


def test_parts_of_different_lengths_are_refused():
    one = pressed_of(np.zeros((5, 4, 3)))
    with pytest.raises(DuologueError) as caught:
        contact_keys([one, replace(one, offsets=np.zeros((6, 4, 3)))])
    assert caught.value.reason == "pressed-frames"
    with pytest.raises(DuologueError):
        contact_keys([])
