"""Shots of a batch in other processes than the command's own: of this machine, or of a cluster's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duologue.cli.console import Stages
from duologue.cli.stage import CommandLineStage
from duologue.shots import queue
from duologue.shots.perform import Outputs
from duologue.shots.shot import Shot

_stages: dict[Path | None, CommandLineStage] = {}
"""This process's connections, by the file of the server: opened when the first shot needs one. A server that was started for
it ends with the process."""


def make_shot(outputs: Outputs, server: Path | None, force: bool, shot: Shot) -> dict[str, Any]:
    """Make one shot as ``queue.make`` does, silently.

    Raises:
        DuologueError: what ``queue.make`` raises.
    """
    stage = _stages.setdefault(server, CommandLineStage(server, Quiet()))
    return queue.make(shot, outputs, stage, force=force)


class Quiet(Stages):
    """Shows nothing: the command says which shots are done."""

    def __init__(self) -> None:
        super().__init__(None)

    def update(self, stage: str, done: float, total: float) -> None:
        """Do nothing."""
