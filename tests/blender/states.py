# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operator that is registered, the states a file can be in, and all of a file that a button may change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from conftest import MODULE

NOT_HERE = {
    # started and stopped in test_preferences.py; here they would start the real models once for each state
    "start_server",
    "stop_server",
}
WITHOUT_A_BUTTON = {"escape"}
"""Run by others, in a window: what listens for Esc while a take is made (tests/ui)."""


def operators() -> dict[str, type]:
    classes = sys.modules[f"{MODULE}.registration"].CLASSES
    return {
        cls.bl_idname.removeprefix("duologue."): cls
        for cls in classes
        if issubclass(cls, bpy.types.Operator) and cls.bl_idname.startswith("duologue.")
        if cls.bl_idname.removeprefix("duologue.") not in WITHOUT_A_BUTTON
    }


def session():
    return sys.modules[f"{MODULE}.session.session"].session


def empty(settings: Any) -> None:
    for ob in list(bpy.data.objects):
        bpy.data.objects.remove(ob)


def silent(settings: Any) -> None:
    for performer in settings.performers():
        performer.file = ""


def performed(settings: Any) -> None:
    bpy.ops.duologue.perform("EXEC_DEFAULT", wait=60)


def kept(settings: Any) -> None:
    performed(settings)
    bpy.ops.duologue.keep("EXEC_DEFAULT")


def orphaned(settings: Any) -> None:
    performed(settings)
    bpy.data.objects.remove(settings.a.armature)


def without_the_files(settings: Any) -> None:
    performed(settings)
    folder = Path(bpy.utils.extension_path_user(MODULE, path="takes"))
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()


def in_edit_mode(settings: Any) -> None:
    performed(settings)
    bpy.context.view_layer.objects.active = settings.a.armature
    bpy.ops.object.mode_set(mode="EDIT")


def in_pose_mode(settings: Any) -> None:
    performed(settings)
    bpy.context.view_layer.objects.active = settings.b.armature
    bpy.ops.object.mode_set(mode="POSE")


def ready(settings: Any) -> None:
    pass


STATES: tuple[Callable[[Any], None], ...] = (
    empty, silent, ready, performed, kept, orphaned, without_the_files, in_edit_mode, in_pose_mode,
)  # fmt: skip


def saved_in(state: Callable[[Any], None], file: Path) -> None:
    state(bpy.context.scene.duologue)
    bpy.ops.wm.save_as_mainfile(filepath=str(file), check_existing=False)


def reopen(file: Path, state: Callable[[Any], None]) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(file))
    if state is in_edit_mode and bpy.context.mode != "EDIT_ARMATURE":
        bpy.context.view_layer.objects.active = bpy.context.scene.duologue.a.armature
        bpy.ops.object.mode_set(mode="EDIT")


def fire(name: str) -> str:
    """Press a button; return the error that it told, or nothing. Waits for what it began."""
    try:
        getattr(bpy.ops.duologue, name)("EXEC_DEFAULT", True)
        told = ""
    except RuntimeError as error:
        told = str(error)
    until = time.monotonic() + 30
    while session().pump() and time.monotonic() < until:
        time.sleep(0.01)
    assert not session().busy, name
    return told


# What can be seen of a file -------------------------------------------------------------------------------------------


def snapshot() -> dict[str, Any]:
    """Everything that a button of ours may change in a file."""
    scene = bpy.context.scene
    seen: dict[str, Any] = {"settings": _settings(scene.duologue)}
    seen["markers"] = [(marker.name, marker.frame) for marker in scene.timeline_markers]
    seen["range"] = (scene.frame_start, scene.frame_end)
    for kind in ("objects", "actions", "collections", "texts", "shape_keys", "armatures"):
        seen[kind] = sorted(data.name for data in getattr(bpy.data, kind))
    for data in (*bpy.data.objects, *bpy.data.shape_keys):
        animation = data.animation_data
        if animation is None:
            continue
        tracks = [
            (
                track.name,
                track.mute,
                [(strip.name, strip.frame_start, strip.frame_end, strip.influence) for strip in track.strips],
            )
            for track in animation.nla_tracks
        ]
        seen[f"animation of {data.name}"] = (animation.action and animation.action.name, tracks)
    for ob in bpy.data.objects:
        seen[f"place of {ob.name}"] = [round(value, 5) for row in ob.matrix_basis for value in row]
        seen[f"constraints of {ob.name}"] = [item.name for item in ob.constraints]
    editor = scene.sequence_editor
    seen["strips"] = sorted(strip.name for strip in editor.strips) if editor else []
    return seen


def _settings(group: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for prop in group.bl_rna.properties:
        if prop.identifier in {"rna_type", "name"}:
            continue
        value = getattr(group, prop.identifier)
        if prop.type == "COLLECTION":
            value = [_settings(item) for item in value]
        elif prop.type == "POINTER":
            value = getattr(value, "name", None) if isinstance(value, bpy.types.ID | None) else _settings(value)
        elif getattr(prop, "is_array", False):
            value = tuple(value)
        values[prop.identifier] = value
    return values


def difference(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    return [f"{key}: {a.get(key)} != {b.get(key)}" for key in sorted({*a, *b}) if a.get(key) != b.get(key)]
