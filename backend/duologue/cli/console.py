"""What every command shares: progress that is a bar on a terminal and plain lines elsewhere, and errors with an exit code."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from duologue.errors import DuologueError

if TYPE_CHECKING:
    from duologue.checkpoints.store import Checkpoint

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

PLAIN_INTERVAL = 5.0
"""Seconds between two plain progress lines of one stage: a render farm's log should stay readable."""


def tell_error(error: DuologueError) -> None:
    """Print an error for a person: where, what, and the stable reason that a search engine or a script can use."""
    err.print(f"[bold red]Error[/] [dim]({error.reason})[/]: ", end="")
    err.print(str(error), markup=False)


def tell_checkpoint(checkpoint: Checkpoint) -> None:
    """Print where a trained checkpoint lies, and how it comes into use."""
    out.print(f"{checkpoint.folder}: sha256 {checkpoint.sha256}", markup=False)
    out.print(f"Use it with `duologue models import {checkpoint.folder}`.", markup=False)


def print_json(value: Any) -> None:
    """Print one JSON document on standard output, for scripts."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


class Stages:
    """Named stages of work with a done and a total each; see ``stages``."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, float] = {}

    def update(self, stage: str, done: float, total: float) -> None:
        """Show that ``done`` of ``total`` of a stage is finished; a stage appears when it is first named."""
        if self._progress is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._progress.add_task(stage, total=total)
            self._progress.update(self._tasks[stage], completed=done, total=total)
            return
        now, last = time.monotonic(), self._told.get(stage)
        finished = done >= total and last != float("inf")
        if last is None or finished or now - last >= PLAIN_INTERVAL:
            err.print(f"{stage}: {done:.0f} of {total:.0f}", markup=False)
            self._told[stage] = float("inf") if finished else now


@contextmanager
def stages() -> Iterator[Stages]:
    """Yield a ``Stages``: live bars when standard error is a terminal, a line now and then when it is not."""
    if not err.is_terminal:
        yield Stages(None)
        return
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, TimeRemainingColumn(), console=err) as progress:
        yield Stages(progress)
