# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawing a saved scene in a Blender of its own: if its OpenGL ends the process, only that process ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import duologue
from duologue.errors import DuologueError
from duologue.shots import events

from ..identity import FOLDER
from ..scene.paths import as_it_is
from . import preview

Emit = Callable[..., None]

NO_OPENGL = (
    "this machine has no OpenGL for Workbench (no graphics driver, no libEGL with Mesa), so Cycles draws the preview on the CPU; "
    "it looks a little plainer. Installing Mesa (Debian, Ubuntu: libegl1 and libgl1-mesa-dri) brings Workbench back"
)


def draw(blend: Path, video: Path, engine: preview.Engine, *, split: bool, emit: Emit) -> None:
    """Draw a scene's frames into a video, in this process. Nothing is saved but the video."""
    bpy.ops.wm.open_mainfile(filepath=as_it_is(blend), load_ui=False)
    scene = bpy.context.scene
    preview.light_workbench()

    def tell(done: int, total: int) -> None:
        emit("progress", stage="preview", done=done, total=total)

    preview.render(scene, video, engine, tell, split=split)


def draw_apart(blend: Path, video: Path, engine: preview.Engine, *, split: bool = False, emit: Emit) -> None:
    """Draw a scene's video in a process of its own; where Workbench has no OpenGL, again with the software look.

    Raises:
        DuologueError: FAILED_PRECONDITION ``no-opengl`` for EEVEE; INTERNAL ``drawing-failed`` with what Blender said last.
    """
    code, frames, said = _run(blend, video, engine, split, emit)
    if code and not frames and engine == "workbench":
        emit("note", message=NO_OPENGL)
        code, frames, said = _run(blend, video, "software", split, emit)
    elif code and not frames and engine == "eevee":
        raise DuologueError(
            "FAILED_PRECONDITION",
            "no-opengl",
            "EEVEE could not draw: this machine has no OpenGL (a graphics driver, or libEGL with Mesa); use --engine cycles",
            field="--engine",
        )
    if code or not video.is_file():
        raise DuologueError(
            "INTERNAL",
            "drawing-failed",
            f"Blender stopped after {frames} frames (exit code {code}): {' / '.join(said)}",
        )


def _run(blend: Path, video: Path, engine: str, split: bool, emit: Emit) -> tuple[int, int, list[str]]:
    """Run ``headless draw`` and pass its progress on; return exit code, frames drawn and its last lines."""
    command = [*self_command(), "draw", str(blend), str(video), "--engine", engine, *(["--split"] if split else [])]
    frames = 0

    def on_event(event: dict[str, Any]) -> None:
        nonlocal frames
        frames = max(frames, event.get("done", 0))
        emit(**{"what": event.pop(events.MARK), **event})

    code, last = events.follow(command, on_event)
    return code, frames, last


def self_command() -> list[str]:
    """Return the command that starts this code in another process of the same Blender."""
    script, package = str(FOLDER / "headless.py"), str(Path(duologue.__file__).parent)
    if bpy.app.module:
        return [sys.executable, script, "--package", package]
    return [
        bpy.app.binary_path, "-b", "--factory-startup", "--python-exit-code", "1", "--python", script,
        "--", "--package", package,
    ]  # fmt: skip
