# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep: move the take to NLA tracks of its own, mute the ones kept before, and leave the characters free for the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..connection import session
from ..properties import DUOLOGUE_PG_settings, settings_of
from ..scene import actions, shape_keys
from .base import Operator

if TYPE_CHECKING:
    from bpy.types import ID, Context


class DUOLOGUE_OT_keep(Operator, bpy.types.Operator):
    """Move the take to NLA tracks of its own and mute the takes kept before; keys of yours are left alone"""

    bl_idname = "duologue.keep"
    bl_label = "Keep"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take on the characters."""
        if session.busy:
            return "Wait for the take, or cancel it"
        return "" if any(current(settings_of(context.scene))) else "There is no new take to keep; press Perform first"

    def run(self, context: Context) -> str:
        """Push down every Action of ours."""
        taken = current(settings_of(context.scene))
        for datablock in taken:
            for track in datablock.animation_data.nla_tracks:
                if any(actions.is_ours(strip.action) for strip in track.strips):
                    track.mute = True
            actions.push_down(datablock)
        return f"Kept on {len(taken)} NLA tracks"


def datablocks(settings: DUOLOGUE_PG_settings) -> list[ID]:
    """Return everything of both characters that can carry an Action of ours."""
    found: list[ID] = []
    for performer in settings.performers():
        if performer.armature is not None:
            meshes = shape_keys.face_meshes(performer.armature)
            if performer.face is not None and performer.face not in meshes:
                meshes.append(performer.face)
            found += [performer.armature, *(mesh.data.shape_keys for mesh in meshes)]
    return found


def current(settings: DUOLOGUE_PG_settings) -> list[ID]:
    """Return those that an Action of ours drives now."""
    return [
        datablock
        for datablock in datablocks(settings)
        if datablock.animation_data is not None and actions.is_ours(datablock.animation_data.action)
    ]


CLASSES = (DUOLOGUE_OT_keep,)
