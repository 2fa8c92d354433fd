# SPDX-License-Identifier: GPL-3.0-or-later
"""While a take is made, saving and loading must meet the characters as they were before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

if TYPE_CHECKING:
    from .request import Request

_watched: list[tuple[Request, Callable[[], None]]] = []


def watch(request: Request, cancel: Callable[[], None]) -> None:
    """Listen to saving and loading while a request shows something; ``cancel`` is called when another file is opened."""
    unwatch()
    _watched.append((request, cancel))
    for listeners, handler in _handlers():
        listeners.append(handler)


def unwatch() -> None:
    """Listen no longer. May be called twice."""
    _watched.clear()
    for listeners, handler in _handlers():
        if handler in listeners:
            listeners.remove(handler)


def _handlers() -> list[tuple[Any, Any]]:
    known = bpy.app.handlers
    return [(known.save_pre, _before_save), (known.save_post, _after_save), (known.load_pre, _before_load)]


@persistent
def _before_save(*_: object) -> None:
    for request, _cancel in _watched:
        request.pause()


@persistent
def _after_save(*_: object) -> None:
    for request, _cancel in _watched:
        request.resume()


@persistent
def _before_load(*_: object) -> None:
    """Another file is opened: what was being made has no place there."""
    for request, cancel in list(_watched):
        request.leave()
        cancel()
