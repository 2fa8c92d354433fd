# SPDX-License-Identifier: GPL-3.0-or-later
"""Markers that say what a performer does or feels from there on: add one at the current frame, jump to it, remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from duologue.brief.timeline import MAX_EMOTION_STRENGTH
from duologue.labels import ACTION_MODES, EMOTIONS, PERFORMERS

from ..scene.markers import marker_name, read_markers
from .base import Operator

if TYPE_CHECKING:
    from bpy.types import Context

PERFORMER = [(name, name, f"Performer {name}") for name in PERFORMERS]

_LABELS = [
    ("", "Actions", ""),
    *((name, name.capitalize(), f"From here on: {name}") for name in ACTION_MODES),
    ("", "Emotions", ""),
    *((name, name.capitalize(), f"From here on: {name}") for name in sorted(EMOTIONS)),
]


class DUOLOGUE_OT_add_marker(Operator, bpy.types.Operator):
    """Add a timeline marker at the current frame: from there on the performer does or feels this. Drag it as any marker"""

    bl_idname = "duologue.add_marker"
    bl_label = "Add Marker"
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "label"

    performer: bpy.props.EnumProperty(name="Performer", description="Whose marker it is", items=PERFORMER)
    label: bpy.props.EnumProperty(
        name="From Here On", description="What the performer does or feels", items=_LABELS, default="stand"
    )
    strength: bpy.props.FloatProperty(
        name="Strength",
        description="For an emotion: how strongly the face shows it",
        default=1.0,
        min=0.0,
        max=MAX_EMOTION_STRENGTH,
    )

    def run(self, context: Context) -> str:
        """Add the marker, or change the one that is there."""
        scene = context.scene
        kind = "action" if self.label in ACTION_MODES else "emotion"
        name = marker_name(self.performer, self.label, 1.0 if kind == "action" else self.strength)
        frame = scene.frame_current
        for cue in read_markers(scene)[0]:
            if (cue.frame, cue.performer, cue.kind) == (frame, self.performer, kind):
                marker = _find(scene, frame, cue.marker)
                if marker is not None:
                    marker.name = name
                return ""
        marker = scene.timeline_markers.new(name, frame=frame)
        for other in scene.timeline_markers:
            other.select = other == marker
        return ""


class DUOLOGUE_OT_remove_marker(Operator, bpy.types.Operator):
    """Remove this marker from the timeline"""

    bl_idname = "duologue.remove_marker"
    bl_label = "Remove Marker"
    bl_options = {"REGISTER", "UNDO"}

    marker: bpy.props.StringProperty(name="Marker", description="The marker's name")
    frame: bpy.props.IntProperty(name="Frame", description="Where it is")

    def run(self, context: Context) -> str:
        """Remove it, if it is still there."""
        marker = _find(context.scene, self.frame, self.marker)
        if marker is not None:
            context.scene.timeline_markers.remove(marker)
        return ""


class DUOLOGUE_OT_jump_to(Operator, bpy.types.Operator):
    """Go to this frame"""

    bl_idname = "duologue.jump_to"
    bl_label = "Jump There"

    frame: bpy.props.IntProperty(name="Frame", description="Where to go")

    def run(self, context: Context) -> str:
        """Set the frame."""
        context.scene.frame_set(self.frame)
        return ""


def _find(scene: bpy.types.Scene, frame: int, name: str) -> bpy.types.TimelineMarker | None:
    return next((marker for marker in scene.timeline_markers if (marker.frame, marker.name) == (frame, name)), None)


CLASSES = (DUOLOGUE_OT_add_marker, DUOLOGUE_OT_remove_marker, DUOLOGUE_OT_jump_to)
