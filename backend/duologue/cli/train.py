"""``duologue train``: the recipes of the body and the face, from the kit or from a user's own capture."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True)
