# SPDX-License-Identifier: GPL-3.0-or-later
"""Strangers' faces on real meshes: in parts, under one another, with keys that move nothing, are unknown, or for both eyes."""

from __future__ import annotations

import sys

import bpy
import numpy as np
import pytest
from conftest import MODULE
from duologue import arkit
from duologue.take import Take
from examples import box_pair, example_take

from addon.cast.cast import cast
from addon.cast.face_checks import check_faces
from addon.scene import shape_keys
from addon.takes.writer import mouth_shapes, write_take

MORPHS = ["あ", "い", "う", "え", "お", "ん"]


@pytest.fixture
def bare(pair):
    """A's character with no shape keys at all; what it has is put on by each test."""
    pair[0].faces[0].mesh.shape_key_clear()
    return pair


def head_part(armature, name: str, keys: dict[str, float], parent=None):
    """A square that hangs on the head's bone, or under another mesh; each key moves its first corner up by so many metres."""
    data = bpy.data.meshes.new(name)
    data.from_pydata([(0, 0, 0), (0.1, 0, 0), (0.1, 0, 0.1), (0, 0, 0.1)], [], [(0, 1, 2, 3)])
    mesh = bpy.data.objects.new(name, data)
    armature.users_collection[0].objects.link(mesh)
    mesh.parent = parent or armature
    if parent is None:
        mesh.parent_type, mesh.parent_bone = "BONE", "Head"
    mesh.shape_key_add(name="Basis")
    for key, up in keys.items():
        block = mesh.shape_key_add(name=key, from_mix=False)
        block.value = 0.0  # Blender 5.0 and later make a new one at 1
        block.data[0].co.z += up
    bpy.context.view_layer.update()
    return mesh


def perform(pair, **weights: float) -> None:
    """Write two frames at these weights onto both."""
    values = np.zeros((2, 52), np.float32)
    for name, value in weights.items():
        values[:, arkit.INDEX[name]] = value
    take = example_take(2)
    tracks = [type(t)(**{**t.arrays(), "weights": values}) for t in take.tracks]
    write_take(Take(take.skeleton, (tracks[0], tracks[1])), pair, 1, 30.0)
    bpy.context.scene.frame_set(1)


def up(mesh) -> float:
    """How far Blender shows the first corner of a part moved."""
    return mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.vertices[0].co.z


def said(performer) -> dict[str, str]:
    return {finding.code: finding.text for finding in check_faces(performer)}


def test_a_face_in_parts_moves_by_the_names_of_each(bare):
    """Mouth, eyes and brows are meshes of their own, and the lashes hang under the eyes: none but the mouth can speak."""
    a, b = bare
    mouth = head_part(a.armature, "Mouth", dict.fromkeys(MORPHS, 0.1))
    eyes = head_part(a.armature, "Eyes", {"まばたき": 0.1})
    brows = head_part(a.armature, "Brows", {"怒り": 0.1, "困る": 0.1})
    lashes = head_part(a.armature, "Lashes", {"Blink_L": 0.1, "Blink_R": 0.05}, parent=eyes)
    performer = cast("A", a.armature)
    assert {face.mesh for face in performer.faces} == {mouth, eyes, brows, lashes}
    perform((performer, b), jawOpen=0.5, eyeBlinkLeft=1.0, eyeBlinkRight=1.0, browDownLeft=0.8, browDownRight=0.8)
    assert up(mouth) > 0.05
    assert up(eyes) == pytest.approx(0.1)
    assert up(lashes) == pytest.approx(0.15)
    assert up(brows) == pytest.approx(0.08)


def test_parts_that_stay_still_are_named_and_nothing_is_said_of_the_others(bare):
    a, _ = bare
    head_part(a.armature, "Mouth", dict.fromkeys(MORPHS, 0.1))
    wet = head_part(a.armature, "Tears", {"wet": 0.1, "dry": 0.1})
    performer = cast("A", a.armature)
    assert wet not in {face.mesh for face in performer.faces}
    still = said(performer)["still"]
    assert "Tears" in still
    assert "wet, dry" in still
    assert "Mouth" not in still


def test_unknown_keys_are_named_where_it_said_that_there_were_none(bare):
    a, b = bare
    assert "no mesh with facial shape keys" in said(cast("A", a.armature))["no-face"]
    head_part(a.armature, "Face", {"lippen_auf": 0.1, "lider_zu": 0.1})
    performer = cast("A", a.armature)
    text = said(performer)["no-face"]
    assert "no mesh" not in text
    assert "lippen_auf, lider_zu" in text
    assert "table" in text
    assert text in write_take(example_take(2), (performer, b), 1, 30.0)


def test_a_part_under_a_part_under_a_bone_belongs_to_the_character_and_another_s_does_not(pair):
    a, b = pair
    hat = head_part(a.armature, "Hat", {"x": 0.1})
    plume = head_part(a.armature, "Plume", {"x": 0.1}, parent=hat)
    friend = head_part(b.armature, "Friend", {"x": 0.1})
    b.armature.parent = hat
    assert {hat, plume} <= set(shape_keys.face_meshes(a.armature))
    assert friend not in shape_keys.face_meshes(a.armature)


