# SPDX-License-Identifier: GPL-3.0-or-later
"""Clear: remove every take from the characters, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..connection import session
from ..properties import settings_of
from ..scene import actions
from .base import Operator
from .keep import datablocks

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_clear(Operator, bpy.types.Operator):
    """Remove every Duologue take, kept or not, from both characters; keys and tracks of yours stay"""

    bl_idname = "duologue.clear"
    bl_label = "Clear"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be something of ours."""
        if session.busy:
            return "Wait for the take, or cancel it"
        ours = any(actions.has_ours(datablock) for datablock in datablocks(settings_of(context.scene)))
        return "" if ours else "No Duologue take is on these characters"

    def run(self, context: Context) -> str:
        """Remove our Actions and tracks."""
        count = actions.remove(datablocks(settings_of(context.scene)))
        context.scene.frame_set(context.scene.frame_current)
        return f"Removed {count} Actions"


CLASSES = (DUOLOGUE_OT_clear,)
