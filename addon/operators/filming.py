# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up cameras and put chairs for the chosen take, in the animator's own scene; and take them away again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.take import Take

from ..briefing import cast_both
from ..cast.cast import Performer
from ..properties import settings_of
from ..rendering import cameras, chairs, seeing, shot
from ..session.session import session
from ..takes import curves, store
from .base import Operator
from .rules import NO_TAKE, WAIT_FOR_TAKE

if TYPE_CHECKING:
    from bpy.types import Context, Scene


def _why_not(context: Context) -> str:
    if session.busy:
        return WAIT_FOR_TAKE
    return "" if store.current_entry(settings_of(context.scene)) is not None else NO_TAKE


def _shown(context: Context) -> tuple[Take, Sequence[Performer], int]:
    """Return the chosen take, who plays it, and the frame at which it begins."""
    settings = settings_of(context.scene)
    entry = store.current_entry(settings)
    assert entry is not None
    return store.load_take(entry), cast_both(settings), round(curves.begin_of(entry))


class DUOLOGUE_OT_film(Operator, bpy.types.Operator):
    """Set up cameras for the chosen take, in place of earlier ones; the cuts are markers, to be moved like any other"""

    bl_idname = "duologue.film"
    bl_label = "Set Up Cameras"
    bl_options = {"REGISTER", "UNDO"}

    how: bpy.props.EnumProperty(
        name="Shots",
        description="How the take is filmed",
        items=[
            (
                "CUT",
                "Cut",
                "Both, then faces close and over a shoulder, whoever speaks; wide where somebody walks or sits down",
            ),
            ("WIDE", "Wide", "One shot of both from beginning to end"),
        ],
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take."""
        return _why_not(context)

    def run(self, context: Context) -> str:
        """Look at the take as it plays, then set up."""
        scene = context.scene
        take, performers, first = _shown(context)
        sight = seeing.look(scene, take, performers, first)
        made = shot.film(scene, take, sight, self.how.lower(), first_frame=first, aspect=_aspect(scene))
        return _t("{count} cameras are set up").format(count=len(made))


class DUOLOGUE_OT_remove_cameras(Operator, bpy.types.Operator):
    """Remove the cameras that were set up here, and the markers of their cuts"""

    bl_idname = "duologue.remove_cameras"
    bl_label = "Remove Cameras"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Context) -> str:
        """Remove ours alone."""
        return _t("{count} cameras removed").format(count=cameras.remove(context.scene))


class DUOLOGUE_OT_seat(Operator, bpy.types.Operator):
    """Put a chair made to measure where a performer of the chosen take sits, in place of earlier ones"""

    bl_idname = "duologue.seat"
    bl_label = "Put Chairs"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take."""
        return _why_not(context)

    def run(self, context: Context) -> str:
        """Look at who sits, then build."""
        take, performers, first = _shown(context)
        sight = seeing.look(context.scene, take, performers, first)
        made = chairs.set_seats(context.scene, take, performers, sight, first)
        return _t("{count} chairs stand where they sit").format(count=len(made)) if made else "Nobody sits in this take"


class DUOLOGUE_OT_remove_chairs(Operator, bpy.types.Operator):
    """Remove the chairs that were put here"""

    bl_idname = "duologue.remove_chairs"
    bl_label = "Remove Chairs"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Context) -> str:
        """Remove ours alone."""
        return _t("{count} chairs removed").format(count=chairs.remove(context.scene))


def _aspect(scene: Scene) -> float:
    """Return the width of the scene's picture by its height."""
    render = scene.render
    return render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)


CLASSES = (DUOLOGUE_OT_film, DUOLOGUE_OT_remove_cameras, DUOLOGUE_OT_seat, DUOLOGUE_OT_remove_chairs)
