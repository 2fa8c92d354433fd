"""``duologue evaluate``: how good the models are, on data they never saw, against baselines, with intervals."""

from __future__ import annotations

import typer

from duologue.cli.evaluate_body import body
from duologue.cli.evaluate_compare import compare, tally
from duologue.cli.evaluate_face import face
from duologue.cli.evaluate_takes import takes

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _verbs() -> None:
    """Measure a model. Every figure has a 95 % bootstrap interval over conversations."""


for command in (body, face, takes, compare, tally):
    app.command()(command)
