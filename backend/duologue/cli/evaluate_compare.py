"""``duologue evaluate compare`` and ``tally``: takes of the same briefs side by side, blind, and what people said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from duologue.cli.console import out, print_json, stages

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
    from duologue.evaluation.blind_set import BlindSet, write_set

    with stages() as progress:
        path, videos = write_set(BlindSet(folders, question, seed, engine), out_folder, key, progress.update)
    out.print(f"{videos} videos in {out_folder}/; open index.html in a browser.", markup=False)
    out.print(
        f"The key is {path}: keep it from whoever answers. Then: duologue evaluate tally FOLDER --key {path}",
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
    counts_by_pair = count(systems, read_answers(folder, shown))
    if as_json:
        print_json(counts_by_pair)
        return
    table = Table("")
    for name, counts in counts_by_pair.items():
        table.add_column(f"{name}\n{counts['answers']} answers of {counts['people']} people", justify="right")
    if not counts_by_pair:
        return
    for level in next(iter(counts_by_pair.values()))["levels"]:
        table.add_row(f"{level}, %", *(_share(counts["levels"][level]) for counts in counts_by_pair.values()))
    table.add_row("first preferred, %", *(_share(counts["preferred"]) for counts in counts_by_pair.values()))
    out.print(table)


def _share(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return "–"
    return f"{100 * share['value']:.1f} ({100 * share['low']:.1f}…{100 * share['high']:.1f})"
