# SPDX-License-Identifier: GPL-3.0-or-later
"""What an animator sets, kept in the scene: the cast, the speech, and how the two stand to each other."""

from __future__ import annotations

from typing import cast

import bpy
from duologue.labels import PERFORMERS

from . import interaction, output, passes, performer, settings, takes, video, voices
from .performer import DUOLOGUE_PG_performer
from .settings import DUOLOGUE_PG_settings

SETTINGS = "duologue"
"""The property of a scene that holds them."""


def settings_of(scene: bpy.types.Scene) -> DUOLOGUE_PG_settings:
    """Return a scene's Duologue settings."""
    return getattr(scene, SETTINGS)


def scene_of(settings: bpy.types.PropertyGroup) -> bpy.types.Scene:
    """Return the scene that these are settings of: its performance, a performer, a take."""
    return cast("bpy.types.Scene", settings.id_data)


def named_performers(settings: DUOLOGUE_PG_settings) -> list[tuple[str, DUOLOGUE_PG_performer]]:
    """Return ("A", its settings) and ("B", its settings)."""
    return list(zip(PERFORMERS, settings.performers(), strict=True))


CLASSES = (
    *performer.CLASSES,
    *output.CLASSES,
    *passes.CLASSES,
    *video.CLASSES,
    *interaction.CLASSES,
    *takes.CLASSES,
    *voices.CLASSES,
    *settings.CLASSES,
)
