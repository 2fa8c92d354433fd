"""``duologue models``: which checkpoints are here, whether they are whole, and importing one from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duologue.checkpoints import store as checkpoints
from duologue.cli.console import out, print_json

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the checkpoints found here, each verified as it is read."""
    rows = checkpoints.survey()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        state = "ok" if row["ok"] else f"BROKEN: {row['problem']}"
        out.print(f"{row['name']:<12} {row.get('megabytes', '?'):>7} MB  {state}  {row['folder']}", markup=False)


@app.command()
def verify(name: Annotated[str, typer.Argument(help="A name from `duologue models list`, or a folder.")]) -> None:
    """Check one checkpoint's files against its manifest; exit code 3 when they differ."""
    checkpoint = checkpoints.open_checkpoint(name)
    out.print(f"{checkpoint.name}: ok, sha256 {checkpoint.sha256}", markup=False)


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="A checkpoint folder, for example from `duologue train`.")],
) -> None:
    """Copy a checkpoint folder into this user's checkpoints, verified, under its own name."""
    target = checkpoints.import_checkpoint(folder)
    out.print(
        f"Imported {target.name} into {target}; it is used before the shipped one of the same name.", markup=False
    )
