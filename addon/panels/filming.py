# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras for the chosen take, and chairs for who sits in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .base import Panel, set_options

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_PT_filming(Panel, bpy.types.Panel):
    """Cameras for the chosen take, and chairs for who sits in it."""

    bl_label = "Cameras and Chairs"
    bl_parent_id = "DUOLOGUE_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """Draw a button for each, and one that takes it away."""
        column = self.layout.column(align=True)
        row = column.row(align=True)
        set_options(row.operator("duologue.film", text="Cut", icon="CAMERA_DATA"), how="CUT")
        set_options(row.operator("duologue.film", text="Wide", icon="VIEW_CAMERA"), how="WIDE")
        row.operator("duologue.remove_cameras", text="", icon="X")
        row = column.row(align=True)
        row.operator("duologue.seat", icon="MESH_CUBE")
        row.operator("duologue.remove_chairs", text="", icon="X")


CLASSES = (DUOLOGUE_PT_filming,)
