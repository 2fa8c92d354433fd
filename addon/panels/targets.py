# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of what a performer goes to, looks at and reaches for, and the chosen one's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..briefing.targets import frames_of, needs_end, target_problem
from ..properties import DUOLOGUE_PG_performer
from ..properties.targets import ICONS, DUOLOGUE_PG_target
from .base import icon_named, set_options, wrap

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class DUOLOGUE_UL_targets(bpy.types.UIList):
    """A performer's targets, a line each."""

    def draw_item(  # noqa: PLR0917 - as Blender calls it
        self,
        context: Context,
        layout: UILayout,
        data: Any,
        item: DUOLOGUE_PG_target,
        icon: int,
        active_data: Any,
        active_property: str,
    ) -> None:
        """Draw what it is, whether it counts, and when it begins."""
        row = layout.row(align=True)
        row.use_property_split = False
        row.prop(item, "enabled", text="")
        row.alert = bool(target_problem(context.scene, item))
        if item.timing != "ALWAYS":
            row = row.split(factor=0.72, align=True)
        row.prop(item, "name", text="", emboss=False, icon=icon_named(ICONS[item.kind]))
        if item.timing != "ALWAYS":
            first = frames_of(context.scene, item)[0]
            set_options(row.operator("duologue.jump_to", text=str(first)), frame=first)


def draw_targets(layout: UILayout, context: Context, name: str, performer: DUOLOGUE_PG_performer) -> None:
    """Draw the list and the chosen target."""
    row = layout.row()
    row.template_list("DUOLOGUE_UL_targets", name, performer, "targets", performer, "active_target", rows=3, maxrows=6)
    buttons = row.column(align=True)
    set_options(buttons.operator_menu_enum("duologue.add_target", "kind", text="", icon="ADD"), performer=name)
    set_options(buttons.operator("duologue.remove_target", text="", icon="REMOVE"), performer=name)
    if performer.active_target >= len(performer.targets):
        return
    target = performer.targets[performer.active_target]
    column = layout.column()
    column.prop(target, "kind")
    if target.kind == "GAZE":
        column.prop(target, "at_partner")
    if target.kind != "GAZE" or not target.at_partner:
        column.prop(target, "target", icon="CURVE_DATA" if target.kind == "PATH" else "OBJECT_DATA")
    if target.kind == "HAND":
        column.row().prop(target, "side", expand=True)
    if target.kind in {"PLACE", "SEAT"}:
        column.prop(target, "use_facing")
    column.prop(target, "timing")
    if target.kind == "PATH" and target.timing != "ALWAYS":
        column.prop(target, "use_speed")
    if target.kind == "PATH" and (target.use_speed or target.timing == "ALWAYS"):
        column.prop(target, "speed")
    _draw_times(column, context, name, target)
    problem = target_problem(context.scene, target)
    if problem:
        wrap(column, problem, context, "ERROR", alert=True)


def _draw_times(column: UILayout, context: Context, name: str, target: DUOLOGUE_PG_target) -> None:
    ends = ("start", "end") if needs_end(target) else ("start",)
    times = column.column(align=True)
    for end in ends:
        row = times.row(align=True)
        if target.timing == "FRAMES":
            row.prop(target, end, text="At" if len(ends) == 1 and target.kind == "PLACE" else None)
            here = row.operator("duologue.target_here", text="", icon="TIME")
            set_options(here, performer=name, end=end == "end")
        elif target.timing == "MARKERS":
            row.prop_search(target, f"{end}_marker", context.scene, "timeline_markers", icon="MARKER")


CLASSES = (DUOLOGUE_UL_targets,)
