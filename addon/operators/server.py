# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, stop and test the server: the buttons of the preferences. Its keys are in ``keys.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError

from ..session import diagnostics, servers
from ..session.session import session
from .base import Operator
from .rules import WAIT_FOR_TAKE

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
        return _t("The server that Blender started is running") if session.owns_server else ""

    def run(self, context: Context) -> str:
        """Start or find it."""
        session.open(servers.target())
        if self.wait:
            session.wait(self.wait)
        return ""


class DUOLOGUE_OT_stop_server(Operator, bpy.types.Operator):
    """Stop the animation server that Blender has started; a take that is being made is cancelled"""

    bl_idname = "duologue.stop_server"
    bl_label = "Stop Server"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Servers that others started are not ours to stop."""
        return "" if session.owns_server else _t("Blender has started no server")

    def run(self, context: Context) -> str:
        """Stop it and drop the connection."""
        session.close()
        return _t("The server has stopped")


class DUOLOGUE_OT_test_connection(Operator, bpy.types.Operator):
    """Connect to the server now and say what it answers"""

    bl_idname = "duologue.test_connection"
    bl_label = "Test Connection"
    wait: _WAIT

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """A test would cut the connection of a running take."""
        return WAIT_FOR_TAKE if session.busy else ""

    def run(self, context: Context) -> str:
        """Connect anew; the answer appears below the button."""
        wanted = servers.target()
        if not session.owns_server:
            session.close()
        session.open(wanted)
        if self.wait:
            session.wait(self.wait)
        return ""


class DUOLOGUE_OT_show_log(Operator, bpy.types.Operator):
    """Open the log of the server that Blender started last, in the program that this computer opens text with"""

    bl_idname = "duologue.show_log"
    bl_label = "Show Log"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Only servers that Blender starts write a log here."""
        return "" if diagnostics.log_exists() else _t("Blender has started no server yet, so there is no log")

    def run(self, context: Context) -> str:
        """Open it, and say where it lies for those whose computer has no such program."""
        path = servers.log_file()
        if not path.is_file():
            raise DuologueError("NOT_FOUND", "log-missing", f"{path} is no longer there; start the server again")
        if not bpy.app.background:
            bpy.ops.wm.path_open(filepath=str(path))
        return _t("The log is {path}").format(path=path)


class DUOLOGUE_OT_copy_diagnostics(Operator, bpy.types.Operator):
    """Copy what a bug report needs to the clipboard: versions, the state of the server, the end of its log. No keys, no speech"""

    bl_idname = "duologue.copy_diagnostics"
    bl_label = "Copy Diagnostics"

    def run(self, context: Context) -> str:
        """Copy it; without a clipboard (``blender -b``) it is printed."""
        text = diagnostics.report()
        context.window_manager.clipboard = text
        if bpy.app.background:
            print(text)
        return _t("Copied {lines} lines to the clipboard").format(lines=len(text.splitlines()))


CLASSES = (
    DUOLOGUE_OT_start_server,
    DUOLOGUE_OT_stop_server,
    DUOLOGUE_OT_test_connection,
    DUOLOGUE_OT_show_log,
    DUOLOGUE_OT_copy_diagnostics,
)
