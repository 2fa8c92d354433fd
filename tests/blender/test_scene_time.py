# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a take lies on the timeline: from the scene's first frame on, and at the right moments under time remapping."""

from __future__ import annotations

import sys
from argparse import Namespace

import bpy
import numpy as np
import pytest
from conftest import MODULE
from duologue.errors import DuologueError
from examples import example_take

from addon.headless import parser
from addon.rendering import shot


def module(name: str):
    return sys.modules[f"{MODULE}.{name}"]


def hips(armature) -> np.ndarray:
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array(evaluated.matrix_world @ evaluated.pose.bones["Hips"].matrix)


def at(scene, armature, seconds: float) -> np.ndarray:
    """Where the hips are so long after the take's beginning, by the scene's own clock."""
    frame = scene.duologue.begin + seconds * scene.render.fps / scene.render.fps_base
    scene.frame_set(int(frame), subframe=frame % 1.0)
    return hips(armature)


MOMENTS = (0.0, 0.4, 1.0, 1.3)


@pytest.fixture
def written(performed, scene):
    """A scene with a take of 1.5 s in the list, and where the hips are at some moments of it."""
    return performed, [at(scene, performed.a.armature, seconds) for seconds in MOMENTS]


def assert_same(scene, settings, wanted, *, shift: float = 0.0) -> None:
    for seconds, place in zip(MOMENTS, wanted, strict=True):
        np.testing.assert_allclose(at(scene, settings.a.armature, seconds + shift), place, atol=2e-4)


@pytest.mark.parametrize(("old", "new"), [(100, 200), (100, 50), (100, 130)])
def test_a_take_is_at_the_right_moments_under_time_remapping(written, scene, old, new):
    settings, wanted = written
    scene.render.frame_map_old, scene.render.frame_map_new = old, new
    assert bpy.ops.duologue.perform("EXEC_DEFAULT", True, wait=60) == {"FINISHED"}
    assert_same(scene, settings, wanted)
    entry = settings.takes[settings.active_take]
    assert module("takes.curves").begin_of(entry) == pytest.approx(settings.begin)
    bpy.ops.duologue.write_take("EXEC_DEFAULT")  # anew, from its file
    assert_same(scene, settings, wanted)
    bpy.ops.duologue.keep("EXEC_DEFAULT")
    assert module("takes.curves").begin_of(entry) == pytest.approx(settings.begin)
    assert_same(scene, settings, wanted)
    bpy.ops.duologue.bake("EXEC_DEFAULT")
    assert_same(scene, settings, wanted)


def test_a_strip_that_is_moved_takes_its_take_along_under_time_remapping(written, scene):
    settings, wanted = written
    scene.render.frame_map_new = 200
    bpy.ops.duologue.lay_strips("EXEC_DEFAULT")
    assert bpy.ops.duologue.perform("EXEC_DEFAULT", True, wait=60) == {"FINISHED"}
    follow = module("takes.follow")
    follow.follow(bpy.context)
    for name in ("Duologue A", "Duologue B"):
        module("scene.compat").move_strip(scene.sequence_editor.strips[name], 30)
    follow.follow(bpy.context)
    assert settings.begin == 31
    assert_same(scene, settings, wanted)


def test_a_take_begins_where_the_scene_does_until_another_frame_is_asked_for(ready_to_perform, scene):
    settings = ready_to_perform
    scene.frame_start, scene.frame_end = 1001, 1100
    assert settings.begin == 1001
    assert bpy.ops.duologue.perform("EXEC_DEFAULT", True, wait=60) == {"FINISHED"}
    entry = settings.takes[0]
    assert entry.first_frame == 1001
    assert module("takes.curves").begin_of(entry) == 1001
    assert settings.a.armature.animation_data.action.frame_range[0] == 1001
    scene.frame_start = 1020  # to look at a part of it
    assert settings.begin == 1001
    settings.first_frame = 50
    assert settings.begin == 50
    assert bpy.ops.duologue.perform("EXEC_DEFAULT", True, wait=60) == {"FINISHED"}
    assert settings.takes[1].first_frame == 50


def rendered(tmp_path, scene, *options: str):
    """What `headless render` leaves of a take in the scene at hand, without a picture."""
    example_take(30).save(tmp_path / "take.safetensors")
    blend = tmp_path / "set.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    line = ["render", str(tmp_path / "take.safetensors"), "--out", str(tmp_path / "out"), "--blend", str(blend)]
    shot.render(parser().parse_args([*line, "--no-preview", *options]), lambda *_, **__: None)
    return bpy.context.scene


def begins(scene) -> set[float]:
    taken = [ob.animation_data.action for ob in scene.objects if ob.type == "ARMATURE"]
    return {action.frame_range[0] for action in taken}


@pytest.mark.parametrize(("options", "first"), [((), 1001), (("--first-frame", "1010"), 1010)])
def test_a_render_begins_where_the_set_does_or_where_asked(pair, scene, tmp_path, options, first):
    scene.frame_start, scene.frame_end = 1001, 1100
    done = rendered(tmp_path, scene, *options)
    assert begins(done) == {first}
    assert (done.frame_start, done.frame_end) == (first, first + 29)


def test_a_frame_that_blender_does_not_have_is_refused_by_name(pair, scene, tmp_path):
    with pytest.raises(DuologueError, match="begins at 0") as error:
        rendered(tmp_path, scene, "--first-frame=-5")
    assert error.value.reason == "first-frame"


def test_a_render_under_time_remapping_is_at_the_right_moments(pair, scene, tmp_path):
    plain = rendered(tmp_path, scene)
    plain.frame_set(16)
    wanted = [hips(ob) for ob in plain.objects if ob.type == "ARMATURE"]
    plain.render.frame_map_new = 200
    done = rendered(tmp_path, plain)
    done.frame_set(16)
    shown = [hips(ob) for ob in done.objects if ob.type == "ARMATURE"]
    np.testing.assert_allclose(shown, wanted, atol=1e-5)


def test_the_sample_pair_begins_at_1_or_where_asked(tmp_path):
    example_take(5).save(tmp_path / "take.safetensors")
    for options, first in (([], 1), (["--first-frame", "101"], 101)):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        line = ["render", str(tmp_path / "take.safetensors"), "--out", str(tmp_path / "out"), "--no-preview", *options]
        parsed: Namespace = parser().parse_args(line)
        shot.render(parsed, lambda *_, **__: None)
        assert (bpy.context.scene.frame_start, begins(bpy.context.scene)) == (first, {first})
