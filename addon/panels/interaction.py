# SPDX-License-Identifier: GPL-3.0-or-later
"""Touches: the list, the chosen one's settings, and what to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.labels import FACE_INTERACTIONS

from ..briefing.touches import missing, touch_problem
from ..properties import settings_of
from ..properties.interaction import DUOLOGUE_PG_interaction
from ..takes.curves import clock_of
from .base import Panel, set_options, wrap

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class DUOLOGUE_UL_touches(bpy.types.UIList):
    """A touch a line: whether it counts, its name, when it begins; red with the centimetres that were missing."""

    def draw_item(
        self,
        context: Context,
        layout: UILayout,
        _: object,
        item: DUOLOGUE_PG_interaction,
        __: int,
        ___: object,
        ____: str,
    ) -> None:
        """Draw one touch."""
        row = layout.row(align=True)
        row.use_property_split = False
        row.prop(item, "enabled", text="")
        short = missing(item)
        row.alert = bool(short or item.told)
        row = row.split(factor=0.74, align=True)
        row.prop(item, "name", text="", emboss=False)
        set_options(row.operator("duologue.jump_to", text=short or str(item.first)), frame=item.first)


class DUOLOGUE_PT_interaction(Panel, bpy.types.Panel):
    """Who touches whom, where and when."""

    bl_label = "Interaction"
    bl_parent_id = "DUOLOGUE_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """Draw the list, the chosen touch, and Solve and Remove."""
        layout = self.layout
        settings = settings_of(context.scene)
        row = layout.row()
        row.template_list(
            "DUOLOGUE_UL_touches", "", settings, "interactions", settings, "active_interaction", rows=4, maxrows=8
        )
        side = row.column(align=True)
        side.operator_menu_enum("duologue.add_touch", "pattern", text="", icon="ADD")
        side.operator("duologue.remove_touch", text="", icon="REMOVE")
        side.operator("duologue.copy_touch", text="", icon="DUPLICATE")
        side.separator()
        side.operator("duologue.touches_of_take", text="", icon="IMPORT")
        if 0 <= settings.active_interaction < len(settings.interactions):
            _draw_touch(layout, context, settings.interactions[settings.active_interaction])
        column = layout.column(align=True)
        column.prop(settings, "skin")
        row = column.row(align=True)
        row.scale_y = 1.3
        row.operator("duologue.solve_touches", icon="VIEW_PAN")
        row.operator("duologue.remove_touches", icon="TRASH")
        header, body = layout.panel("duologue_places", default_closed=True)
        header.label(text="Places on Faces without Shapes")
        if body is not None:
            for name in "AB":
                button = body.operator_menu_enum(
                    "duologue.mark_place", "place", text=_t("Mark on {name}").format(name=name), icon="EMPTY_AXIS"
                )
                set_options(button, performer=name)


def _draw_touch(layout: UILayout, context: Context, item: DUOLOGUE_PG_interaction) -> None:
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    on_face = item.pattern in FACE_INTERACTIONS
    column.prop(item, "pattern")
    column.row().prop(item, "performer", expand=True)
    if on_face:
        column.row().prop(item, "target", expand=True)
    column.row().prop(item, "hand", expand=True)
    if on_face:
        column.row().prop(item, "side", expand=True)
        column.operator("duologue.pick_touch", icon="EYEDROPPER")
        offset = column.column(align=True)
        offset.prop(item, "offset", index=0, text="Outwards, mm")
        offset.prop(item, "offset", index=1, text="Up, mm")
    times = column.column(align=True)
    times.prop(item, "first")
    times.prop(item, "last")
    more = column.column(align=True)
    if on_face:
        more.prop(item, "press")
    more.prop(item, "lean")
    more.prop(item, "repeat")
    column.prop(item, "approach")
    problem = touch_problem(item, clock_of(context.scene))
    if problem:
        wrap(column, problem, context, "ERROR", alert=True)
    if short := missing(item):
        text = _t("The hand falls {short} short; let them stand nearer, or switch Step Near on and perform again")
        wrap(column, text.format(short=short), context, "ERROR", alert=True)
    if item.told:
        wrap(column, item.told, context, "ERROR", alert=True)


CLASSES = (DUOLOGUE_UL_touches, DUOLOGUE_PT_interaction)
