# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes of the scene, and what to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..properties import settings_of
from ..session.session import session
from ..takes import listing, store, tweaks
from ..takes.thumbnails import icons
from .base import Panel, wrap

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

    from ..properties.takes import DUOLOGUE_PG_gain, DUOLOGUE_PG_take


class DUOLOGUE_UL_takes(bpy.types.UIList):
    """A take a line: a picture, its name, its seed and length."""

    def draw_item(
        self, _: Context, layout: UILayout, __: object, take: DUOLOGUE_PG_take, ___: int, ____: object, _____: str
    ) -> None:
        """Draw one take."""
        row = layout.row(align=True)
        pictures = icons.of(take.picture)
        if pictures:
            row.template_icon(pictures[len(pictures) // 2], scale=1.0)
        whole = "ACTION" if take.complete else "ERROR"
        row.prop(take, "name", text="", emboss=False, icon="NONE" if pictures and take.complete else whole)
        about = row.row()
        about.alignment = "RIGHT"
        about.label(text=_t("seed {seed}, {seconds:.1f} s").format(seed=take.seed, seconds=take.seconds))


class DUOLOGUE_UL_gains(bpy.types.UIList):
    """A tuned shape a line."""

    def draw_item(
        self, _: Context, layout: UILayout, __: object, gain: DUOLOGUE_PG_gain, ___: int, ____: object, _____: str
    ) -> None:
        """Draw one row of the face tuning."""
        row = layout.row(align=True)
        whose = row.row(align=True)
        whose.scale_x = 0.55
        whose.prop(gain, "performer", text="")
        row.prop(gain, "shape", text="")
        row.prop(gain, "gain", text="")
        row.prop(gain, "offset", text="")


class DUOLOGUE_PT_take(Panel, bpy.types.Panel):
    """The list of takes."""

    bl_label = "Takes"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw what the next take is made with, the list, and what there is to do with the chosen one."""
        layout = self.layout
        settings = settings_of(context.scene)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "seed")
        column.prop(settings, "steps")
        entry = store.current_entry(settings)
        if not len(settings.takes):
            wrap(layout, _t("No takes yet: Perform makes one"), context, "INFO")
            return
        row = layout.row()
        row.enabled = not session.busy
        row.template_list("DUOLOGUE_UL_takes", "", settings, "takes", settings, "active_take", rows=4)
        side = row.column(align=True)
        side.operator("duologue.remove_take", text="", icon="REMOVE")
        side.separator()
        side.operator("duologue.play_take", text="", icon="PLAY")
        side.operator("duologue.write_take", text="", icon="FILE_REFRESH")
        if entry is not None:
            _draw_chosen(layout, context, entry)
        column = layout.column(align=True)
        row = column.row(align=True)
        row.operator("duologue.another_take", icon="ADD")
        row.operator("duologue.compare_takes", icon="UV_SYNC_SELECT")
        row = column.row(align=True)
        row.operator("duologue.run_again", icon="LOOP_BACK")
        row.operator("duologue.clear", icon="TRASH")


def _draw_chosen(layout: UILayout, context: Context, entry: DUOLOGUE_PG_take) -> None:
    pictures = icons.of(entry.picture)
    if pictures:
        row = layout.row(align=True)
        row.alignment = "CENTER"
        for picture in pictures:
            row.template_icon(picture, scale=2.9)
    lines = [entry.made] if entry.complete else [_t("Cut off after {seconds:.1f} s").format(seconds=entry.seconds)]
    if entry.origin:
        lines.append(entry.origin)
    wrap(layout, ". ".join(lines), context, "TIME" if entry.complete else "ERROR")
    layout.prop(entry, "notes", text="", icon="GREASEPENCIL", placeholder=_t("Notes"))


class DUOLOGUE_PT_remake(Panel, bpy.types.Panel):
    """Make a part of the chosen take again."""

    bl_label = "Re-make a Part"
    bl_parent_id = "DUOLOGUE_PT_take"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """There must be a take."""
        return len(settings_of(context.scene).takes) > 0

    def draw(self, context: Context) -> None:
        """Draw what is to be made again, and the button."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        remake = settings_of(context.scene).remake
        layout.prop(remake, "span")
        if remake.span == "FRAMES":
            column = layout.column(align=True)
            column.prop(remake, "start")
            column.prop(remake, "stop")
        layout.row().prop(remake, "performers", expand=True)
        layout.prop(remake, "part")
        layout.prop(remake, "asked")
        layout.operator("duologue.remake", icon="MOD_TIME")


class DUOLOGUE_PT_keep(Panel, bpy.types.Panel):
    """What of the chosen take plays, and how it becomes yours."""

    bl_label = "Keep, Tweak, Bake"
    bl_parent_id = "DUOLOGUE_PT_take"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """There must be a take."""
        return store.current_entry(settings_of(context.scene)) is not None

    def draw(self, context: Context) -> None:
        """Draw what plays, and the three buttons."""
        layout = self.layout
        entry = store.current_entry(settings_of(context.scene))
        if entry is None:
            return
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(entry, "show_body")
        column.prop(entry, "show_face")
        row = layout.row(align=True)
        row.operator("duologue.keep", icon="NLA_PUSHDOWN")
        tweaking = tweaks.are_entered(settings_of(context.scene))
        text = _t("Stop Tweaking") if tweaking else _t("Tweak on Top")
        row.operator("duologue.tweak", icon="KEY_HLT", depress=tweaking, text=text)
        layout.operator("duologue.bake", icon="KEYFRAME")
        if listing.is_kept(entry):
            wrap(layout, _t("Kept on NLA tracks of its own"), context, "CHECKMARK")


class DUOLOGUE_PT_tuning(Panel, bpy.types.Panel):
    """How much of each shape reaches the faces."""

    bl_label = "Face Tuning"
    bl_parent_id = "DUOLOGUE_PT_take"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """Draw the tuned shapes."""
        layout = self.layout
        settings = settings_of(context.scene)
        if not len(settings.gains):
            wrap(
                layout,
                _t("For a face that shows too little or too much: weight times gain, plus offset"),
                context,
                "INFO",
            )
        row = layout.row()
        row.template_list("DUOLOGUE_UL_gains", "", settings, "gains", settings, "active_gain", rows=3)
        side = row.column(align=True)
        side.operator("duologue.add_gain", text="", icon="ADD")
        side.operator("duologue.remove_gain", text="", icon="REMOVE")


CLASSES = (
    DUOLOGUE_UL_takes,
    DUOLOGUE_UL_gains,
    DUOLOGUE_PT_take,
    DUOLOGUE_PT_keep,
    DUOLOGUE_PT_remake,
    DUOLOGUE_PT_tuning,
)
