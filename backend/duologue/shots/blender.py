"""A Blender without a window as another process: finding one, and running ``addon/headless.py`` in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import duologue
from duologue.errors import Code, DuologueError
from duologue.files.folders import addon_folder
from duologue.labels import check
from duologue.shots import events
from duologue.shots.perform import Outputs

ENGINES: Final = ("workbench", "eevee", "cycles", "software")
EXPORTS: Final = ("gltf", "fbx", "usd")
CAMERAS: Final = ("cut", "wide", "split")

_LOWEST = (4, 5)

OnProgress = Callable[[str, int, int], None]
"""Hears of a stage's name, what is done of it and its total."""


@dataclass
class Rendered:
    """What a render left in its folder: file names, and notes for the person who asked."""

    files: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


def check_outputs(outputs: Outputs) -> None:
    """Check the names of engine, camera and scene formats, and that there is a Blender, before any work starts.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``; what :func:`find_blender` raises.
    """
    for kind in outputs.exports:
        check(kind, EXPORTS, field="--export")
    if outputs.scene:
        check(outputs.engine, ENGINES, field="--engine")
        if outputs.camera:
            check(outputs.camera, CAMERAS, field="--camera")
        find_blender()


def render_take(
    take: Path,
    folder: Path,
    outputs: Outputs,
    on_progress: OnProgress,
    *,
    meshes: Sequence[Sequence[str]] = ((), ()),
    sounds: Sequence[Path | None] = (None, None),
) -> Rendered:
    """Run a Blender without a window that applies a take, saves ``scene.blend`` and draws ``preview.mp4``.

    ``meshes``: names of A's and of B's face meshes; by default they are recognised. ``sounds``: their speech; by default the
    ``A.wav`` and ``B.wav`` beside the take.

    Raises:
        DuologueError: what :func:`check_outputs` and :func:`run` raise.
    """
    check_outputs(outputs)
    # Absolute, and names behind "=": a folder or an armature may be called -a.
    command = ["render", str(take.absolute()), "--out", str(folder.absolute()), "--engine", outputs.engine]
    if outputs.blend is not None:
        command += ["--blend", str(outputs.blend.absolute())]
    for performer, armature, faces, sound in zip("ab", outputs.armatures, meshes, sounds, strict=True):
        command += [f"--armature-{performer}={armature}"] if armature else []
        command += [f"--mesh-{performer}={face}" for face in faces]
        command += [f"--sound-{performer}", str(sound.absolute())] if sound else []
    command += ["--camera", outputs.camera] if outputs.camera else []
    command += [] if outputs.seats is None else ["--seats" if outputs.seats else "--no-seats"]
    command += [] if outputs.first_frame is None else [f"--first-frame={outputs.first_frame}"]
    command += [] if outputs.preview else ["--no-preview"]
    command += [part for kind in outputs.exports for part in ("--export", kind)]
    return run(command, on_progress)


@dataclass(frozen=True)
class PassesRequest:
    """A clip of passes, as ``headless passes`` is asked for it; what is empty is left to Blender's side."""

    blend: Path
    folder: Path
    frames: str = ""
    size: str = "128"
    camera: str = ""
    engine: str = ""
    wanted: tuple[str, ...] = ()
    armatures: tuple[str, str] = ("", "")
    replace: bool = False


def export_passes(request: PassesRequest, on_progress: OnProgress) -> Rendered:
    """Run a Blender without a window that draws a clip's passes into a folder.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label`` for an engine; what :func:`run` raises.
    """
    if request.engine:
        check(request.engine, (*ENGINES, "none"), field="--engine")
    command = ["passes", str(request.blend.absolute()), "--out", str(request.folder.absolute()), "--size", request.size]
    named = (("frames", request.frames), ("camera", request.camera), ("engine", request.engine))
    command += [f"--{name}={value}" for name, value in named if value]
    command += [
        f"--armature-{performer}={name}" for performer, name in zip("ab", request.armatures, strict=True) if name
    ]
    command += [part for name in request.wanted for part in ("--pass", name)]
    command += ["--replace"] if request.replace else []
    return run(command, on_progress)


def write_character(source: Path, path: Path, armature: str = "") -> None:
    """Run a Blender without a window that writes the character in a .blend, .glb or .fbx as arrays.

    Raises:
        DuologueError: what :func:`run` raises.
    """
    run(["character", str(source.absolute()), str(path.absolute()), *([f"--armature={armature}"] if armature else [])])


