# SPDX-License-Identifier: GPL-3.0-or-later
"""Both characters as glTF, FBX or USD, through Blender's own exporters: bodies, faces and the motion of a take's frames.

What is exported is what the scene shows: layers, constraints and tweaks on top of the take are in it. The scene is left as it
was: selection, mode, frame, frame range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy
from duologue.errors import DuologueError
from duologue.files.atomic import replacing

from ..cast.cast import Performer
from ..scene.data import keys_of
from ..scene.paths import as_it_is

if TYPE_CHECKING:
    from bpy.types import Object, Scene


@dataclass(frozen=True)
class Format:
    """A kind of scene file: ``add_on`` is the one of Blender's that writes it, where it is one that can be switched off."""

    name: str
    suffix: str
    operator: Callable[[], Any]
    options: dict[str, Any]
    add_on: str = ""
    bares_faces: bool = False
    """Whether it would lose the shape keys of a mesh with modifiers, by applying them."""

    @property
    def available(self) -> bool:
        """Whether this Blender has the exporter: add-ons may be switched off, and some builds have no USD."""
        try:
            self.operator().get_rna_type()
        except KeyError:
            return False
        return True


FORMATS: Final = {
    "gltf": Format(
        "glTF",
        ".glb",
        lambda: bpy.ops.export_scene.gltf,
        {
            "export_format": "GLB",
            "use_selection": True,
            "export_animations": True,
            # One animation with everything in it: the two stay in step, and a face with its body.
            "export_animation_mode": "SCENE",
            "export_anim_scene_split_object": False,
            "export_force_sampling": True,
            "export_frame_range": True,
            "export_anim_slide_to_zero": True,
            "export_morph": True,
            "export_morph_animation": True,
            "export_cameras": False,
            "export_lights": False,
        },
        "io_scene_gltf2",
    ),
    "fbx": Format(
        "FBX",
        ".fbx",
        lambda: bpy.ops.export_scene.fbx,
        {
            "use_selection": True,
            "object_types": {"ARMATURE", "MESH"},
            "add_leaf_bones": False,
            "bake_anim": True,
            "bake_anim_use_all_bones": True,
            # One animation of the scene's frames, not one for each Action or strip that happens to be in the file.
            "bake_anim_use_nla_strips": False,
            "bake_anim_use_all_actions": False,
            "bake_anim_step": 1.0,
            "bake_anim_simplify_factor": 0.0,
        },
        "io_scene_fbx",
        bares_faces=True,
    ),
    "usd": Format(
        "USD",
        ".usdc",
        lambda: bpy.ops.wm.usd_export,
        {
            "selected_objects_only": True,
            "export_animation": True,
            "export_armatures": True,
            "export_shapekeys": True,
            "export_lights": False,
            "export_cameras": False,
            "convert_world_material": False,
        },
    ),
}


def write(kind: str, path: Path, scene: Scene, performers: Sequence[Performer], frames: tuple[int, int]) -> list[str]:
    """Write both characters, and how they move from the first to the last of ``frames``, as one of ``FORMATS``.

    Returns notes: what is not in the file, in words for the animator.

    Raises:
        DuologueError: FAILED_PRECONDITION ``exporter-missing``, ``not-in-view-layer``; INTERNAL ``export-failed`` with what the
            exporter said; what :func:`duologue.files.atomic.replacing` raises.
    """
    check([kind])
    chosen = FORMATS[kind]
    objects = [ob for performer in performers for ob in (performer.armature, *performer.meshes)]
    notes: list[str] = []
    with replacing(path) as temporary, _only(scene, objects), _range(scene, frames), ExitStack() as stack:
        if chosen.bares_faces:
            notes = [
                f"{name} are not in the {chosen.name}, or its face would be still" for name in _bare(objects, stack)
            ]
        try:
            ended = chosen.operator()(filepath=as_it_is(temporary), check_existing=False, **chosen.options)
        except RuntimeError as error:
            raise DuologueError("INTERNAL", "export-failed", f"Blender's {chosen.name} exporter: {error}") from error
        if "FINISHED" not in ended or not temporary.stat().st_size:
            raise DuologueError(
                "INTERNAL",
                "export-failed",
                f"Blender's {chosen.name} exporter wrote nothing; the console has the details",
            )
    return notes


