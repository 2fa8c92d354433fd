# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's touches: rows and strips are one, a click on a face says where, and every button does it or says why not."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from pressing import module, press
from touching import whole_state


@pytest.fixture
def samples(extension, scene):
    """Ada and Ben as A and B; nothing animates them."""
    assert press("add_sample_pair") == {"FINISHED"}
    scene.frame_start, scene.frame_end = 1, 120
    scene.frame_set(40)
    return scene.duologue


def strips(scene) -> list:
    return [strip for strip in scene.sequence_editor.strips if "duologue_touch_event" in strip]


def test_a_touch_and_its_strip_are_one(extension, scene):
    settings = scene.duologue
    scene.frame_set(40)
    press("add_touch", pattern="poke-nose")
    (strip,), touch = strips(scene), settings.interactions[0]
    assert (touch.name, strip.name, strip.mute, strip.type) == ("A poke-nose B", "A poke-nose B", True, "COLOR")
    assert (touch.first, touch.last) == (40, 85)
    compat = module("scene.compat")
    compat.set_strip_range(strip, 200, 260)  # dragged and stretched
    assert (touch.first, touch.last) == (200, 260)
    compat.set_strip_range(strip, 20, 60)
    touch.last = 50
    assert compat.strip_range(strip) == (20, 50)
    touch.performer = "B"
    assert touch.name == strip.name == "B poke-nose A"  # nobody has named it
    touch.name = "nose"
    assert strip.name == "nose"
    press("copy_touch")
    assert [(t.name, t.first, t.last) for t in settings.interactions] == [("nose", 20, 50), ("nose", 40, 70)]
    assert len({s.channel for s in strips(scene)}) == 2  # they would overlap in one
    clock = module("scene.timing").Clock(1, 30.0)
    asked = module("briefing.touches").touches(settings, clock)
    assert [(t.pattern, t.performer, t.target, t.name) for t in asked] == [("poke-nose", "B", "A", "nose")] * 2
    assert asked[0].seconds == pytest.approx(19 / 30, abs=1e-4)
    settings.interactions[0].enabled = False
    assert len(module("briefing.touches").touches(settings, clock)) == 1
    bpy.ops.ed.undo_push(message="both")
    press("remove_touch")
    assert [t.first for t in settings.interactions] == [20]
    assert len(strips(scene)) == 1
    strips(scene)[0].name = "called otherwise"
    assert settings.interactions[0].first == 20


def test_what_is_grey_says_why(extension, scene):
    for name, reason in {
        "remove_touch": "no touch in the list",
        "copy_touch": "no touch in the list",
        "pick_touch": "Choose an armature",
        "solve_touches": "Choose an armature",
        "remove_touches": "No touch is solved",
        "touches_of_take": "asked for no touches",
        "mark_place": "Choose an armature",
    }.items():
        with pytest.raises(RuntimeError, match=reason):
            press(name)


def test_solved_and_removed_where_nothing_else_plays(samples, scene):
    settings = samples
    press("add_touch", pattern="stroke-chin")
    touch = settings.interactions[0]
    touch.target, touch.first, touch.last = "SELF", 5, 20
    with pytest.raises(RuntimeError, match="let it touch at frame 12 or later"):
        press("solve_touches")
    touch.last, touch.first, touch.press = 70, 40, 1.0
    before = whole_state()
    assert press("solve_touches") == {"FINISHED"}
    armature = settings.a.armature
    scene.frame_set(55)
    chin, tip = (armature.matrix_world @ armature.pose.bones[name].head for name in ("Head", "RightHandIndex3"))
    other = armature.matrix_world @ armature.pose.bones["LeftHandIndex3"].head
    assert min((chin - tip).length, (chin - other).length) < 0.25, "a hand is at the chin"
    assert touch.short == 0.0
    face = next(ob for ob in armature.children if ob.type == "MESH")
    assert "duologue_touch_01" in face.data.shape_keys.key_blocks
    scene.frame_set(40)
    settings.skin = False
    press("solve_touches")
    assert "duologue_touch_01" not in face.data.shape_keys.key_blocks
    press("remove_touches")
    after = whole_state()
    assert after["data"] == before["data"]
    assert after["actions"] == before["actions"]


def test_a_click_on_a_nose_says_where(samples, scene):
    press("add_touch", pattern="poke-cheek")
    touch = samples.interactions[0]
    find = module("interactions.surfaces").surface_of
    performers = module("cast.casting").cast_both(samples)
    from duologue.interactions.landmarks import find_landmark

    landmark = find_landmark(find(performers[1]).character, "nose")
    axes = module("scene.axes")
    along = -axes.to_blender(landmark.frame[:, 2])
    aside = 0.004 * axes.to_blender(landmark.frame[:, 1])
    origin = axes.to_blender(landmark.centre) - 0.3 * along + aside
    press("pick_touch", origin=origin.tolist(), direction=along.tolist())
    assert (touch.pattern, touch.target) == ("poke-nose", "PARTNER")
    assert np.linalg.norm(np.array(touch.offset) - (0, 4)) < 3
    with pytest.raises(RuntimeError, match="no skin of A or B"):
        press("pick_touch", origin=(0, 0, 50), direction=(0, 0, 1))


def test_a_marked_place_stands_in_for_shapes(samples, scene):
    press("mark_place", performer="A", place="nose")
    empty = bpy.context.active_object
    assert empty["duologue_place"] == "nose"
    assert empty.parent == samples.a.armature
    press("mark_place", performer="A", place="nose")
    assert bpy.context.active_object == empty  # there is one
    performer = module("cast.casting").cast_both(samples)[0]
    from duologue.interactions.landmarks import find_landmark

    character = module("interactions.surfaces").surface_of(performer).character
    truth = find_landmark(type(character)(character.armature, character.match, character.mesh), "nose").centre
    away = character.points["nose"] - truth
    assert np.linalg.norm(away) < 0.06, "a likely place"
    samples.a.armature.pose.bones["Head"].rotation_mode = "XYZ"
    samples.a.armature.pose.bones["Head"].rotation_euler = (0.3, 0.2, 0.4)
    bpy.context.view_layer.update()
    performer = module("cast.casting").cast_both(samples)[0]
    again = module("interactions.surfaces").surface_of(performer).character.points["nose"]
    np.testing.assert_allclose(again, character.points["nose"], atol=1e-4)
