"""``duologue interact BRIEF|TAKE``: a touch of a take as moving pictures, with all passes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duologue.brief import Brief
from duologue.cli.console import Stages, out, print_json, stages
from duologue.cli.perform import run
from duologue.cli.speak import spoken
from duologue.cli.stage import AsJson, Server
from duologue.errors import invalid
from duologue.files.reading import check_file
from duologue.passes.options import parse_size
from duologue.script.reading import SUFFIXES
from duologue.shots.perform import Outputs
from duologue.shots.report import TAKE
from duologue.take import Take

if TYPE_CHECKING:
    from duologue.footage.interaction import Asked
    from duologue.footage.served import ServedBackend

PERFORMED = "take"
"""The folder for what a brief is performed into."""


def interact(
    source: Annotated[
        Path, typer.Argument(metavar="BRIEF|TAKE", help="take.safetensors, or a brief or script, performed first.")
    ],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures and passes.")],
    add: Annotated[
        list[str] | None,
        typer.Option(
            help="A touch: 'B stroke cheek of A 3.2-5.0 [left|right] [press 0.5] [repeat 2]'; may be repeated."
        ),
    ] = None,
    backend: Annotated[
        str, typer.Option(help="carried (at once, no model), tiny (ours), wan-vace, wan-cointeract, wan-lora.")
    ] = "carried",
    weights: Annotated[
        Path | None, typer.Option(help="Folder of the backend's weights; nothing is downloaded.")
    ] = None,
    mode: Annotated[
        str, typer.Option(help="tiny, wan-lora: render, add, stream, full, dropped; wan-vace: depth, pose.")
    ] = "",
    preset: Annotated[str, typer.Option(help="draft or final: how many steps.")] = "draft",
    size: Annotated[str, typer.Option(help="Pixels, 16 to 4096 a side: 128, or 832x480.")] = "128",
    seconds: Annotated[
        str, typer.Option("--range", help="Seconds of the take: 3.0-5.2; by default the first touch.")
    ] = "",
    frames: Annotated[str, typer.Option(help="Frames of the take, 4k + 1 of them: 91:155:2.")] = "",
    region: Annotated[str, typer.Option(help="hand or face: only that again, all other pixels as they are.")] = "",
    seed: Annotated[int, typer.Option(help="Another one, other pictures.")] = 0,
    steps: Annotated[int, typer.Option(min=0, max=50, help="Of the diffusion; 0: the preset's.")] = 0,
    prompt: Annotated[
        str, typer.Option(help="For backends that read text; by default what happens is described.")
    ] = "",
    passes_only: Annotated[
        bool, typer.Option("--passes-only", help="Only the passes, for ComfyUI and others.")
    ] = False,
    replace_: Annotated[bool, typer.Option("--replace", help="Replace what is in that folder.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda:0, … or auto.")] = "cpu",
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Show a touch: solve it on the sample characters, draw its passes, make its pictures, as they come.

    The same command goes on where it was stopped. Ctrl-C keeps what is there. With --server, pictures (and a brief's
    take) are made there, passes here.
    """
    from duologue.checkpoints.devices import prepare
    from duologue.footage.asked import parse_touch
    from duologue.footage.interaction import Asked, not_there, plan
    from duologue.footage.interaction import interact as make

    added = tuple(parse_touch(text) for text in add or ())
    if server is not None and weights is not None:
        text = "weights are the server's own: start it with `duologue serve --weights BACKEND=FOLDER`"
        raise invalid("weights-elsewhere", text, field="--weights")
    where = "server" if server else prepare(device)
    asked = Asked(
        out_folder, added, backend, weights, where, mode, preset, steps, seed, prompt, parse_size(size), frames,
        seconds, region, passes_only, replace_,
    )  # fmt: skip
    check_file(source)
    if source.suffix.lower() not in {".safetensors", ".toml", ".json", *SUFFIXES}:
        raise not_there(source)
    take = source if source.suffix.lower() == ".safetensors" else _performed(source, out_folder / PERFORMED, server)
    with stages() as progress, stopping() as should_stop, _served(asked, server) as served:
        clip = plan(Take.load(take), take.parent, asked)
        report = make(clip, asked, _teller(progress), should_stop, served)
    _finish(report, out_folder, as_json)


@contextmanager
def _served(asked: Asked, server: Path | None) -> Iterator[ServedBackend | None]:
    """Yield the backend of a server, where one is named and pictures are asked for."""
    if server is None or asked.passes_only:
        yield None
        return
    from duologue.footage.served import ServedBackend
    from duologue.wire.local import open_client

    with open_client(server) as client:
        yield ServedBackend(client, asked.backend)


def _performed(source: Path, folder: Path, server: Path | None) -> Path:
    """Perform a brief, unless that was done; return the take."""
    from duologue.speech.decode import load_pair
    from duologue.take.provenance import provenance_of

    if source.suffix.lower() in SUFFIXES:
        brief = spoken(source, folder, "", ("mezzo", "baritone"), "en-us", "")
    else:
        brief = Brief.load(source)
    there = folder / TAKE
    if there.is_file():
        a, b, _ = load_pair(brief)
        if Take.load(there).provenance.get("brief") == provenance_of(brief, (a, b), {})["brief"]:
            return there
    run(brief, folder, Outputs(scene=False, preview=False), server)
    return there


def _teller(progress: Stages) -> Callable[[str, int, int], None]:
    def tell(stage: str, done: int, total: int) -> None:
        progress.update(stage, done, total)

    return tell


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Yield whether Ctrl-C (or a farm's SIGTERM) has asked to stop; a second one ends at once."""
    asked: list[int] = []

    def stop(*_: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(1)

    numbers = [signal.SIGINT, *([] if sys.platform == "win32" else [signal.SIGTERM])]
    before = [(number, signal.signal(number, stop)) for number in numbers]
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before:
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def _finish(report: dict[str, Any], folder: Path, as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        for note in report["notes"]:
            out.print(f"Note: {note}", markup=False)
        made, count = report["frames"]["made"], report["frames"]["count"]
        took = sum(report["seconds"].values())
        if not report["complete"]:
            out.print(
                f"Stopped: {made} of {count} pictures are kept; the same command goes on from there.", markup=False
            )
        out.print(f"{made} pictures in {took:.1f} s, all in {folder}/: {', '.join(report['files'])}", markup=False)
    if not report["complete"]:
        raise typer.Exit(130)
