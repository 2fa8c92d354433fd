# SPDX-License-Identifier: GPL-3.0-or-later
"""What they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..properties import named_performers, settings_of
from ..scene import compat
from .base import Panel, titled

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_PT_speech(Panel, bpy.types.Panel):
    """What they say."""

    bl_label = "Speech"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw both performers' sound."""
        layout = self.layout
        settings = settings_of(context.scene)
        editor = compat.sequencer_scene(context).sequence_editor
        for name, performer in named_performers(settings):
            column = titled(layout, name)
            column.row().prop(performer, "source", expand=True)
            if performer.source == "FILE":
                column.prop(performer, "file")
                column.prop(performer, "channel")
            elif editor is not None:
                column.prop_search(performer, "strip", editor, "strips", icon="SOUND")
            else:
                column.label(text="No sound in the sequencer", icon="INFO")
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "first_frame")


CLASSES = (DUOLOGUE_PT_speech,)
