# SPDX-License-Identifier: GPL-3.0-or-later
"""Touches of rigs that are unlike the samples': a generated Rigify rig, hands without fingers, hands of three."""

from __future__ import annotations

from dataclasses import replace

import dressed_rigs
import numpy as np
import pytest
from duologue.brief import Interaction
from duologue.errors import DuologueError
from duologue.rigs.rig_map import RigMatch
from touching import POKE, asked, off, on_stage, sample, solved, whole_state

from addon.interactions import solving


def test_a_generated_rig_touches_and_is_touched(scene):
    performers = on_stage(scene, [dressed_rigs.rigify(scene, "ada")[0], sample(scene, "ben")])
    solution = solved(scene, performers, POKE, replace(POKE, performer="B", target="A", seconds=2.4, until=2.64))
    assert [touch.short < 0.005 for touch in solution.track.touches] == [True, True]
    assert off(scene, performers, solution, (33, 38, 44, 50, 72, 78)) < 1e-3


def test_a_generated_rig_leans_above_its_hips(scene):
    """The lower half of a Rigify spine carries pelvis and legs: whoever leaned by it swung their feet aside."""
    performers = on_stage(scene, [dressed_rigs.rigify(scene, "ada")[0], sample(scene, "ben")], apart=0.6)
    solution = solved(scene, performers, POKE)
    before, after = solution.before[0], solution.actors[0].pose
    lower = [after.character.joint[name] for name in ("Hips", "LeftFoot", "RightFoot")]
    assert np.abs(after.heads[:, lower] - before.heads[:, lower]).max() < 1e-6
    chest = after.character.chest
    lean = after.turn_of(chest) @ before.turn_of(chest).swapaxes(-1, -2)
    assert np.trace(lean, axis1=1, axis2=2).min() < 1 + 2 * np.cos(np.radians(3)), "it had to lean"
    assert off(scene, performers, solution) < 1e-3


def fingers_left(performer, *kept: str):
    """A performer whose map knows no other fingers."""
    fingers = ("Thumb", "Index", "Middle", "Ring", "Pinky")
    gone = tuple(f"Hand{finger}" for finger in fingers if finger not in kept)
    match = performer.match
    bones = {joint: bone for joint, bone in match.bones.items() if not any(part in joint for part in gone)}
    return replace(performer, match=RigMatch(match.rig_map, bones, match.missing, match.score))


def test_hands_without_fingers_cup_and_can_not_poke(scene):
    performers = on_stage(scene, [sample(scene, "ada"), sample(scene, "ben")])
    performers[0] = fingers_left(performers[0])
    before = whole_state()
    with pytest.raises(DuologueError, match="cup-cheek") as caught:
        solving.at_once(scene, performers, asked(POKE))
    assert caught.value.reason == "hand-without-fingers"
    assert whole_state() == before
    cup = Interaction("cup-cheek", "A", 1.2, 1.7, target="B")
    solution = solved(scene, performers, cup, POKE)
    assert [touch.pattern for touch in solution.track.touches] == ["cup-cheek"]
    assert [one.reason for one in solution.track.unsolved] == ["hand-without-fingers"]
    assert solution.track.touches[0].short < 0.005
    assert off(scene, performers, solution) < 5e-4


def test_hands_of_three_fingers_do_both(scene):
    performers = on_stage(scene, [sample(scene, "ada"), sample(scene, "ben")])
    performers[0] = fingers_left(performers[0], "Thumb", "Index", "Middle")
    asked_for = [Interaction(p, "A", t, t + 0.4, target="B") for p, t in (("pinch-chin", 0.6), ("cup-cheek", 2.1))]
    solution = solved(scene, performers, *asked_for)
    assert max(touch.short for touch in solution.track.touches) < 0.015
    assert off(scene, performers, solution, (20, 26, 66, 70)) < 5e-4
