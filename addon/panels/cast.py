# SPDX-License-Identifier: GPL-3.0-or-later
"""Who plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..properties import named_performers, settings_of
from .base import Panel, titled, wrap

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_PT_cast(Panel, bpy.types.Panel):
    """Who plays."""

    bl_label = "Cast"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw both performers' characters."""
        layout = self.layout
        settings = settings_of(context.scene)
        for name, performer in named_performers(settings):
            column = titled(layout, name)
            column.prop(performer, "armature", icon="ARMATURE_DATA")
            column.prop(performer, "face", icon="SHAPEKEY_DATA")
            if performer.problem:
                wrap(column, performer.problem, context, "ERROR", alert=True)
            for line in performer.found.splitlines():
                wrap(column, line, context, "CHECKMARK")
        layout.operator("duologue.add_sample_pair", icon="COMMUNITY")


CLASSES = (DUOLOGUE_PT_cast,)
