# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators whose work takes a while: a step at a time from a button, so that Esc ends it, and at once from a script."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar

from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError

from .base import Operator, Result, folded

if TYPE_CHECKING:
    from bpy.types import Context, Event, Timer

Made = TypeVar("Made")
Steps = Generator[tuple[str, float], None, Made]
"""Yields what the status bar says, or nothing, and how much is done, 0 to 1; closing it puts back what is half done."""

_TICK = 0.01
"""Seconds until it goes on, once the window is drawn."""
_AT_ONCE = 0.1
"""Seconds of work between two looks at window and keyboard: a heavy scene may take as long to draw."""


class SteppingOperator(Operator):
    """Mix this into ``bpy.types.Operator``: implement ``begin``, ``finish`` and ``stopped``.

    Not generic in what is made: a registered class with a generic base hangs Blender 4.5 as it ends.
    """

    def begin(self, context: Context) -> Steps[Any]:
        """Check what there is to check, and return the steps."""
        raise NotImplementedError

    def finish(self, context: Context, made: Any) -> str:
        """Tell what was made; return a line for the status bar."""
        raise NotImplementedError

    def stopped(self) -> str:
        """Return, translated, what there is once Esc has ended it."""
        raise NotImplementedError

    def run(self, context: Context) -> str:
        """Do it at once: from a script."""
        steps = self.begin(context)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return self.finish(context, end.value)

    def invoke(self, context: Context, _: Event) -> Result:
        """Do it step by step: from a button."""
        try:
            self._steps = self.begin(context)
        except DuologueError as error:
            self.report({"ERROR"}, folded(str(error)))
            return {"CANCELLED"}
        self._timer: Timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.progress_begin(0, 100)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> Result:
        """Take some steps, or end with Esc."""
        if event.type == "ESC" and event.value == "PRESS":
            self._end(context)
            self.report({"WARNING"}, self.stopped())
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        until = time.monotonic() + _AT_ONCE
        try:
            said, share = next(self._steps)
            while time.monotonic() < until:
                said, share = next(self._steps)
        except StopIteration as end:
            self._end(context)
            self.report({"INFO"}, _t(self.finish(context, end.value)))
            return {"FINISHED"}
        except DuologueError as error:
            self._end(context)
            self.report({"ERROR"}, folded(str(error)))
            return {"CANCELLED"}
        except BaseException:
            self._end(context)
            raise
        context.window_manager.progress_update(100 * share)
        if said and context.workspace is not None:
            context.workspace.status_text_set(said)
        return {"RUNNING_MODAL"}

    def _end(self, context: Context) -> None:
        self._steps.close()
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        if context.workspace is not None:
            context.workspace.status_text_set(None)
