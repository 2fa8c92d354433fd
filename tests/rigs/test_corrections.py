"""An animator's corrections of a recognised mapping: what they change, and what is said of those that can't be."""

from __future__ import annotations

import numpy as np
import pytest
from duologue import arkit
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton
from duologue.rigs.corrections import correct_rig, correct_shapes, rig_problems, shape_rows
from duologue.rigs.recognise import Choice, recognise_shapes, require_rig, require_shapes
from duologue.rigs.rig_map import RigMap

DUOLOGUE = Skeleton.builtin("duologue60")
NAMES = (*DUOLOGUE.names, "weapon", "LeftEye", "RightEye")
PARENTS = (*DUOLOGUE.parents, DUOLOGUE.index("LeftHand"), DUOLOGUE.index("Head"), DUOLOGUE.index("Head"))


def corrected(**changes: str):
    return correct_rig(RigMap.builtin("duologue").bind(NAMES), changes, NAMES, PARENTS, what="the armature")


def test_a_joint_takes_another_bone_and_another_is_switched_off():
    match = corrected(LeftHandThumb3="weapon", RightToeBase="", LeftEye="")
    assert match.bones["LeftHandThumb3"] == "weapon"
    assert "RightToeBase" not in match.bones
    assert "RightToeBase" in match.missing
    assert match.eyes == {"RightEye": "RightEye"}
    assert match.usable


def test_a_spine_bone_left_out_closes_the_chain():
    match = corrected(Spine1="")
    assert [match.bones[joint] for joint in ("Spine", "Spine1", "Spine2")] == ["Spine", "Spine2", "Spine3"]
    assert "Spine3" not in match.bones


@pytest.mark.parametrize(
    ("changes", "joint", "said"),
    [
        ({"LeftHand": "tentacle"}, "LeftHand", "no bone 'tentacle'"),
        ({"LeftArm": ""}, "LeftArm", "nobody performs without it"),
        ({"LeftHand": "RightHand"}, "LeftHand", "both have the bone 'RightHand'"),
        ({"LeftArm": "LeftHand", "LeftHand": "LeftArm"}, "LeftForeArm", "exchanged"),
        ({"LeftUpLeg": "LeftLeg", "LeftLeg": "LeftUpLeg"}, "LeftLeg", "lies above"),
        ({"LeftAntenna": "weapon"}, "LeftAntenna", "no joint"),
    ],
)
def test_what_cannot_be_is_said_at_the_joint(changes, joint, said):
    match = RigMap.builtin("duologue").bind(NAMES)
    problems = rig_problems(match, changes, NAMES, PARENTS)
    assert any(said in text for text in problems.values()), problems
    assert joint in problems or joint in " ".join(problems.values())
    with pytest.raises(DuologueError) as caught:
        corrected(**changes)
    assert caught.value.reason == "mapping-wrong"
    assert said in str(caught.value)


def test_two_bones_can_change_places_where_neither_hangs_on_the_other():
    match = corrected(LeftHandIndex1="LeftHandRing1", LeftHandRing1="LeftHandIndex1",
                      LeftHandIndex2="LeftHandRing2", LeftHandRing2="LeftHandIndex2",
                      LeftHandIndex3="LeftHandRing3", LeftHandRing3="LeftHandIndex3")  # fmt: skip
    assert match.bones["LeftHandRing2"] == "LeftHandIndex2"


def test_corrections_complete_an_armature_that_no_map_knows():
    names = [f"bone{i}" for i in range(len(DUOLOGUE))]
    by_joint = dict(zip(DUOLOGUE.names, names, strict=True))
    with pytest.raises(DuologueError) as caught:
        require_rig(names, DUOLOGUE.parents)
    assert caught.value.reason == "rig-not-recognised"
    match = require_rig(names, DUOLOGUE.parents, choice=Choice(corrections=by_joint))
    assert match.usable
    assert dict(match.bones) == by_joint


def test_a_map_chosen_by_hand_is_taken_even_where_another_fits_better():
    assert require_rig(NAMES, PARENTS).rig_map.name == "duologue"
    assert require_rig(NAMES, PARENTS, choice=Choice(map_name="mixamo")).rig_map.name == "mixamo"
    with pytest.raises(DuologueError) as caught:
        require_rig(NAMES, PARENTS, choice=Choice(map_name="smplx"))
    assert caught.value.reason == "rig-not-recognised"
    assert "'smplx'" in str(caught.value) or "SMPL-X" in str(caught.value)
    with pytest.raises(DuologueError, match="no rig map 'octopus'"):
        require_rig(NAMES, PARENTS, choice=Choice(map_name="octopus"))


def test_a_shape_takes_another_key_and_another_is_switched_off():
    keys = [*arkit.NAMES, "jaw_really_open"]
    match = correct_shapes(
        recognise_shapes(keys)[0], {"jawOpen": "jaw_really_open", "cheekPuff": ""}, keys, what="the mesh"
    )
    weights = np.zeros((1, 52))
    weights[0, [arkit.INDEX["jawOpen"], arkit.INDEX["cheekPuff"], arkit.INDEX["jawLeft"]]] = 0.25, 0.5, 0.75
    values = dict(zip(match.shapes, match.apply(weights)[0], strict=True))
    assert values["jaw_really_open"] == 0.25
    assert values["jawLeft"] == 0.75
    assert "jawOpen" not in values
    assert "cheekPuff" not in values
    assert match.missing == ("cheekPuff",)


def test_a_viseme_takes_another_key():
    keys = ["viseme_sil", "viseme_aa", "viseme_E", "viseme_I", "viseme_O", "viseme_U", "viseme_PP", "wide open"]
    recognised = recognise_shapes(keys)[0]
    assert shape_rows(recognised)["aa"] == "viseme_aa"
    match = correct_shapes(recognised, {"aa": "wide open", "PP": ""}, keys, what="the mesh")
    assert match.visemes["aa"] == "wide open"
    assert "PP" not in match.visemes
    weights = np.zeros((1, 52))
    weights[0, arkit.INDEX["jawOpen"]] = 0.9
    assert match.apply(weights).shape == (1, len(match.shapes))


def test_corrections_make_a_face_speak_that_no_map_knows():
    keys = ["muscle 1", "muscle 2"]
    with pytest.raises(DuologueError) as caught:
        require_shapes(keys)
    assert caught.value.reason == "shapes-not-recognised"
    assert require_shapes(keys, choice=Choice(corrections={"jawOpen": "muscle 2"})).shapes == ("muscle 2",)
    with pytest.raises(DuologueError) as caught:
        require_shapes(keys, choice=Choice(corrections={"jawOpen": "muscle 3"}))
    assert caught.value.reason == "mapping-wrong"
    assert "muscle 3" in str(caught.value)
