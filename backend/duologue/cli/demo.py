"""``duologue demo``: the dialogue that ships with Duologue, performed, or the same with two voices of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duologue.brief import Brief, PerformerBrief, Speech
from duologue.cli.perform import Out, finish, run
from duologue.cli.stage import AsJson, Camera, Engine, Preview, Seats, Server
from duologue.errors import invalid
from duologue.files.folders import demo_brief
from duologue.shots.perform import Outputs


def demo(
    out_folder: Out = Path("demo"),
    voice_a: Annotated[
        Path | None, typer.Option("--a", help="Your own recording of A, instead of the demo's voice.")
    ] = None,
    voice_b: Annotated[Path | None, typer.Option("--b", help="Your own recording of B.")] = None,
    server: Server = None,
    preview: Preview = True,
    engine: Engine = "workbench",
    camera: Camera = "",
    seats: Seats = None,
    as_json: AsJson = False,
) -> None:
    """Perform the demo's dialogue (two synthetic voices), or two recordings of yours given by --a and --b."""
    if (voice_a is None) != (voice_b is None):
        raise invalid("voice-missing", "give both --a and --b, or neither.", field="--a, --b")
    brief = (
        Brief(a=PerformerBrief(Speech(voice_a)), b=PerformerBrief(Speech(voice_b)))
        if voice_a and voice_b
        else Brief.load(demo_brief())
    )
    outputs = Outputs(scene=preview, preview=preview, engine=engine, camera=camera, seats=seats)
    finish(run(brief, out_folder, outputs, server), out_folder, as_json)
