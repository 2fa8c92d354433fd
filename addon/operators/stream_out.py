# SPDX-License-Identifier: GPL-3.0-or-later
"""Send Out: tell other programs every frame of the take while it plays, is scrubbed or is being made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..properties import settings_of
from ..session import streaming
from .base import Operator

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_start_sending(Operator, bpy.types.Operator):
    """Send every frame that is shown to the host, A and B to a port each, until it is stopped or another file is loaded"""

    bl_idname = "duologue.start_sending"
    bl_label = "Start Sending"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """It may be on already."""
        return "It is being sent already" if streaming.stream() is not None else ""

    def run(self, context: Context) -> str:
        """Look the host up, then send at every change of the frame."""
        output = settings_of(context.scene).output
        stream = streaming.start(context.scene, output.protocol, output.host, (output.port_a, output.port_b))
        text = _t("Sending to {address}, ports {a} and {b}")
        return text.format(address=stream.target.address, a=output.port_a, b=output.port_b)


class DUOLOGUE_OT_stop_sending(Operator, bpy.types.Operator):
    """End the sending"""

    bl_idname = "duologue.stop_sending"
    bl_label = "Stop Sending"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """It must be on."""
        return "" if streaming.stream() is not None else "Nothing is being sent"

    def run(self, context: Context) -> str:
        """Take the handlers back."""
        streaming.stop()
        return ""


CLASSES = (DUOLOGUE_OT_start_sending, DUOLOGUE_OT_stop_sending)
