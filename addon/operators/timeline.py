# SPDX-License-Identifier: GPL-3.0-or-later
"""Add and remove lines of a performer's action timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..properties import named_performers, settings_of
from .base import Operator

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_add_change(Operator, bpy.types.Operator):
    """Let this performer do something else from some second on"""

    bl_idname = "duologue.add_change"
    bl_label = "Add Change"
    bl_options = {"REGISTER", "UNDO"}
    performer: bpy.props.EnumProperty(name="Performer", items=[("A", "A", ""), ("B", "B", "")])

    def run(self, context: Context) -> str:
        """Add a line, a second after the last."""
        changes = dict(named_performers(settings_of(context.scene)))[self.performer].changes
        seconds = changes[-1].seconds + 1.0 if changes else 1.0
        change = changes.add()
        change.seconds = seconds
        return ""


class DUOLOGUE_OT_remove_change(Operator, bpy.types.Operator):
    """Remove this line"""

    bl_idname = "duologue.remove_change"
    bl_label = "Remove Change"
    bl_options = {"REGISTER", "UNDO"}
    performer: bpy.props.EnumProperty(name="Performer", items=[("A", "A", ""), ("B", "B", "")])
    index: bpy.props.IntProperty(name="Line", min=0)

    def run(self, context: Context) -> str:
        """Remove the line if it is there."""
        dict(named_performers(settings_of(context.scene)))[self.performer].changes.remove(self.index)
        return ""


CLASSES = (DUOLOGUE_OT_add_change, DUOLOGUE_OT_remove_change)
