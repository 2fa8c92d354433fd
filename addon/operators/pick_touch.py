# SPDX-License-Identifier: GPL-3.0-or-later
"""Pick on Face: click where the hand is to touch; the nearest place and the way beside it are taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.app.translations import pgettext_iface as _t
from bpy_extras import view3d_utils
from duologue.errors import DuologueError
from mathutils import Vector

from ..cast.casting import cast_both
from ..interactions import places
from ..interactions.actors import Ensemble
from ..interactions.solving import untouched
from ..properties import settings_of
from ..properties.interaction import PATTERNS
from ..scene.axes import from_blender
from .base import Operator, Result, folded
from .rules import NO_CAST
from .touches import NO_TOUCH, chosen_touch

if TYPE_CHECKING:
    from bpy.types import Context, Event

_NEAR = 0.03
"""Metres from somebody's skin within which a click means it: subdivided or thick surfaces lie off the mesh itself."""


class DUOLOGUE_OT_pick_touch(Operator, bpy.types.Operator):
    """Click a face in the viewport: the chosen touch goes there, to the nearest place that is known and as far beside it as you
    clicked. Right click or Esc stops"""

    bl_idname = "duologue.pick_touch"
    bl_label = "Pick on Face"
    bl_options = {"REGISTER", "UNDO"}

    origin: bpy.props.FloatVectorProperty(
        name="From", description="Where the line of sight begins, in the scene", options={"HIDDEN", "SKIP_SAVE"}
    )
    direction: bpy.props.FloatVectorProperty(
        name="Along", description="Which way it goes", default=(0, 1, 0), options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be two characters and a touch."""
        settings = settings_of(context.scene)
        if any(performer.armature is None for performer in settings.performers()):
            return NO_CAST
        return "" if chosen_touch(settings) is not None else NO_TOUCH

    def invoke(self, context: Context, _: Event) -> Result:
        """Wait for a click."""
        if context.window is None or context.workspace is None:
            self.report({"ERROR"}, _t("There is no window to click in"))
            return {"CANCELLED"}
        context.window.cursor_modal_set("EYEDROPPER")
        context.workspace.status_text_set(_t("Click the face where the hand is to touch; Esc stops"))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> Result:
        """Take the click in whichever viewport it was; let the view be turned meanwhile."""
        if event.type in {"ESC", "RIGHTMOUSE"}:
            self._end(context)
            return {"CANCELLED"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        self._end(context)
        if not self._aim(context, event):
            self.report({"INFO"}, _t("That was not in a 3D view"))
            return {"CANCELLED"}
        return self.execute(context)

    def _end(self, context: Context) -> None:
        if context.window is not None and context.workspace is not None:
            context.window.cursor_modal_restore()
            context.workspace.status_text_set(None)

    def _aim(self, context: Context, event: Event) -> bool:
        """Keep the line of sight under the pointer; return whether it is in a 3D view."""
        for area in context.screen.areas if context.screen is not None else ():
            for region in area.regions:
                at = event.mouse_x - region.x, event.mouse_y - region.y
                inside = 0 <= at[0] < region.width and 0 <= at[1] < region.height
                if area.type == "VIEW_3D" and region.type == "WINDOW" and inside:
                    view = area.spaces.active.region_3d
                    self.origin = view3d_utils.region_2d_to_origin_3d(region, view, at)
                    self.direction = view3d_utils.region_2d_to_vector_3d(region, view, at)
                    return True
        return False

    def run(self, context: Context) -> str:
        """Find what is seen there, and on whom."""
        scene = context.scene
        settings = settings_of(scene)
        item = chosen_touch(settings)
        assert item is not None
        graph = context.evaluated_depsgraph_get()
        hit, point, *_ = scene.ray_cast(graph, Vector(self.origin), Vector(self.direction))
        if not hit:
            raise _missed()
        performers = cast_both(settings)
        with untouched(scene, performers):
            actors = Ensemble(scene, performers).read([scene.frame_current])
        found = [places.at_rest(actor, 0, from_blender(np.array(point))) for actor in actors]
        who = int(np.argmin([far for _, far in found]))
        rest, far = found[who]
        if far > _NEAR:
            raise _missed()
        landmark, side, offset = places.nearest_place(actors[who].character, rest)
        item.target = "SELF" if item.performer == performers[who].name else "PARTNER"
        item.pattern = places.pattern_at(item.pattern, landmark)
        item.side = side or "NEARER"
        item.offset = offset
        chosen = next(label for name, label, *_ in PATTERNS if name == item.pattern)
        return _t("{touch}: {u:.0f} mm outwards and {v:.0f} mm up").format(touch=_t(chosen), u=offset[0], v=offset[1])


def _missed() -> DuologueError:
    return DuologueError(
        "FAILED_PRECONDITION",
        "no-face-there",
        folded("there is no skin of A or B where you clicked; click one of their faces"),
    )


CLASSES = (DUOLOGUE_OT_pick_touch,)
