# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of a mapping: save what was corrected, take one, delete one, and go back to what is recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS
from duologue.rigs import presets

from .. import user_maps
from ..cast.recognition import cast_performer, recognise
from ..properties import DUOLOGUE_PG_performer, settings_of
from ..properties.mapping import corrections_of, refreshing
from .base import Operator, Result

if TYPE_CHECKING:
    from bpy.types import Context, Event


def _performer_property() -> object:
    return bpy.props.EnumProperty(
        name="Performer",
        description="Whose character it is",
        items=[(name, name, "") for name in PERFORMERS],
        options={"HIDDEN", "SKIP_SAVE"},
    )


def _of(context: Context, name: str) -> DUOLOGUE_PG_performer:
    return settings_of(context.scene).performers()[PERFORMERS.index(name)]


def _names(_: object, __: Context, typed: str) -> list[str]:
    return [name for name in user_maps.library().names if typed.casefold() in name.casefold()]


class DUOLOGUE_OT_save_preset(Operator, bpy.types.Operator):
    """Save this character's mapping, body and face, under a name: characters with the same bones are then recognised by it"""

    bl_idname = "duologue.save_preset"
    bl_label = "Save Preset"
    bl_options = {"REGISTER"}

    performer: _performer_property()
    name: bpy.props.StringProperty(
        name="Name", description="The preset's name; one that is there is replaced", search=_names
    )

    def invoke(self, context: Context, event: Event) -> Result:
        """Ask for the name."""
        armature = _of(context, self.performer).armature
        self.name = armature.name if armature is not None else ""
        return context.window_manager.invoke_props_dialog(self)

    def run(self, context: Context) -> str:
        """Write the files, and take the preset in place of the corrections."""
        performer = _of(context, self.performer)
        character = cast_performer(self.performer, performer)
        folder = user_maps.folder(create=True)
        if folder is None:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "no-extension",
                "presets need Duologue to be installed as an extension of Blender",
            )
        presets.save(folder, self.name, character.match, [face.match for face in character.faces])
        _take(performer, self.name)
        return _t("Saved the preset {name}").format(name=self.name)


class DUOLOGUE_OT_load_preset(Operator, bpy.types.Operator):
    """Take a saved mapping for this character, in place of its corrections"""

    bl_idname = "duologue.load_preset"
    bl_label = "Load Preset"
    bl_options = {"REGISTER", "UNDO"}

    performer: _performer_property()
    name: bpy.props.StringProperty(name="Name", description="The preset to take", options={"SKIP_SAVE"})

    def run(self, context: Context) -> str:
        """Choose the preset's maps for body and faces."""
        performer = _of(context, self.performer)
        if performer.armature is None:
            raise DuologueError("FAILED_PRECONDITION", "cast-missing", f"choose an armature for {self.performer} first")
        if self.name not in user_maps.library().names:
            raise DuologueError("NOT_FOUND", "preset-missing", f"there is no preset {self.name!r}")
        _take(performer, self.name)
        return performer.problem


class DUOLOGUE_OT_delete_preset(Operator, bpy.types.Operator):
    """Delete a saved mapping; characters that use it are recognised anew"""

    bl_idname = "duologue.delete_preset"
    bl_label = "Delete Preset"
    bl_options = {"REGISTER"}

    name: bpy.props.StringProperty(name="Name", description="The preset to delete", options={"SKIP_SAVE"})

    def invoke(self, context: Context, event: Event) -> Result:
        """Ask once more: undo does not bring files back."""
        return context.window_manager.invoke_confirm(self, event)

    def run(self, context: Context) -> str:
        """Delete the files, and let go of the preset in every scene."""
        folder = user_maps.folder()
        if folder is None or not presets.delete(folder, self.name):
            raise DuologueError("NOT_FOUND", "preset-missing", f"there is no preset {self.name!r}")
        for scene in bpy.data.scenes:
            for performer in settings_of(scene).performers():
                with refreshing():
                    if performer.rig_map == self.name:
                        performer.rig_map = ""
                    for face in performer.faces:
                        if face.shape_map == self.name:
                            face.shape_map = ""
                            face.rows.clear()
                recognise(performer)
        return _t("Deleted the preset {name}").format(name=self.name)


class DUOLOGUE_OT_reset_mapping(Operator, bpy.types.Operator):
    """Forget all corrections of this character's mapping and recognise it by itself"""

    bl_idname = "duologue.reset_mapping"
    bl_label = "Recognise Anew"
    bl_options = {"REGISTER", "UNDO"}

    performer: _performer_property()

    def run(self, context: Context) -> str:
        """Clear both tables and the chosen maps."""
        performer = _of(context, self.performer)
        count = len(corrections_of(performer.joints)) + sum(len(corrections_of(f.rows)) for f in performer.faces)
        with refreshing():
            performer.rig_map = ""
            performer.joints.clear()
            performer.faces.clear()
        recognise(performer)
        return _t("{count} corrections forgotten").format(count=count)


def _take(performer: DUOLOGUE_PG_performer, name: str) -> None:
    """Choose a preset's maps where it has them, and drop corrections: they are in it, or meant something else."""
    own = user_maps.library()
    with refreshing():
        if any(rig_map.name == name for rig_map in own.rig_maps):
            performer.rig_map = name
            performer.joints.clear()
        if any(shape_map.name == name for shape_map in own.shape_maps):
            for face in performer.faces:
                if face.use:
                    face.shape_map = name
                    face.rows.clear()
    recognise(performer)


CLASSES = (
    DUOLOGUE_OT_save_preset,
    DUOLOGUE_OT_load_preset,
    DUOLOGUE_OT_delete_preset,
    DUOLOGUE_OT_reset_mapping,
)
