# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender learns of: one explicit list, registered in order and taken back in reverse."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import bpy

from . import headless, panels, preferences, properties, translations
from .briefing.speech import check_transcript
from .cast.recognition import recognise
from .footage import videos
from .interactions import solving
from .operators import (
    add_sample_pair,
    bake,
    cancel,
    cast_check,
    cast_presets,
    cast_selected,
    clear,
    escape,
    export,
    export_passes,
    filming,
    keep,
    keys,
    markers,
    perform,
    pick_touch,
    remake,
    server,
    shapes,
    solve_touches,
    speak,
    speech,
    stream_out,
    takes,
    targets,
    touches,
    tweak,
    video,
)
from .properties import SETTINGS, hooks
from .session import session, speaking, streaming
from .takes import curves, following, listing, thumbnails

CLASSES = (
    *properties.CLASSES,
    *preferences.CLASSES,
    *add_sample_pair.CLASSES,
    *cast_selected.CLASSES,
    *cast_check.CLASSES,
    *cast_presets.CLASSES,
    *perform.CLASSES,
    *cancel.CLASSES,
    *escape.CLASSES,
    *takes.CLASSES,
    *remake.CLASSES,
    *tweak.CLASSES,
    *bake.CLASSES,
    *keep.CLASSES,
    *clear.CLASSES,
    *server.CLASSES,
    *keys.CLASSES,
    *speak.CLASSES,
    *speech.CLASSES,
    *markers.CLASSES,
    *targets.CLASSES,
    *touches.CLASSES,
    *solve_touches.CLASSES,
    *pick_touch.CLASSES,
    *video.CLASSES,
    *shapes.CLASSES,
    *filming.CLASSES,
    *export.CLASSES,
    *export_passes.CLASSES,
    *stream_out.CLASSES,
    *panels.CLASSES,
)

_log = logging.getLogger(__name__)
_commands: list[Any] = []


def register() -> None:
    """Register everything, or nothing: what is half registered would stand in the way of the next try."""
    try:
        _register()
    except BaseException:
        unregister()
        raise


def _register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    _listen()
    setattr(bpy.types.Scene, SETTINGS, bpy.props.PointerProperty(type=properties.DUOLOGUE_PG_settings))
    _commands.append(bpy.utils.register_cli_command("duologue", headless.main))
    session.register()
    videos.register()
    translations.register()
    following.register()


def _listen() -> None:
    """Say who acts on what of the properties; no take is touched while another one is being made."""
    hooks.character_changed.connect(lambda performer, anew: recognise(performer, anew=anew))
    hooks.transcript_changed.connect(check_transcript)
    hooks.parts_shown.connect(curves.show_parts)
    hooks.take_plays.connect(lambda scene, take: solving.follow_take(_cast_of(scene), take))
    hooks.take_chosen.connect(_unless_busy(listing.choose))
    hooks.tuning_changed.connect(_unless_busy(listing.tune))


def _cast_of(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    return [performer.armature for performer in properties.settings_of(scene).performers() if performer.armature]


def _unless_busy(act: Callable[[bpy.types.Scene], None]) -> Callable[[bpy.types.Scene], None]:
    def guarded(scene: bpy.types.Scene) -> None:
        if not session.session.busy:
            act(scene)

    return guarded


def unregister() -> None:
    """Take everything back, in reverse; one failure must not keep the rest registered. May be called twice."""
    translations.unregister()
    streaming.unregister()
    speaking.unregister()
    following.unregister()
    videos.unregister()
    session.unregister()
    thumbnails.icons.free()
    for event in hooks.ALL:
        event.disconnect()
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    if hasattr(bpy.types.Scene, SETTINGS):
        delattr(bpy.types.Scene, SETTINGS)
    for cls in reversed(CLASSES):
        if not getattr(cls, "is_registered", False):
            continue
        try:
            bpy.utils.unregister_class(cls)
        except RuntimeError:
            _log.exception("could not unregister %s", cls.__name__)
