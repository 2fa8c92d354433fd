# SPDX-License-Identifier: GPL-3.0-or-later
"""What every operator of ours shares: a grey button says why it is grey, and nothing that goes wrong goes wrong in silence."""

from __future__ import annotations

import sys
import textwrap
import traceback
from typing import TYPE_CHECKING, Literal

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError

if TYPE_CHECKING:
    from bpy.types import Context

Result = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]
"""What Blender is told of how an operator went."""


class Operator(bpy.types.Operator if TYPE_CHECKING else object):
    """Mix this into ``bpy.types.Operator``: implement ``run`` and, where it can't always run, ``disabled_reason``."""

    def __init_subclass__(cls, **rest: object) -> None:
        """Make the docstring the tooltip, also where it has two lines: Blender would show the indentation too."""
        super().__init_subclass__(**rest)
        cls.bl_description = " ".join((cls.__doc__ or "").split())

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Return why the button is grey, as a sentence that says what to do, or nothing."""
        return ""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Blender's question whether the button may be pressed."""
        reason = cls.disabled_reason(context) or _linked(cls, context)
        if reason:
            cls.poll_message_set(_t(reason))
        return not reason

    def execute(self, context: Context) -> Result:
        """Run, and turn errors into messages with a reason; CANCELLED never comes without one."""
        try:
            message = self.run(context)
        except DuologueError as error:
            self.report({"ERROR"}, folded(str(error)))
            return {"CANCELLED"}
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            fault = f"A fault of Duologue: {type(error).__name__}: {error}. The console has the details"
            self.report({"ERROR"}, folded(fault))
            return {"CANCELLED"}
        if message:
            self.report({"INFO"}, _t(message))
        return {"FINISHED"}

    def run(self, context: Context) -> str:
        """Do the work; return a line for the status bar, or nothing."""
        raise NotImplementedError


def _linked(cls: type, context: Context) -> str:
    """Return why what changes a scene can't be done in one that another file owns: it would be gone when this one is saved."""
    library = context.scene.library if "UNDO" in getattr(cls, "bl_options", ()) else None
    if library is None:
        return ""
    return _t("This scene is linked from {file}: open that file, or append the scene").format(file=library.name)


def folded(message: str) -> str:
    """Return a message in lines that fit into Blender's pop-up, which cuts off longer ones; without a window as it is."""
    return message if bpy.app.background else textwrap.fill(message, 90, break_long_words=False)
