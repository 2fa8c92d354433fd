"""``duologue batch MANIFEST``: many briefs into many shots, resumable."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from duologue.cli.console import err, out, print_json, stages
from duologue.cli.dataset import Cluster
from duologue.cli.shot_worker import make_shot
from duologue.cli.stage import (
    AsJson,
    Blend,
    Camera,
    CommandLineStage,
    Engine,
    Exports,
    FirstFrame,
    Preview,
    Seats,
    Server,
)
from duologue.executors.executor import Needs, executor
from duologue.shots import queue
from duologue.shots.blender import check_outputs
from duologue.shots.perform import Outputs
from duologue.shots.report import REPORT
from duologue.shots.shot import Shot, read_shots
from duologue.shots.stopping import stoppable


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
    blend: Blend = None,
    armature_a: Annotated[str, typer.Option(help="Armature that plays A.")] = "",
    armature_b: Annotated[str, typer.Option(help="Armature that plays B.")] = "",
    preview: Preview = True,
    engine: Engine = "workbench",
    camera: Camera = "",
    seats: Seats = None,
    first_frame: FirstFrame = None,
    scene: Annotated[bool, typer.Option(help="Make scene.blend; --no-scene makes takes and exports only.")] = True,
    export: Exports = None,
    force: Annotated[bool, typer.Option(help="Make again what is done already.")] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Shots at a time; one by default, with --cluster as many as it has room for."),
    ] = None,
    cluster: Cluster = None,
    cpus: Annotated[float, typer.Option(min=0.01, help="With --cluster: processors that a shot occupies.")] = 1.0,
    gpus: Annotated[
        float, typer.Option(min=0.0, help="With --cluster: GPUs, or part of one, that a shot occupies.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Perform many briefs, each into a folder of its own. What is done already is skipped: stop and go on as you like."""
    outputs = Outputs(
        scene, preview and scene, engine, tuple(export or ()), camera=camera, seats=seats, first_frame=first_frame
    )
    check_outputs(outputs)
    outputs = outputs if scene else replace(outputs, exports=())
    armatures = (armature_a, armature_b)
    shots = [shot.with_defaults(seed, blend, armatures) for shot in read_shots(manifest, out_folder)]
    folder = out_folder or _parent(shots)
    if cluster is None and (workers or 1) == 1:
        with stages() as progress, stoppable(), closing(CommandLineStage(server, progress)) as stage:
            make = partial(queue.make, outputs=outputs, stage=stage, force=force)
            summary = queue.make_all(shots, folder, make, _tell)
    else:
        elsewhere = partial(make_shot, outputs, server, force)
        with executor(workers, cluster, Needs(cpus, gpus)) as who, stoppable():
            summary = queue.make_all(shots, folder, elsewhere, _tell, spread=who.map)
    if as_json:
        print_json(summary)
    else:
        counted = ", ".join(f"{summary[state]} {state}" for state in queue.STATES)
        out.print(f"{counted}; {folder / REPORT} says more", markup=False)
    if summary["exit_code"]:
        raise typer.Exit(summary["exit_code"])


def _tell(shot: dict[str, Any]) -> None:
    """Print a line a shot on standard error, where progress goes."""
    why = f": {shot['error']['message']} ({shot['error']['reason']})" if "error" in shot else ""
    err.print(f"{shot['name']}: {shot['state']}{why}", markup=False)


def _parent(shots: list[Shot]) -> Path:
    """Return the folder that all shots lie in, for the summary."""
    parents = {shot.folder.parent for shot in shots}
    return parents.pop() if len(parents) == 1 else Path.cwd()
