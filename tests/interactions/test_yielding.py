"""Heads that are touched give way as springs do, along with what slides over them, and lean on the own hand."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.brief import Interaction
from duologue.interactions.actor import Pose
from duologue.interactions.response import sprung, usual
from duologue.interactions.solve import solve
from duologue.interactions.track import InteractionTrack
from duologue.motion.rotations import matrix_to_exp
from examples_touch import FRAMES, scene


def test_a_spring_swings_over_by_what_its_damping_says() -> None:
    """Step response: the first peak at pi / w' is 1 + exp(-pi d / sqrt(1 - d^2)), for d = 0.5 16.3 % over."""
    seconds = np.arange(3000) / 1000
    placed = sprung(np.ones((3000, 1)), seconds)[:, 0]
    assert placed[-1] == pytest.approx(1.0, abs=1e-3)
    assert placed.max() == pytest.approx(1.163, abs=0.003)
    assert seconds[placed.argmax()] == pytest.approx(1 / (2 * 1.7 * np.sqrt(0.75)), abs=0.003)


def nodded(cast, asked: Interaction, who: int, **options) -> np.ndarray:
    """How the touched head is turned (T, 3) by the touch, degrees, in its own axes: to its left, up, ahead."""
    tracks: list[InteractionTrack] = []
    heads: list[Pose] = []
    for yields in ([0.0], options.get("yields", [])):
        kept: list = []

        def frames(stretch: slice, kept: list = kept):
            kept.append(scene(cast, 0.52, stretch))
            return kept[-1]

        tracks.append(solve(frames, FRAMES, [asked], yields=yields))
        heads.append(kept[-1][who].pose)
    turn = np.swapaxes(heads[0].turn_of("Head"), -1, -2) @ heads[1].turn_of("Head")
    character = cast[who]
    axes = np.stack([character.left, np.array([0.0, 1.0, 0.0]), character.ahead], axis=-1)
    return np.degrees(matrix_to_exp(turn)) @ axes


def test_a_poked_nose_goes_back_swings_and_comes_to_rest(characters) -> None:
    cast = characters["ada"], characters["ben"]
    turned = nodded(cast, Interaction("poke-nose", "A", 2.0, 2.8, target="B"), 1)
    size = np.linalg.norm(turned, axis=1)
    assert 2.0 < size.max() < 3.5
    assert size[0] == pytest.approx(0.0, abs=1e-6)
    assert size[-1] == pytest.approx(0.0, abs=1e-3)
    steps = np.linalg.norm(np.diff(turned, axis=0), axis=1)
    assert steps.max() < 1.0, "no more than 30 degrees a second"


def test_a_stroked_forehead_goes_along_to_both_sides(characters) -> None:
    """To the left is about the axis up: the finger goes from one side to the other, and the head with it, then back."""
    cast = characters["ada"], characters["ben"]
    yaw = nodded(cast, Interaction("swipe-forehead", "A", 2.0, 2.8, target="B"), 1)[:, 1]
    assert np.ptp(yaw) > 0.15


def test_a_head_leans_on_the_own_hand_and_gives_way_to_the_own_finger(characters) -> None:
    cast = characters["ada"], characters["ben"]
    rest = Interaction("rest-chin", "A", 2.0, 3.0)
    poke = Interaction("poke-cheek", "A", 2.0, 3.0)
    assert usual(rest) < 0 < usual(poke) < 1
    leans, gives = (nodded(cast, one, 0) for one in (rest, poke))
    assert 0.3 < np.linalg.norm(gives, axis=1).max() < 2.5
    assert 0.3 < np.linalg.norm(leans, axis=1).max() < 2.5
    assert leans[np.abs(leans[:, 0]).argmax(), 0] > 0, "down, onto the hand: about the axis to the left"
