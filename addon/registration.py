# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender learns of: one explicit list, registered in order and taken back in reverse."""

from __future__ import annotations

import logging
from typing import Any

import bpy

from . import connection, headless, panels, preferences, properties
from .operators import add_sample_pair, cancel, clear, keep, perform, server, timeline

CLASSES = (
    *properties.CLASSES,
    *preferences.CLASSES,
    *add_sample_pair.CLASSES,
    *perform.CLASSES,
    *cancel.CLASSES,
    *keep.CLASSES,
    *clear.CLASSES,
    *server.CLASSES,
    *timeline.CLASSES,
    *panels.CLASSES,
)

_log = logging.getLogger(__name__)
_commands: list[Any] = []


def register() -> None:
    """Register every class, the scene's settings and the command line."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.duologue = bpy.props.PointerProperty(type=properties.DUOLOGUE_PG_settings)
    _commands.append(bpy.utils.register_cli_command("duologue", headless.main))
    connection.register()


def unregister() -> None:
    """Take everything back, in reverse; one failure must not keep the rest registered."""
    connection.unregister()
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    if hasattr(bpy.types.Scene, "duologue"):
        del bpy.types.Scene.duologue
    for cls in reversed(CLASSES):
        try:
            bpy.utils.unregister_class(cls)
        except RuntimeError:
            _log.exception("could not unregister %s", cls.__name__)
