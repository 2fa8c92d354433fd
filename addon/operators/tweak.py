# SPDX-License-Identifier: GPL-3.0-or-later
"""Tweak: a layer of the animator's own keys on top of the kept take; and the face tuning's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..properties import hooks, named_performers, settings_of
from ..scene import actions
from ..scene.timing import frames_after, stretch
from ..session.session import session
from ..takes import curves, listing, store, tweaks
from .base import Operator
from .rules import BUSY, NO_CAST, NO_TAKE

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_tweak(Operator, bpy.types.Operator):
    """Set keys on top of the take without touching it: they go into a layer of yours above the kept take and are added to it.
    Press again to stop"""

    bl_idname = "duologue.tweak"
    bl_label = "Tweak on Top"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take, and characters to animate."""
        settings = settings_of(context.scene)
        if session.busy:
            return BUSY
        if not all(p.armature for p in settings.performers()):
            return NO_CAST
        if store.current_entry(settings) is None and not tweaks.are_entered(settings):
            return NO_TAKE
        return ""

    def run(self, context: Context) -> str:
        """Keep what is not kept, lay the layers and enter tweak mode; or leave it."""
        scene = context.scene
        settings = settings_of(scene)
        if tweaks.are_entered(settings):
            for datablock in listing.all_datablocks(settings):
                actions.leave_tweak_mode(datablock)
            return _t("The keys are in the tweak layer; the take below is as it was")
        entry = store.current_entry(settings)
        assert entry is not None
        listing.play(scene, entry)
        listing.keep(settings)
        first = curves.begin_of(entry)
        last = first + frames_after(scene, entry.frames)
        for _, performer in named_performers(settings):
            span = first * stretch(scene), last * stretch(scene)
            tweaks.add(listing.datablocks(performer), performer.armature.name, *span)
        scene.frame_set(scene.frame_current)
        return _t("Keys now go on top of {name}").format(name=entry.name)


class DUOLOGUE_OT_add_gain(Operator, bpy.types.Operator):
    """Add a row to the face tuning: how much of one shape reaches the faces"""

    bl_idname = "duologue.add_gain"
    bl_label = "Add Shape"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Context) -> str:
        """Add one that changes nothing yet."""
        settings = settings_of(context.scene)
        settings.gains.add()
        settings.active_gain = len(settings.gains) - 1
        return ""


class DUOLOGUE_OT_remove_gain(Operator, bpy.types.Operator):
    """Remove this row of the face tuning; the shape comes through as it is in the take again"""

    bl_idname = "duologue.remove_gain"
    bl_label = "Remove Shape"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a row."""
        return "" if len(settings_of(context.scene).gains) else "No shape is tuned"

    def run(self, context: Context) -> str:
        """Remove the chosen row and write the faces without it."""
        settings = settings_of(context.scene)
        settings.gains.remove(min(settings.active_gain, len(settings.gains) - 1))
        settings.active_gain = max(0, min(settings.active_gain, len(settings.gains) - 1))
        hooks.tuning_changed(context.scene)
        return settings.take_problem


CLASSES = (DUOLOGUE_OT_tweak, DUOLOGUE_OT_add_gain, DUOLOGUE_OT_remove_gain)
