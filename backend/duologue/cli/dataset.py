"""``duologue dataset``: is a folder of data whole, what is it like, and what is done and said in a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from duologue.cli.console import out, print_json, stages

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A corpus, InterAct, BEAT or a folder like it, or face captures.")],
    as_json: AsJson = False,
) -> None:
    """Say what a folder holds and what in it is broken, file by file. Exit code 2 when something is, 3 when nothing is known."""
    from duologue.datasets import checking

    with stages() as progress:
        findings = checking.check(folder, lambda done, total: progress.update("checking", done, total))
    if as_json:
        print_json({
            "folder": str(folder),
            "layout": findings.layout,
            "holds": findings.holds,
            "problems": [asdict(problem) for problem in findings.problems],
        })  # fmt: skip
    else:
        holds = ", ".join(f"{count:g} {what}" for what, count in findings.holds.items())
        out.print(f"{folder}: {findings.layout}{': ' if holds else ''}{holds}", markup=False)
        for problem in findings.problems:
            out.print(f"{problem.file} ({problem.reason}): {problem.message}", markup=False, soft_wrap=True)
    if findings.problems:
        raise typer.Exit(2)


@app.command()
def statistics(
    folder: Annotated[Path, typer.Argument(help="A corpus, or face captures (NAME.csv beside NAME.wav).")],
    as_json: AsJson = False,
) -> None:
    """Print what data is like, in figures: a wrong unit, a turned axis or a silent half shows there at once."""
    from duologue.datasets.statistics.report import statistics as figures_of

    report = figures_of(folder)
    if as_json:
        print_json(report)
        return
    for part, figures in report.items():
        out.print(_table(part, figures))


@app.command()
def labels(
    files: Annotated[list[Path], typer.Argument(help="Motion (.bvh) and sound (.wav, .flac, .ogg, .mp3).")],
    out_folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write NAME.actions.csv and NAME.phones.csv here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Label files with when somebody sits, walks or stands, or says which phone (NAME.txt beside the sound helps)."""
    from duologue.datasets.labelling import label_files
    from duologue.files.atomic import prepare_folder

    if out_folder is not None:
        prepare_folder(out_folder)
    with stages() as progress:
        labelled = label_files(files, lambda done: progress.update("labelling", done, len(files)))
    if out_folder is not None:
        for item in labelled:
            item.write(out_folder)
    if as_json:
        print_json([
            {"file": str(item.path), "label": item.kind, "spans": [[s.start, s.end, s.label] for s in item.spans]}
            for item in labelled
        ])  # fmt: skip
        return
    for item in labelled:
        seconds = ", ".join(f"{label} {total:.1f} s" for label, total in item.seconds().items())
        out.print(f"{item.path}: {seconds or 'nothing'}", markup=False)


@app.command()
def interactions(
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder to make it in, or to go on with.")],
    clips: Annotated[int, typer.Option(help="How many clips, 17 frames of 128 pixels each.")] = 2000,
    people: Annotated[int, typer.Option(help="How many people are drawn for them.")] = 40,
    seed: Annotated[int, typer.Option(help="Another one: other people, scenes, cameras.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; others may work in the same folder at the same time.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Make clips of people who touch faces, with every pass that a video model learns from; stopped, it goes on next time."""
    from duologue.datasets.corpus.video import SPLITS
    from duologue.datasets.synthesis.video.making import ClipSet, make

    with stages() as progress:
        corpus = make(out_folder, ClipSet(clips, people, seed), workers, progress.update)
    counts = {split: len(corpus.numbers(split)) for split in SPLITS}
    if as_json:
        print_json({"folder": str(out_folder), "clips": counts})
    else:
        out.print(f"{out_folder}: {', '.join(f'{count} {split}' for split, count in counts.items())}", markup=False)


def _table(part: str, figures: dict[str, Any]) -> Table:
    """Return a row a figure; what has labels of its own has a row a label."""
    table = Table("", "", title=part)
    for name, value in figures.items():
        if isinstance(value, dict):
            table.add_row(name, "")
            for label, inner in value.items():
                table.add_row(f"  {label}", _text(inner))
        else:
            table.add_row(name, _text(value))
    return table


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(_text, value)) if isinstance(value, list) else str(value)
