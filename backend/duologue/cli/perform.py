"""``duologue perform BRIEF``: from a brief to a folder with the take, its exports, the Blender scene and the preview."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from duologue import __version__
from duologue.brief import Brief
from duologue.cli.console import Stages, out, print_json, stages
from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder, write_text
from duologue.motion.skeleton import Skeleton
from duologue.take import Notice, Progress, Take, Window
from duologue.take.edit import Edit, check_take
from duologue.take.export import write_exports
from duologue.units import FPS, Sound

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the performance; made if it isn't there.")]
Server = Annotated[
    Path | None,
    typer.Option(help="Connection file of a server; by default the one that runs here, else one is started."),
]
Engine = Annotated[str, typer.Option(help="workbench, eevee or cycles.")]
Preview = Annotated[bool, typer.Option(help="Make scene.blend and preview.mp4 with Blender.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print report.json on standard output.")]


def perform(
    brief: Annotated[Path, typer.Argument(help="A brief: TOML or JSON (docs/reference/brief.md).")],
    out_folder: Out = Path("performance"),
    server: Server = None,
    seed: Annotated[int | None, typer.Option(help="Another take: overrides the brief's seed.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps: overrides the brief's.")] = None,
    preview: Preview = True,
    engine: Engine = "workbench",
    as_json: AsJson = False,
) -> None:
    """Perform a brief: two speech tracks in, two performing characters out."""
    asked = Brief.load(brief)
    changes = {name: value for name, value in {"seed": seed, "steps": steps}.items() if value is not None}
    report = run(replace(asked, **changes), out_folder, server=server, preview=preview, engine=engine)
    finish(report, out_folder, as_json)


def finish(report: dict[str, Any], folder: Path, as_json: bool) -> None:
    """Tell where everything lies, or print the report; exit with 130 when the performance was stopped."""
    if as_json:
        print_json(report)
    else:
        for note in report["notes"]:
            out.print(f"Note: {note}", markup=False)
        real_time = report["seconds"]["performing"] / max(report["take"]["seconds"], 1e-9)
        out.print(
            f"{report['take']['seconds']:.1f} s of performance in {report['seconds']['performing']:.1f} s "
            f"({real_time:.2f} of real time), all in {folder}/: {', '.join(report['files'])}",
            markup=False,
        )
    if not report["take"]["complete"]:
        raise typer.Exit(130)


def run(
    brief: Brief,
    folder: Path,
    *,
    server: Path | None = None,
    preview: bool = True,
    engine: str = "workbench",
    remake: tuple[Take, Edit] | None = None,
) -> dict[str, Any]:
    """Perform a brief into a folder and return the report that is also written there.

    ``remake``: a take of the same speech, and what of it is to be made again; the rest stays.

    Everything that can be wrong with the input is found before a server is asked. Ctrl-C keeps what was made so far: a take
    marked incomplete, with its exports.

    Raises:
        DuologueError: what ``Brief``, ``load_pair``, the client and the render raise; PERMISSION_DENIED ``not-writable``;
            INVALID_ARGUMENT ``take-length``, ``span-empty``.
    """
    from duologue.cli.render import check_engine, find_blender, render_take
    from duologue.speech.decode import load_pair

    began = time.monotonic()
    prepare_folder(folder)
    if preview:
        check_engine(engine)
        find_blender()
    audio_a, audio_b, notes = load_pair(brief)
    audio = (audio_a, audio_b)
    if remake is not None:
        check_take(remake[0], audio_a.frames)
        remake[1].frames(remake[0])
    with stages() as progress:
        take, told, timings = _perform(brief, audio, server, progress, remake)
        take_file = folder / "take.safetensors"
        take.save(take_file)
        files = ["take.safetensors", *write_exports(take, audio, folder)]
        performed = time.monotonic()
        if preview:
            rendered = render_take(
                take_file,
                folder,
                engine=engine,
                on_progress=progress.update,
            )
            files += rendered.files
            notes = (*notes, *rendered.notes)
    report = {
        "duologue": __version__,
        "files": [*files, "report.json"],
        "notes": list(dict.fromkeys([*brief.notes, *notes, *told])),
        "take": {
            "frames": take.frames,
            "seconds": round(take.seconds, 3),
            "fps": FPS,
            "complete": take.complete,
            "digest": take.digest(),
            "provenance": dict(take.provenance),
        },
        "seconds": {
            **{name: round(value, 3) for name, value in timings.items()},
            "rendering": round(time.monotonic() - performed, 3),
            "all": round(time.monotonic() - began, 3),
        },
    }
    import json

    write_text(folder / "report.json", json.dumps(report, indent=2) + "\n")
    return report


def provenance_of(brief: Brief, audio: tuple[Sound, Sound], checkpoints: Mapping[str, str]) -> dict[str, Any]:
    """Return where a take comes from: the brief's digest with its sound, seed, steps, checkpoints' hashes and version."""
    return {
        "brief": brief.digest(audio),
        "seed": brief.seed,
        "steps": brief.steps,
        "checkpoints": dict(checkpoints),
        "duologue": __version__,
    }


def _perform(
    brief: Brief,
    audio: tuple[Sound, Sound],
    server: Path | None,
    progress: Stages,
    remake: tuple[Take, Edit] | None,
) -> tuple[Take, list[str], dict[str, float]]:
    """Ask a server for the take and join its windows; a Ctrl-C in between returns the part that is there.

    Also returns what the server had to say, and how long things took.
    """
    from duologue.wire.local import open_client

    told: list[str] = []

    def on_event(event: object) -> None:
        if isinstance(event, Notice):
            told.append(event.message)

    windows: list[Window] = []
    complete = False
    started = time.monotonic()
    asked = first = started
    with open_client(server) as client:
        asked = time.monotonic()
        described = client.performance
        with contextlib.suppress(KeyboardInterrupt):
            for event in client.perform(brief, audio, on_event, remake=remake):
                if isinstance(event, Progress):
                    progress.update(event.stage, event.done, event.total)
                    continue
                if not windows:
                    first = time.monotonic()
                windows.append(event)
            complete = True
    if not windows:
        raise DuologueError("CANCELLED", "cancelled", "stopped before the first window; there is nothing to keep.")
    provenance = provenance_of(brief, audio, described.get("checkpoints", {}))
    if remake is not None:
        provenance |= {"kept": remake[0].digest(), "remade": remake[1].to_json()}
    take = Take.from_windows(Skeleton.from_json(described["skeleton"]), windows, provenance, complete=complete)
    ended = time.monotonic()
    return take, told, {"starting": asked - started, "first_window": first - asked, "performing": ended - asked}
