"""``duologue batch MANIFEST``: many briefs into many shots, resumable."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from duologue.brief import Brief
from duologue.cli.console import Stages, err, out, print_json, stages
from duologue.cli.perform import AsJson, Engine, Preview, Server
from duologue.shots import perform as line
from duologue.shots import queue as making
from duologue.shots.shot import REPORT, Shot, read_shots
from duologue.shots.stopping import stoppable
from duologue.take import Take
from duologue.take.export import write_bodies, write_faces, write_voices
from duologue.units import Sound


def batch(
    manifest: Annotated[
        Path,
        typer.Argument(help="A folder of briefs, a manifest (TOML, JSON or CSV), or one brief (docs/guide/farm.md)."),
    ],
    out_folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the shots' folders; by default the manifest's.")
    ] = None,
    server: Server = None,
    seed: Annotated[int | None, typer.Option(help="Another take: overrides the briefs' seeds.")] = None,
    blend: Annotated[Path | None, typer.Option(help="Your scene; without it the sample characters play.")] = None,
    armature_a: Annotated[str, typer.Option(help="Armature that plays A.")] = "",
    armature_b: Annotated[str, typer.Option(help="Armature that plays B.")] = "",
    preview: Preview = True,
    engine: Engine = "workbench",
    scene: Annotated[bool, typer.Option(help="Make scene.blend; --no-scene makes takes and exports only.")] = True,
    export: Annotated[
        list[str] | None, typer.Option(help="gltf, fbx or usd: write the scene so as well (may be repeated).")
    ] = None,
    force: Annotated[bool, typer.Option(help="Make again what is done already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Perform many briefs, each into a folder of its own. What is done already is skipped: stop and go on as you like."""
    from duologue.cli.render import check_engine, check_exports, find_blender

    check_exports(export or ())
    if scene:
        check_engine(engine)
        find_blender()
    shots = [
        replace(
            shot,
            seed=seed if shot.seed is None else shot.seed,
            blend=shot.blend or blend,
            armatures=(shot.armatures[0] or armature_a, shot.armatures[1] or armature_b),
        )
        for shot in read_shots(manifest, out_folder)
    ]
    folder = out_folder or _parent(shots)
    wanted = making.Wanted(scene, preview and scene, engine, tuple(export or ()) if scene else ())
    with stages() as progress, stoppable():
        connection = line.Line(partial(_open, server))
        studio = _Studio(connection, wanted, progress)
        try:
            summary = making.make_all(shots, folder, lambda shot: making.make(shot, wanted, studio, force=force), _tell)
        finally:
            connection.close()
    if as_json:
        print_json(summary)
    else:
        counted = ", ".join(f"{summary[state]} {state}" for state in ("done", "skipped", "failed", "left"))
        out.print(f"{counted}; {folder / REPORT} says more", markup=False)
    if summary["exit_code"]:
        raise typer.Exit(summary["exit_code"])


class _Studio:
    """What a shot needs of the command line: soundfile's decoder, a server, a Blender of its own a scene."""

    def __init__(self, connection: line.Line, wanted: making.Wanted, progress: Stages) -> None:
        self._line, self._wanted, self._progress = connection, wanted, progress

    def read(self, brief: Brief) -> tuple[tuple[Sound, Sound], tuple[str, ...]]:
        """Decode and check both voices."""
        from duologue.speech.decode import load_pair

        a, b, notes = load_pair(brief)
        return (a, b), notes

    def perform(self, brief: Brief, voices: tuple[Sound, Sound]) -> tuple[Take, list[str]]:
        """Ask the server."""
        return line.perform(self._line.client(), brief, voices, self._progress.update)

    def stage(self, shot: Shot, take: Take, voices: tuple[Sound, Sound]) -> tuple[list[str], list[str]]:
        """Write the exports, then have Blender make the scene."""
        from duologue.cli.render import render_take

        folder = shot.folder
        files = [*write_bodies(take, folder), *write_faces(take, folder), *write_voices(take, voices, folder)]
        if not self._wanted.scene:
            return files, []
        rendered = render_take(
            folder / making.TAKE,
            folder,
            blend=shot.blend,
            armatures=shot.armatures,
            engine=self._wanted.engine,
            preview=self._wanted.preview,
            exports=self._wanted.exports,
            on_progress=self._progress.update,
        )
        return [*files, *rendered.files], rendered.notes


def _open(server: Path | None) -> Any:
    from duologue.wire.local import open_client

    return open_client(server)


def _tell(shot: dict[str, Any]) -> None:
    """Print a line a shot on standard error, where progress goes."""
    why = f": {shot['error']['message']} ({shot['error']['reason']})" if "error" in shot else ""
    err.print(f"{shot['name']}: {shot['state']}{why}", markup=False)


def _parent(shots: list[Shot]) -> Path:
    """Return the folder that all shots lie in, for the summary."""
    parents = {shot.folder.parent for shot in shots}
    return parents.pop() if len(parents) == 1 else Path.cwd()
