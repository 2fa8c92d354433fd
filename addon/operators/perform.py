# SPDX-License-Identifier: GPL-3.0-or-later
"""Perform: send the brief, show the take while it is made, and write it when it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Window

from .. import __package__ as base_package
from ..briefing import cast_both, frames_of, make_brief, read_speech, what_is_missing
from ..connection import Request, session
from ..preferences import target
from ..properties import settings_of
from ..scene import shot
from ..scene.live import LivePose
from ..scene.take_writer import write_take
from .base import Operator

if TYPE_CHECKING:
    from bpy.types import Context, Scene


class DUOLOGUE_OT_perform(Operator, bpy.types.Operator):
    """Make a take: both characters perform the speech, live while it is being made"""

    bl_idname = "duologue.perform"
    bl_label = "Perform"
    bl_options = {"REGISTER"}

    wait: bpy.props.FloatProperty(
        name="Wait",
        description="Without a window: how many seconds to wait for the take; 0 returns at once",
        default=0.0,
        min=0.0,
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Say what is still missing."""
        return "A take is being made" if session.busy else what_is_missing(context, settings_of(context.scene))

    def run(self, context: Context) -> str:
        """Check everything here, then ask the server."""
        settings = settings_of(context.scene)
        performers = cast_both(settings)
        audio = read_speech(context, settings)
        brief = make_brief(settings, audio)
        stage = _Stage(context.scene)
        request = Request(brief, audio, frames_of(audio), stage.begin, stage.show, stage.end)
        del performers  # recognised once more when the server is ready: until then the user may have undone something
        session.perform(target(), request)
        if self.wait:
            session.wait(self.wait)
        return ""


class _Stage:
    """What happens in the scene while a take is made. It keeps the scene's name, never the scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene.name
        self._live: list[LivePose] = []

    def begin(self, skeleton: Skeleton) -> None:
        settings = settings_of(self._find())
        self._live = [LivePose(skeleton, performer) for performer in cast_both(settings)]

    def show(self, window: Window) -> None:
        for live, track in zip(self._live, window.tracks, strict=True):
            live.show(track)

    def end(self, take: Take | None) -> None:
        for live in self._live:
            live.restore()
        self._live = []
        if take is None:
            return
        scene = self._find()
        settings = settings_of(scene)
        session.notes += write_take(take, cast_both(settings), settings.first_frame, shot.frame_rate(scene))
        settings.last_take = str(_save(take))
        last = settings.first_frame + round((take.frames - 1) * shot.frame_rate(scene) / take.fps)
        scene.frame_end = max(scene.frame_end, last)
        scene.frame_set(scene.frame_current)
        bpy.ops.ed.undo_push(message="Duologue take")

    def _find(self) -> Scene:
        scene = bpy.data.scenes.get(self._scene)
        if scene is None:
            raise DuologueError("ABORTED", "scene-gone", f"the scene {self._scene!r} is no longer there")
        return scene


def _save(take: Take) -> Path:
    """Keep the take as a file in the extension's own folder: what is in the scene can then be made again."""
    folder = Path(bpy.utils.extension_path_user(base_package, path="takes", create=True))
    path = folder / f"{take.digest()[:16]}.safetensors"
    take.save(path)
    return path


CLASSES = (DUOLOGUE_OT_perform,)
