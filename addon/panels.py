# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar of the 3D view: who plays, what they say and how they feel, and the take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .briefing import what_is_missing
from .connection import session
from .properties import DUOLOGUE_PG_performer, named_performers, settings_of
from .scene import compat

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

_ICONS = {
    "IDLE": "RADIOBUT_OFF",
    "CONNECTING": "SORTTIME",
    "RUNNING": "SORTTIME",
    "CANCELLING": "SORTTIME",
    "DONE": "CHECKMARK",
    "CANCELLED": "CANCEL",
    "FAILED": "ERROR",
}


class _Panel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Duologue"


class DUOLOGUE_PT_main(_Panel, bpy.types.Panel):
    """State and the one big button."""

    bl_label = "Duologue"

    def draw(self, context: Context) -> None:
        """Draw the state, and Perform or the progress of the take."""
        layout = self.layout
        settings = settings_of(context.scene)
        if session.busy:
            _draw_progress(layout)
            return
        missing = what_is_missing(context, settings)
        row = layout.row()
        row.scale_y = 1.6
        row.operator("duologue.perform", icon="PLAY")
        if missing:
            _wrap(layout, missing, context, "INFO")
        elif session.message:
            _wrap(layout, session.message, context, _ICONS[session.state], alert=session.state == "FAILED")
        else:
            _wrap(layout, "Ready", context, "RADIOBUT_ON")
        for note in session.notes:
            _wrap(layout, note, context, "DOT")


class DUOLOGUE_PT_cast(_Panel, bpy.types.Panel):
    """Who plays."""

    bl_label = "Cast"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw both performers' characters."""
        layout = self.layout
        settings = settings_of(context.scene)
        for name, performer in named_performers(settings):
            column = _titled(layout, name)
            column.prop(performer, "armature", icon="ARMATURE_DATA")
            column.prop(performer, "face", icon="SHAPEKEY_DATA")
            if performer.problem:
                _wrap(column, performer.problem, context, "ERROR", alert=True)
            for line in performer.found.splitlines():
                _wrap(column, line, context, "CHECKMARK")
        layout.operator("duologue.add_sample_pair", icon="COMMUNITY")


class DUOLOGUE_PT_speech(_Panel, bpy.types.Panel):
    """What they say."""

    bl_label = "Speech"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw both performers' sound."""
        layout = self.layout
        settings = settings_of(context.scene)
        editor = compat.sequencer_scene(context).sequence_editor
        for name, performer in named_performers(settings):
            column = _titled(layout, name)
            column.row().prop(performer, "source", expand=True)
            if performer.source == "FILE":
                column.prop(performer, "file")
                column.prop(performer, "channel")
            elif editor is not None:
                column.prop_search(performer, "strip", editor, "strips", icon="SOUND")
            else:
                column.label(text="No sound in the sequencer", icon="INFO")
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "first_frame")


class DUOLOGUE_PT_script(_Panel, bpy.types.Panel):
    """What they are to each other, how they feel and what they do."""

    bl_label = "Script"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw relationship and roles, and each performer's emotion, actions and start."""
        layout = self.layout
        settings = settings_of(context.scene)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "relationship")
        if " / " in settings.relationship:
            column.prop(settings, "casting")
        for name, performer in named_performers(settings):
            column = _titled(layout, name)
            column.prop(performer, "emotion")
            column.prop(performer, "action")
            _draw_changes(column, name, performer)
            row = column.row()
            row.use_property_split = False
            row.prop(performer, "use_place")
            if not performer.use_place:
                place = column.column(align=True)
                place.prop(performer, "x", text="Start X")
                place.prop(performer, "y", text="Y")
                place.prop(performer, "heading")


class DUOLOGUE_PT_take(_Panel, bpy.types.Panel):
    """What to do with a take."""

    bl_label = "Take"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw seed, steps, Keep and Clear."""
        layout = self.layout
        settings = settings_of(context.scene)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "seed")
        column.prop(settings, "steps")
        row = layout.row(align=True)
        row.operator("duologue.keep", icon="NLA_PUSHDOWN")
        row.operator("duologue.clear", icon="TRASH")


def _draw_progress(layout: UILayout) -> None:
    fraction, left = session.fraction(), session.seconds_left()
    text = f"{session.stage} {fraction:.0%}" if fraction else f"{session.stage}…"
    if left is not None:
        text += f", {left:.0f} s left"
    row = layout.row(align=True)
    row.scale_y = 1.6
    row.progress(factor=fraction, type="BAR", text=text)
    row.operator("duologue.cancel", text="", icon="X")


def _draw_changes(layout: UILayout, name: str, performer: DUOLOGUE_PG_performer) -> None:
    for index, change in enumerate(performer.changes):
        row = layout.row(align=True)
        row.use_property_split = False
        row.prop(change, "seconds")
        row.prop(change, "action", text="")
        remove = row.operator("duologue.remove_change", text="", icon="X")
        remove.performer, remove.index = name, index
    row = layout.row()
    row.alignment = "RIGHT"
    row.operator("duologue.add_change", icon="ADD").performer = name


def _titled(layout: UILayout, name: str) -> UILayout:
    """Return a box for a performer, headed by its letter."""
    box = layout.box()
    box.label(text=f"Performer {name}", icon="USER")
    column = box.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def _wrap(layout: UILayout, text: str, context: Context, icon: str, *, alert: bool = False) -> None:
    """Draw a text over as many lines as the sidebar's width needs: Blender's labels don't wrap."""
    scale = context.preferences.system.ui_scale
    width = max(20, int((context.region.width / scale - 60) / 6.2)) if context.region else 40
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    for i, line in enumerate(_lines(text, width)):
        column.label(text=line, icon=icon if i == 0 else "BLANK1")


def _lines(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


CLASSES = (DUOLOGUE_PT_main, DUOLOGUE_PT_cast, DUOLOGUE_PT_speech, DUOLOGUE_PT_script, DUOLOGUE_PT_take)
