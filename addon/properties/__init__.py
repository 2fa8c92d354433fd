# SPDX-License-Identifier: GPL-3.0-or-later
"""What an animator sets, kept in the scene: the cast, the speech, and how the two stand to each other."""

from __future__ import annotations

import bpy
from duologue.labels import PERFORMERS

from . import output, performer, settings, takes
from .performer import DUOLOGUE_PG_performer
from .settings import DUOLOGUE_PG_settings


def settings_of(scene: bpy.types.Scene) -> DUOLOGUE_PG_settings:
    """Return a scene's Duologue settings."""
    return scene.duologue


def named_performers(settings: DUOLOGUE_PG_settings) -> list[tuple[str, DUOLOGUE_PG_performer]]:
    """Return ("A", its settings) and ("B", its settings)."""
    return list(zip(PERFORMERS, settings.performers(), strict=True))


CLASSES = (*performer.CLASSES, *output.CLASSES, *takes.CLASSES, *settings.CLASSES)
