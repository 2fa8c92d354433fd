"""``duologue evaluate``: how good the models are, on data they never saw, against baselines, with intervals."""

from __future__ import annotations

import typer

from duologue.cli.evaluate_body import body
from duologue.cli.evaluate_compare import compare, tally
from duologue.cli.evaluate_contact import contact
from duologue.cli.evaluate_face import face
from duologue.cli.evaluate_patterns import named, patterns
from duologue.cli.evaluate_takes import takes
from duologue.cli.evaluate_video import video

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _verbs() -> None:
    """Measure a model. Figures over conversations have 95 % bootstrap intervals."""


for command in (body, face, takes, contact, video, patterns, named, compare, tally):
    app.command()(command)
