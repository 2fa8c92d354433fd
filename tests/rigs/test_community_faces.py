"""Faces as communities make them: recognised by their names, and what p, f, vowels, blinks and looks come to on them.

The names, and where they are from, are in ``community_faces.toml``.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from duologue import arkit
from duologue.facial.articulation import bite, close
from duologue.rigs.corrections import correct_shapes
from duologue.rigs.recognise import recognise_shapes, require_shapes
from duologue.rigs.shape_map import ShapeMap, ShapeMatch

NAMES: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("community_faces.toml").read_text())
VRC, MMD, VROID, UNITS, META, UNIFIED = (
    NAMES[n] for n in ("vrchat", "mmd", "vroid", "makehuman_units", "meta", "unified")
)

SETS = {
    "oculus_visemes": VRC, "mmd": MMD, "vroid": VROID, "vrm_expressions": NAMES["vrm0"], "preston_blair": NAMES["preston_blair"],
    "cc3_standard": NAMES["cc3"], "daz_facs": NAMES["genesis_8"], "daz_visemes": NAMES["ectrl"], "mixamo_fuse": NAMES["fuse"],
    "makehuman_units": UNITS, "facs": META, "microsoft_visemes": NAMES["microsoft"],
    "mouth_open_only": ["mouthOpen", "mouthSmile"], "rhubarb": list("ABCDEFGHX"),
}  # fmt: skip
OPEN = {
    "oculus_visemes": "vrc.v_aa", "mmd": "あ", "vroid": "Face.M_F00_000_00_Fcl_MTH_A", "vrm_expressions": "A",
    "preston_blair": "AI", "cc3_standard": "Open", "daz_facs": "Genesis8_1Female__facs_jnt_JawOpen",
    "daz_visemes": "Genesis8Male__eCTRLvAA",
    "mixamo_fuse": "MouthOpen", "makehuman_units": "JawDrop", "facs": "jawDrop", "microsoft_visemes": "aa_02",
    "mouth_open_only": "mouthOpen", "rhubarb": "D",
}  # fmt: skip
"""Each set's key of the open vowel."""


def at(**weights: float) -> np.ndarray:
    values = np.zeros((1, 52), np.float32)
    for name, value in weights.items():
        values[0, arkit.INDEX[name]] = value
    return values


def values(match: ShapeMatch, weights: np.ndarray) -> dict[str, float]:
    """What moves, key -> value, of a face that has no other meshes."""
    row = match.closed_by_the_jaw().apply(weights)[0]
    return {key: float(value) for key, value in zip(match.shapes, row, strict=True) if value > 0.01}


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_recognised_by_its_own_names(name: str):
    match = require_shapes(SETS[name])
    assert match.shape_map.name == name
    assert match.usable


@pytest.mark.parametrize("name", SETS)
def test_a_copied_mesh_s_numbers_and_a_mesh_s_name_in_front_change_nothing(name: str):
    plain = require_shapes(SETS[name])
    for again in ([f"{key}.001" for key in SETS[name]], [f"Head.{key}" for key in SETS[name]]):
        match = require_shapes(again)
        assert match.shape_map.name == name
        assert len(match.shapes) == len(plain.shapes)


@pytest.mark.parametrize("name", SETS)
def test_an_open_vowel_opens_the_mouth(name: str):
    moved = values(require_shapes(SETS[name]), at(jawOpen=0.5, mouthLowerDownLeft=0.4, mouthLowerDownRight=0.4))
    assert max(moved, key=lambda key: moved[key]) == OPEN[name]
    assert moved[OPEN[name]] > 0.3


@pytest.mark.parametrize("name", SETS)
def test_lips_meet_for_p_b_and_m_on_every_set(name: str):
    """A wide vowel shut by our own rule for p, b and m: nothing that opens is left, and the key that shuts is on."""
    weights = at(jawOpen=0.4, mouthPucker=0.2, mouthLowerDownLeft=0.3, mouthLowerDownRight=0.3)
    close(weights, np.ones(1, np.float32))
    match = require_shapes(SETS[name])
    moved = values(match, weights)
    shut = match.visemes.get("PP") or next(iter(match.targets.get("mouthClose", {})), None)
    assert moved.get(OPEN[name], 0.0) < 0.05 or shut in moved
    assert {key for key in match.visemes.values() if key in moved} <= {match.visemes.get("PP")}
    if "PP" in match.visemes:
        assert moved[match.visemes["PP"]] > 0.7


BITING = ("oculus_visemes", "preston_blair", "cc3_standard", "daz_visemes", "microsoft_visemes", "rhubarb")


@pytest.mark.parametrize("name", BITING)
def test_f_and_v_bite_where_a_set_can(name: str):
    weights = at(jawOpen=0.3, mouthLowerDownLeft=0.2, mouthLowerDownRight=0.2)
    bite(weights, np.ones(1, np.float32))
    match = require_shapes(SETS[name])
    moved = values(match, weights)
    assert max(moved, key=lambda key: moved[key]) == match.visemes["FF"]


