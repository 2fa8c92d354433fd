# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel: stop the take that is being made; the characters go back to how they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..session.session import session
from .base import Operator

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_cancel(Operator, bpy.types.Operator):
    """Stop the take that is being made; the characters return to how they were before"""

    bl_idname = "duologue.cancel"
    bl_label = "Cancel"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be something to cancel."""
        return "" if session.busy else "No take is being made"

    def run(self, context: Context) -> str:
        """Ask the server to stop."""
        session.cancel()
        return ""


CLASSES = (DUOLOGUE_OT_cancel,)
