"""Shape maps: every way of writing ARKit's 52 names is recognised, and what a face lacks is said."""

from __future__ import annotations

import numpy as np
import pytest
from duologue import arkit
from duologue.errors import DuologueError
from duologue.rigs.recognise import recognise_shapes, require_shapes
from duologue.rigs.shape_map import ShapeMap

PASCAL = [name[0].upper() + name[1:] for name in arkit.NAMES]
SHORT = [name.replace("Left", "_L").replace("Right", "_R") if len(name) > 10 else name for name in arkit.NAMES]
OCULUS = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")


def spaced(name: str, gap: str) -> str:
    """eyeBlinkLeft -> Eye_Blink_Left"""
    return "".join(gap + letter if letter.isupper() else letter for letter in name[0].upper() + name[1:])[len(gap) :]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (list(arkit.NAMES), "arkit"),
        (PASCAL, "live_link"),
        (SHORT, "arkit_short"),
        ([f"AK_{i + 1:02}_{name}" for i, name in enumerate(PASCAL)], "rocketbox"),
        ([f"A{i + 1:02}_{spaced(name, '_')}" for i, name in enumerate(arkit.NAMES)], "cc3_explus"),
        ([f"BlendShape.{name}" for name in PASCAL], "vrm_perfect_sync"),
        ([name.lower() for name in arkit.NAMES], "generic"),
        (
            [f"Head.{spaced(name, '-').replace('-Left', ' L').replace('-Right', ' R')}" for name in arkit.NAMES],
            "generic",
        ),
        (["Basis", "blink", *[f"face_{spaced(name, '_').lower()}" for name in reversed(arkit.NAMES)]], "generic"),
    ],
)
def test_all_52_are_found_by_name_whatever_their_order(names: list[str], expected: str):
    match = require_shapes(names)
    assert match.shape_map.name == expected
    assert match.missing == ()
    # One weight at a time reaches one key, the one of that name.
    values = match.apply(np.eye(52))
    flat = "".join
    for row, shape in zip(values, arkit.NAMES, strict=True):
        assert row.sum() == 1
        key = match.shapes[int(row.argmax())]
        assert (
            flat(c for c in key.lower() if c.isalpha())
            .replace("left", "l")
            .replace("right", "r")
            .endswith(shape.lower().replace("left", "l").replace("right", "r"))
        )


@pytest.mark.parametrize("name", ["cc4_extended", "metahuman"])
def test_maps_with_other_words_know_all_52(name: str):
    shape_map = ShapeMap.builtin(name)
    keys = [key for targets in shape_map.shapes.values() for key in targets]
    match = require_shapes(keys)
    assert match.shape_map.name == name
    assert match.missing == ()
    left_and_right = match.apply(np.eye(52)[[arkit.INDEX["eyeLookInLeft"], arkit.INDEX["eyeLookOutRight"]]])
    assert {match.shapes[i] for i in left_and_right.argmax(axis=1)} == (
        {"Eye_L_Look_R", "Eye_R_Look_R"}
        if name == "cc4_extended"
        else {"CTRL_expressions_eyeLookRightL", "CTRL_expressions_eyeLookRightR"}
    )


def test_live_links_swapped_columns_are_no_trap():
    """Live Link lists JawRight before JawLeft; names decide."""
    match = require_shapes([name[0].upper() + name[1:] for name in arkit.LIVE_LINK_ORDER])
    weights = np.zeros((1, 52))
    weights[0, arkit.INDEX["jawLeft"]] = 0.7
    assert match.shapes[int(match.apply(weights).argmax())] == "JawLeft"


def test_a_face_that_lacks_some_says_which():
    names = [name for name in arkit.NAMES if name not in ("tongueOut", "cheekPuff")]
    match = require_shapes(names)
    assert match.missing == ("cheekPuff", "tongueOut")
    assert match.score == pytest.approx(50 / 52)


def test_one_key_a_side_and_one_key_for_both():
    match = ShapeMap.builtin("generic").bind(["jawOpen", "browInnerUp_L", "browInnerUp_R", "mouthSmile"])
    weights = np.zeros((1, 52))
    weights[0, [arkit.INDEX["browInnerUp"], arkit.INDEX["mouthSmileLeft"]]] = 0.8
    assert dict(zip(match.shapes, match.apply(weights)[0], strict=True)) == {
        "jawOpen": 0.0,
        "browInnerUp_L": 0.8,
        "browInnerUp_R": 0.8,
        "mouthSmile": 0.4,
    }


def test_values_stay_between_nought_and_one():
    match = require_shapes(list(arkit.NAMES))
    values = match.apply(np.full((2, 52), 1.7, np.float32))
    assert values.max() == 1.0
    assert values.dtype == np.float32


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        ("oculus_visemes", [f"viseme_{viseme}" for viseme in OCULUS]),
        ("oculus_visemes", [f"AA_VI_{i:02}_{viseme}" for i, viseme in enumerate(OCULUS)]),
        ("oculus_visemes", [f"Avatar.viseme_{viseme}" for viseme in OCULUS]),
        ("vrm_expressions", ["A", "I", "U", "E", "O", "Blink_L", "Blink_R"]),
        ("vrm_expressions", ["aa", "ih", "ou", "ee", "oh", "blinkLeft", "blinkRight"]),
        ("vroid", [f"Fcl_MTH_{vowel}" for vowel in "AIUEO"]),
    ],
)
def test_visemes_are_a_fallback(expected: str, names: list[str]):
    match = require_shapes(names)
    assert match.shape_map.name == expected
    assert match.score < 0.6
    weights = np.zeros((3, 52))
    weights[0, [arkit.INDEX["jawOpen"], arkit.INDEX["mouthLowerDownLeft"], arkit.INDEX["mouthLowerDownRight"]]] = 0.5
    weights[1, arkit.INDEX["mouthPucker"]] = 0.5
    strongest = [match.shapes[i].lower() for i in match.apply(weights).argmax(axis=1)]
    assert strongest[0].endswith(("aa", "a"))
    assert strongest[1].endswith(("u", "ou"))
    np.testing.assert_allclose(match.apply(weights)[2], 0)
    if "Blink_L" in names:
        weights[2, arkit.INDEX["eyeBlinkLeft"]] = 1
        assert match.apply(weights)[2][match.shapes.index("Blink_L")] == 1


def test_arkit_wins_over_visemes_on_a_face_that_has_both():
    both = [*arkit.NAMES, *(f"viseme_{viseme}" for viseme in OCULUS)]
    assert recognise_shapes(both)[0].shape_map.name == "arkit"


def test_faces_that_cannot_speak_are_refused_by_name():
    with pytest.raises(DuologueError, match="'Cube' has no shape keys") as error:
        require_shapes([], what="the mesh 'Cube'")
    assert error.value.reason == "no-shape-keys"
    with pytest.raises(DuologueError, match="Fat, Thin") as error:
        require_shapes(["Fat", "Thin", "A"])
    assert error.value.reason == "shapes-not-recognised"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[shapes]\njawOpn = 'a'", "jawOpn"),
        ("names = '('", "regular expression"),
        ("[visemes]\naa = {jawOpen = 1}\n[importance]\njaw = 1", "no such ARKit shape"),
        ("names =", "not TOML"),
    ],
)
def test_a_broken_map_says_what_is_wrong_and_where(tmp_path, text: str, message: str):
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(DuologueError, match=message) as error:
        ShapeMap.load(path)
    assert str(path) in str(error.value)
