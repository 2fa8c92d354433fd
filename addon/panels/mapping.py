# SPDX-License-Identifier: GPL-3.0-or-later
"""The mapping as tables: joints and their bones, ARKit's shapes and a face's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

    from ..properties import DUOLOGUE_PG_performer
    from ..properties.mapping import DUOLOGUE_PG_face


class DUOLOGUE_UL_mapping(bpy.types.UIList):
    """Rows of what plays what, each of which can be corrected or switched off."""

    only_open: bpy.props.BoolProperty(
        name="Only What Needs a Look",
        description="Show only rows that play nothing, are switched off or were corrected",
    )

    def draw_item(  # noqa: PLR0913, PLR0917 - Blender's own signature
        self,
        context: Context,
        layout: UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flags: int = 0,
    ) -> None:
        """Draw one row: whether it is used, what it is, and what plays it."""
        row = layout.row(align=True)
        row.alert = bool(item.problem)
        row.prop(item, "use", text="")
        split = row.split(factor=0.42)
        split.label(text=item.name, translate=False, icon="GREASEPENCIL" if item.corrected else "NONE")
        target = split.row()
        target.enabled = item.use
        bones = getattr(data, "armature", None)
        if bones is not None:
            target.prop_search(item, "target", bones.data, "bones", text="", icon="BONE_DATA")
        elif (keys := data.mesh.data.shape_keys) is not None:
            target.prop_search(item, "target", keys, "key_blocks", text="", icon="SHAPEKEY_DATA")

    def draw_filter(self, context: Context, layout: UILayout) -> None:
        """Draw what the list can be narrowed down by."""
        row = layout.row(align=True)
        row.prop(self, "filter_name", text="", icon="VIEWZOOM")
        row.prop(self, "only_open", text="", icon="FILTER")

    def filter_items(self, context: Context, data: Any, property: str) -> tuple[list[int], list[int]]:
        """Return which rows are shown; nothing at all shows every one."""
        if not self.filter_name and not self.only_open:
            return [], []
        rows = getattr(data, property)
        flags = bpy.types.UI_UL_list.filter_items_by_name(self.filter_name, self.bitflag_filter_item, rows)
        flags = flags or [self.bitflag_filter_item] * len(rows)
        if self.only_open:
            flags = [
                flag if row.corrected or not row.target or row.problem else 0
                for flag, row in zip(flags, rows, strict=True)
            ]
        return flags, []


def draw_bones(layout: UILayout, name: str, performer: DUOLOGUE_PG_performer) -> None:
    """Draw the body's table, folded away by default."""
    row = layout.row(align=True)
    _fold(row, performer, "show_bones", performer.counted)
    row.context_pointer_set("duologue_performer", performer)
    row.menu("DUOLOGUE_MT_presets", text="", icon="PRESET")
    if performer.show_bones:
        layout.prop(performer, "rig_map", text="", icon="ARMATURE_DATA", placeholder="Recognised by itself")
        layout.template_list("DUOLOGUE_UL_mapping", name, performer, "joints", performer, "active_joint", rows=8)
        _draw_problem(layout, performer.joints, performer.active_joint)


def draw_faces(layout: UILayout, name: str, performer: DUOLOGUE_PG_performer) -> None:
    """Draw a table for every mesh with shape keys, folded away by default."""
    for index, face in enumerate(performer.faces):
        if face.mesh is None or face.mesh.data.shape_keys is None:
            continue
        row = layout.row(align=True)
        _fold(row, face, "show", f"{face.name}: {face.found}" if face.use else face.name)
        row.prop(face, "use", text="")
        if face.show:
            _draw_face(layout.column(), f"{name}{index}", face)


def _fold(row: UILayout, item: Any, prop: str, text: str) -> None:
    """Draw a triangle and a text, both of which open and shut what comes below. (Blender's own panels don't go into boxes.)"""
    title = row.row()
    title.alignment = "LEFT"
    icon = "DOWNARROW_HLT" if getattr(item, prop) else "RIGHTARROW"
    title.prop(item, prop, text=text, translate=False, icon=icon, emboss=False)


def _draw_face(layout: UILayout, identifier: str, face: DUOLOGUE_PG_face) -> None:
    layout.active = face.use
    layout.prop(face, "shape_map", text="", icon="SHAPEKEY_DATA", placeholder="Recognised by itself")
    layout.template_list("DUOLOGUE_UL_mapping", identifier, face, "rows", face, "active", rows=8)
    _draw_problem(layout, face.rows, face.active)


def _draw_problem(layout: UILayout, rows: Any, active: int) -> None:
    if 0 <= active < len(rows) and rows[active].problem:
        layout.label(text=rows[active].problem, translate=False, icon="ERROR")


CLASSES = (DUOLOGUE_UL_mapping,)
