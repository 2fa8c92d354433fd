"""``duologue remake TAKE BRIEF``: make a stretch of a take, one performer, or the faces again, and keep the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from duologue import labels
from duologue.brief import Brief
from duologue.cli.perform import Out, finish, run
from duologue.cli.stage import AsJson, Camera, Engine, FirstFrame, Preview, Seats, Server
from duologue.errors import invalid
from duologue.files.reading import resolved
from duologue.shots.perform import Outputs
from duologue.take import Take
from duologue.take.edit import Edit


def remake(
    take: Annotated[Path, typer.Argument(help="The take: take.safetensors of a performance.")],
    brief: Annotated[
        Path, typer.Argument(help="The brief it was made from, or one with other wishes for the same speech.")
    ],
    start: Annotated[float, typer.Option("--from", min=0, help="Seconds where it is made again.")] = 0.0,
    stop: Annotated[
        float | None, typer.Option("--to", min=0, help="Seconds where the rest is kept; the end by default.")
    ] = None,
    only: Annotated[str | None, typer.Option(help="A, B, faces or bodies: only these.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Overrides the brief's; by default one more than the take's.")
    ] = None,
    out_folder: Out = Path("remade"),
    server: Server = None,
    preview: Preview = True,
    engine: Engine = "workbench",
    camera: Camera = "",
    seats: Seats = None,
    first_frame: FirstFrame = None,
    as_json: AsJson = False,
) -> None:
    """Make a part of a take again; what is kept stays as it is, and what is new leads out of it and back into it."""
    if only is not None:
        labels.check(only, (*labels.PERFORMERS, "faces", "bodies"), field="--only")
    part = Edit(
        start,
        stop,
        (only,) if only in labels.PERFORMERS else labels.PERFORMERS,
        bodies=only != "faces",
        faces=only != "bodies",
    )
    old = Take.load(take)
    if resolved(out_folder, "--out") == resolved(take, "take").parent:
        raise invalid("out-is-the-take", f"{out_folder} holds the take itself; choose another folder", field="--out")
    loaded = Brief.load(brief)
    loaded = replace(loaded, seed=int(old.provenance.get("seed", loaded.seed)) + 1 if seed is None else seed)
    outputs = Outputs(
        scene=preview, preview=preview, engine=engine, camera=camera, seats=seats, first_frame=first_frame
    )
    finish(run(loaded, out_folder, outputs, server, (old, part)), out_folder, as_json)
