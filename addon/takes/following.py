# SPDX-License-Identifier: GPL-3.0-or-later
"""When takes follow their strips: after a change of the scene, once nobody drags any more, and after undo and loading."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

from . import follow

if TYPE_CHECKING:
    from bpy.types import Depsgraph, Scene

SETTLED = 0.3
"""Seconds that strips must have been still: bringing a minute's take along takes half a second, too long for every drag."""

_changed = [0.0]


@persistent
def _on_update(_: Scene, depsgraph: Depsgraph | None = None) -> None:
    """Moving, cutting or renaming a strip updates its scene."""
    if (depsgraph is not None and not depsgraph.id_type_updated("SCENE")) or not follow.is_behind(bpy.context):
        return
    if bpy.app.background:
        follow.follow(bpy.context)
        return
    _changed[0] = time.monotonic()
    if not bpy.app.timers.is_registered(_settle):
        bpy.app.timers.register(_settle, first_interval=SETTLED)


@persistent
def _on_change(*_: object) -> None:
    follow.follow(bpy.context)


def _settle() -> float | None:
    """Follow once nobody drags any more."""
    if time.monotonic() - _changed[0] < SETTLED or _is_dragging():
        return SETTLED / 3
    follow.follow(bpy.context)
    return None


def _is_dragging() -> bool:
    windows = bpy.context.window_manager.windows
    return any(op.bl_idname.startswith("TRANSFORM_OT") for window in windows for op in window.modal_operators)


def _handlers() -> list[tuple[Any, Any]]:
    known = bpy.app.handlers
    others = (known.undo_post, known.redo_post, known.load_post)
    return [(known.depsgraph_update_post, _on_update), *((handlers, _on_change) for handlers in others)]


def register() -> None:
    """Watch for strips that move, also by undo and loading."""
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    """Watch no longer."""
    if bpy.app.timers.is_registered(_settle):
        bpy.app.timers.unregister(_settle)
    for handlers, handler in _handlers():
        if handler in handlers:
            handlers.remove(handler)
