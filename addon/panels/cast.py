# SPDX-License-Identifier: GPL-3.0-or-later
"""Who plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..cast.fixes import FIXES
from ..properties import DUOLOGUE_PG_performer, named_performers, settings_of
from . import mapping
from .base import Panel, set_options, titled, wrap

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

_ICONS = {"ERROR": "ERROR", "WARNING": "ERROR", "INFO": "INFO"}


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
            row = column.row(align=True)
            row.prop(performer, "armature", icon="ARMATURE_DATA")
            set_options(row.operator("duologue.cast_selected", text="", icon="RESTRICT_SELECT_OFF"), performer=name)
            column.prop(performer, "face", icon="SHAPEKEY_DATA")
            if performer.problem:
                wrap(column, performer.problem, context, "ERROR", alert=True)
            lines = performer.found.splitlines()
            for line in lines[:1] if len(performer.faces) else lines:  # each face has a line of its own below
                wrap(column, line, context, "CHECKMARK")
            _draw_findings(column, name, performer, context)
            if performer.armature is not None:
                column.use_property_split = False
                mapping.draw_bones(column, name, performer)
                mapping.draw_faces(column, name, performer)
        row = layout.row(align=True)
        set_options(row.operator("duologue.cast_selected", icon="RESTRICT_SELECT_OFF"), performer="BOTH")
        row.operator("duologue.check_cast", icon="VIEWZOOM")
        layout.operator("duologue.add_sample_pair", icon="COMMUNITY")


def _draw_findings(layout: UILayout, name: str, performer: DUOLOGUE_PG_performer, context: Context) -> None:
    """Draw what is wrong, each with its button where there is one."""
    for item in performer.findings:
        if not (performer.problem and item.code == "scale"):  # then the problem says so already
            wrap(layout, item.text, context, _ICONS[item.severity], alert=item.severity == "ERROR")
        if item.code in FIXES:
            row = layout.row()
            row.use_property_split = False
            fix = row.operator("duologue.fix_cast", text=FIXES[item.code].label, icon="TOOL_SETTINGS")
            set_options(fix, performer=name, code=item.code, about=item.about)


CLASSES = (DUOLOGUE_PT_cast,)
