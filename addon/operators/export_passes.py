# SPDX-License-Identifier: GPL-3.0-or-later
"""Export Passes: a clip of the scene as what video models are conditioned on, a frame at a time, so that Esc can end it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.passes.options import Span

from ..briefing import cast_both
from ..properties import settings_of
from ..rendering import passes, pictures
from ..session.session import session
from .base import Operator, Result, folded
from .rules import NO_CAST, WAIT_FOR_TAKE

if TYPE_CHECKING:
    from bpy.types import Context, Event, Timer

_TICK = 0.01


class DUOLOGUE_OT_export_passes(Operator, bpy.types.Operator):
    """Draw parts, depth, normals, flow, contact and pose of a clip into a folder, with videos and masks for ComfyUI and VACE"""

    bl_idname = "duologue.export_passes"
    bl_label = "Export Passes"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be two characters, a camera and a folder."""
        settings = settings_of(context.scene)
        wanted = settings.passes
        if session.busy:
            return WAIT_FOR_TAKE
        if any(performer.armature is None for performer in settings.performers()):
            return NO_CAST
        if wanted.camera is None and context.scene.camera is None:
            return "The scene has no camera; add one, or press Cut or Wide under Cameras and Chairs"
        if not wanted.folder:
            return "Choose a folder"
        if wanted.folder.startswith("//") and not bpy.data.filepath:
            return "The folder is relative to this file, which has not been saved; save it, or choose another folder"
        return ""

    def run(self, context: Context) -> str:
        """Export at once: from a script."""
        for _ in self._begin(context):
            pass
        return self._done(context)

    def invoke(self, context: Context, _: Event) -> Result:
        """Export a frame at a time, from a button."""
        self._steps = self._begin(context)
        self._timer: Timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.progress_begin(0, 1)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> Result:
        """Do a frame, or end with Esc; the frames that are there stay."""
        if event.type == "ESC" and event.value == "PRESS":
            self._end(context)
            self.report({"WARNING"}, _t("The export was cancelled; its folder is not complete"))
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        try:
            done, total = next(self._steps)
        except StopIteration:
            self._end(context)
            self.report({"INFO"}, self._done(context))
            return {"FINISHED"}
        except DuologueError as error:
            self._end(context)
            self.report({"ERROR"}, folded(str(error)))
            return {"CANCELLED"}
        except BaseException:
            self._end(context)
            raise
        context.window_manager.progress_update(done / total)
        return {"RUNNING_MODAL"}

    def _end(self, context: Context) -> None:
        getattr(self._steps, "close")()  # noqa: B009 - the generator puts the scene back
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()

    def _begin(self, context: Context) -> Iterator[tuple[int, int]]:
        """Yield how many frames are done, and of how many."""
        scene = context.scene
        settings = settings_of(scene)
        wanted = settings.passes
        last = wanted.first + (wanted.frames - 1) * wanted.step
        request = passes.Request(
            Path(bpy.path.abspath(wanted.folder)),
            Span(wanted.first, last, wanted.step),
            (wanted.width, wanted.height),
            wanted.camera.name if wanted.camera else "",
            replace=wanted.replace,
        )
        request.check()
        performers = cast_both(settings)
        with ExitStack() as until:
            until.enter_context(pictures.set_up(scene, request.camera, request.size))
            yield from passes.export(
                scene,
                performers,
                request,
                lambda frame: pictures.draw_here(scene, frame),
                lambda note: self.report({"WARNING"}, note),
            )

    def _done(self, context: Context) -> str:
        return _t("Passes written into {folder}").format(folder=settings_of(context.scene).passes.folder)


CLASSES = (DUOLOGUE_OT_export_passes,)