def _bare(objects: Sequence[Object], until: ExitStack) -> list[str]:
    """Switch the modifiers of meshes with shape keys off, all but their armatures; return what they are."""
    names: list[str] = []
    for ob in objects:
        if ob.type != "MESH" or keys_of(ob) is None:
            continue
        modifiers = [m for m in ob.modifiers if m.type != "ARMATURE" and (m.show_viewport or m.show_render)]
        for modifier in modifiers:
            until.callback(_show, ob.name, modifier.name, modifier.show_viewport, modifier.show_render)
            modifier.show_viewport = modifier.show_render = False
        if modifiers:
            names.append(f"{ob.name}: the modifiers {', '.join(modifier.name for modifier in modifiers)}")
    return names


def _show(name: str, modifier: str, viewport: bool, render: bool) -> None:
    ob = bpy.data.objects[name]
    ob.modifiers[modifier].show_viewport, ob.modifiers[modifier].show_render = viewport, render


@contextmanager
def _range(scene: Scene, frames: tuple[int, int]) -> Iterator[None]:
    """Let the scene have these frames for a while."""
    before = scene.frame_start, scene.frame_end, scene.use_preview_range, scene.frame_current, scene.frame_subframe
    scene.use_preview_range = False
    # The end first where the new range lies after the old one: Blender keeps the start from passing the end.
    scene.frame_end = max(frames[1], scene.frame_start)
    scene.frame_start, scene.frame_end = frames
    try:
        yield
    finally:
        scene.frame_end = max(before[1], scene.frame_start)
        scene.frame_start, scene.frame_end, scene.use_preview_range = before[:3]
        scene.frame_set(before[3], subframe=before[4])


@contextmanager
def _only(scene: Scene, objects: Sequence[Object]) -> Iterator[None]:
    """Have just these objects selected and shown for a while, in object mode. By names: exporters may push undo steps."""
    layer = bpy.context.view_layer
    if absent := [ob.name for ob in objects if ob.name not in layer.objects]:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "not-in-view-layer",
            f"{', '.join(absent[:4])} is not in the view layer {layer.name!r}; tick its collection in the outliner",
        )
    active = layer.objects.active
    mode = active.mode if active is not None else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    selected = [ob.name for ob in layer.objects if ob.select_get()]
    hidden = [(ob.name, ob.hide_get(), ob.hide_viewport, ob.hide_select) for ob in objects]
    for ob in layer.objects:
        ob.select_set(False)
    for ob in objects:
        ob.hide_viewport = ob.hide_select = False
        ob.hide_set(False)
        ob.select_set(True)
    layer.objects.active = objects[0]
    try:
        yield
    finally:
        for name, away, viewport, unselectable in hidden:
            if (ob := layer.objects.get(name)) is not None:
                ob.hide_set(away)
                ob.hide_viewport, ob.hide_select = viewport, unselectable
        for ob in layer.objects:
            ob.select_set(ob.name in selected)
        layer.objects.active = active
        if mode != "OBJECT" and active is not None:
            bpy.ops.object.mode_set(mode=mode)


def file_name(kind: str) -> str:
    """Return what a kind of scene file is called: ``scene.glb``."""
    return f"scene{FORMATS[kind].suffix}"


def check(kinds: Sequence[str]) -> None:
    """Check that this Blender can write these formats, before any work starts.

    Raises:
        DuologueError: FAILED_PRECONDITION ``exporter-missing``.
    """
    for chosen in (FORMATS[kind] for kind in kinds):
        if not chosen.available:
            remedy = "enable its add-on in the preferences" if chosen.add_on else "it was built without it"
            raise DuologueError(
                "FAILED_PRECONDITION",
                "exporter-missing",
                f"this Blender can't write {chosen.name}: {remedy}; or choose another format",
            )
