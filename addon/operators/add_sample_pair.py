# SPDX-License-Identifier: GPL-3.0-or-later
"""Add sample pair: our two characters, face to face, cast as A and B."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..briefing import place_at_start, sample_starts
from ..properties import named_performers, settings_of
from ..rendering import shot
from ..session.session import session
from .base import Operator
from .rules import WAIT_FOR_TAKE

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_add_sample_pair(Operator, bpy.types.Operator):
    """Add Duologue's two sample characters to the scene and cast them as A and B"""

    bl_idname = "duologue.add_sample_pair"
    bl_label = "Add Sample Pair"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Building an armature needs edit mode, which needs object mode first."""
        if context.mode != "OBJECT":
            return "Go to object mode first"
        return WAIT_FOR_TAKE if session.busy else ""

    def run(self, context: Context) -> str:
        """Build, place and cast both."""
        settings = settings_of(context.scene)
        starts = sample_starts()
        performers = shot.add_sample_pair(context.scene)
        for (name, chosen), performer in zip(named_performers(settings), performers, strict=True):
            place_at_start(performer.armature, starts[name])
            chosen.face = None  # of whoever was cast before
            chosen.armature = performer.armature
        context.view_layer.update()
        return ""


CLASSES = (DUOLOGUE_OT_add_sample_pair,)