def test_vrchat_s_visemes_are_those_of_real_avatars():
    """ih, oh and ou, as Cats writes them; an avatar of VRChat's has no "vrc.v_i", "vrc.v_o" or "vrc.v_u"."""
    match = require_shapes([*VRC, "vrc.blink_left", "vrc.blink_right", "vrc.lowerlid_left"])
    assert match.visemes["I"] == "vrc.v_ih"
    assert match.visemes["O"] == "vrc.v_oh"
    assert match.visemes["U"] == "vrc.v_ou"
    assert set(match.visemes.values()) == set(VRC) - {"vrc.v_sil"}
    assert values(match, at(eyeBlinkLeft=1.0)) == {"vrc.blink_left": 1.0}
    assert "v_oh" in require_shapes([key.removeprefix("vrc.") for key in VRC]).visemes.values()


def test_a_face_of_two_conventions_takes_from_both():
    """VRChat's avatars for MMD worlds: visemes of the one, blinks, brows and smile of the other."""
    match = require_shapes([*VRC, *MMD])
    assert match.shape_map.name == "oculus_visemes"
    assert values(match, at(eyeBlinkLeft=1.0, eyeBlinkRight=1.0)) == {"まばたき": 1.0}
    assert values(match, at(browDownLeft=1.0)) == {"怒り": 0.5}
    assert values(match, at(mouthSmileLeft=0.8, mouthSmileRight=0.8)) == {"口角上げ": pytest.approx(0.8)}


def test_a_smile_of_one_s_own_adds_what_the_visemes_lack():
    match = require_shapes(VROID)
    smiling = values(match, at(mouthSmileLeft=0.6, mouthSmileRight=0.6))
    assert smiling == {"Face.M_F00_000_00_Fcl_MTH_Fun": pytest.approx(0.6)}
    both = values(match, at(mouthSmileLeft=0.6, mouthSmileRight=0.6, jawOpen=0.4))
    assert both["Face.M_F00_000_00_Fcl_MTH_A"] > 0.3
    assert 0.3 < both["Face.M_F00_000_00_Fcl_MTH_Fun"] <= 0.61


def test_vrm_1_and_full_blinks_and_looks():
    match = require_shapes(NAMES["vrm1"])
    assert match.visemes == {"aa": "aa", "I": "ih", "U": "ou", "E": "ee", "O": "oh"}
    assert values(match, at(eyeBlinkRight=1.0)) == {"blinkRight": 1.0}
    left = at(eyeLookOutLeft=0.6, eyeLookInRight=0.6)
    assert values(match, left) == {"lookLeft": pytest.approx(0.6)}
    assert values(require_shapes(NAMES["vrm0"]), left) == {"LookLeft": pytest.approx(0.6)}


@pytest.mark.parametrize(("keys", "looking", "moved"), [
    (UNITS, {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}, {"LeftEyeturnLeft", "RightEyeturnLeft"}),
    (META, {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}, {"eyesLookLeft_L", "eyesLookLeft_R"}),
    (NAMES["genesis_8"], {"eyeWideLeft": 0.5}, {"Genesis8_1Female__facs_jnt_EyesWideLeft"}),
    (NAMES["genesis_9"], {"eyeWideLeft": 0.5}, {"facs_bs_EyelidOpenUpperLeft", "facs_bs_EyelidOpenLowerLeft"}),
    (NAMES["genesis_9"], {"browInnerUp": 0.5}, {"facs_bs_BrowInnerUpLeft", "facs_bs_BrowInnerUpRight"}),
    (META, {"mouthRollLower": 0.5}, {"lipSuckLB", "lipSuckRB"}),
    (["jawDrop", "lipSuck_LB", "lipSuck_RB", "lipSuck_LT"], {"mouthRollLower": 0.5}, {"lipSuck_LB", "lipSuck_RB"}),
    (NAMES["cc3"], {"browInnerUp": 0.5}, {"Brow_Raise_Inner_L", "Brow_Raise_Inner_R"}),
    ([*NAMES["cc3"], "Cheek_Blow_L", "Cheek_Blow_R"], {"cheekPuff": 0.5}, {"Cheek_Blow_L", "Cheek_Blow_R"}),
    (NAMES["action_units"], {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}, {"AU12"}),
    (["AU12_L", "AU12_R", "AU26"], {"mouthSmileLeft": 0.5}, {"AU12_L"}),
    (["au26_jaw_drop", "AU12_LIP_CORNER_PULLER_L"], {"mouthSmileLeft": 0.5}, {"AU12_LIP_CORNER_PULLER_L"}),
    (UNIFIED, {"mouthSmileLeft": 0.5}, {"MouthCornerPullLeft"}),
    (UNIFIED, {"eyeBlinkLeft": 0.5}, {"EyeClosedLeft"}),
    (UNIFIED, {"eyeLookOutLeft": 0.5}, {"EyeLookOutLeft"}),
    (NAMES["fuse"], {"browOuterUpLeft": 0.5}, {"BrowsUp_Left"}),
    (["Ah", "Ch", "U", "E", "Oh", "Blink"], {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}, {"Blink"}),
])  # fmt: skip
def test_single_shapes_reach_the_keys_that_are_theirs(keys, looking, moved):
    assert set(values(require_shapes(keys), at(**looking))) == moved


