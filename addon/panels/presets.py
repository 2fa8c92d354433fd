# SPDX-License-Identifier: GPL-3.0-or-later
"""The menus of saved mappings, behind the button of a body's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import user_maps
from .base import Menu, set_options

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_MT_presets(Menu, bpy.types.Menu):
    """Saved mappings."""

    bl_label = "Presets"

    def draw(self, context: Context) -> None:
        """List the presets twice: to take, and to delete."""
        performer = getattr(context, "duologue_performer")  # noqa: B009 - set by who opens the menu; Blender's types don't know it
        name = performer.path_from_id()[-1].upper()
        names = user_maps.library().names
        for preset in names:
            icon = "CHECKMARK" if preset == performer.rig_map else "NONE"
            button = self.layout.operator("duologue.load_preset", text=preset, translate=False, icon=icon)
            set_options(button, performer=name, name=preset)
        if not names:
            self.layout.label(text="No presets yet")
        self.layout.separator()
        set_options(self.layout.operator("duologue.save_preset", icon="FILE_TICK"), performer=name)
        set_options(self.layout.operator("duologue.reset_mapping", icon="FILE_REFRESH"), performer=name)
        if names:
            self.layout.separator()
            self.layout.menu("DUOLOGUE_MT_delete_presets", icon="TRASH")


class DUOLOGUE_MT_delete_presets(Menu, bpy.types.Menu):
    """Saved mappings, to delete."""

    bl_label = "Delete Preset"

    def draw(self, context: Context) -> None:
        """List them."""
        for preset in user_maps.library().names:
            set_options(
                self.layout.operator("duologue.delete_preset", text=preset, translate=False, icon="TRASH"), name=preset
            )


CLASSES = (DUOLOGUE_MT_presets, DUOLOGUE_MT_delete_presets)
