# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do with a take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..properties import settings_of
from .base import Panel

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_PT_take(Panel, bpy.types.Panel):
    """What to do with a take."""

    bl_label = "Take"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw seed, steps, Keep and Clear."""
        layout = self.layout
        settings = settings_of(context.scene)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "seed")
        column.prop(settings, "steps")
        row = layout.row(align=True)
        row.operator("duologue.keep", icon="NLA_PUSHDOWN")
        row.operator("duologue.clear", icon="TRASH")


CLASSES = (DUOLOGUE_PT_take,)
