"""``duologue render TAKE``: a take on the sample characters or on your own, as a Blender scene and a video."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import duologue
from duologue.cli.console import out, print_json, stages
from duologue.errors import Code, DuologueError
from duologue.files.folders import addon_folder
from duologue.labels import check

ENGINES: Final = ("workbench", "eevee", "cycles", "software")

EXPORTS: Final = ("gltf", "fbx", "usd")

_MARK = "duologue"
_LOWEST = (4, 5)


@dataclass
class Rendered:
    """What a render left in its folder: file names, and notes for the person who asked."""

    files: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


def render(
    take: Annotated[Path, typer.Argument(help="A take (take.safetensors).")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for scene.blend and preview.mp4.")],
    blend: Annotated[Path | None, typer.Option(help="Your scene; without it the sample characters play.")] = None,
    armature_a: Annotated[str, typer.Option(help="Armature that plays A; by default recognised.")] = "",
    armature_b: Annotated[str, typer.Option(help="Armature that plays B.")] = "",
    mesh_a: Annotated[
        list[str] | None, typer.Option(help="Face mesh of A (may be repeated); by default recognised.")
    ] = None,
    mesh_b: Annotated[list[str] | None, typer.Option(help="Face mesh of B.")] = None,
    sound_a: Annotated[Path | None, typer.Option(help="Speech of A; by default A.wav beside the take.")] = None,
    sound_b: Annotated[Path | None, typer.Option(help="Speech of B.")] = None,
    engine: Annotated[
        str, typer.Option(help="workbench, eevee, cycles, or software (no OpenGL needed).")
    ] = "workbench",
    preview: Annotated[bool, typer.Option(help="Make preview.mp4 as well.")] = True,
    export: Annotated[
        list[str] | None, typer.Option(help="gltf, fbx or usd: write the scene so as well (may be repeated).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Make a Blender scene and a preview video of a take."""
    with stages() as progress:
        rendered = render_take(
            take,
            out_folder,
            blend=blend,
            armatures=(armature_a, armature_b),
            meshes=(mesh_a or [], mesh_b or []),
            sounds=(sound_a, sound_b),
            engine=engine,
            preview=preview,
            exports=export or (),
            on_progress=progress.update,
        )
    if as_json:
        print_json({"files": rendered.files, "notes": rendered.notes})
        return
    for note in rendered.notes:
        out.print(f"Note: {note}", markup=False)
    out.print(f"{out_folder}/: {', '.join(rendered.files)}", markup=False)


def render_take(
    take: Path,
    folder: Path,
    *,
    blend: Path | None = None,
    armatures: tuple[str, str] = ("", ""),
    meshes: tuple[list[str], list[str]] = ([], []),
    sounds: tuple[Path | None, Path | None] = (None, None),
    engine: str = "workbench",
    preview: bool = True,
    exports: Sequence[str] = (),
    on_progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Rendered:
    """Run a Blender without a window that applies a take, saves ``scene.blend`` and draws ``preview.mp4``.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label`` (engine); FAILED_PRECONDITION ``blender-missing``; INTERNAL
            ``blender-ended``; whatever Blender's side named (``addon/headless.py``).
    """
    check_engine(engine)
    check_exports(exports)
    command = [*find_blender(), "render", str(take), "--out", str(folder), "--engine", engine]
    if blend is not None:
        command += ["--blend", str(blend)]
    for performer, armature, faces, sound in zip("ab", armatures, meshes, sounds, strict=True):
        command += [f"--armature-{performer}", armature] if armature else []
        command += [part for face in faces for part in (f"--mesh-{performer}", face)]
        command += [f"--sound-{performer}", str(sound)] if sound else []
    command += [] if preview else ["--no-preview"]
    command += [part for kind in exports for part in ("--export", kind)]
    return follow(command, on_progress)


def check_engine(engine: str) -> None:
    """Check the name of an engine before any work starts.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``.
    """
    check(engine, ENGINES, field="--engine")


def check_exports(exports: Sequence[str]) -> None:
    """Check the names of scene formats before any work starts.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``.
    """
    for kind in exports:
        check(kind, EXPORTS, field="--export")


def find_blender() -> list[str]:
    """Return the command that runs ``addon/headless.py``: in this Python if it has bpy, else in an installed Blender.

    Raises:
        DuologueError: FAILED_PRECONDITION ``blender-missing``, ``blender-old``.
    """
    script = str(addon_folder() / "headless.py")
    package = ["--package", str(Path(duologue.__file__).parent)]
    if find_spec("bpy") is not None:
        return [sys.executable, script, *package]
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
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    words = told.split()
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


def follow(command: list[str], on_progress: Callable[[str, int, int], None]) -> Rendered:
    """Run a command of ``find_blender`` and follow the event lines of ``addon/headless.py``.

    Raises:
        DuologueError: INTERNAL ``blender-ended``; whatever Blender's side named.
    """
    rendered, said = Rendered(), deque[str](maxlen=8)
    finished = False
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            event = _event(line)
            match event.get(_MARK):
                case "progress":
                    on_progress(event["stage"], event["done"], event["total"])
                case "note":
                    rendered.notes.append(event["message"])
                case "done":
                    rendered.files, finished = event["files"], True
                case "error":
                    raise _named(event)
                case _:
                    said.append(line.strip())
        code = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if code or not finished:
        last = " / ".join(text for text in said if text)
        raise DuologueError("INTERNAL", "blender-ended", f"Blender ended with exit code {code}; it last said: {last}")
    return rendered


def _event(line: str) -> dict[str, Any]:
    """Return the event that a line holds; an empty one for what Blender itself prints."""
    if line.startswith(f'{{"{_MARK}"'):
        try:
            return json.loads(line)
        except ValueError:
            pass
    return {}


def _named(event: dict[str, Any]) -> DuologueError:
    code: Code = event["code"]
    return DuologueError(code, event["reason"], event["message"], field=event.get("field", ""))
