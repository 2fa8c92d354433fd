"""The ``duologue`` command: one file a verb, each thin over the package it names."""

from __future__ import annotations

import sys

import typer

from duologue.cli import (
    batch,
    bench,
    dataset,
    demo,
    doctor,
    evaluate,
    export,
    extension,
    interact,
    models,
    passes,
    perform,
    remake,
    render,
    serve,
    speak,
    train,
)
from duologue.cli.console import tell_error
from duologue.errors import DuologueError

app = typer.Typer(
    name="duologue",
    help="Two people's speech in, a two-person performance out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for verb, command in {
    "demo": demo.demo,
    "perform": perform.perform,
    "speak": speak.speak,
    "batch": batch.batch,
    "remake": remake.remake,
    "render": render.render,
    "passes": passes.passes,
    "interact": interact.interact,
    "export": export.export,
    "serve": serve.serve,
    "bench": bench.bench,
    "doctor": doctor.doctor,
    "extension": extension.extension,
}.items():
    app.command(verb)(command)
app.add_typer(
    train.app, name="train", help="Train a model: its corpus is made, training resumes, everything is seeded."
)
app.add_typer(evaluate.app, name="evaluate", help="How good a model is: held-out data, baselines, intervals.")
app.add_typer(
    dataset.app, name="dataset", help="Data to train from: is it whole, what is it like, what is done and said in it."
)
app.add_typer(models.app, name="models", help="List, verify and import checkpoints. Nothing is ever downloaded.")


def main() -> None:
    """Run the command line. Exit codes: 0 done; 2 bad input; 3 something here is missing; 4 the server; 1 ours; 130 Ctrl-C."""
    try:
        code = app(standalone_mode=False)  # a command's typer.Exit comes back as its number here
        if code:
            sys.exit(code)
    except DuologueError as error:
        tell_error(error)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        show = getattr(error, "show", None)  # click's own usage errors carry their text and code
        if not callable(show):
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))
