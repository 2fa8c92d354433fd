# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep: move the take to NLA tracks of its own, mute the ones kept before, and leave the characters free for the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..properties import settings_of
from ..scene import actions
from ..session.session import session
from ..takes import listing
from .base import Operator
from .rules import BUSY

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_keep(Operator, bpy.types.Operator):
    """Move the take to NLA tracks of its own and mute the takes kept before; keys of yours are left alone"""

    bl_idname = "duologue.keep"
    bl_label = "Keep"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take on the characters."""
        if session.busy:
            return BUSY
        if not plays_unkept(context):
            return "There is no new take to keep; press Perform first, or choose one in the list that is not kept"
        return ""

    def run(self, context: Context) -> str:
        """Push down every Action of ours."""
        count = listing.keep(settings_of(context.scene))
        return _t("Kept on {count} NLA tracks").format(count=count)


def plays_unkept(context: Context) -> bool:
    """Return whether an Action of ours, not an NLA track, drives a character now."""
    for performer in settings_of(context.scene).performers():
        data = performer.armature.animation_data if performer.armature is not None else None
        if data is not None and actions.is_ours(data.action):
            return True
    return False


CLASSES = (DUOLOGUE_OT_keep,)
