# SPDX-License-Identifier: GPL-3.0-or-later
"""State and the one big button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..briefing import what_is_missing
from ..connection import session
from ..properties import settings_of
from .base import Panel, wrap

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


_ICONS = {
    "IDLE": "RADIOBUT_OFF",
    "CONNECTING": "SORTTIME",
    "RUNNING": "SORTTIME",
    "CANCELLING": "SORTTIME",
    "DONE": "CHECKMARK",
    "CANCELLED": "CANCEL",
    "FAILED": "ERROR",
}


class DUOLOGUE_PT_main(Panel, bpy.types.Panel):
    """State and the one big button."""

    bl_label = "Duologue"

    def draw(self, context: Context) -> None:
        """Draw the state, and Perform or the progress of the take."""
        layout = self.layout
        settings = settings_of(context.scene)
        if session.busy:
            _draw_progress(layout)
            return
        missing = what_is_missing(context, settings)
        row = layout.row()
        row.scale_y = 1.6
        row.operator("duologue.perform", icon="PLAY")
        if missing:
            wrap(layout, missing, context, "INFO")
        elif session.message:
            wrap(layout, session.message, context, _ICONS[session.state], alert=session.state == "FAILED")
        else:
            wrap(layout, "Ready", context, "RADIOBUT_ON")
        for note in session.notes:
            wrap(layout, note, context, "DOT")


def _draw_progress(layout: UILayout) -> None:
    fraction, left = session.fraction(), session.seconds_left()
    text = f"{session.stage} {fraction:.0%}" if fraction else f"{session.stage}…"
    if left is not None:
        text += f", {left:.0f} s left"
    row = layout.row(align=True)
    row.scale_y = 1.6
    row.progress(factor=fraction, type="BAR", text=text)
    row.operator("duologue.cancel", text="", icon="X")


CLASSES = (DUOLOGUE_PT_main,)
