# SPDX-License-Identifier: GPL-3.0-or-later
"""A video without a window: ``blender -b scene.blend --command duologue video --touch 2 --out DIR``; what *Make Video* does."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy
from duologue.errors import DuologueError, invalid
from duologue.labels import check
from duologue.passes.frames import FRAMES
from duologue.passes.options import parse_frames, parse_size
from duologue.passes.pictures import MAKERS
from duologue.shots.stopping import stoppable
from duologue.wire.connection import Connection

from ..identity import is_enabled
from ..properties import settings_of
from ..scene.files import open_blend
from ..scene.passes import camera_named
from ..scene.paths import as_it_is
from ..session import environments, servers
from ..session.opening import ServerTarget
from ..session.session import session
from . import asked, reading
from .folder import ABOUT, PASSES, VideoFolder
from .generating import CARRIED
from .videos import videos

if TYPE_CHECKING:
    from bpy.types import Scene

Emit = Callable[..., None]

_LOOK: Final = 0.02
_PATIENCE: Final = 30.0
"""Seconds that a video that was stopped takes to end, at most."""


def run(options: Namespace, emit: Emit, register: Callable[[], None], unregister: Callable[[], None]) -> list[str]:
    """Carry out ``headless video``; return the names of what is in its folder. Ctrl-C and SIGTERM end it: what is there stays.

    ``register``, ``unregister``: of the extension, for a Blender that has it not; what stays registered crashes 4.5 at its end.

    Raises:
        DuologueError: INVALID_ARGUMENT ``blend-missing``, ``touch-missing``, ``unknown-label``, ``video-unready`` with what
            *Make Video* would be grey for; CANCELLED ``cancelled``; what :mod:`.reading` and making pictures raise.
    """
    with ExitStack() as until:
        if not is_enabled():
            register()
            until.callback(unregister)
        _run(options, emit)
    return [FRAMES, PASSES, ABOUT]


def _run(options: Namespace, emit: Emit) -> None:
    blend = options.blend or (Path(bpy.data.filepath) if bpy.data.filepath else None)
    if blend is None:
        raise invalid("blend-missing", "no scene is given; name a .blend", field="BLEND")
    open_blend(blend, "BLEND")
    scene = bpy.context.scene
    _set(scene, options)
    try:
        with stoppable():
            _make(scene, options, emit)
    finally:
        session.close()
    if options.save is not None:
        bpy.ops.wm.save_as_mainfile(filepath=as_it_is(options.save.resolve()), copy=True)


def _set(scene: Scene, options: Namespace) -> None:
    """Set what was given, as the panel would."""
    settings = settings_of(scene)
    video = settings.video
    if options.out is not None:
        video.folder = as_it_is(options.out.resolve())
    if options.touch is not None:
        count = len(settings.interactions)
        if not 1 <= options.touch <= count:
            what = f"touches 1 to {count}" if count else "no touches"
            raise invalid("touch-missing", f"there is no touch {options.touch}; the scene has {what}", field="--touch")
        settings.active_interaction, video.range = options.touch - 1, "TOUCH"
    if options.frames:
        span = parse_frames(options.frames)
        video.range, video.first, video.frames, video.step = "FRAMES", span.first, span.count, span.step
    if options.size:
        video.width, video.height = parse_size(options.size)
    if options.camera:
        video.camera = camera_named(scene, options.camera)
    if options.backend:
        video.backend = check(options.backend, tuple(MAKERS), field="--backend")
    if options.mode:
        video.mode = check(options.mode, MAKERS[video.backend].modes, field="--mode")
    given: dict[str, Any] = {
        "step": options.every,
        "steps": options.steps,
        "seed": options.seed,
        "prompt": options.prompt,
    }
    given |= {
        "replace": options.replace,
        "preset": options.preset.upper() or None,
        "picture": options.picture.upper() or None,
    }
    for name, value in given.items():
        if value is not None:
            setattr(video, name, value)


def _make(scene: Scene, options: Namespace, emit: Emit) -> None:
    folder = VideoFolder(asked.folder_of(scene))
    if options.go_on and folder.begun:
        if folder.complete:
            return
        first = folder.to_go_on()
        target = _target(folder.settings.backend, options.server)
    else:
        if problem := asked.problem(scene):
            raise invalid("video-unready", problem)
        first, target = 0, _target(settings_of(scene).video.backend, options.server)
        made = reading.plan(scene, target)
        for _, share in reading.read(made, lambda note: emit("note", message=note)):
            emit("progress", stage="passes", done=round(share * made.clip.span.count), total=made.clip.span.count)
        folder = made.folder
    try:
        videos.start(scene, folder, target, first)
        _follow(emit)
    except KeyboardInterrupt:
        videos.stop()
        videos.wait(_PATIENCE)
        raise DuologueError("CANCELLED", "cancelled", videos.message) from None


def _follow(emit: Emit) -> None:
    """Tell how far it has come until it is over. Raises what it ended with."""
    told: tuple[str, int] = ("", 0)
    notes = 0
    while True:
        more = videos.pump()
        session.pump()
        now = videos.progress()
        if now.stage and (now.stage, now.done) != told:
            told = now.stage, now.done
            emit("progress", stage=now.stage, done=now.done, total=now.total)
        for note in videos.notes[notes:]:
            emit("note", message=note)
        notes = len(videos.notes)
        if not more:
            break
        time.sleep(_LOOK)
    if videos.error is not None:
        raise videos.error
    emit("note", message=videos.message)


def _target(backend: str, file: Path | None) -> ServerTarget | None:
    """Return the server that is given, or as the preferences say, or here; none for what Blender makes itself."""
    if backend == CARRIED:
        return None
    if file is not None:
        connection = Connection.load(file)
        servers.check_online(connection.endpoint)
        return ServerTarget(connection=connection, file=file)
    if is_enabled():
        return servers.target()
    environment = environments.find("")
    return ServerTarget(python=environment.python if environment else "", log=None)
