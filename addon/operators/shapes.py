# SPDX-License-Identifier: GPL-3.0-or-later
"""Add and remove a shape of the face that is made stronger or shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .base import Operator
from .markers import PERFORMER
from .targets import performer_of

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_add_shape(Operator, bpy.types.Operator):
    """Make one more shape of this performer's face stronger, weaker or shifted"""

    bl_idname = "duologue.add_shape"
    bl_label = "Add Shape"
    bl_options = {"REGISTER", "UNDO"}
    performer: bpy.props.EnumProperty(name="Performer", description="Whose face", items=PERFORMER)

    def run(self, context: Context) -> str:
        """Add a line."""
        performer_of(context, self.performer).expression.shapes.add()
        return ""


class DUOLOGUE_OT_remove_shape(Operator, bpy.types.Operator):
    """Leave this shape as it is made"""

    bl_idname = "duologue.remove_shape"
    bl_label = "Remove Shape"
    bl_options = {"REGISTER", "UNDO"}
    performer: bpy.props.EnumProperty(name="Performer", description="Whose face", items=PERFORMER)
    index: bpy.props.IntProperty(name="Line", description="Which line, counted from 0", min=0)

    def run(self, context: Context) -> str:
        """Remove the line, if it is there."""
        performer_of(context, self.performer).expression.shapes.remove(self.index)
        return ""


CLASSES = (DUOLOGUE_OT_add_shape, DUOLOGUE_OT_remove_shape)
