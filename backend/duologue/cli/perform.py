"""``duologue perform BRIEF``: from a brief to a folder with the take, its exports, the Blender scene and the preview."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from duologue.brief import Brief
from duologue.cli.console import out, print_json, stages
from duologue.cli.speak import Cast, Language, Relationship, VoiceA, VoiceB, spoken
from duologue.cli.stage import AsJson, Camera, CommandLineStage, Engine, FirstFrame, Preview, Seats, Server
from duologue.files.atomic import prepare_folder
from duologue.script.reading import SUFFIXES
from duologue.shots.blender import check_outputs
from duologue.shots.perform import Outputs, perform_into, request
from duologue.take import Take
from duologue.take.edit import Edit

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the performance; made if it isn't there.")]


def perform(
    brief: Annotated[
        Path, typer.Argument(help="A brief, TOML or JSON (docs/reference/brief.md), or a script, .fountain or .txt.")
    ],
    out_folder: Out = Path("performance"),
    server: Server = None,
    seed: Annotated[int | None, typer.Option(help="Another take: overrides the brief's seed.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps: overrides the brief's.")] = None,
    preview: Preview = True,
    engine: Engine = "workbench",
    camera: Camera = "",
    seats: Seats = None,
    first_frame: FirstFrame = None,
    cast: Cast = "",
    voice_a: VoiceA = "mezzo",
    voice_b: VoiceB = "baritone",
    language: Language = "en-us",
    relationship: Relationship = "",
    as_json: AsJson = False,
) -> None:
    """Perform a brief: two speech tracks in, two performing characters out. A script is spoken first (see `speak`)."""
    if brief.suffix.lower() in SUFFIXES:
        loaded = spoken(brief, out_folder, cast, (voice_a, voice_b), language, relationship)
    else:
        loaded = Brief.load(brief)
    changes = {name: value for name, value in {"seed": seed, "steps": steps}.items() if value is not None}
    outputs = Outputs(
        scene=preview, preview=preview, engine=engine, camera=camera, seats=seats, first_frame=first_frame
    )
    finish(run(replace(loaded, **changes), out_folder, outputs, server), out_folder, as_json)


def run(
    brief: Brief, folder: Path, outputs: Outputs, server: Path | None, remake: tuple[Take, Edit] | None = None
) -> dict[str, Any]:
    """Perform a brief, or a part of a take again, into a folder; return the report that is also written there.

    Everything that can be wrong with the input is found before a server is asked.

    Raises:
        DuologueError: what :func:`duologue.shots.perform.request` and :func:`~duologue.shots.perform.perform_into` raise.
    """
    prepare_folder(folder)
    check_outputs(outputs)
    with stages() as progress, closing(CommandLineStage(server, progress, only_one=True)) as stage:
        return perform_into(folder, request(brief, stage, outputs, remake), stage)


def finish(report: dict[str, Any], folder: Path, as_json: bool) -> None:
    """Tell where everything lies, or print the report; exit with 130 when the performance was stopped."""
    if as_json:
        print_json(report)
    else:
        for note in report["notes"]:
            out.print(f"Note: {note}", markup=False)
        real_time = report["seconds"]["performing"] / max(report["take"]["seconds"], 1e-9)
        out.print(
            f"{report['take']['seconds']:.1f} s of performance in {report['seconds']['performing']:.1f} s "
            f"({real_time:.2f} of real time), all in {folder}/: {', '.join(report['files'])}",
            markup=False,
        )
    if not report["take"]["complete"]:
        raise typer.Exit(130)
