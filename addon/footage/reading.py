# SPDX-License-Identifier: GPL-3.0-or-later
"""What *Make Video* does before there is a picture: check, connect, read the scene a frame at a time, and begin the folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.passes import PASSES
from duologue.passes.pictures import RenderSettings

from ..cast.casting import cast_both
from ..properties import settings_of
from ..rendering import passes, pictures
from ..session.opening import ServerTarget
from ..session.session import session
from . import asked
from .folder import PASSES as PASSES_FOLDER
from .folder import Clip, VideoFolder
from .generating import check_offered

if TYPE_CHECKING:
    from bpy.types import Scene

Steps = Generator[tuple[str, float]]
"""Yields what is being done, for the status bar, and how much of it is done, 0 to 1."""

_WANTED: Final = tuple(name for name in PASSES if name not in {"ident", "normal", "flow", "visible", "track"})
"""What those who make pictures read."""


@dataclass(frozen=True)
class Plan:
    """A video that is about to be made of a scene."""

    scene: Scene
    clip: Clip
    settings: RenderSettings
    folder: VideoFolder
    request: passes.Request
    target: ServerTarget | None
    """The server; none for what Blender makes itself."""


def plan(scene: Scene, target: ServerTarget | None) -> Plan:
    """Return what the scene's settings ask for, checked as far as it can be without looking at the scene.

    Raises:
        DuologueError: what :class:`.folder.VideoFolder`, its ``check_free`` and :meth:`..rendering.passes.Request.check` raise.
    """
    video = settings_of(scene).video
    clip, folder = asked.clip_of(scene), VideoFolder(asked.folder_of(scene))
    folder.check_free(replace=video.replace)
    request = passes.Request(
        folder.root / PASSES_FOLDER,
        clip.span,
        clip.size,
        clip.camera,
        _WANTED,
        replace=bool(folder.about),
        first_only=True,
    )
    request.check()
    return Plan(scene, clip, asked.render_settings(video), folder, request, target)


def read(made: Plan, tell: Callable[[str], None]) -> Steps:
    """Connect, read the scene, and begin the folder. ``tell`` hears notes.

    Raises:
        DuologueError: what :func:`connected`, casting, :func:`..rendering.passes.export` and the folder raise.
    """
    if made.target is not None:
        yield from connected(made.target, made.settings.backend)
    made.folder.claim()
    scene, clip = made.scene, made.clip

    def draw(frame: int) -> pictures.Picture | None:
        if clip.picture == "PLAIN":
            return None
        with pictures.set_up(scene, clip.camera, clip.size, asked.engine_of(clip)):
            return pictures.draw_here(scene, frame)

    for done, total in passes.export(scene, cast_both(settings_of(scene)), made.request, draw, tell):
        yield _t("Reading the scene, {share:.0%}; Esc stops").format(share=done / total), done / total
    made.folder.begin(replace(clip, passes=made.folder.digest_of_passes()), made.settings)


def connected(target: ServerTarget, backend: str) -> Steps:
    """Connect before anything is drawn: what the server lacks is told at once.

    Raises:
        DuologueError: why there is no connection; what :func:`.generating.check_offered` raises.
    """
    session.open(target)
    while True:
        session.pump()
        client = session.connected()
        if client is not None:
            check_offered(client, backend)
            return
        if bpy.app.background:
            time.sleep(0.02)
        yield _t("Connecting to the server; Esc stops"), 0.0
