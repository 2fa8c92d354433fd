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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from duologue import __version__
from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder
from duologue.shots.perform import HaltError, Outputs, Request, Stage, perform_into
from duologue.shots.report import REPORT, TAKE, is_whole, named_files, read_report, write_report
from duologue.shots.shot import Shot
from duologue.take import Take

STATES: Final = ("done", "skipped", "failed", "left")
"""What becomes of a shot; ``left``: it was stopped before."""


def make(shot: Shot, outputs: Outputs, stage: Stage, *, force: bool = False) -> dict[str, Any]:
    """Make one shot if it is not done; return its report, in which ``shot.state`` says which of the two it was.

    Raises:
        DuologueError: what reading the brief, performing and rendering raise; PERMISSION_DENIED ``not-writable``.
    """
    brief = shot.load()
    voices, notes = stage.read(brief)
    first_frame = outputs.first_frame if shot.first_frame is None else shot.first_frame
    outputs = replace(outputs, blend=shot.blend, armatures=shot.armatures, first_frame=first_frame)
    digest = brief.digest(voices)
    identity = _identity(outputs, digest)
    before = read_report(shot.folder)
    if before is not None and not force and _is_done(shot.folder, before, identity):
        before["shot"]["state"] = "skipped"
        return before
    prepare_folder(shot.folder)
    (shot.folder / REPORT).unlink(missing_ok=True)  # until the new one is written the shot counts as not done
    take = None if force else _whole_take(shot.folder, digest)
    about = {"name": shot.name, "brief": str(shot.brief), "asked": identity, "state": "done"}
    report = perform_into(shot.folder, Request(brief, voices, notes, outputs), stage, take, shot=about)
    for name in named_files(before) - set(report["files"]):  # an old preview beside a new take would mislead
        (shot.folder / name).unlink(missing_ok=True)
    return report


def _is_done(folder: Path, report: dict[str, Any], identity: str) -> bool:
    """Return whether a folder's report is of just this shot, whole, and every file that it names is there."""
    try:
        return report["shot"]["asked"] == identity and is_whole(folder, report)
    except (KeyError, TypeError):
        return False


def _whole_take(folder: Path, digest: str) -> Take | None:
    """Return the whole take that a folder holds of a brief (by its digest, the sound included), or None."""
    try:
        take = Take.load(folder / TAKE)
    except DuologueError:
        return None
    return take if take.complete and take.provenance.get("brief") == digest else None


def _identity(outputs: Outputs, digest: str) -> str:
    """Return the sha256 of all that decides what a shot becomes: brief and sound, the scene's file, the cast, what is wanted."""
    parts: dict[str, Any] = {
        "brief": digest,
        "blend": _file_digest(outputs.blend) if outputs.blend else "",
        "armatures": outputs.armatures,
        "scene": outputs.scene,
        "preview": outputs.preview,
        "engine": outputs.engine if outputs.preview else "",
        "exports": sorted(outputs.exports),
        **({} if outputs.first_frame is None else {"first_frame": outputs.first_frame}),
    }
    # What was not to be chosen once is told only where it is: what was done then is done.
    parts |= {"camera": outputs.camera} if outputs.camera else {}
    parts |= {"seats": outputs.seats} if outputs.seats is not None else {}
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
    *,
    report: Path | None = None,
    spread: Callable[[Callable[[Shot], Outcome], Sequence[Shot]], Iterator[Outcome]] = map,
) -> dict[str, Any]:
    """Make every shot; one that fails doesn't keep the others from being made.

    ``work`` makes a shot and returns its report (see :func:`make`); ``tell`` hears of each shot as it ends, in their order;
    ``spread`` is ``map``, one after the other here, or what does the same in other processes. The summary is
    returned, and written as ``report`` (by default ``out/report.json``) after every shot: ``shots`` with one of ``STATES`` each
    (failed with the error), how many of each, ``exit_code`` (docs/guide/farm.md), seconds.
    """
    prepare_folder(out)
    report = report or out / REPORT
    prepare_folder(report.parent)
    tally = _Tally(shots)
    summary = tally.summary()
    outcomes = spread(partial(attempt, work), shots)
    for line in tally.lines:
        goes_on = tally.count(line, outcomes)
        summary = tally.summary()
        write_report(report, summary)
        tell(line)
        if not goes_on:
            break
    return summary


@dataclass(frozen=True)
class Outcome:
    """What came of a shot: its report or the error that kept it from being made."""

    report: Mapping[str, Any] = field(default_factory=dict[str, Any])
    error: DuologueError | None = None
    trace: str = ""
    """Of a fault of ours."""


def attempt(work: Callable[[Shot], dict[str, Any]], shot: Shot) -> Outcome:
    """Make a shot, whatever comes of it."""
    try:
        return Outcome(work(shot))
    except DuologueError as error:
        return Outcome(error=error)
    except Exception as error:  # a fault of ours in one shot must not cost the night
        fault = f"a fault of Duologue: {type(error).__name__}: {error}"
        return Outcome(error=DuologueError("INTERNAL", "fault", fault), trace=traceback.format_exc())


class _Tally:
    """What has become of each shot, and the exit code that says the worst of it."""

    def __init__(self, shots: Sequence[Shot]) -> None:
        self._began = time.monotonic()
        self._codes: set[int] = set()
        self.lines: list[dict[str, Any]] = [
            {"name": shot.name, "folder": str(shot.folder), "state": "left"} for shot in shots
        ]

    def count(self, line: dict[str, Any], outcomes: Iterator[Outcome]) -> bool:
        """Wait for the next shot and note in its line what came of it; return whether the others can be made."""
        try:
            outcome = next(outcomes)
        except KeyboardInterrupt:
            self._codes.add(130)
            return False
        except DuologueError as error:  # of who makes them: a cluster that is gone
            self._fail(line, error)
            return False
        if outcome.error is not None:
            sys.stderr.write(outcome.trace)
            self._fail(line, outcome.error)
            return not isinstance(outcome.error, HaltError)
        report = outcome.report
        line |= {"state": report["shot"]["state"], "files": report["files"], "notes": report["notes"]}
        line["seconds"] = report["seconds"]["all"]
        return True

    def _fail(self, line: dict[str, Any], error: DuologueError) -> None:
        self._codes.add(error.exit_code)
        line |= {"state": "failed", "error": {"code": error.code, "reason": error.reason, "message": str(error)}}

    def summary(self) -> dict[str, Any]:
        """Return the report of all shots."""
        states = [line["state"] for line in self.lines]
        # What a retry may mend comes first: a farm asks no more of the number.
        code = next((code for code in (130, 1, 4, 3, 2) if code in self._codes), 0)
        return {
            "duologue": __version__,
            "exit_code": code,
            **{state: states.count(state) for state in STATES},
            "seconds": round(time.monotonic() - self._began, 3),
            "shots": self.lines,
        }
