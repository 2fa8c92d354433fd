# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of takes: put one on the characters, compare it with the one before, write it anew, remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..briefing import cast_both
from ..interactions import solving
from ..properties import settings_of
from ..session.session import session
from ..takes import curves, listing, store
from .base import Operator
from .rules import BUSY, NO_TAKE
from .solve_touches import armatures_of

if TYPE_CHECKING:
    from bpy.types import Context


class _OfTake(Operator):
    """What the buttons under the list share: there must be a take."""

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take, and none in the making."""
        if session.busy:
            return BUSY
        missing = store.current_entry(settings_of(context.scene)) is None
        return NO_TAKE if missing else ""


class DUOLOGUE_OT_play_take(_OfTake, bpy.types.Operator):
    """Put the chosen take on the characters again, after another Action was assigned or a track was muted"""

    bl_idname = "duologue.play_take"
    bl_label = "Put on Characters"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Context) -> str:
        """Let it play."""
        settings = settings_of(context.scene)
        entry = store.current_entry(settings)
        assert entry is not None
        listing.play(context.scene, entry)
        settings.take_problem = ""
        context.scene.frame_set(context.scene.frame_current)
        return _t("{name} plays").format(name=entry.name)


class DUOLOGUE_OT_compare_takes(_OfTake, bpy.types.Operator):
    """Switch between the chosen take and the one that played before it; press again to switch back"""

    bl_idname = "duologue.compare_takes"
    bl_label = "Compare"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be another take that was looked at before."""
        settings = settings_of(context.scene)
        if reason := super().disabled_reason(context):
            return reason
        if listing.find(settings, settings.compared_take) < 0:
            return "Only one take was looked at so far; click another in the list, then this switches between the two"
        return ""

    def run(self, context: Context) -> str:
        """Choose the other one."""
        settings = settings_of(context.scene)
        settings.active_take = listing.find(settings, settings.compared_take)
        context.scene.frame_set(context.scene.frame_current)
        return settings.take_problem or _t("{name} plays").format(name=settings.takes[settings.active_take].name)


class DUOLOGUE_OT_write_take(_OfTake, bpy.types.Operator):
    """Write the chosen take's curves anew for the characters as they are now: after a rotation mode, the cast's map, the
    frame rate or the armature's place was changed. What was edited in these curves is lost; tweak layers stay"""

    bl_idname = "duologue.write_take"
    bl_label = "Write Anew"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Context) -> str:
        """Read the take's file and write it."""
        settings = settings_of(context.scene)
        entry = store.current_entry(settings)
        assert entry is not None
        curves.write(context.scene, entry, store.load_take(entry), cast_both(settings))
        listing.play(context.scene, entry)
        settings.take_problem = ""
        context.scene.frame_set(context.scene.frame_current)
        return _t("{name} is written anew").format(name=entry.name)


class DUOLOGUE_OT_remove_take(_OfTake, bpy.types.Operator):
    """Remove the chosen take: its curves, NLA tracks and pictures; other takes and your keys stay"""

    bl_idname = "duologue.remove_take"
    bl_label = "Remove Take"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Context) -> str:
        """Remove it; the one below plays."""
        settings = settings_of(context.scene)
        entry = settings.takes[settings.active_take]
        name, armatures = entry.name, armatures_of(settings)
        if solving.any_touch(armatures, entry.key):
            solving.remove(context.scene, armatures)
        listing.remove(context.scene, settings.active_take)
        context.scene.frame_set(context.scene.frame_current)
        return _t("{name} is removed").format(name=name)


CLASSES = (
    DUOLOGUE_OT_play_take,
    DUOLOGUE_OT_compare_takes,
    DUOLOGUE_OT_write_take,
    DUOLOGUE_OT_remove_take,
)
