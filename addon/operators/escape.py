# SPDX-License-Identifier: GPL-3.0-or-later
"""Escape: while a take is made, the key cancels it. A shell only: what is made runs from a timer, with this or without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..session.session import session
from .base import Result

if TYPE_CHECKING:
    from bpy.types import Context, Event


class DUOLOGUE_OT_escape(bpy.types.Operator):
    """Let Esc cancel the take that is being made; started by the buttons that make one"""

    bl_idname = "duologue.escape"
    bl_label = "Cancel with Esc"
    bl_options = {"INTERNAL"}

    def invoke(self, context: Context, _: Event) -> Result:
        """Begin to listen."""
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, _: Context, event: Event) -> Result:
        """Leave every event but Esc to Blender, and stop when the take is made."""
        if not session.busy:
            return {"FINISHED"}
        if event.type == "ESC" and event.value == "PRESS":
            session.cancel()
            return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}


def let_escape_cancel(context: Context) -> None:
    """Let Esc cancel what is being made, where there is a window to press it in."""
    if not bpy.app.background and context.window is not None:
        getattr(bpy.ops, "duologue").escape("INVOKE_DEFAULT")  # noqa: B009 - registered by us


CLASSES = (DUOLOGUE_OT_escape,)
