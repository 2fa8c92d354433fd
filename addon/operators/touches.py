# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of touches: add, copy, remove; a strip in the sequencer for each; places marked on faces that tell no one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS

from ..briefing.touches import add_row, fill, lay_strip, new_row, touch_of, usual_name
from ..cast.recognition import cast_performer
from ..interactions import places
from ..properties import named_performers, settings_of
from ..properties.interaction import PATTERNS
from ..scene import touch_strips
from ..scene.timing import frame_rate
from ..session.session import session
from ..takes import store
from ..takes.curves import clock_of
from .base import Operator
from .markers import PERFORMER
from .rules import BUSY

if TYPE_CHECKING:
    from bpy.types import Context

    from ..properties import DUOLOGUE_PG_settings
    from ..properties.interaction import DUOLOGUE_PG_interaction

_SECONDS = 1.5
"""How long a new touch lasts."""
NO_TOUCH = "There is no touch in the list; add one"


def chosen_touch(settings: DUOLOGUE_PG_settings) -> DUOLOGUE_PG_interaction | None:
    """Return the touch that is chosen in the list, or None where there is none."""
    index = settings.active_interaction
    return settings.interactions[index] if 0 <= index < len(settings.interactions) else None


class DUOLOGUE_OT_add_touch(Operator, bpy.types.Operator):
    """Add a touch at the current frame, as a row of the list and as a strip of the video sequencer: drag and stretch it there"""

    bl_idname = "duologue.add_touch"
    bl_label = "Add Touch"
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "pattern"

    pattern: bpy.props.EnumProperty(name="Touch", description="What the hand does", items=PATTERNS, default="cup-cheek")

    def run(self, context: Context) -> str:
        """Add it below the others; the same person touches as in the one that was chosen."""
        scene = context.scene
        settings = settings_of(scene)
        before = chosen_touch(settings)
        performer = before.performer if before is not None else PERFORMERS[0]
        item = new_row(settings)
        item.pattern, item.performer = self.pattern, performer
        item.kept_first = scene.frame_current
        item.kept_last = scene.frame_current + max(round(_SECONDS * frame_rate(scene)), 1)
        item.name = usual_name(item)
        lay_strip(scene, item)
        return ""


class _OfTouch(Operator):
    """What needs a chosen touch."""

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be one."""
        return "" if chosen_touch(settings_of(context.scene)) is not None else NO_TOUCH


class DUOLOGUE_OT_remove_touch(_OfTouch, bpy.types.Operator):
    """Remove the chosen touch from the list, with its strip; what was solved stays until Solve or Remove is pressed"""

    bl_idname = "duologue.remove_touch"
    bl_label = "Remove Touch"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Context) -> str:
        """Remove it and choose the one before."""
        settings = settings_of(context.scene)
        item = chosen_touch(settings)
        assert item is not None
        touch_strips.remove(context.scene, item.key)
        settings.interactions.remove(settings.active_interaction)
        settings.active_interaction = max(0, min(settings.active_interaction, len(settings.interactions) - 1))
        return ""


class DUOLOGUE_OT_copy_touch(_OfTouch, bpy.types.Operator):
    """Copy the chosen touch to the current frame"""

    bl_idname = "duologue.copy_touch"
    bl_label = "Copy Touch"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Context) -> str:
        """Add one that is alike, and as long."""
        scene = context.scene
        settings, clock = settings_of(scene), clock_of(scene)
        item = chosen_touch(settings)
        assert item is not None
        touch, length = touch_of(item, clock), item.last - item.first
        copy = new_row(settings)
        fill(copy, touch, clock)
        copy.kept_first, copy.kept_last = scene.frame_current, scene.frame_current + length
        lay_strip(scene, copy)
        return ""


class DUOLOGUE_OT_touches_of_take(Operator, bpy.types.Operator):
    """Put the touches that the chosen take was asked for into the list, in place of those that are there"""

    bl_idname = "duologue.touches_of_take"
    bl_label = "Take Over"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """The chosen take must have been asked for some."""
        if session.busy:
            return BUSY
        entry = store.current_entry(settings_of(context.scene))
        asked = entry is not None and '"interactions"' in entry.brief
        return "" if asked else "The chosen take was asked for no touches"

    def run(self, context: Context) -> str:
        """Replace the list."""
        scene = context.scene
        settings = settings_of(scene)
        entry = store.current_entry(settings)
        assert entry is not None
        brief = store.load_brief(entry)
        for item in settings.interactions:
            touch_strips.remove(scene, item.key)
        settings.interactions.clear()
        for touch in brief.interactions:
            add_row(scene, settings, touch, clock_of(scene))
        return _t("{count} touches of {name}").format(count=len(brief.interactions), name=entry.name)


class DUOLOGUE_OT_mark_place(Operator, bpy.types.Operator):
    """Mark a place of a face with an Empty that goes along with the head, for faces whose shapes tell none"""

    bl_idname = "duologue.mark_place"
    bl_label = "Mark Place"
    bl_options = {"REGISTER", "UNDO"}

    performer: bpy.props.EnumProperty(name="Performer", description="Whose face", items=PERFORMER)
    place: bpy.props.EnumProperty(name="Place", description="What is there", items=places.PLACES, default="nose")

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be somebody with a face; new objects can't be chosen while another is edited."""
        if context.mode != "OBJECT":
            return "Go to object mode first"
        return "" if any(p.armature for p in settings_of(context.scene).performers()) else "Choose an armature first"

    def run(self, context: Context) -> str:
        """Add it at a likely place, or choose the one that is there."""
        chosen = dict(named_performers(settings_of(context.scene)))[self.performer]
        if chosen.armature is None:
            raise DuologueError("FAILED_PRECONDITION", "cast-missing", f"choose an armature for {self.performer} first")
        marker = places.mark(context.scene, cast_performer(self.performer, chosen), self.place)
        for other in context.selected_objects:
            other.select_set(False)
        if marker.name in context.view_layer.objects:
            marker.select_set(True)
            context.view_layer.objects.active = marker
        return _t("Move {name} onto the skin").format(name=marker.name)


CLASSES = (
    DUOLOGUE_OT_add_touch,
    DUOLOGUE_OT_remove_touch,
    DUOLOGUE_OT_copy_touch,
    DUOLOGUE_OT_touches_of_take,
    DUOLOGUE_OT_mark_place,
)
