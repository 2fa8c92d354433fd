"""What a performance needs of the command line: soundfile's decoder, a server, a Blender of its own for a scene."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duologue.brief import Brief
from duologue.cli.console import Stages
from duologue.shots.blender import render_take
from duologue.shots.perform import Connection, Outputs
from duologue.units import Sound

if TYPE_CHECKING:
    from duologue.wire.client import Client

Server = Annotated[
    Path | None,
    typer.Option(help="Connection file of a server; by default the one that runs here, else one is started."),
]
Engine = Annotated[str, typer.Option(help="workbench, eevee or cycles.")]
Camera = Annotated[
    str, typer.Option(help="cut, wide or split (both faces below); by default cut, or your scene's own camera.")
]
Seats = Annotated[
    bool | None, typer.Option(help="Chairs where somebody sits; by default with the sample characters only.")
]
Preview = Annotated[bool, typer.Option(help="Make scene.blend and preview.mp4 with Blender.")]
Blend = Annotated[Path | None, typer.Option(help="Your scene; without it the sample characters play.")]
FirstFrame = Annotated[
    int | None, typer.Option(min=0, help="Frame at which the take begins; by default where your scene does, else 1.")
]
Exports = Annotated[
    list[str] | None, typer.Option("--export", help="gltf, fbx or usd: write the scene so as well (may be repeated).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print report.json on standard output.")]


class CommandLineStage:
    """A :class:`duologue.shots.perform.Stage`; close it in the end. ``only_one``: let go of the server before rendering."""

    def __init__(self, server: Path | None, progress: Stages, *, only_one: bool = False) -> None:
        from duologue.wire.local import open_client

        self._connection = Connection(partial(open_client, server))
        self._progress, self._only_one = progress, only_one

    def read(self, brief: Brief) -> tuple[tuple[Sound, Sound], tuple[str, ...]]:
        """Decode and check both voices."""
        from duologue.speech.decode import load_pair

        a, b, notes = load_pair(brief)
        return (a, b), notes

    def client(self) -> Client:
        """Return a client of the server that was named, that runs here or that is started."""
        return self._connection.client()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show how far it has come."""
        self._progress.update(stage, done, total)

    def render(self, take: Path, outputs: Outputs) -> tuple[list[str], list[str]]:
        """Have a Blender of its own make the scene."""
        if self._only_one:
            self.close()
        rendered = render_take(take, take.parent, outputs, self.progress)
        return rendered.files, rendered.notes

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()
