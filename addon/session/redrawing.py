# SPDX-License-Identifier: GPL-3.0-or-later
"""What of Blender's windows is drawn anew while a take is made: no more than has changed."""

from __future__ import annotations

import time
from dataclasses import dataclass

import bpy

PANEL_TICK = 0.2
"""Seconds between two drawings of the panels while something is under way: as often as numbers can be read."""


@dataclass
class _Drawn:
    """What was asked for last: the scene and frame that the viewports show, and when the panels are due again."""

    shown: tuple[str, int] | None = None
    panels_due: float = 0.0


_drawn = _Drawn()


def while_busy(shown: tuple[str, int] | None) -> None:
    """Draw the viewports anew where the characters have moved, and the panels now and then.

    ``shown``: a scene's name and which frame of a take its characters show. Where there is no graphics card a viewport takes the
    processor for a tenth of a second each time, which the server may need.
    """
    moved = shown[0] if shown is not None and shown != _drawn.shown else None
    _drawn.shown = shown
    panels = time.monotonic() >= _drawn.panels_due
    if panels:
        _drawn.panels_due = time.monotonic() + PANEL_TICK
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES" and panels:
                area.tag_redraw()
            elif area.type == "VIEW_3D":
                for region in area.regions:
                    if (window.scene.name == moved and region.type == "WINDOW") or (panels and region.type == "UI"):
                        region.tag_redraw()


def everything() -> None:
    """Have every panel of ours drawn anew, and the viewports."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()
