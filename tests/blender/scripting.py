# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the script share: two people who are only placed, markers, and the brief that comes of it."""

from __future__ import annotations

import sys

import bpy
import numpy as np
from conftest import MODULE
from duologue.brief import Brief
from duologue.units import Sound

VOICE = Sound(np.full(32000, 0.1, np.float32), 16000)
"""Two seconds."""
LONG = Sound(np.full(160000, 0.1, np.float32), 16000)
"""Ten seconds."""


def press(name: str, **arguments: object) -> set[str]:
    return getattr(bpy.ops.duologue, name)("EXEC_DEFAULT", **arguments)


def installed(name: str):
    """A module of the extension as it is installed."""
    return sys.modules[f"{MODULE}.{name}"]


def two_people(scene):
    """Two armatures at x = -1 and 1 that nothing recognises, which speak from files; the scene's settings."""
    chosen = scene.duologue
    for performer, x in ((chosen.a, -1.0), (chosen.b, 1.0)):
        armature = bpy.data.objects.new("Somebody", bpy.data.armatures.new("Somebody"))
        armature.location.x = x
        scene.collection.objects.link(armature)
        performer.start.source, performer.start.x = "TYPED", x
        performer.source = "FILE"
    return chosen


def brief(voice: Sound = VOICE) -> Brief:
    """The brief of the scene as it is."""
    context = bpy.context
    return installed("briefing").make_brief(context, context.scene.duologue, (voice, voice))


def mark(name: str, frame: int) -> None:
    bpy.context.scene.timeline_markers.new(name, frame=frame)


def last_frame(start: int, frames: int) -> dict[str, int]:
    """How `strips.new_effect` is told where a strip ends, which changed in 5.0."""
    return {"length": frames} if bpy.app.version >= (5, 0) else {"frame_end": start + frames}
