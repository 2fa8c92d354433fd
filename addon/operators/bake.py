# SPDX-License-Identifier: GPL-3.0-or-later
"""Bake: what plays on the characters becomes plain keys of the animator's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..properties import settings_of
from ..scene import actions
from ..scene.timing import frames_after
from ..session.session import session
from ..takes import baking, curves, listing, store
from .base import Operator, Result
from .rules import BUSY, NO_TAKE

if TYPE_CHECKING:
    from bpy.types import Context, Event


class DUOLOGUE_OT_bake(Operator, bpy.types.Operator):
    """Write what plays now, takes and tweaks together, as plain keys into an Action of your own, one for each character"""

    bl_idname = "duologue.bake"
    bl_label = "Bake to Keys"
    bl_options = {"REGISTER", "UNDO"}

    step: bpy.props.IntProperty(
        name="Every n-th Frame",
        description="1 writes a key at every frame; more leaves the frames between to interpolation",
        default=1,
        min=1,
        max=30,
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take on the characters."""
        settings = settings_of(context.scene)
        if session.busy:
            return BUSY
        if store.current_entry(settings) is None:
            return NO_TAKE
        if not any(actions.has_ours(p.armature) for p in settings.performers() if p.armature):
            return "No take plays on the characters; choose one in the list"
        return ""

    def invoke(self, context: Context, _: Event) -> Result:
        """Ask how many keys are wanted."""
        return context.window_manager.invoke_props_dialog(self)

    def run(self, context: Context) -> str:
        """Bake both."""
        scene = context.scene
        settings = settings_of(scene)
        entry = store.current_entry(settings)
        assert entry is not None
        first = round(curves.begin_of(entry))
        last = first + round(frames_after(scene, entry.frames))
        frames = sorted({*range(first, last + 1, self.step), last})
        cast = [p for p in settings.performers() if p.armature is not None and listing.datablocks(p)]
        window = context.window_manager
        window.progress_begin(0, 1)
        try:
            baked = baking.bake(
                scene,
                [listing.datablocks(performer) for performer in cast],
                [f"{performer.armature.name} {entry.name} Baked" for performer in cast],
                frames,
                on_progress=window.progress_update,
            )
        finally:
            window.progress_end()
        settings.shown_take = ""
        scene.frame_set(scene.frame_current)
        return _t("Baked {count} frames into {names}").format(
            count=len(frames), names=", ".join(action.name for action in baked)
        )


CLASSES = (DUOLOGUE_OT_bake,)
