"""A brief becomes a folder: voices read, performed by a server, the take saved, exported and put on a stage, the report last.

The command line's verbs and Blender's ``--command duologue`` all go this way. What differs between them (whose decoder, whose
server, whose Blender) each hands in as its :class:`Stage`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from duologue.brief import Brief
from duologue.brief.interactions import check_interactions
from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder, write_text
from duologue.files.reading import is_file
from duologue.labels import PERFORMERS
from duologue.motion.skeleton import Skeleton
from duologue.shots.report import REPORT, TAKE, report_of, write_report
from duologue.shots.touch import write_asked, write_interactions
from duologue.take import Notice, Progress, Take, Window
from duologue.take.edit import Edit, check_take
from duologue.take.export import write_exports
from duologue.take.heard import HeardWord, Listener, subtitles
from duologue.take.provenance import provenance_of
from duologue.units import FPS, Sound
from duologue.wire.client import Client


class HaltError(DuologueError):
    """An error after which no other shot could be made either: there is no server."""

    def __init__(self, error: DuologueError) -> None:
        super().__init__(error.code, error.reason, error.message, field=error.field, retryable=error.retryable)
        self._error = error

    def __reduce__(self) -> tuple[Any, ...]:
        """Come back whole from other processes."""
        return type(self), (self._error,)


class Connection:
    """One connection for many performances: opened when the first needs it, and again when it was lost."""

    def __init__(self, open_client: Callable[[], AbstractContextManager[Client]]) -> None:
        self._open = open_client
        self._stack = ExitStack()
        self._client: Client | None = None

    def client(self) -> Client:
        """Return a client that is ready.

        Raises:
            HaltError: there is no server.
        """
        if self._client is not None and self._client.error is not None:
            self.close()
        if self._client is None:
            try:
                self._client = self._stack.enter_context(self._open())
            except DuologueError as error:
                raise HaltError(error) from error
        return self._client

    def close(self) -> None:
        """Close the connection, and stop a server that was started for it. May be called twice."""
        self._client = None
        self._stack.close()


@dataclass(frozen=True)
class Outputs:
    """What is made of a take beside the take itself and its exports for other tools, and who plays in it."""

    scene: bool = True
    preview: bool = True
    """Only with a scene."""
    engine: str = "workbench"
    exports: tuple[str, ...] = ()
    """The scene in other formats: gltf, fbx, usd."""
    blend: Path | None = None
    """The user's scene; the sample characters play where there is none."""
    armatures: tuple[str, str] = ("", "")
    """Names of A's and of B's armature in it; by default they are recognised."""
    camera: str = ""
    """``cut`` to who speaks, one ``wide`` shot, or ``split``: both faces below it. By default cut, or the scene's own camera."""
    seats: bool | None = None
    """Chairs where somebody sits; by default in the sample scene only."""
    first_frame: int | None = None
    """Where the take begins on the timeline; by default where the user's scene does, else at 1."""


@dataclass(frozen=True)
class Request:
    """What is asked for: a brief with its sound, as long as whole frames, and what is made of it."""

    brief: Brief
    voices: tuple[Sound, Sound]
    notes: tuple[str, ...] = ()
    """What was changed of the voices."""
    outputs: Outputs = field(default_factory=Outputs)
    remake: tuple[Take, Edit] | None = None
    """A take of the same speech, and what of it is to be made again; the rest stays."""
    keep_part: bool = False
    """A Ctrl-C is no error as soon as there is a window: the take is then marked incomplete."""


