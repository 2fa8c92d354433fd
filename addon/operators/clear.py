# SPDX-License-Identifier: GPL-3.0-or-later
"""Clear: remove every take from the list and the characters, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..interactions import solving
from ..properties import settings_of
from ..scene import actions
from ..session.session import session
from ..takes import listing, tweaks
from .base import Operator
from .rules import BUSY
from .solve_touches import armatures_of

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_clear(Operator, bpy.types.Operator):
    """Remove every Duologue take, kept or not, from the list and from both characters; your keys, tweaks and tracks stay"""

    bl_idname = "duologue.clear"
    bl_label = "Clear All"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be something of ours."""
        if session.busy:
            return BUSY
        settings = settings_of(context.scene)
        ours = len(settings.takes) or any(
            actions.has_ours(p.armature) or tweaks.track_of(p.armature) for p in settings.performers() if p.armature
        )
        return "" if ours else "No Duologue take is in this scene"

    def run(self, context: Context) -> str:
        """Remove our entries, Actions, tracks and pictures."""
        solving.remove(context.scene, armatures_of(settings_of(context.scene)))
        count = listing.clear(context.scene)
        context.scene.frame_set(context.scene.frame_current)
        return _t("Removed {count} Actions").format(count=count)


CLASSES = (DUOLOGUE_OT_clear,)
