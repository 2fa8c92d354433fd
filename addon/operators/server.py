# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, stop and test the server: the buttons of the preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import preferences
from ..connection import session
from .base import Operator

if TYPE_CHECKING:
    from bpy.types import Context

_WAIT = bpy.props.FloatProperty(
    name="Wait",
    description="Without a window: how many seconds to wait for the answer; 0 returns at once",
    default=0.0,
    min=0.0,
    options={"HIDDEN", "SKIP_SAVE"},
)


class DUOLOGUE_OT_start_server(Operator, bpy.types.Operator):
    """Start the animation server on this computer, or connect to the one that runs; it stops with Blender"""

    bl_idname = "duologue.start_server"
    bl_label = "Start Server"
    wait: _WAIT

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """One server is enough."""
        return "The server that Blender started is running" if session.owns_server else ""

    def run(self, context: Context) -> str:
        """Start or find it."""
        session.open(preferences.target())
        if self.wait:
            session.wait(self.wait)
        return ""


class DUOLOGUE_OT_stop_server(Operator, bpy.types.Operator):
    """Stop the animation server that Blender has started"""

    bl_idname = "duologue.stop_server"
    bl_label = "Stop Server"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Servers that others started are not ours to stop."""
        return "" if session.owns_server else "Blender has started no server"

    def run(self, context: Context) -> str:
        """Stop it and drop the connection."""
        session.close()
        return "The server has stopped"


class DUOLOGUE_OT_test_connection(Operator, bpy.types.Operator):
    """Connect to the server now and say what it answers"""

    bl_idname = "duologue.test_connection"
    bl_label = "Test Connection"
    wait: _WAIT

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """A test would cut the connection of a running take."""
        return "Wait for the take, or cancel it" if session.busy else ""

    def run(self, context: Context) -> str:
        """Connect anew; the answer appears below the button."""
        if not session.owns_server:
            session.close()
        session.open(preferences.target())
        if self.wait:
            session.wait(self.wait)
        return ""


CLASSES = (DUOLOGUE_OT_start_server, DUOLOGUE_OT_stop_server, DUOLOGUE_OT_test_connection)