def passes_against_cycles(take: Path, seconds: tuple[float, float]) -> dict[str, float]:
    """Run a Blender without a window in which Ada pokes Ben, and return how far our passes are from Cycles' (``oracle.py``).

    Raises:
        DuologueError: what :func:`run` raises.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "passes.json"
        run(["oracle", str(take.absolute()), str(out), "--seconds", *map(str, seconds)])
        return json.loads(out.read_text(encoding="utf-8"))


def run(arguments: Sequence[str], on_progress: OnProgress = lambda stage, done, total: None) -> Rendered:
    """Run a verb of ``addon/headless.py`` to its end.

    Raises:
        DuologueError: what :func:`find_blender` raises; INTERNAL ``blender-ended``; whatever Blender's side named.
    """
    rendered, finished = Rendered(), False

    def on_event(event: dict[str, Any]) -> None:
        nonlocal finished
        match event[events.MARK]:
            case "progress":
                on_progress(event["stage"], event["done"], event["total"])
            case "note":
                rendered.notes.append(event["message"])
            case "done":
                rendered.files, finished = event["files"], True
            case "error":
                code: Code = event["code"]
                raise DuologueError(code, event["reason"], event["message"], field=event.get("field", ""))
            case _:
                pass

    code, last = events.follow([*find_blender(), *arguments], on_event)
    if code or not finished:
        raise ended(code, last)
    return rendered


def ended(code: int, last: Sequence[str]) -> DuologueError:
    """Return the error for a Blender that ended without saying why."""
    message = f"Blender ended with exit code {code}; it last said: {' / '.join(last)}"
    return DuologueError("INTERNAL", "blender-ended", message)


def find_blender() -> list[str]:
    """Return the command that runs ``addon/headless.py``: in this Python if it has bpy, else in an installed Blender.

    Raises:
        DuologueError: FAILED_PRECONDITION ``blender-missing``, ``blender-old``.
    """
    script = str(addon_folder() / "headless.py")
    package = ["--package", str(Path(duologue.__file__).parent)]
    if find_spec("bpy") is not None:
        return [sys.executable, "-P", script, *package]
    program = installed_blender()
    if program is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise DuologueError(
            "FAILED_PRECONDITION",
            "blender-missing",
            f"no Blender was found. Python {version} has no bpy wheel of ours here; either use Python 3.11 or 3.13 and run "
            "`python3 backend install` with it in Duologue's folder, or install Blender 4.5 or newer from "
            "https://www.blender.org/download/ and put its folder on PATH",
        )
    return [program, "-b", "--factory-startup", "--python-exit-code", "1", "--python", script, "--", *package]


def installed_blender() -> str | None:
    """Return an installed Blender: the one on PATH, else the newest in the usual places of this system.

    Raises:
        DuologueError: FAILED_PRECONDITION ``blender-old`` when the only one found is older than 4.5.
    """
    candidates = [path for path in (shutil.which("blender"), *map(str, _usual_places())) if path]
    too_old = ""
    for candidate in candidates:
        version = blender_version(candidate)
        if version >= _LOWEST:
            return candidate
        too_old = too_old or (f"{candidate} is Blender {'.'.join(map(str, version))}" if version else "")
    if too_old:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "blender-old",
            f"{too_old}; Duologue needs 4.5 or newer, from https://www.blender.org/download/",
        )
    return None


def blender_version(program: str) -> tuple[int, ...]:
    """Return an installed Blender's version, ``(5, 2, 0)``; empty when it does not start."""
    try:
        printed = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    words = printed.split()
    try:
        return tuple(int(part) for part in words[words.index("Blender") + 1].split("."))
    except (ValueError, IndexError):
        return ()


def _usual_places() -> list[Path]:
    """Where Blender's own installers and archives put it, newest first."""
    home = Path.home()
    patterns = {
        "win32": [(Path("C:/Program Files/Blender Foundation"), "Blender */blender.exe")],
        "darwin": [
            (Path("/Applications"), "Blender*.app/Contents/MacOS/Blender"),
            (home / "Applications", "Blender*.app/Contents/MacOS/Blender"),
        ],
    }.get(
        sys.platform,
        [(Path("/snap/bin"), "blender"), (Path("/opt"), "blender*/blender"), (home, "blender*/blender"),
         (home / ".local", "*/blender*/blender"), (home / "Downloads", "blender*/blender")],
    )  # fmt: skip
    return [path for folder, pattern in patterns for path in sorted(folder.glob(pattern), reverse=True)]