def test_keys_that_move_nothing_count_as_missing_and_others_speak(bare):
    """An exporter left all of ARKit's 52 behind, and of the mouth only VRoid's vowels move."""
    a, b = bare
    empty = ("jawOpen", "mouthClose", "cheekPuff", "noseSneerLeft", "noseSneerRight")
    keys = {name: 0.0 if name in empty else 0.1 for name in arkit.NAMES}
    face = head_part(a.armature, "Face", keys | {f"Fcl_MTH_{vowel}": 0.1 for vowel in "AIUEO"})
    performer = cast("A", a.armature)
    assert performer.faces[0].match.visemes["aa"] == "Fcl_MTH_A"
    assert {"cheekPuff", "noseSneerLeft"} <= set(performer.faces[0].match.missing)
    assert set(empty) <= set(performer.dead_keys)
    assert "move nothing" in said(performer)["empty"]
    perform((performer, b), jawOpen=0.5)
    assert up(face) > 0.04
    perform((performer, b), eyeBlinkLeft=1.0)
    assert up(face) == pytest.approx(0.1)


def test_a_key_that_moves_the_teeth_alone_is_not_missing(bare):
    a, _ = bare
    head_part(a.armature, "Face", {"jawOpen": 0.1, "tongueOut": 0.0})
    tongue = head_part(a.armature, "Tongue", {"tongueOut": 0.1, "jawOpen": 0.0})
    performer = cast("A", a.armature)
    assert performer.dead_keys == ()
    assert next(face for face in performer.faces if face.mesh == tongue).match.shapes == ("tongueOut", "jawOpen")


def test_a_mouth_that_only_opens_shuts_for_p_b_and_m_and_so_do_its_teeth(bare):
    a, b = bare
    face = head_part(a.armature, "Face", {"mouthOpen": 0.1, "mouthSmile": 0.1})
    teeth = head_part(a.armature, "Teeth", {"mouthOpen": 0.1})
    performer = cast("A", a.armature)
    assert "jawOpen" not in said(performer).get("shapes-missing", "")
    assert "bite the lip" in said(performer)["face-lacks"]
    assert "blink" in said(performer)["face-lacks"]
    perform((performer, b), jawOpen=0.3)
    assert up(face) == up(teeth) == pytest.approx(0.06)
    perform((performer, b), jawOpen=0.3, mouthClose=0.33)
    assert up(face) == up(teeth) == 0.0
    assert mouth_shapes(performer.faces[0].match) == {"mouthOpen", "mouthSmile"}


def test_a_jaw_stays_open_behind_lips_that_shut_by_a_key(bare):
    """Teeth have no key that shuts the lips: theirs is another mesh's, and the jaw hangs as the take has it."""
    a, b = bare
    head_part(a.armature, "Face", {"jawOpen": 0.1, "mouthClose": -0.1})
    teeth = head_part(a.armature, "Teeth", {"jawOpen": 0.1})
    perform((cast("A", a.armature), b), jawOpen=0.3, mouthClose=0.3)
    assert up(teeth) == pytest.approx(0.03)


def test_teeth_with_a_part_of_the_visemes_move_as_the_face_does(bare):
    a, b = bare
    visemes = [f"viseme_{v}" for v in ("PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")]
    face = head_part(a.armature, "Face", dict.fromkeys(visemes, 0.1))
    teeth = head_part(a.armature, "Teeth", {"viseme_aa": 0.1, "viseme_E": 0.1})
    performer = cast("A", a.armature)
    perform((performer, b), jawOpen=0.4, mouthFunnel=0.3, mouthSmileLeft=0.2, mouthSmileRight=0.2)
    blocks, others = (mesh.data.shape_keys.key_blocks for mesh in (face, teeth))
    assert blocks["viseme_aa"].value > 0.1
    for key in ("viseme_aa", "viseme_E"):
        assert others[key].value == pytest.approx(blocks[key].value, abs=1e-5)


# In the panel


@pytest.fixture
def panel(extension, scene, tmp_path):
    settings = scene.duologue
    for performer, made in zip(settings.performers(), box_pair(scene, tmp_path), strict=True):
        made.faces[0].mesh.shape_key_clear()
        performer.armature = made.armature
    return settings


def row(rows, name: str):
    return next(row for row in rows if row.name == name)


def check_again() -> None:
    bpy.ops.duologue.check_cast("EXEC_DEFAULT")


def test_a_face_that_nobody_knows_is_set_by_hand_and_plays(panel):
    face = head_part(panel.a.armature, "Gesicht", {"lippen_auf": 0.1, "lider_zu": 0.1})
    check_again()
    (item,) = panel.a.faces
    assert "no key is known" in item.found
    assert any("lippen_auf" in finding.text for finding in panel.a.findings)
    row(item.rows, "jawOpen").target = "lippen_auf"
    for side in ("Left", "Right"):
        row(item.rows, f"eyeBlink{side}").target = "lider_zu"
    performers = sys.modules[f"{MODULE}.briefing"].cast_both(panel)
    assert performers[0].faces[0].mesh == face
    check_again()
    assert not any(finding.code in ("no-face", "still") for finding in panel.a.findings)
    for blink in (0.5, 1.0):  # one key for both eyes: half a blink is half shut
        perform(performers, eyeBlinkLeft=blink, eyeBlinkRight=blink)
        assert up(face) == pytest.approx(0.1 * blink)


def test_every_part_has_a_table_and_can_be_switched_off(panel):
    head_part(panel.a.armature, "Mouth", dict.fromkeys(MORPHS, 0.1))
    lids = head_part(panel.a.armature, "Lids", {"まばたき": 0.1})
    head_part(panel.a.armature, "Lashes", {"Blink": 0.1}, parent=lids)
    check_again()
    assert [face.name for face in panel.a.faces] == ["Lashes", "Lids", "Mouth"]
    assert row(panel.a.faces[0].rows, "eyeBlinkLeft").target == "Blink"
    panel.a.faces[1].use = False
    names = [face.mesh.name for face in sys.modules[f"{MODULE}.briefing"].cast_both(panel)[0].faces]
    assert names == ["Lashes", "Mouth"]
