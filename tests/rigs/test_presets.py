"""Presets: what an animator saved is the same mapping when it is read again, and is recognised before ours."""

from __future__ import annotations

import numpy as np
import pytest
from duologue import arkit
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton
from duologue.rigs import presets
from duologue.rigs.corrections import correct_rig, correct_shapes
from duologue.rigs.recognise import Choice, recognise_rig, recognise_shapes, require_shapes
from duologue.rigs.rig_map import RigMap

DUOLOGUE = Skeleton.builtin("duologue60")


def test_every_map_of_ours_survives_being_saved_as_a_preset(tmp_path):
    for name in RigMap.names():
        source = RigMap.builtin(name)
        bones = [spellings[0] for spellings in source.joints.values()]
        extra = [p.bone for p in source.properties] + [t.bone for t in source.twists] + list(source.also)
        match = source.bind([*bones, *extra])
        (path,) = presets.save(tmp_path, f"my {name}", match, [])
        again = RigMap.load(path).bind([*bones, *extra])
        assert again.bones == match.bones, name
        assert again.eyes == match.eyes, name
        assert again.missing == ()
        for part in ("properties", "parents", "also", "twists"):
            assert getattr(again.rig_map, part) == getattr(match.rig_map, part), (name, part)


def test_odd_names_survive(tmp_path):
    names = [f'béin "{i}" | \\ {{side}}' for i in range(len(DUOLOGUE))]
    match = correct_rig(
        RigMap("by_hand", "", {}, exact=True).bind(names),
        dict(zip(DUOLOGUE.names, names, strict=True)), names, DUOLOGUE.parents, what="it",
    )  # fmt: skip
    (path,) = presets.save(tmp_path, "Held", match, [])
    assert RigMap.load(path).bind(names).bones == match.bones


def test_a_preset_is_recognised_before_our_own_map(tmp_path):
    recognised = recognise_rig(DUOLOGUE.names, DUOLOGUE.parents)[0]
    corrected = correct_rig(recognised, {"LeftToeBase": ""}, DUOLOGUE.names, DUOLOGUE.parents, what="it")
    presets.save(tmp_path, "No left toe", corrected, [])
    own = presets.library(tmp_path)
    best = recognise_rig(DUOLOGUE.names, DUOLOGUE.parents, library=own)[0]
    assert best.rig_map.name == "No left toe"
    assert "LeftToeBase" not in best.bones
    # An armature that lacks one of its bones is not that character.
    fewer = [name for name in DUOLOGUE.names if name != "Neck1"]
    assert recognise_rig(fewer, [-1] * len(fewer), library=own)[0].rig_map.name != "No left toe"


def test_a_face_survives_with_factors_and_visemes(tmp_path):
    rig = recognise_rig(DUOLOGUE.names, DUOLOGUE.parents)[0]
    weights = np.random.default_rng(0).uniform(0, 1, (5, 52))
    for keys in (
        ["blink", "jaw_open", "smile_L", "smile_R", "brow_inner_up_L", "brow_inner_up_R"],
        ["viseme_aa", "viseme_E", "viseme_I", "viseme_O", "viseme_U", "viseme_PP", "eyeBlinkLeft"],
        ["あ", "い", "う", "え", "お", "まばたき", "にやり"],
        list(arkit.NAMES),
    ):
        face = recognise_shapes(keys)[0]
        presets.save(tmp_path, "Face", rig, [face])
        own = presets.library(tmp_path)
        best = require_shapes(keys, choice=Choice(own))
        assert best.shape_map.name == "Face"
        theirs, ours = (dict(zip(m.shapes, m.apply(weights).T, strict=True)) for m in (best, face))
        assert theirs.keys() == ours.keys()
        for key in ours:
            np.testing.assert_allclose(theirs[key], ours[key])


def test_a_preset_names_the_map_that_lends_its_visemes():
    text = presets.shape_preset("Miku", [recognise_shapes(["あ", "い", "う", "え", "お"])[0]])
    assert 'base = "oculus_visemes"' in text


def test_a_jaw_that_shuts_the_lips_survives(tmp_path):
    keys = ["mouthOpen", "mouthSmile"]
    rig, face = recognise_rig(DUOLOGUE.names, DUOLOGUE.parents)[0], recognise_shapes(keys)[0].closed_by_the_jaw()
    presets.save(tmp_path, "Two", rig, [face])
    best = require_shapes(keys, choice=Choice(presets.library(tmp_path)))
    assert best.shape_map.name == "Two"
    weights = np.random.default_rng(1).uniform(0, 1, (9, 52))
    np.testing.assert_allclose(best.apply(weights), face.apply(weights))


def test_a_switched_off_shape_stays_off(tmp_path):
    rig = recognise_rig(DUOLOGUE.names, DUOLOGUE.parents)[0]
    match = correct_shapes(recognise_shapes(arkit.NAMES)[0], {"tongueOut": ""}, arkit.NAMES, what="it")
    presets.save(tmp_path, "Tongue in", rig, [match])
    assert require_shapes(arkit.NAMES, choice=Choice(presets.library(tmp_path))).missing == ("tongueOut",)


def test_a_damaged_file_is_left_out_and_named(tmp_path):
    presets.save(tmp_path, "Good", recognise_rig(DUOLOGUE.names, DUOLOGUE.parents)[0], [])
    (tmp_path / "rig_maps" / "bad.toml").write_text("[bones\n")
    own = presets.library(tmp_path)
    assert own.names == ("Good",)
    assert "bad.toml" in own.unreadable[0]


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\\b", "..", "nul:"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    with pytest.raises(DuologueError) as caught:
        presets.save(tmp_path, name, recognise_rig(DUOLOGUE.names, DUOLOGUE.parents)[0], [])
    assert caught.value.reason == "preset-name"
    assert not list(tmp_path.iterdir())


def test_a_deleted_preset_is_gone(tmp_path):
    presets.save(
        tmp_path, "Gone", recognise_rig(DUOLOGUE.names, DUOLOGUE.parents)[0], [recognise_shapes(arkit.NAMES)[0]]
    )
    assert len(presets.delete(tmp_path, "Gone")) == 2
    assert presets.library(tmp_path).names == ()
