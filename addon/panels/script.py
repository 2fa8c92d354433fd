# SPDX-License-Identifier: GPL-3.0-or-later
"""What they are to each other, how they feel, what they do, and where: by markers on the timeline and objects in the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.brief import STRENGTHS

from ..briefing.missing import start_problem
from ..properties import DUOLOGUE_PG_performer, named_performers, settings_of
from ..scene.markers import Cue, Unread, read_markers
from ..scene.timing import Clock, frame_rate
from .base import Panel, icon_named, set_options, wrap
from .targets import draw_targets

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

_ICONS = {"action": "ARMATURE_DATA", "emotion": "HEART"}


class DUOLOGUE_PT_script(Panel, bpy.types.Panel):
    """What they are to each other, how they feel and what they do."""

    bl_label = "Script"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw relationship and roles, then each performer's part, then what is rarely touched."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = settings_of(context.scene)
        layout.prop(settings, "relationship")
        if " / " in settings.relationship:
            layout.prop(settings, "casting")
        clock = Clock(settings.begin, frame_rate(context.scene))
        for name, performer in named_performers(settings):
            header, body = layout.panel(f"duologue_script_{name}")
            header.label(text=_t("Performer {name}").format(name=name), icon="USER")
            if body is None:
                continue
            _draw_feelings(body, performer)
            _draw_cues(body, context, name, clock)
            _draw_start(body, context, name, performer)
            _folded(body, f"duologue_targets_{name}", "Places, Gaze and Hands", draw_targets, context, name, performer)
            _folded(body, f"duologue_face_{name}", "Face", _draw_face, name, performer)
            _folded(body, f"duologue_manner_{name}", "Manner", _draw_manner, performer)
        header, body = layout.panel("duologue_strengths", default_closed=True)
        header.label(text="Strengths")
        if body is not None:
            column = body.column(align=True)
            for strength in STRENGTHS:
                column.prop(settings.strengths, strength, slider=True)


def _folded(layout: UILayout, idname: str, title: str, draw, *arguments: object) -> None:
    """Draw something behind a header that is closed until somebody opens it."""
    header, body = layout.panel(idname, default_closed=True)
    header.label(text=title, text_ctxt="Duologue")
    if body is not None:
        draw(body, *arguments)


def _draw_feelings(layout: UILayout, performer: DUOLOGUE_PG_performer) -> None:
    column = layout.column(align=True)
    column.prop(performer, "emotion")
    column.prop(performer, "emotion_strength", slider=True)
    layout.prop(performer, "action")


def _draw_cues(layout: UILayout, context: Context, name: str, clock: Clock) -> None:
    """Draw a performer's markers in their order, and the ones that can't be read with the reason."""
    cues, unread = read_markers(context.scene)
    column = layout.column(align=True)
    column.use_property_split = False
    for cue in cues:
        if cue.performer == name:
            said = _t(cue.label.capitalize()) + (f" {cue.strength:.3g}" if cue.strength != 1.0 else "")
            _draw_marker(column, cue, said, _ICONS[cue.kind], clock)
    for marker in unread:
        if marker.performer == name:
            _draw_marker(column, marker, marker.marker, "ERROR", clock)
            wrap(column, marker.problem, context, "BLANK1", alert=True)
    row = column.row(align=True)
    add = row.operator_menu_enum("duologue.add_marker", "label", text=_t("Add Marker Here"), icon="MARKER_HLT")
    set_options(add, performer=name)


def _draw_marker(layout: UILayout, marker: Cue | Unread, said: str, icon: str, clock: Clock) -> None:
    split = layout.split(factor=0.3, align=True)
    set_options(split.operator("duologue.jump_to", text=f"{clock.seconds(marker.frame):.2f} s"), frame=marker.frame)
    row = split.row(align=True)
    row.label(text=said, icon=icon_named(icon))
    remove = row.operator("duologue.remove_marker", text="", icon="X")
    set_options(remove, marker=marker.marker, frame=marker.frame)


def _draw_start(layout: UILayout, context: Context, name: str, performer: DUOLOGUE_PG_performer) -> None:
    start = performer.start
    row = layout.row(align=True)
    row.prop(start, "source")
    set_options(row.operator("duologue.draw_start", text="", icon="GREASEPENCIL"), performer=name)
    if start.source == "OBJECT":
        layout.prop(start, "target", text="At")
        problem = start_problem(performer)
        if problem:
            wrap(layout, problem, context, "INFO")
    elif start.source == "TYPED":
        column = layout.column(align=True)
        column.prop(start, "x", text="Start X")
        column.prop(start, "y", text="Y")
        column.prop(start, "heading")


def _draw_face(layout: UILayout, name: str, performer: DUOLOGUE_PG_performer) -> None:
    face = performer.expression
    layout.prop(face, "part")
    column = layout.column(align=True)
    for setting in ("mouth_gain", "seal", "blinks_per_minute", "gaze", "gaze_at_partner", "brows", "head_still"):
        column.prop(face, setting, slider=True)
    column = layout.column()
    for setting in ("still_listener", "tongue", "raw"):
        column.prop(face, setting)
    column = layout.column(align=True)
    column.use_property_split = False
    for index, shape in enumerate(face.shapes):
        row = column.row(align=True)
        row.prop(shape, "shape", text="")
        row.prop(shape, "gain", text="×")
        row.prop(shape, "offset", text="+")
        remove = row.operator("duologue.remove_shape", text="", icon="X")
        set_options(remove, performer=name, index=index)
    set_options(column.operator("duologue.add_shape", icon="ADD"), performer=name)


def _draw_manner(layout: UILayout, performer: DUOLOGUE_PG_performer) -> None:
    layout.prop(performer, "intensity", slider=True)
    layout.prop(performer, "mirror")
    layout.prop(performer, "style")


CLASSES = (DUOLOGUE_PT_script,)