def test_genesis_9_is_whole_lips_of_four_corners():
    match = require_shapes(NAMES["genesis_9"])
    assert match.shape_map.name == "daz_facs"
    assert (
        len(match.targets["mouthClose"]) == len(match.targets["mouthFunnel"]) == len(match.targets["mouthPucker"]) == 4
    )


def test_keys_that_only_open_the_mouth_are_as_wide_as_people_speak():
    """Ready Player Me's mouthOpen moves 11 mm, ARKit's jawOpen 30. Toon avatars of High Fidelity's have the like."""
    assert values(require_shapes(["mouthOpen", "mouthSmile"]), at(jawOpen=0.3)) == {"mouthOpen": pytest.approx(0.6)}
    toon = require_shapes(["blendShape3.blink", "blendShape3.browUp", "blendShape3.mouthOpen"])
    assert values(toon, at(eyeBlinkLeft=1.0, eyeBlinkRight=1.0)) == {"blendShape3.blink": 1.0}
    assert values(toon, at(browOuterUpLeft=0.6, browOuterUpRight=0.6)) == {"blendShape3.browUp": pytest.approx(0.6)}


def test_four_visemes_by_name_are_a_set():
    match = require_shapes([f"blendShape1.{v}" for v in ("aa", "ch", "dd", "ff", "sil")])
    assert set(match.visemes) == {"aa", "CH", "DD", "FF"}


def test_mmd_winks_stand_in_where_there_is_no_blink():
    match = require_shapes([key for key in MMD if key != "まばたき"])
    assert values(match, at(eyeBlinkRight=1.0)) == {"ｳｨﾝｸ２右": 1.0}


def test_eyes_alone_are_recognised_though_they_cannot_speak():
    (best, *_) = recognise_shapes(["まばたき", "怒り", "困る", "上"])
    assert best.shape_map.name == "mmd"
    assert not best.usable
    assert best.targets["eyeBlinkLeft"] == {"まばたき": 0.5}


def test_one_blink_key_chosen_for_both_eyes_is_shut_at_a_full_blink_and_not_before():
    keys = ["jawOpen", "lids"]
    match = correct_shapes(require_shapes(keys), {"eyeBlinkLeft": "lids", "eyeBlinkRight": "lids"}, keys, what="it")
    for blink in (0.25, 0.5, 1.0):
        assert values(match, at(eyeBlinkLeft=blink, eyeBlinkRight=blink)) == {"lids": pytest.approx(blink)}
    # Given to one eye again, it is that eye's alone.
    keys.append("left lid")
    match = correct_shapes(match, {"eyeBlinkLeft": "left lid"}, keys, what="it")
    assert values(match, at(eyeBlinkLeft=0.5, eyeBlinkRight=0.75)) == {"left lid": 0.5, "lids": 0.75}


def test_a_map_that_names_one_key_for_both_sides_gets_its_mean(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[shapes]\njawOpen = "mouth"\neyeBlinkLeft = "lids"\neyeBlinkRight = "lids"\n')
    match = ShapeMap.load(path).bind(["mouth", "lids"])
    assert match.targets["eyeBlinkLeft"] == match.targets["eyeBlinkRight"] == {"lids": 0.5}


def test_a_mesh_with_a_part_of_the_visemes_mixes_as_the_whole_face_does():
    """Teeth move with a few visemes only; alone they would take these for all there is."""
    face, teeth = require_shapes(VRC), ["vrc.v_aa", "vrc.v_oh", "vrc.v_e", "vrc.v_ou", "hair up"]
    weights = at(jawOpen=0.3, mouthFunnel=0.5, mouthSmileLeft=0.2, mouthSmileRight=0.2)
    whole, part = values(face, weights), values(face.on(teeth).beside([face]), weights)
    assert part == {key: pytest.approx(value, abs=1e-6) for key, value in whole.items() if key in teeth}


def test_a_map_s_tables_are_checked(tmp_path):
    path = tmp_path / "broken.toml"
    for text, wrong in (('[both]\neyeBlinkLeft = "x"', "no such entry"), ('[words]\nshut = "eyeBlnk"', "eyeBlnk")):
        path.write_text(text)
        with pytest.raises(Exception, match=wrong):
            ShapeMap.load(path)
