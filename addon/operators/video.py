# SPDX-License-Identifier: GPL-3.0-or-later
"""A touch as moving pictures: its passes are drawn a frame at a time, and Esc ends that; the pictures are made beside Blender."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..footage import asked, preview, reading
from ..footage.folder import VideoFolder
from ..footage.generating import CARRIED
from ..footage.videos import videos
from ..properties import settings_of
from ..scene import video_strips
from ..session import servers
from ..session.opening import ServerTarget
from ..session.session import session
from .base import Operator
from .rules import NO_CAST, WAIT_FOR_TAKE
from .stepping import SteppingOperator, Steps

if TYPE_CHECKING:
    from bpy.types import Context, Strip

_BUSY = "A video is being made; wait for it, or press Stop"
_NO_VIDEO = "There is no video yet; press Make Video first"
_WAIT = bpy.props.FloatProperty(
    name="Wait",
    description="Without a window: how many seconds to wait for the pictures",
    default=3600.0,
    min=1.0,
    options={"HIDDEN", "SKIP_SAVE"},
)


class DUOLOGUE_OT_make_video(SteppingOperator, bpy.types.Operator):
    """Make moving pictures of a touch: what the scene shows is read first, a frame at a time, then pictures come in one by one as
    a strip of the video sequencer"""

    bl_idname = "duologue.make_video"
    bl_label = "Make Video"
    wait: _WAIT

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be two characters, a camera, frames, a folder, and somebody who makes the pictures."""
        if session.busy:
            return WAIT_FOR_TAKE
        if videos.busy:
            return _BUSY
        if any(performer.armature is None for performer in settings_of(context.scene).performers()):
            return NO_CAST
        return asked.problem(context.scene)

    def begin(self, context: Context) -> Steps[reading.Plan]:
        """Check what there is to check; then connect, read the scene, and begin."""
        made = reading.plan(context.scene, _target(settings_of(context.scene).video.backend))
        return self._steps(made)

    def _steps(self, made: reading.Plan) -> Steps[reading.Plan]:
        yield from reading.read(made, lambda note: self.report({"WARNING"}, note))
        return made

    def finish(self, context: Context, made: reading.Plan) -> str:
        """Let the pictures be made."""
        return _start(context, made.folder, made.target, self.wait)

    def stopped(self) -> str:
        """Nothing was made yet."""
        return _t("Stopped; no picture was made")


class _OfVideo(Operator):
    """What those share that go on from a video's folder: nothing is read of the scene."""

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a video, and none that is being made."""
        if videos.busy:
            return _BUSY
        strip = video_strips.chosen(context.scene)
        if strip is None:
            return _NO_VIDEO
        complete = bool(video_strips.about(strip).get("complete"))
        return cls.unfit(complete=complete) or asked.not_offered(cls.backend_of(context, strip))

    @classmethod
    def unfit(cls, *, complete: bool) -> str:
        """Return why it can't be done with a video that is complete, or is not."""
        raise NotImplementedError

    @classmethod
    def backend_of(cls, context: Context, strip: Strip) -> str:
        """Return who would make the pictures: who made those that are there."""
        return video_strips.about(strip).get("pictures", {}).get("backend", CARRIED)


class DUOLOGUE_OT_again_video(_OfVideo, bpy.types.Operator):
    """Make the chosen video's pictures again with the settings that are kept with its strip: on the same machine they come out
    the same, bit for bit"""

    bl_idname = "duologue.again_video"
    bl_label = "Again"
    wait: _WAIT

    @classmethod
    def unfit(cls, *, complete: bool) -> str:
        """It must be whole."""
        return "" if complete else "Its pictures are not all there; press Go On first"

    def run(self, context: Context) -> str:
        """Begin with the settings that it was made with; what was a draft before final pictures is left out."""
        folder = _folder_of(context)
        folder.begin_again(replace(folder.settings, presets=folder.settings.presets[-1:], region=""))
        return _start(context, folder, _target(folder.settings.backend), self.wait)


