# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves Blender: files, and frames while the take plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..properties import settings_of
from ..session import streaming
from .base import Panel, wrap

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

    from ..properties.output import DUOLOGUE_PG_output


class DUOLOGUE_PT_output(Panel, bpy.types.Panel):
    """What leaves Blender: files, and frames while the take plays."""

    bl_label = "Send Out"
    bl_parent_id = "DUOLOGUE_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """Draw the export, then the sending."""
        layout = self.layout
        output = settings_of(context.scene).output
        _draw_export(layout, output)
        layout.separator()
        _draw_sending(layout, output, context)


def _draw_export(layout: UILayout, output: DUOLOGUE_PG_output) -> None:
    column = layout.column()
    column.row(align=True).prop(output, "formats", expand=True)
    column.prop(output, "folder", text="")
    column.prop(output, "replace")
    column.operator("duologue.export", icon="EXPORT")


def _draw_sending(layout: UILayout, output: DUOLOGUE_PG_output, context: Context) -> None:
    stream = streaming.stream()
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    fields = column.column()
    fields.enabled = stream is None
    fields.prop(output, "protocol")
    fields.prop(output, "host")
    ports = fields.column(align=True)
    ports.prop(output, "port_a")
    ports.prop(output, "port_b", text="B")
    if stream is None:
        column.operator("duologue.start_sending", icon="PLAY")
        return
    column.operator("duologue.stop_sending", icon="PAUSE")
    text = _t("{count} frames sent to {address}").format(count=stream.sent, address=stream.target.address)
    wrap(column, stream.problem or text, context, "ERROR" if stream.problem else "INFO", alert=bool(stream.problem))


CLASSES = (DUOLOGUE_PT_output,)
