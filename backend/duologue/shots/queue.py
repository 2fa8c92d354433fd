"""Making the shots of a batch, so that it can be stopped at any moment and goes on where it was.

A shot's ``report.json`` is written last and says what was asked for; a shot whose report still matches is skipped, any other is
made again. A whole take that is there already is kept: then only the scene is made anew.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from duologue import __version__
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder, write_text
from duologue.shots.perform import HaltError
from duologue.shots.shot import REPORT, Shot
from duologue.take import Take
from duologue.units import FPS, Sound

TAKE: Final = "take.safetensors"


@dataclass(frozen=True)
class Wanted:
    """What is made of each take beside the take itself, as far as it decides whether a shot is done."""

    scene: bool = True
    preview: bool = True
    engine: str = "workbench"
    exports: tuple[str, ...] = ()


class Studio(Protocol):
    """What differs between the command line and Blender."""

    def read(self, brief: Brief) -> tuple[tuple[Sound, Sound], tuple[str, ...]]:
        """Return both voices, mono and equally long, and notes about them."""
        ...

    def perform(self, brief: Brief, voices: tuple[Sound, Sound]) -> tuple[Take, list[str]]:
        """Return the take, and what there is to say about it."""
        ...

    def stage(self, shot: Shot, take: Take, voices: tuple[Sound, Sound]) -> tuple[list[str], list[str]]:
        """Make the scene and everything else from the take in the shot's folder; return the files' names and notes."""
        ...


def make(shot: Shot, wanted: Wanted, studio: Studio, *, force: bool = False) -> dict[str, Any]:
    """Make one shot if it is not done; return its report, in which ``shot.state`` says which of the two it was.

    Raises:
        DuologueError: what reading the brief, performing and staging raise; PERMISSION_DENIED ``not-writable``.
    """
    began = time.monotonic()
    brief = shot.load()
    voices, heard = studio.read(brief)
    digest = brief.digest(voices)
    asked = _asked(shot, wanted, digest)
    report = None if force else done_report(shot.folder, asked)
    if report is not None:
        report["shot"]["state"] = "skipped"
        return report
    prepare_folder(shot.folder)
    before = _files_of(shot.folder)
    (shot.folder / REPORT).unlink(missing_ok=True)  # until the new one is written the shot counts as not done
    take, told = (None if force else kept_take(shot.folder, digest)), list[str]()
    if take is None:
        take, told = studio.perform(brief, voices)
        take.save(shot.folder / TAKE)
    performed = time.monotonic()
    files, noted = studio.stage(shot, take, voices)
    report = {
        "duologue": __version__,
        "shot": {"name": shot.name, "brief": str(shot.brief), "asked": asked, "state": "done"},
        "files": [TAKE, *files, REPORT],
        "notes": list(dict.fromkeys([*brief.notes, *heard, *told, *noted])),
        "take": {
            "frames": take.frames,
            "seconds": round(take.seconds, 3),
            "fps": FPS,
            "complete": take.complete,
            "digest": take.digest(),
            "provenance": dict(take.provenance),
        },
        "seconds": {
            "performing": round(performed - began, 3),
            "rendering": round(time.monotonic() - performed, 3),
            "all": round(time.monotonic() - began, 3),
        },
    }
    for name in before - set(report["files"]):  # an old preview beside a new take would mislead
        (shot.folder / name).unlink(missing_ok=True)
    _write(shot.folder / REPORT, report)
    return report


def done_report(folder: Path, asked: str) -> dict[str, Any] | None:
    """Return a folder's report if it is of just this shot, whole, and every file it names is there; else None."""
    try:
        report: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        same = report["shot"]["asked"] == asked and report["take"]["complete"]
        return report if same and all((folder / name).stat().st_size for name in report["files"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _files_of(folder: Path) -> set[str]:
    """Return the files that a folder's report names, so far as they are plain names in it."""
    try:
        named: list[str] = json.loads((folder / REPORT).read_text(encoding="utf-8"))["files"]
        return {name for name in named if Path(name).name == name}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def kept_take(folder: Path, digest: str) -> Take | None:
    """Return the whole take that a folder holds of a brief (by its digest, the sound included), or None."""
    try:
        take = Take.load(folder / TAKE)
    except DuologueError:
        return None
    return take if take.complete and take.provenance.get("brief") == digest else None


def _asked(shot: Shot, wanted: Wanted, digest: str) -> str:
    """Return the sha256 of all that decides what a shot becomes: brief and sound, the scene's file, the cast, what is wanted."""
    parts = {
        "brief": digest,
        "blend": _file_digest(shot.blend) if shot.blend else "",
        "armatures": shot.armatures,
        "scene": wanted.scene,
        "preview": wanted.preview,
        "engine": wanted.engine if wanted.preview else "",
        "exports": sorted(wanted.exports),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


_digests: dict[tuple[Path, int, int], str] = {}  # a set's file is read once, not once a shot


def _file_digest(path: Path) -> str:
    try:
        about = path.stat()
        key = (path, about.st_size, about.st_mtime_ns)
        if key not in _digests:
            with path.open("rb") as file:
                _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return _digests[key]
    except OSError as error:
        raise DuologueError(
            "NOT_FOUND",
            "blend-not-found",
            f"can't read {path} ({error.strerror}); give your scene's path",
            field="blend",
        ) from error


def make_all(
    shots: Sequence[Shot],
    out: Path,
    work: Callable[[Shot], dict[str, Any]],
    tell: Callable[[dict[str, Any]], None],
    report: Path | None = None,
) -> dict[str, Any]:
    """Make every shot, one after the other; one that fails doesn't keep the others from being made.

    ``work`` makes a shot and returns its report (see :func:`make`); ``tell`` hears of each shot as it ends. The summary is
    returned, and written as ``report`` (by default ``out/report.json``) after every shot: ``shots`` with a state each (done,
    skipped, failed with the error, left when it was stopped before), how many of each, ``exit_code``, seconds
    (docs/guide/farm.md).
    """
    began = time.monotonic()
    prepare_folder(out)
    report = report or out / REPORT
    prepare_folder(report.parent)
    lines: list[dict[str, Any]] = [{"name": s.name, "folder": str(s.folder), "state": "left"} for s in shots]
    codes: set[int] = set()
    told: dict[str, Any] = {}

    def summary() -> dict[str, Any]:
        count = {
            state: sum(line["state"] == state for line in lines) for state in ("done", "skipped", "failed", "left")
        }
        # What a retry may mend comes first: a farm asks no more of the number.
        code = next((code for code in (130, 1, 4, 3, 2) if code in codes), 0)
        seconds = round(time.monotonic() - began, 3)
        return {"duologue": __version__, "exit_code": code, **count, "seconds": seconds, "shots": lines}

    def fail(line: dict[str, Any], error: DuologueError) -> None:
        codes.add(error.exit_code)
        about = {"code": error.code, "reason": error.reason, "message": str(error)}
        line |= {"state": "failed", "error": about}

    for shot, line in zip(shots, lines, strict=True):
        halted = False
        try:
            made = work(shot)
            line |= {
                "state": made["shot"]["state"],
                "files": made["files"],
                "notes": made["notes"],
                "seconds": made["seconds"]["all"],
            }
        except HaltError as halt:
            fail(line, halt.error)
            halted = True
        except KeyboardInterrupt:
            codes.add(130)
            halted = True
        except DuologueError as error:
            fail(line, error)
        except Exception as error:  # a fault of ours in one shot must not cost the night
            traceback.print_exc(file=sys.stderr)
            fail(line, DuologueError("INTERNAL", "fault", f"a fault of Duologue: {type(error).__name__}: {error}"))
        told = summary()
        _write(report, told)
        tell(line)
        if halted:
            break
    return told


def _write(path: Path, report: dict[str, Any]) -> None:
    write_text(path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
