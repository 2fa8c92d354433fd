# SPDX-License-Identifier: GPL-3.0-or-later
"""Export Passes: a clip of the scene as what video models are conditioned on, a frame at a time, so that Esc can end it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.passes.options import Span

from ..briefing import cast_both
from ..properties import settings_of
from ..rendering import passes, pictures
from ..session.session import session
from .rules import NO_CAST, WAIT_FOR_TAKE
from .stepping import SteppingOperator, Steps

if TYPE_CHECKING:
    from bpy.types import Context


class DUOLOGUE_OT_export_passes(SteppingOperator, bpy.types.Operator):
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

    def begin(self, context: Context) -> Steps[None]:
        """Export a frame at each step; the frames that are there stay."""
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
            for done, total in passes.export(
                scene,
                performers,
                request,
                lambda frame: pictures.draw_here(scene, frame),
                lambda note: self.report({"WARNING"}, note),
            ):
                yield "", done / total

    def finish(self, context: Context, made: None) -> str:
        """Say where they are."""
        return _t("Passes written into {folder}").format(folder=settings_of(context.scene).passes.folder)

    def stopped(self) -> str:
        """Some frames are there."""
        return _t("The export was cancelled; its folder is not complete")


CLASSES = (DUOLOGUE_OT_export_passes,)