class DUOLOGUE_OT_region_again(_OfVideo, bpy.types.Operator):
    """Make hands or faces of the chosen video again, as the panel says now: every other pixel stays as it is, bit for bit"""

    bl_idname = "duologue.region_again"
    bl_label = "Part Again"
    wait: _WAIT
    region: bpy.props.EnumProperty(
        name="Part",
        description="What is made again",
        items=[("hand", "Hands", "Both people's hands"), ("face", "Faces", "Both people's faces and eyes")],
    )

    @classmethod
    def unfit(cls, *, complete: bool) -> str:
        """It must be whole."""
        return "" if complete else "Its pictures are not all there; press Go On first"

    @classmethod
    def backend_of(cls, context: Context, _: Strip) -> str:
        """Return who is chosen in the panel."""
        return settings_of(context.scene).video.backend

    def run(self, context: Context) -> str:
        """Begin with the settings of the panel."""
        folder = _folder_of(context)
        folder.begin_again(asked.render_settings(settings_of(context.scene).video, self.region))
        return _start(context, folder, _target(folder.settings.backend), self.wait)


class DUOLOGUE_OT_resume_video(_OfVideo, bpy.types.Operator):
    """Make the pictures that are missing since the chosen video was stopped: it becomes what it would have been"""

    bl_idname = "duologue.resume_video"
    bl_label = "Go On"
    wait: _WAIT

    @classmethod
    def unfit(cls, *, complete: bool) -> str:
        """It must have been stopped."""
        return "All its pictures are there" if complete else ""

    def run(self, context: Context) -> str:
        """Go on from the first picture that is missing, on a server from its last whole chunk."""
        folder = _folder_of(context)
        first = folder.to_go_on()
        return _start(context, folder, _target(folder.settings.backend), self.wait, first)


class DUOLOGUE_OT_stop_video(Operator, bpy.types.Operator):
    """Stop making the video; pictures that are there are kept, and Go On makes the rest"""

    bl_idname = "duologue.stop_video"
    bl_label = "Stop"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be something to stop."""
        return "" if videos.busy else "No video is being made"

    def run(self, context: Context) -> str:
        """Ask for the end."""
        videos.stop()
        return ""


class DUOLOGUE_OT_show_video(Operator, bpy.types.Operator):
    """Show the video's newest picture in an image editor, in a window of its own where none is open"""

    bl_idname = "duologue.show_video"
    bl_label = "Preview"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a picture and a window."""
        if preview.image_of() is None:
            return _NO_VIDEO
        return "" if context.window is not None and not bpy.app.background else "There is no window to show it in"

    def run(self, context: Context) -> str:
        """Take an image editor that is open, or a new window."""
        image = preview.image_of()
        assert image is not None
        if not preview.show(image):
            bpy.ops.wm.window_new()
            area = context.window_manager.windows[-1].screen.areas[0]
            area.type = "IMAGE_EDITOR"
            preview.show(image)
        return ""


def _target(backend: str) -> ServerTarget | None:
    """Return the server that the preferences ask for; none for what Blender makes itself."""
    return None if backend == CARRIED else servers.target()


def _folder_of(context: Context) -> VideoFolder:
    """Return the chosen video's folder.

    Raises:
        DuologueError: NOT_FOUND ``pictures-missing`` where it is gone, or has another video by now.
    """
    strip = video_strips.chosen(context.scene)
    assert strip is not None
    return VideoFolder(video_strips.folder_of(strip)).that_has(video_strips.about(strip))


def _start(context: Context, folder: VideoFolder, target: ServerTarget | None, wait: float, first: int = 0) -> str:
    """Begin; without a window wait for the end, and return how it ended."""
    videos.start(context.scene, folder, target, first)
    if not bpy.app.background:
        return ""
    videos.wait(wait)
    return videos.message


CLASSES = (
    DUOLOGUE_OT_make_video,
    DUOLOGUE_OT_again_video,
    DUOLOGUE_OT_region_again,
    DUOLOGUE_OT_resume_video,
    DUOLOGUE_OT_stop_video,
    DUOLOGUE_OT_show_video,
)
