"""What we read from a file or folder of anybody's, and why not: each is read by the code that a command of ours reads it with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from duologue.diagnosis import captures, kinds, performances
from duologue.diagnosis.examined import Examined
from duologue.diagnosis.scenes import examine_scene
from duologue.diagnosis.scripts import examine_script
from duologue.diagnosis.sounds import examine_sound
from duologue.diagnosis.transcripts import examine_transcript
from duologue.errors import DuologueError, invalid
from duologue.files.reading import is_folder
from duologue.shots.report import REPORT, TAKE
from duologue.shots.shot import BRIEFS

_LOOKS: Final[dict[str, tuple[str, Callable[[Examined], None]]]] = {
    "sound": ("a sound", examine_sound),
    "transcript": ("a transcript", examine_transcript),
    "script": ("a script", examine_script),
    "bvh": ("a body's motion, BVH", captures.examine_bvh),
    "face table": ("a face's motion, a table of ARKit weights", captures.examine_face_table),
    "brief": ("a brief", performances.examine_brief),
    "manifest": ("a manifest of shots", performances.examine_shots),
    "tensors": ("a take", performances.examine_take),
    "interactions": ("a take's interactions", performances.examine_interactions),
    "blend": ("a Blender scene", examine_scene),
}


def examine_file(path: Path) -> Examined:
    """Return what we read from a file or folder. Never raises: what is wrong with it is among its findings."""
    examined = Examined(path, "unknown")
    try:
        if is_folder(path):
            _folder(examined)
        else:
            _file(examined)
    except DuologueError as error:
        examined.refuse(error)
    except (OSError, ValueError) as error:
        examined.refuse(DuologueError("DATA_LOSS", "file-unreadable", f"{path.name} can't be read: {error}"))
    except Exception as error:  # a fault of ours in one file must not keep the others from being told about
        fault = f"a fault of Duologue: {type(error).__name__}: {error}; please report it"
        examined.refuse(DuologueError("INTERNAL", "fault", fault))
    return examined


def _file(examined: Examined) -> None:
    seen = kinds.look(examined.path)
    if seen.kind == "unknown":
        examined.kind = seen.seems or "unknown"
        raise invalid("file-unknown", f"Duologue reads nothing from it; it seems to be {examined.kind}")
    examined.kind, look = _LOOKS[seen.kind]
    look(examined)


def _folder(examined: Examined) -> None:
    path = examined.path
    if (path / TAKE).is_file() or (path / REPORT).is_file():
        examined.kind = "a performance's folder"
        performances.examine_take_folder(examined)
        return
    from duologue.datasets import checking

    try:
        found = checking.check(path)
    except DuologueError as error:
        if error.reason != "layout-unknown":
            raise
        if not any(file.suffix.lower() in BRIEFS for file in path.iterdir()):
            examined.kind = "a folder"
            nothing = "it has no take, no brief and no data to train from; name its files (`duologue doctor FOLDER/*`)"
            raise invalid("file-unknown", nothing) from error
        examined.kind = "a folder of briefs"
        performances.examine_shots(examined)
        return
    examined.kind = f"data to train from ({found.layout})"
    examined.facts |= found.holds
    for problem in found.problems:
        examined.refuse(invalid(problem.reason, problem.message), problem.file)
