# SPDX-License-Identifier: GPL-3.0-or-later
"""Timeline markers as a script: how they are read, added, and what happens to those that nobody understands."""

from __future__ import annotations

import bpy
import pytest
from scripting import installed, press

from addon.scene.markers import marker_name, read_markers


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("A: sit", ("A", "action", "sit", 1.0)),
        ("b:Walk", ("B", "action", "walk", 1.0)),
        ("A: joy 1.5", ("A", "emotion", "joy", 1.5)),
        ("B: Aesthetic Appreciation 0,5", ("B", "emotion", "aesthetic appreciation", 0.5)),
        ("A: fear 0", ("A", "emotion", "fear", 0.0)),
    ],
)
def test_a_marker_says_who_does_or_feels_what(scene, name, said):
    scene.timeline_markers.new(name, frame=25)
    (cue,), unread = read_markers(scene)
    assert (cue.performer, cue.kind, cue.label, cue.strength) == said
    assert (cue.frame, cue.marker, unread) == (25, name, [])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("A: sti", "did you mean “sit”"),
        ("A: joyy 2", "did you mean “joy”"),
        ("B: sit 2", "takes no strength"),
        ("A: joy 7", "between 0 and 3"),
        ("B: xyzzy", "neither an action nor an emotion"),
        ("A:", "neither"),
    ],
)
def test_a_marker_that_is_meant_but_wrong_is_named_with_the_reason(scene, name, why):
    scene.timeline_markers.new(name, frame=25)
    cues, (unread,) = read_markers(scene)
    assert not cues
    assert unread.marker == name
    assert why in unread.problem


@pytest.mark.parametrize("name", ["Shot 3", "C: sit", "Anna: sit", "AB", ""])
def test_markers_of_others_are_left_alone(scene, name):
    scene.timeline_markers.new(name, frame=25)
    assert read_markers(scene) == ([], [])


def test_what_is_written_is_read_back(scene):
    for name in (marker_name("A", "joy", 1.25), marker_name("B", "stand")):
        scene.timeline_markers.new(name, frame=3)
    assert sorted((cue.performer, cue.label, cue.strength) for cue in read_markers(scene)[0]) == [
        ("A", "joy", 1.25),
        ("B", "stand", 1.0),
    ]


def test_the_menu_adds_one_at_the_current_frame_and_changes_the_one_that_is_there(extension, scene):
    scene.frame_set(30)
    assert press("add_marker", performer="A", label="sit") == {"FINISHED"}
    assert press("add_marker", performer="A", label="joy", strength=1.5) == {"FINISHED"}
    assert press("add_marker", performer="B", label="sit") == {"FINISHED"}
    assert press("add_marker", performer="A", label="walk") == {"FINISHED"}
    assert sorted((marker.frame, marker.name) for marker in scene.timeline_markers) == [
        (30, "A: joy 1.5"),
        (30, "A: walk"),
        (30, "B: sit"),
    ]


def test_markers_are_jumped_to_and_removed(extension, scene):
    scene.timeline_markers.new("A: sit", frame=30)
    scene.timeline_markers.new("A: sit", frame=60)
    press("jump_to", frame=60)
    assert scene.frame_current == 60
    press("remove_marker", marker="A: sit", frame=60)
    press("remove_marker", marker="gone", frame=1)
    assert [marker.frame for marker in scene.timeline_markers] == [30]


def test_markers_are_undone_and_saved(extension, scene, tmp_path):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.duologue.add_marker("EXEC_DEFAULT", True, performer="A", label="sit")
    bpy.ops.ed.undo()
    assert not bpy.context.scene.timeline_markers
    bpy.ops.ed.redo()
    assert [marker.name for marker in bpy.context.scene.timeline_markers] == ["A: sit"]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    cues, _ = installed("scene.markers").read_markers(bpy.context.scene)
    assert [(cue.label, cue.performer) for cue in cues] == [("sit", "A")]
