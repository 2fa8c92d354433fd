# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo takes every button back; takes live through saving, opening, appending and linking."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest
from states import NOT_HERE, difference, fire, kept, operators, performed, ready, reopen, saved_in, snapshot


@pytest.fixture
def file(ready_to_perform, tmp_path) -> Path:
    """Where a state is saved. The settings are not handed on: opening a file frees them, and pytest prints what tests get."""
    return tmp_path / "state.blend"


@pytest.mark.parametrize("state", [ready, performed, kept], ids=lambda state: state.__name__)
def test_undo_takes_every_button_back(file, state):
    saved_in(state, file)
    undone = 0
    for name, cls in operators().items():
        if name in NOT_HERE or "UNDO" not in getattr(cls, "bl_options", ()):
            continue
        reopen(file, state)
        bpy.ops.ed.undo_push(message="before")
        before = snapshot()
        if fire(name) or snapshot() == before:
            continue
        assert bpy.ops.ed.undo() == {"FINISHED"}, name
        assert difference(before, snapshot()) == [], name
        undone += 1
    assert undone >= 1


# Files ----------------------------------------------------------------------------------------------------------------


def test_a_saved_file_comes_back_with_its_takes(file):
    kept(bpy.context.scene.duologue)
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    before, poses = snapshot(), pose_of("A", 20)
    bpy.ops.wm.open_mainfile(filepath=str(file))
    assert difference(before, snapshot()) == []
    assert pose_of("A", 20) == pytest.approx(poses, abs=1e-6)


@pytest.mark.parametrize("link", [False, True], ids=["append", "link"])
def test_a_scene_appended_or_linked_still_performs(file, link):
    kept(bpy.context.scene.duologue)
    bpy.context.scene.name = "Dialogue"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    poses = pose_of("A", 20)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(file), link=link) as (there, here):
        here.scenes = ["Dialogue"]
        assert there.scenes
    bpy.context.window.scene = bpy.data.scenes["Dialogue"]
    settings = bpy.context.scene.duologue
    assert settings.a.armature is not None
    assert (settings.a.armature.library is not None) == link
    assert pose_of("A", 20) == pytest.approx(poses, abs=1e-6)
    for cls in operators().values():
        cls.poll(bpy.context)
    for name in ("perform", "keep", "clear"):
        told = fire(name)
        assert "A fault of Duologue" not in told, f"{name}: {told}"
        assert told or not link, f"{name} went through on a scene of another file, where nothing can be kept"


def pose_of(letter: str, frame: int) -> list[float]:
    scene = bpy.context.scene
    settings = scene.duologue
    rig = (settings.a if letter == "A" else settings.b).armature
    scene.frame_set(frame)
    evaluated = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return [value for bone in ("Head", "LeftHand") for row in evaluated.pose.bones[bone].matrix for value in row]
