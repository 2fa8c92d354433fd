# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that passes go with, by Blender: in this process, or in one of its own, which may end without taking this one."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import bpy
import numpy as np
from duologue.errors import DuologueError
from duologue.passes.options import Span, parse_size, parse_span
from duologue.shots import events
from numpy.typing import NDArray

from ..scene import compat
from ..scene.files import open_blend
from ..scene.paths import as_it_is
from . import drawing, preview

if TYPE_CHECKING:
    from bpy.types import Scene

Picture = NDArray[np.uint8]
Emit = Callable[..., None]

_RENDER: Final = {
    "resolution_percentage": 100, "pixel_aspect_x": 1.0, "pixel_aspect_y": 1.0, "use_motion_blur": False, "use_border": False,
    "use_sequencer": False, "use_file_extension": False, "use_overwrite": True, "use_multiview": False, "dither_intensity": 0.0,
    "use_stamp": False,
}  # fmt: skip
_SMOOTH: Final = "8"
"""Samples a pixel of Workbench: the preview has none, because of their time; passes are as smooth as that."""


@contextmanager
def set_up(scene: Scene, camera: str, size: tuple[int, int], engine: str = "") -> Iterator[None]:
    """Let a scene render pictures of this size for a while, by one camera and one engine where they are named; all is put back
    at the end."""
    with ExitStack() as until:
        settings = scene.render.image_settings
        wanted: list[tuple[Any, str, Any]] = [(scene.render, name, value) for name, value in _RENDER.items()]
        wanted += [(scene.render, "resolution_x", size[0]), (scene.render, "resolution_y", size[1])]
        wanted += [(scene.display, "render_aa", _SMOOTH), (scene.render, "filepath", scene.render.filepath)]
        if engine:
            wanted.append((scene.render, "engine", engine))
        if camera:
            wanted += [(marker, "camera", None) for marker in scene.timeline_markers if marker.camera is not None]
            wanted.append((scene, "camera", scene.objects[camera]))
        before = (
            getattr(settings, "media_type", None),
            settings.file_format,
            settings.color_mode,
            settings.color_depth,
        )
        until.callback(_put_back, settings, before)
        for owner, name, value in wanted:
            until.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        compat.choose_image(scene)
        settings.color_mode, settings.color_depth = "RGB", "8"
        yield


def _put_back(settings: Any, before: tuple[Any, ...]) -> None:
    media, *rest = before
    if media is not None:
        settings.media_type = media
    for name, value in zip(("file_format", "color_mode", "color_depth"), rest, strict=True):
        setattr(settings, name, value)


def draw_here(scene: Scene, frame: int) -> Picture:
    """Render a frame of a scene that is :func:`set_up`, and return it (H, W, 3)."""
    with tempfile.TemporaryDirectory(prefix="duologue-") as folder:
        path = Path(folder, "picture.png")
        _render(scene, frame, path)
        return read(path)


def _render(scene: Scene, frame: int, path: Path) -> None:
    scene.frame_set(frame)
    preview.render_still(scene, path)


def read(path: Path) -> Picture:
    """Return a picture that Blender wrote: (H, W, 3), its bytes as they are.

    Raises:
        DuologueError: INTERNAL ``drawing-failed`` where there is none.
    """
    try:
        image = bpy.data.images.load(as_it_is(path))
    except RuntimeError as error:
        raise DuologueError("INTERNAL", "drawing-failed", f"Blender left no picture: {error}") from error
    try:
        width, height = cast("Any", image.size)
        flat = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(flat)
    finally:
        bpy.data.images.remove(image)
    return np.rint(flat.reshape(height, width, 4)[::-1, :, :3] * 255.0).astype(np.uint8)


def run(options: Namespace, emit: Emit) -> None:
    """Carry out ``headless pictures``: render frames of a saved scene into ``out/000001.png``, by the frame's number.

    Raises:
        DuologueError: what opening and :mod:`duologue.passes.options` raise.
    """
    span, size = parse_span(options.frames), parse_size(options.size)
    open_blend(options.blend)
    scene = bpy.context.scene
    preview.light_workbench()
    if options.engine:
        preview.set_engine(scene, options.engine)
    with set_up(scene, options.camera, size):
        for done, frame in enumerate(range(span.first, span.last + 1, span.step), start=1):
            _render(scene, frame, options.out / f"{frame:06}.png")
            emit("progress", stage="pictures", done=done, total=span.count)


class Apart:
    """Draws the pictures of a saved scene in a Blender of its own, all that are left, when the first one is asked for.

    ``options``: of the command line, ``engine`` (empty: the scene's own), ``size`` and ``camera``. Where Workbench has no
    OpenGL, Cycles imitates it, and a note says so.
    """

    def __init__(self, blend: Path, span: Span, options: Namespace, emit: Emit) -> None:
        self._span, self._engine, self._emit = span, options.engine, emit
        self._arguments = [str(blend), "--size", options.size, f"--camera={options.camera}"]
        self._folder = tempfile.TemporaryDirectory(prefix="duologue-")

    def __call__(self, frame: int) -> Picture:
        """Return a frame's picture (H, W, 3).

        Raises:
            DuologueError: FAILED_PRECONDITION ``no-opengl``; INTERNAL ``drawing-failed`` with what Blender said last.
        """
        path = Path(self._folder.name, f"{frame:06}.png")
        if not path.is_file():
            self._draw(replace(self._span, first=frame))
        return read(path)

    def close(self) -> None:
        """Remove what was drawn."""
        self._folder.cleanup()

    def _draw(self, span: Span) -> None:
        code, done, said = self._run(span, self._engine)
        if code and not done and self._engine in {"", "workbench"} and _needs_opengl(self._engine) == "workbench":
            self._emit("note", message=drawing.NO_OPENGL)
            code, done, said = self._run(span, "software")
        elif code and not done and _needs_opengl(self._engine) == "eevee":
            raise DuologueError(
                "FAILED_PRECONDITION",
                "no-opengl",
                "EEVEE could not draw: this machine has no OpenGL (a graphics driver, or libEGL with Mesa); use --engine cycles",
                field="--engine",
            )
        if code:
            message = f"Blender stopped after {done} pictures (exit code {code}): {' / '.join(said)}"
            raise DuologueError("INTERNAL", "drawing-failed", message)

    def _run(self, span: Span, engine: str) -> tuple[int, int, list[str]]:
        command = [*drawing.self_command(), "pictures", *self._arguments, "--out", self._folder.name]
        command += [f"--frames={span}", *([f"--engine={engine}"] if engine else [])]
        done = 0

        def on_event(event: dict[str, Any]) -> None:
            nonlocal done
            done = max(done, event.get("done", 0))
            self._emit(**{"what": event.pop(events.MARK), **event})

        code, last = events.follow(command, on_event)
        return code, done, last


def _needs_opengl(engine: str) -> str:
    """Return which engine that needs OpenGL draws: the one asked for, else the open scene's own; nothing for others."""
    scene: Any = bpy.context.scene
    name = engine or {"BLENDER_WORKBENCH": "workbench", compat.eevee(): "eevee"}.get(scene.render.engine, "")
    return name if name in {"workbench", "eevee"} else ""