class Stage(Protocol):
    """What differs between the command line and Blender."""

    def read(self, brief: Brief) -> tuple[tuple[Sound, Sound], tuple[str, ...]]:
        """Return both voices, equally long, and notes about them."""
        ...

    def client(self) -> Client:
        """Return a client that is ready; raises what :meth:`Connection.client` raises."""
        ...

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show how far it has come."""
        ...

    def render(self, take: Path, outputs: Outputs) -> tuple[list[str], list[str]]:
        """Make the scene and what else is wanted, in the take's folder; return the files' names and notes."""
        ...


@dataclass(frozen=True)
class Performed:
    """A take, what the server had to say about it, and how long it took: ``first_window`` and ``performing``, in seconds."""

    take: Take
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    heard: Mapping[str, tuple[HeardWord, ...]] = field(default_factory=dict[str, tuple[HeardWord, ...]])
    """By performer, the words that were recognised because nobody had written them down."""


def request(brief: Brief, stage: Stage, outputs: Outputs, remake: tuple[Take, Edit] | None = None) -> Request:
    """Return the request for a single performance, checked: all that can be wrong with it is found here.

    Raises:
        DuologueError: what reading the voices raises; INVALID_ARGUMENT ``take-length``, ``span-empty``; ``interaction-too-long``.
    """
    voices, notes = stage.read(brief)
    check_interactions(brief.interactions, brief.constraints, voices[0].frames / FPS)
    if remake is not None:
        old, part = remake
        check_take(old, voices[0].frames)
        part.frames(old)
    return Request(brief, voices, notes, outputs, remake, keep_part=True)


def perform(client: Client, request: Request, on_progress: Callable[[str, int, int], None]) -> Performed:
    """Have a server perform a request; ``on_progress`` hears of each stage's name, what is done of it and its total.

    Raises:
        DuologueError: what the server names, see :meth:`Client.perform`; CANCELLED ``cancelled`` before the first window.
    """
    notes: list[str] = []
    heard = Listener()
    windows: list[Window] = []
    began = first = time.monotonic()
    complete = False

    def on_event(event: object) -> None:
        if isinstance(event, Notice) and not heard.take(event):
            notes.append(event.message)

    try:
        for event in client.perform(request.brief, request.voices, on_event, remake=request.remake):
            if isinstance(event, Progress):
                on_progress(event.stage, event.done, event.total)
                continue
            if not windows:
                first = time.monotonic()
            windows.append(event)
        complete = True
    except KeyboardInterrupt:
        if not request.keep_part:
            raise
        if not windows:
            nothing = "stopped before the first window; there is nothing to keep."
            raise DuologueError("CANCELLED", "cancelled", nothing) from None
    take = join(client.performance, request, windows, complete=complete)
    seconds = {"first_window": first - began, "performing": time.monotonic() - began}
    return Performed(take, tuple(notes), seconds, {name: heard.words(name) for name in PERFORMERS})


def join(performance: Mapping[str, Any], request: Request, windows: Sequence[Window], *, complete: bool) -> Take:
    """Join the windows that a server has sent to a take; ``performance`` is what it says of itself (``Client.performance``)."""
    checkpoints = performance.get("checkpoints", {})
    provenance = provenance_of(request.brief, request.voices, checkpoints, request.remake)
    return Take.from_windows(Skeleton.from_json(performance["skeleton"]), windows, provenance, complete=complete)


def perform_into(
    folder: Path, request: Request, stage: Stage, take: Take | None = None, **about: Any
) -> dict[str, Any]:
    """Fill a folder and return the report that is also written there, last.

    ``take``: the whole take of this request, where the folder has it already; ``about`` goes into the report.

    Raises:
        DuologueError: what the stage and :func:`perform` raise; PERMISSION_DENIED ``not-writable``.
    """
    began = time.monotonic()
    prepare_folder(folder)
    performed = Performed(take) if take is not None else _perform(folder, request, stage)
    rendering = time.monotonic()
    files = [*write_exports(performed.take, request.voices, folder), *_write_heard(folder, performed)]
    notes: list[str] = []
    files += write_asked(folder, request.brief)
    if not request.outputs.scene:  # else Blender solves them, on the characters that play there
        touched, notes = write_interactions(folder, request.brief, performed.take)
        files += touched
    if request.outputs.scene:
        rendered, more = stage.render(folder / TAKE, request.outputs)
        files, notes = files + rendered, notes + more
    ended = time.monotonic()
    seconds = {"performing": 0.0, **performed.seconds, "rendering": ended - rendering, "all": ended - began}
    notes = [*request.brief.notes, *request.notes, *performed.notes, *notes]
    report = report_of(performed.take, files, notes, seconds, **about)
    write_report(folder / REPORT, report)
    return report


def _write_heard(folder: Path, performed: Performed) -> list[str]:
    """Write recognised words beside the take as subtitles, to be corrected and given back; return the files' names.

    Where the take was kept from before, its subtitles are as well: they may have been corrected.
    """
    files: list[str] = []
    for name in PERFORMERS:
        path = folder / f"{name}.srt"
        if words := performed.heard.get(name):
            write_text(path, subtitles(words))
        if words or (not performed.seconds and is_file(path)):
            files.append(path.name)
    return files


def _perform(folder: Path, request: Request, stage: Stage) -> Performed:
    """Perform and save the take, and note how long it took until a client was ready."""
    began = time.monotonic()
    client = stage.client()
    starting = time.monotonic() - began
    performed = perform(client, request, stage.progress)
    performed.take.save(folder / TAKE)
    return replace(performed, seconds={"starting": starting, **performed.seconds})
