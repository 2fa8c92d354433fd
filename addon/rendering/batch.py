# SPDX-License-Identifier: GPL-3.0-or-later
"""Briefs into shots without a window: ``blender -b scene.blend --command duologue --brief … --out …``.

Which shots there are, which are done and what is told about them is :mod:`duologue.shots`'s; here is what Blender does of it.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import bpy
from duologue.brief import Brief, Speech
from duologue.errors import DuologueError, invalid
from duologue.labels import PERFORMERS
from duologue.shots import queue
from duologue.shots.perform import Connection, Outputs
from duologue.shots.report import REPORT
from duologue.shots.shot import read_shots
from duologue.shots.stopping import stoppable
from duologue.sounds.channels import downmix
from duologue.units import Sound, padded_pair
from duologue.wire.client import Client
from duologue.wire.local import find_server, open_client

from ..identity import is_enabled
from ..scene import sequencer
from ..session import environments, servers
from . import exporting, shot

Emit = Callable[..., None]


def run(options: Namespace, emit: Emit) -> int:
    """Carry out ``headless batch``: perform each brief into a folder of its own in ``options.out``; return the exit code.

    Ctrl-C and SIGTERM end it after what is under way has been let go of; the same command goes on from there.

    Raises:
        DuologueError: briefs, scene, exporter or server that are wrong from the start: nothing was made then.
    """
    exporting.check(options.export)
    blend = options.blend or (Path(bpy.data.filepath) if bpy.data.filepath else None)
    armatures = (options.armature_a, options.armature_b)
    shots = [one.with_defaults(options.seed, blend, armatures) for one in read_shots(options.brief, options.out)]
    outputs = Outputs(True, not options.no_preview, options.engine, tuple(options.export))
    outputs = replace(outputs, camera=options.camera, seats=options.seats, first_frame=options.first_frame)
    connection = Connection(partial(_open, options))
    make = partial(queue.make, outputs=outputs, stage=_BlenderStage(connection, options, emit), force=options.force)
    with stoppable():
        try:
            summary = queue.make_all(shots, options.out, make, lambda one: emit("shot", **one), report=options.report)
        finally:
            connection.close()
    counts = {state: summary[state] for state in queue.STATES}
    emit("batch", **counts, exit_code=summary["exit_code"], report=str(options.report or options.out / REPORT))
    return summary["exit_code"]


class _BlenderStage:
    """What a shot needs of Blender (a :class:`duologue.shots.perform.Stage`): its decoder, its connection, its scenes."""

    def __init__(self, connection: Connection, options: Namespace, emit: Emit) -> None:
        self._connection, self._options, self._emit = connection, options, emit

    def read(self, brief: Brief) -> tuple[tuple[Sound, Sound], tuple[str, ...]]:
        return read_voices(brief)

    def client(self) -> Client:
        return self._connection.client()

    def progress(self, stage: str, done: int, total: int) -> None:
        self._emit("progress", stage=stage, done=done, total=total)

    def render(self, take: Path, outputs: Outputs) -> tuple[list[str], list[str]]:
        notes: list[str] = []

        def emit(what: str, **fields: Any) -> None:
            notes.extend([fields["message"]] if what == "note" else [])
            self._emit(what, **fields)

        if outputs.blend is None and bpy.data.filepath:  # the shot before this one is still open
            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        options = Namespace(
            take=take, out=take.parent, blend=outputs.blend,
            armature_a=outputs.armatures[0], armature_b=outputs.armatures[1],
            camera=outputs.camera, seats=outputs.seats, mesh_a=self._options.mesh_a,
            mesh_b=self._options.mesh_b, sound_a=None, sound_b=None,
            first_frame=outputs.first_frame,
            engine=outputs.engine, no_preview=not outputs.preview, export=list(outputs.exports),
        )  # fmt: skip
        return shot.render(options, emit), notes


def read_voices(brief: Brief) -> tuple[tuple[Sound, Sound], tuple[str, ...]]:
    """Return both voices of a brief, mono and as long as whole frames of the longer one, and notes on what was changed.

    Raises:
        DuologueError: what :func:`.scene.sequencer.read_sound` raises; INVALID_ARGUMENT ``audio-empty``, ``audio-channel``.
    """
    notes: list[str] = []
    voices: list[Sound] = []
    for name, performer in zip(PERFORMERS, brief.performers, strict=True):
        voice, changed = _voice(performer.speech, f"performers.{name}.speech")
        voices.append(voice)
        notes += (f"{name}: {note}" for note in changed)
    a, b, padded = padded_pair(voices[0], voices[1])
    return (a, b), (*notes, *padded)


def _voice(speech: Speech, field: str) -> tuple[Sound, tuple[str, ...]]:
    assert speech.path is not None  # a brief from a file names files
    read = sequencer.read_sound(speech.path)
    samples, mixed = downmix(read.samples, speech.channel, field)
    if not len(samples):
        raise invalid("audio-empty", "holds no samples at all", field=field)
    return Sound(samples, read.rate), (*read.notes, *mixed)


def _open(options: Namespace) -> Any:
    """Open a client: of the server whose connection file is given, else as the preferences say, else one on this computer.

    Raises:
        DuologueError: FAILED_PRECONDITION ``server-missing``; what the connection and the preferences raise.
    """
    if options.server is not None:
        return open_client(options.server)
    if options.python:
        return open_client(python=_python(options.python))
    if (registered := _preferred()) is not None:
        if registered.connection is not None:
            return open_client(registered.connection)
        python = registered.python
    else:
        found = environments.find("")
        python = found.python if found else ""
    if not python and find_server() is None:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "server-missing",
            "no server runs on this computer, and no Python with Duologue is known to start one; give --python, or --server with "
            "the connection file of one that runs elsewhere",
            field="--server",
        )
    return open_client(**({"python": python} if python else {}))


def _python(given: str) -> str:
    found = environments.find(given)
    assert found is not None  # of a path that was given it raises instead
    return found.python


def _preferred() -> Any:
    """Return the server that the extension's preferences ask for, where the extension is installed; else None."""
    return servers.target() if is_enabled() else None
