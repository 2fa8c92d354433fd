# SPDX-License-Identifier: GPL-3.0-or-later
"""What every operator of ours shares: a grey button says why it is grey, and nothing that goes wrong goes wrong in silence."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

from duologue.errors import DuologueError

if TYPE_CHECKING:
    from bpy.types import Context


class Operator:
    """Mix this into ``bpy.types.Operator``: implement ``run`` and, where it can't always run, ``disabled_reason``."""

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Return why the button is grey, as a sentence that says what to do, or nothing."""
        return ""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Blender's question whether the button may be pressed."""
        reason = cls.disabled_reason(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: Context) -> set[str]:
        """Run, and turn errors into messages with a reason; CANCELLED never comes without one."""
        try:
            message = self.run(context)
        except DuologueError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self.report({"ERROR"}, f"A fault of Duologue: {type(error).__name__}: {error}. The console has the details")
            return {"CANCELLED"}
        if message:
            self.report({"INFO"}, message)
        return {"FINISHED"}

    def run(self, context: Context) -> str:
        """Do the work; return a line for the status bar, or nothing."""
        raise NotImplementedError
