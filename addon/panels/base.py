# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels of the sidebar share: their place, boxes with a title, and text that wraps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.translations import pgettext_iface as _t

if TYPE_CHECKING:
    from bpy.types import Context, OperatorProperties, UILayout


class Panel(bpy.types.Panel if TYPE_CHECKING else object):
    """Mix this into ``bpy.types.Panel``: the sidebar of the 3D view, under Duologue's own tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Duologue"

    if TYPE_CHECKING:

        @property
        def layout(self) -> UILayout:
            """Where it is drawn: always there while it is."""
            ...


class Menu(bpy.types.Menu if TYPE_CHECKING else object):
    """Mix this into ``bpy.types.Menu``."""

    if TYPE_CHECKING:

        @property
        def layout(self) -> UILayout:
            """Where it is drawn: always there while it is."""
            ...


def titled(layout: UILayout, name: str) -> UILayout:
    """Return a box for a performer, headed by its letter."""
    box = layout.box()
    box.label(text=_t("Performer {name}").format(name=name), icon="USER")
    column = box.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def icon_named(name: str) -> Any:
    """Return an icon for Blender's functions, whose types list the thousand names that there are."""
    return name


def set_options(button: OperatorProperties | None, **options: object) -> None:
    """Have a button that was drawn call its operator with these options."""
    for name, value in options.items():
        setattr(button, name, value)


def wrap(layout: UILayout, text: str, context: Context, icon: str, *, alert: bool = False) -> None:
    """Draw a text over as many lines as the sidebar's width needs: Blender's labels don't wrap."""
    scale = context.preferences.system.ui_scale
    width = max(20, int((context.region.width / scale - 60) / 6.2)) if context.region else 40
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    for i, line in enumerate(_lines(_t(text), width)):
        column.label(text=line, icon=icon_named(icon if i == 0 else "BLANK1"))


def _lines(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
