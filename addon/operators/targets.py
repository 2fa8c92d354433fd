# SPDX-License-Identifier: GPL-3.0-or-later
"""Add and remove what a performer goes to, looks at and reaches for; take a time from the current frame; draw a start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..briefing import place_at_start
from ..briefing.starts import start_of
from ..properties import DUOLOGUE_PG_performer, named_performers, settings_of
from ..properties.targets import KINDS
from ..scene.timing import frame_rate
from .base import Operator
from .markers import PERFORMER

if TYPE_CHECKING:
    from bpy.types import Context, Mesh

_PERFORMER = bpy.props.EnumProperty(name="Performer", description="Whose it is", items=PERFORMER)
_SECONDS = 2.0
"""How long a new target holds."""


def performer_of(context: Context, name: str) -> DUOLOGUE_PG_performer:
    """Return A's or B's settings."""
    return dict(named_performers(settings_of(context.scene)))[name]


class DUOLOGUE_OT_add_target(Operator, bpy.types.Operator):
    """Add something that this performer goes to, looks at or reaches for: the active object, from the current frame on"""

    bl_idname = "duologue.add_target"
    bl_label = "Add Target"
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "kind"

    performer: _PERFORMER
    kind: bpy.props.EnumProperty(name="Kind", description="What the performer does with it", items=KINDS)

    def run(self, context: Context) -> str:
        """Add it below the others."""
        performer, scene = performer_of(context, self.performer), context.scene
        target = performer.targets.add()
        target.kind = self.kind
        label = next(label for kind, label, *_ in KINDS if kind == self.kind)
        taken = {other.name for other in performer.targets}
        target.name = next(f"{label} {n}" for n in range(1, len(taken) + 2) if f"{label} {n}" not in taken)
        target.start = scene.frame_current
        target.end = scene.frame_current + round(_SECONDS * frame_rate(scene))
        target.timing = "ALWAYS" if self.kind == "SEAT" else "FRAMES"
        chosen = context.active_object
        cast = {other.armature for other in settings_of(scene).performers() if other.armature is not None}
        foreign = chosen is not None and chosen not in cast and chosen.parent not in cast
        if chosen is not None and foreign and (self.kind == "PATH") == (chosen.type == "CURVE"):
            target.target = chosen
        target.at_partner = self.kind == "GAZE" and target.target is None
        performer.active_target = len(performer.targets) - 1
        return ""


class DUOLOGUE_OT_remove_target(Operator, bpy.types.Operator):
    """Remove the target that is chosen in the list; its object stays"""

    bl_idname = "duologue.remove_target"
    bl_label = "Remove Target"
    bl_options = {"REGISTER", "UNDO"}

    performer: _PERFORMER

    def run(self, context: Context) -> str:
        """Remove it and choose the one before."""
        performer = performer_of(context, self.performer)
        performer.targets.remove(performer.active_target)
        performer.active_target = max(0, min(performer.active_target, len(performer.targets) - 1))
        return ""


class DUOLOGUE_OT_target_here(Operator, bpy.types.Operator):
    """Take the current frame"""

    bl_idname = "duologue.target_here"
    bl_label = "Current Frame"
    bl_options = {"REGISTER", "UNDO"}

    performer: _PERFORMER
    end: bpy.props.BoolProperty(name="End", description="Set where it ends, instead of where it begins")

    def run(self, context: Context) -> str:
        """Set one end of the chosen target; the other is pushed along where it would be on the wrong side."""
        performer = performer_of(context, self.performer)
        if performer.active_target >= len(performer.targets):
            return ""
        target, frame = performer.targets[performer.active_target], context.scene.frame_current
        if self.end:
            target.end, target.start = frame, min(target.start, frame)
        else:
            target.start, target.end = frame, max(target.end, frame)
        return ""


class DUOLOGUE_OT_draw_start(Operator, bpy.types.Operator):
    """Add an arrow on the floor where this performer begins, and begin there: move and turn it as you like"""

    bl_idname = "duologue.draw_start"
    bl_label = "Draw Start"
    bl_options = {"REGISTER", "UNDO"}

    performer: _PERFORMER

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """New objects can't be chosen while another is edited."""
        return "" if context.mode == "OBJECT" else "Go to object mode first"

    def run(self, context: Context) -> str:
        """Make the arrow where the performer begins now, or take the one that is there, and choose it."""
        performer = performer_of(context, self.performer)
        context.view_layer.update()
        start = start_of(context.scene, performer, settings_of(context.scene).begin)
        name = f"Duologue Start {self.performer}"
        arrow = bpy.data.objects.get(name)
        if arrow is None:
            arrow = bpy.data.objects.new(name, _arrow_mesh(name))
            arrow.hide_render, arrow.show_in_front, arrow.show_name = True, True, True
            locked: Any = arrow  # Blender's types have the three of each as one
            locked.lock_location, locked.lock_rotation = (False, False, True), (True, True, False)
            place_at_start(arrow, start)
        if arrow.name not in context.scene.objects:
            context.scene.collection.objects.link(arrow)
        performer.start.source, performer.start.target = "OBJECT", arrow
        for other in context.selected_objects:
            other.select_set(False)
        if arrow.name in context.view_layer.objects:
            arrow.select_set(True)
            context.view_layer.objects.active = arrow
        return ""


def _arrow_mesh(name: str) -> Mesh:
    """Draw an arrow on the floor, half a metre towards -Y, from a circle as wide as somebody's stance."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = [(0.2 * np.cos(a), 0.2 * np.sin(a), 0.0) for a in angles]
    arrow = [(0, -0.2, 0), (0, -0.6, 0), (-0.1, -0.47, 0), (0.1, -0.47, 0)]
    edges = [(i, (i + 1) % 24) for i in range(24)] + [(24, 25), (26, 25), (27, 25)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([*circle, *arrow], edges, [])
    return mesh


CLASSES = (
    DUOLOGUE_OT_add_target,
    DUOLOGUE_OT_remove_target,
    DUOLOGUE_OT_target_here,
    DUOLOGUE_OT_draw_start,
)
