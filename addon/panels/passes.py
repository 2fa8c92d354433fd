# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes for video models: which clip, and where to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..properties import settings_of
from .base import Panel

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_PT_passes(Panel, bpy.types.Panel):
    """Passes for video models: which clip, and where to."""

    bl_label = "Passes"
    bl_parent_id = "DUOLOGUE_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """Draw the clip, its size, its camera, its folder and the button."""
        passes = settings_of(context.scene).passes
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        span = column.column(align=True)
        span.prop(passes, "first")
        span.prop(passes, "frames")
        span.prop(passes, "step")
        size = column.column(align=True)
        size.prop(passes, "width")
        size.prop(passes, "height")
        column.prop(passes, "camera")
        column.prop(passes, "folder")
        column.prop(passes, "replace")
        column.operator("duologue.export_passes", icon="RENDER_ANIMATION")


CLASSES = (DUOLOGUE_PT_passes,)
