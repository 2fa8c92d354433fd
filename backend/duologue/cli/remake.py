"""``duologue remake TAKE BRIEF``: make a stretch of a take, one performer, or the faces again, and keep the rest."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from duologue import labels
from duologue.brief import Brief
from duologue.cli.console import Stages
from duologue.cli.perform import AsJson, Engine, Out, Preview, finish, provenance_of, run
from duologue.take import Notice, Progress, Take, Window


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
    out_folder: Out = Path("performance"),
    preview: Preview = True,
    engine: Engine = "workbench",
    as_json: AsJson = False,
) -> None:
    """Make a part of a take again; what is kept stays as it is, and what is new leads out of it and back into it."""
    from duologue.keeping import Keep
    from duologue.performance import Performance

    if only is not None:
        labels.check(only, (*labels.PERFORMERS, "faces", "bodies"), field="--only")
    kept = Take.load(take)
    keep = Keep.all_but(
        kept,
        [(start, float("inf") if stop is None else stop)],
        (only,) if only in labels.PERFORMERS else labels.PERFORMERS,
        bodies=only != "faces",
        faces=only != "bodies",
    )
    asked = Brief.load(brief)
    asked = replace(asked, seed=int(kept.provenance.get("seed", asked.seed)) + 1 if seed is None else seed)

    def make(brief: Brief, audio: tuple[Any, Any], progress: Stages) -> tuple[Take, list[str], dict[str, float]]:
        began = time.monotonic()
        performance = Performance.load("auto")
        ready = time.monotonic()
        windows: list[Window] = []
        told: list[str] = []
        first = ready
        for event in performance.stream(brief, audio, keep=keep):
            match event:
                case Progress():
                    progress.update(event.stage, event.done, event.total)
                case Notice():
                    told.append(event.message)
                case Window():
                    first = first if windows else time.monotonic()
                    windows.append(event)
        came_from = provenance_of(brief, audio, performance.describe()["checkpoints"])
        made = Take.from_windows(performance.skeleton, windows, {**came_from, "kept": kept.digest()})
        return (
            made,
            told,
            {"starting": ready - began, "first_window": first - ready, "performing": time.monotonic() - ready},
        )

    finish(run(asked, out_folder, preview=preview, engine=engine, make=make), out_folder, as_json)
