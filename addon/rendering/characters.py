# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody's character out of a file of theirs, as arrays in a file of ours: for evaluations outside of Blender."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from duologue.errors import DuologueError
from duologue.interactions.character_file import save_character

from ..cast.cast import cast
from ..interactions.surfaces import surface_of
from ..scene import armatures
from ..scene.files import open_blend
from ..scene.paths import as_it_is

if TYPE_CHECKING:
    from bpy.types import Object


def write(source: Path, path: Path, name: str, emit: Callable[..., None]) -> list[str]:
    """Open a .blend, its scripts disabled, or import a .glb, .gltf or .fbx, and write the character of its armature.

    ``name``: the armature's; by default the one that most bones have.

    Raises:
        DuologueError: what ``open_blend``, ``cast`` and ``surface_of`` raise; NOT_FOUND ``armature-not-found``.
    """
    emit("progress", stage="character", done=0, total=1)
    _open(source)
    bpy.context.view_layer.update()
    save_character(path, surface_of(cast(source.stem, _armature(name))).character)
    emit("progress", stage="character", done=1, total=1)
    return [path.name]


def _open(source: Path) -> None:
    kind = source.suffix.lower()
    if kind not in {".glb", ".gltf", ".fbx"}:
        open_blend(source, scripts=False)
        return
    if not source.is_file():
        raise DuologueError("NOT_FOUND", "file-not-found", f"{source} does not exist; give the character's path")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bring = bpy.ops.import_scene.fbx if kind == ".fbx" else bpy.ops.import_scene.gltf
    try:
        bring(filepath=as_it_is(source.resolve()))
    except RuntimeError as error:
        raise DuologueError("DATA_LOSS", "blend-unreadable", f"Blender can't import {source}: {error}") from error


def _armature(name: str) -> Object:
    found = [ob for ob in bpy.context.scene.objects if ob.type == "ARMATURE" and name in ("", ob.name)]
    if not found:
        what = f"no armature called {name!r}" if name else "no armature"
        raise DuologueError("NOT_FOUND", "armature-not-found", f"there is {what} in the file; give its name")
    return max(found, key=lambda ob: len(armatures.read_rig(ob).names))
