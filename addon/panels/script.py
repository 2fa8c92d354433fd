# SPDX-License-Identifier: GPL-3.0-or-later
"""What they are to each other, how they feel and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..properties import DUOLOGUE_PG_performer, named_performers, settings_of
from .base import Panel, titled

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class DUOLOGUE_PT_script(Panel, bpy.types.Panel):
    """What they are to each other, how they feel and what they do."""

    bl_label = "Script"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw relationship and roles, and each performer's emotion, actions and start."""
        layout = self.layout
        settings = settings_of(context.scene)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "relationship")
        if " / " in settings.relationship:
            column.prop(settings, "casting")
        for name, performer in named_performers(settings):
            column = titled(layout, name)
            column.prop(performer, "emotion")
            column.prop(performer, "action")
            _draw_changes(column, name, performer)
            row = column.row()
            row.use_property_split = False
            row.prop(performer, "use_place")
            if not performer.use_place:
                place = column.column(align=True)
                place.prop(performer, "x", text="Start X")
                place.prop(performer, "y", text="Y")
                place.prop(performer, "heading")


def _draw_changes(layout: UILayout, name: str, performer: DUOLOGUE_PG_performer) -> None:
    for index, change in enumerate(performer.changes):
        row = layout.row(align=True)
        row.use_property_split = False
        row.prop(change, "seconds")
        row.prop(change, "action", text="")
        remove = row.operator("duologue.remove_change", text="", icon="X")
        remove.performer, remove.index = name, index
    row = layout.row()
    row.alignment = "RIGHT"
    row.operator("duologue.add_change", icon="ADD").performer = name


CLASSES = (DUOLOGUE_PT_script,)
