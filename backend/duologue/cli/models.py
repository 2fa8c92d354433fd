"""``duologue models``: which checkpoints are here, whether they are whole, and importing one from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duologue.checkpoints import store as checkpoints
from duologue.checkpoints import whisper
from duologue.cli.console import out, print_json
from duologue.errors import invalid

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the checkpoints found here, each verified as it is read."""
    rows = [*checkpoints.survey(), *whisper.survey_whispers()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        state = "ok" if row["ok"] else f"BROKEN: {row['problem']}"
        out.print(f"{row['name']:<12} {row.get('megabytes', '?'):>7} MB  {state}  {row['folder']}", markup=False)


@app.command()
def verify(name: Annotated[str, typer.Argument(help="A name from `duologue models list`, or a folder.")]) -> None:
    """Check one checkpoint's files against its manifest; exit code 3 when they differ."""
    if name in whisper.list_whispers():
        out.print(f"{name}: ok, sha256 {whisper.verify_whisper(name)}", markup=False)
        return
    checkpoint = checkpoints.open_checkpoint(name)
    out.print(f"{checkpoint.name}: ok, sha256 {checkpoint.sha256}", markup=False)


@app.command("import")
def import_(
    folder: Annotated[
        Path,
        typer.Argument(help="A checkpoint folder, for example from `duologue train`, or of a Whisper."),
    ],
    name: Annotated[
        str, typer.Option(help="Of a Whisper, for briefs that choose it; by default it hears wherever none is chosen.")
    ] = "",
) -> None:
    """Copy a checkpoint folder, or a Whisper that recognises words, into this user's, verified."""
    if whisper.is_whisper(folder):
        target = whisper.import_whisper(folder, name or whisper.HEAR)
        used = "words are recognised by it" if target.name == whisper.HEAR else "a brief names it"
        out.print(f"Imported the Whisper {target.name} into {target}; {used}.", markup=False)
        return
    if name:
        raise invalid("checkpoint-name", "only a Whisper takes a name; a checkpoint has its own", field="--name")
    target = checkpoints.import_checkpoint(folder)
    out.print(
        f"Imported {target.name} into {target}; it is used before the shipped one of the same name.", markup=False
    )
