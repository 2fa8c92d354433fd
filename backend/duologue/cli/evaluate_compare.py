"""``duologue evaluate compare`` and ``tally``: takes of the same briefs side by side, blind, and what people said of them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from duologue.cli.console import Stages, out, print_json, stages

QUESTION: Final = (
    "Two people talk, the same way on either side. On which side do they move more like people in conversation: gestures that go "
    "with the speech, listening, attention to one another, feet that stand? Watch to the end before you answer."
)


def compare(
    folders: Annotated[
        list[Path], typer.Argument(help="Two or more folders, each of a system's takes: FOLDER/BRIEF/take.safetensors.")
    ],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder of the blind set; new or empty.")],
    key: Annotated[
        Path | None, typer.Option(help="Where to keep who is on which side; OUT-key.json beside OUT by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the order and the sides.")] = 0,
    engine: Annotated[
        str, typer.Option(help="workbench, eevee, cycles, or software (no OpenGL needed).")
    ] = "workbench",
    question: Annotated[str, typer.Option(help="What the page asks.")] = QUESTION,
) -> None:
    """Render takes of the same briefs side by side with sound, blind, on a page that asks which is better."""
    from duologue.cli.render import check_engine, find_blender
    from duologue.errors import invalid
    from duologue.evaluation.compare import briefs_of, plan, write_key, write_page

    folders = [folder.resolve() for folder in folders]
    briefs = briefs_of(folders)
    check_engine(engine)
    find_blender()
    if out_folder.exists() and any(out_folder.iterdir()):
        raise invalid(
            "folder-not-empty", f"{out_folder} holds something already; choose another folder.", field="--out"
        )
    out_folder.mkdir(parents=True, exist_ok=True)
    where = {folder.name: folder for folder in folders}
    shown = plan(list(where), briefs, seed)
    key = key or out_folder.parent / f"{out_folder.resolve().name}-key.json"
    write_key(key, list(where), shown, seed)
    with stages() as progress, tempfile.TemporaryDirectory(prefix="duologue-") as scratch:
        for number, item in enumerate(shown):
            sides = [_video(where[system] / item.brief, Path(scratch) / system / item.brief, engine, progress)
                     for system in (item.left, item.right)]  # fmt: skip
            _beside(sides[0], sides[1], out_folder / f"{item.name}.mp4", progress)
            progress.update("videos", number + 1, len(shown))
    write_page(out_folder, shown, question)
    out.print(
        f"{len(shown)} videos of {len(briefs)} briefs in {out_folder}/; open index.html in a browser.", markup=False
    )
    out.print(
        f"The key is {key}: keep it from whoever answers. Then: duologue evaluate tally FOLDER --key {key}",
        markup=False,
    )


def tally(
    folder: Annotated[Path, typer.Argument(help="Folder with people's answers (.csv), a file a person.")],
    key: Annotated[Path, typer.Option(help="The key that `compare` wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Count preferences on five levels, from much better to much worse, with 95 % intervals."""
    from duologue.evaluation.compare import read_answers, read_key
    from duologue.evaluation.compare import tally as count

    systems, shown = read_key(key)
    found = count(systems, read_answers(folder, shown))
    if as_json:
        print_json(found)
        return
    table = Table("")
    for name, counts in found.items():
        table.add_column(f"{name}\n{counts['answers']} answers of {counts['people']} people", justify="right")
    if not found:
        return
    for level in next(iter(found.values()))["levels"]:
        table.add_row(f"{level}, %", *(_share(counts["levels"][level]) for counts in found.values()))
    table.add_row("first preferred, %", *(_share(counts["preferred"]) for counts in found.values()))
    out.print(table)


def _share(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return "–"
    return f"{100 * share['value']:.1f} ({100 * share['low']:.1f}…{100 * share['high']:.1f})"


def _video(take: Path, scratch: Path, engine: str, progress: Stages) -> Path:
    """Return a take's preview: the one in its folder, else one drawn now, once."""
    from duologue.cli.render import render_take

    for made in (take / "preview.mp4", scratch / "preview.mp4"):
        if made.is_file():
            return made
    scratch.mkdir(parents=True, exist_ok=True)
    render_take(take / "take.safetensors", scratch, engine=engine, on_progress=progress.update)
    return scratch / "preview.mp4"


def _beside(left: Path, right: Path, video: Path, progress: Stages) -> None:
    """Join two videos through Blender's sequencer, under names that tell nothing."""
    from duologue.cli.render import find_blender, follow

    with tempfile.TemporaryDirectory(prefix="duologue-") as scratch:
        copies = [Path(scratch) / name for name in ("left.mp4", "right.mp4")]
        for made, copy in zip((left, right), copies, strict=True):
            shutil.copyfile(made, copy)
        follow([*find_blender(), "beside", *map(str, copies), str(video.resolve())], progress.update)
