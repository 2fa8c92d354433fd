# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel asks for: which frames of the scene, seen how, and how pictures are made of them; and why that can't be yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.labels import FACE_INTERACTIONS
from duologue.passes.options import USUAL, Span
from duologue.passes.pictures import Event, RenderSettings

from ..properties import settings_of
from ..properties.video import USUAL_MODE
from ..scene import compat
from ..scene.timing import frame_rate
from ..session.session import session
from .folder import Clip
from .generating import CARRIED

if TYPE_CHECKING:
    from bpy.types import Scene

    from ..properties.interaction import DUOLOGUE_PG_interaction
    from ..properties.video import DUOLOGUE_PG_video

_ROOM: Final = 0.6
"""Seconds before a touch and after it that are shown."""

_PRESETS: Final = {"DRAFT": ("draft",), "FINAL": ("draft", "final")}


def problem(scene: Scene) -> str:
    """Return why no video can be made of the scene as it is set, or nothing."""
    video = settings_of(scene).video
    if video.range == "TOUCH" and chosen_touch(scene) is None:
        return _t("No touch is chosen; add one to the list above, or choose Frames")
    if video.camera is None and scene.camera is None:
        return _t("The scene has no camera; add one, or press Cut or Wide under Cameras and Chairs")
    if not video.folder:
        return _t("Choose a folder")
    if video.folder.startswith("//") and not bpy.data.filepath:
        return _t("The folder is relative to this file, which has not been saved; save it, or choose another folder")
    return not_offered(video.backend)


def not_offered(backend: str) -> str:
    """Return why the server that Blender is connected to can't make these pictures, or nothing; without a connection nothing."""
    offered = session.backends()
    if backend == CARRIED or offered is None or backend in offered:
        return ""
    if not offered:
        return _t("This server makes no pictures; it is too old, or was started without that. Carried needs none")
    return _t("This server has no weights for {backend}; it has: {offered}. Carried needs no server").format(
        backend=backend, offered=", ".join(offered)
    )


def chosen_touch(scene: Scene) -> DUOLOGUE_PG_interaction | None:
    """Return the touch that is chosen in the list."""
    settings = settings_of(scene)
    inside = 0 <= settings.active_interaction < len(settings.interactions)
    return settings.interactions[settings.active_interaction] if inside else None


def span_of(scene: Scene) -> Span:
    """Return which frames are shown: those that are given, or those of the chosen touch and a little around, 4k + 1 of them."""
    video = settings_of(scene).video
    step, touch = video.step, chosen_touch(scene)
    if video.range == "FRAMES" or touch is None:
        return Span(video.first, video.first + (video.frames - 1) * step, step)
    room = round(_ROOM * frame_rate(scene))
    first = max(touch.first - room, min(scene.frame_start, touch.first))
    last = min(touch.last + room, max(scene.frame_end, touch.last))
    count = min((last - first) // step + 1, USUAL)
    return Span(first, first + (count - 1 - (count - 1) % 4) * step, step)


def clip_of(scene: Scene) -> Clip:
    """Return what is shown, before anything of it is read."""
    video, span = settings_of(scene).video, span_of(scene)
    camera = video.camera.name if video.camera is not None else ""
    size = (video.width, video.height)
    return Clip(scene.name, camera, span, size, frame_rate(scene) / span.step, video.picture, events_of(scene, span))


def events_of(scene: Scene, span: Span) -> tuple[Event, ...]:
    """Return the touches of the list that are in the clip, in frames of it."""
    found: list[Event] = []
    for item in settings_of(scene).interactions:
        other = "B" if item.performer == "A" else "A"
        touched = item.performer if item.pattern in FACE_INTERACTIONS and item.target == "SELF" else other
        begins, ends = ((frame - span.first) / span.step for frame in (item.first, item.last))
        if item.enabled and ends >= 0 and begins < span.count:
            found.append(Event(item.pattern, item.performer, touched, begins, ends))
    return tuple(found)


def render_settings(video: DUOLOGUE_PG_video, region: str = "") -> RenderSettings:
    """Return how pictures are made. A part that is made again has no draft first: the rest of the picture is there."""
    presets = _PRESETS[video.preset]
    if region or video.backend == CARRIED:
        presets = presets[-1:]
    return RenderSettings(
        video.backend,
        "" if video.mode == USUAL_MODE else video.mode,
        presets,
        video.steps,
        video.seed,
        video.prompt.strip(),
        region,
    )


def folder_of(scene: Scene) -> Path:
    """Return the folder that is chosen."""
    return Path(bpy.path.abspath(settings_of(scene).video.folder)).resolve()


def engine_of(clip: Clip) -> str:
    """Return the engine that draws a clip's first picture, by Blender's name; nothing for the scene's own."""
    return {"WORKBENCH": "BLENDER_WORKBENCH", "EEVEE": compat.eevee()}.get(clip.picture, "")
