# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the animation server is: one that Blender starts on this machine, or one that runs elsewhere."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty
from duologue.errors import DuologueError

from . import connection


class DUOLOGUE_AP_preferences(bpy.types.AddonPreferences):
    """The extension's preferences."""

    bl_idname = __package__

    where: EnumProperty(
        name="Server",
        description="What makes the takes",
        items=[
            (
                "LOCAL",
                "This computer",
                "A server on this computer: the one that runs, else one that Blender starts and stops",
            ),
            ("FILE", "Connection file", "A server whose connection file you have: here, or on another machine"),
        ],
    )
    python: StringProperty(
        name="Python",
        description="The Python that has Duologue's backend installed; leave it empty to look for the duologue command",
        subtype="FILE_PATH",
    )
    file: StringProperty(
        name="Connection File",
        description="The file that `duologue serve` writes: address and keys. Keep it to yourself",
        subtype="FILE_PATH",
    )

    def draw(self, _: bpy.types.Context) -> None:
        """Draw the preferences."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.row().prop(self, "where", expand=True)
        if self.where == "FILE":
            layout.prop(self, "file")
        else:
            layout.prop(self, "python")
            hint = layout.column(align=True)
            hint.active = False
            hint.label(text="To make one: run `python3 backend install` in Duologue's folder; it is then .venv there")
            row = layout.row(align=True)
            row.operator("duologue.start_server", icon="PLAY")
            row.operator("duologue.stop_server", icon="CANCEL")
        layout.operator("duologue.test_connection", icon="FILE_REFRESH")
        state = connection.session.server_state()
        row = layout.row()
        row.alert = state.failed
        row.label(text=state.text, icon="ERROR" if state.failed else "INFO")


def preferences() -> DUOLOGUE_AP_preferences:
    """Return the extension's preferences."""
    return bpy.context.preferences.addons[__package__].preferences


def target() -> connection.Target:
    """Return which server the preferences ask for.

    Raises:
        DuologueError: FAILED_PRECONDITION ``connection-file-missing``, ``python-missing``, ``offline``.
    """
    chosen = preferences()
    if chosen.where == "FILE":
        path = Path(bpy.path.abspath(chosen.file)) if chosen.file else None
        if path is None or not path.is_file():
            raise DuologueError(
                "FAILED_PRECONDITION",
                "connection-file-missing",
                "the connection file is not there; choose it in the Duologue preferences",
            )
        return connection.Target(file=path)
    return connection.Target(python=find_python(bpy.path.abspath(chosen.python) if chosen.python else ""))


def find_python(given: str) -> str:
    """Return the Python that has the backend: the one given, else the one that the ``duologue`` command runs in, else "".

    Raises:
        DuologueError: FAILED_PRECONDITION ``python-missing`` when the one given is not there.
    """
    if given:
        if not Path(given).is_file():
            raise DuologueError(
                "FAILED_PRECONDITION",
                "python-missing",
                f"{given} is not a Python; set its path in the Duologue preferences",
            )
        return given
    command = shutil.which("duologue")
    if command is None:
        return ""
    name = "python.exe" if sys.platform == "win32" else "python"
    beside = Path(command).resolve().parent / name
    return str(beside) if beside.is_file() else ""


CLASSES = (DUOLOGUE_AP_preferences,)
