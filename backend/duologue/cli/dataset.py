"""``duologue dataset``: is a folder of data whole, what is it like, and what is done and said in a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from duologue.cli.console import out, print_json, stages
from duologue.cli.dataset_arkit import arkit
from duologue.executors.executor import executor

app = typer.Typer(no_args_is_help=True)
app.command()(arkit)

Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; one by default. With --cluster: how many tasks at a time at most.")
]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="A Ray cluster does it: auto (the one this machine is part of), HOST:PORT, ray://HOST:PORT or local."
    ),
]
Smpl = Annotated[Path | None, typer.Option(help="Your SMPL-H or SMPL-X model file (NPZ): people's own bones.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


_NOTES: Final = 3
"""Of a kind that are printed: some are of every file."""


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A data set as downloaded, a folder of yours, or a corpus.")],
    smpl: Smpl = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Say which layout a folder has, what it holds, what can be trained from it, and what in it is broken, file by file.

    Exit code 2 when something is broken, 3 when no layout is known.
    """
    from duologue.datasets import checking

    with stages() as progress, executor(workers, cluster) as who:
        findings = checking.check(folder, partial(progress.update, "checking"), who, smpl)
    if as_json:
        print_json({
            "folder": str(folder),
            "layout": findings.layout,
            "holds": findings.holds,
            "trains": findings.trains,
            "problems": [asdict(problem) for problem in findings.problems],
            "notes": [asdict(note) for note in findings.notes],
        })  # fmt: skip
    else:
        holds = ", ".join(f"{count:g} {what}" for what, count in findings.holds.items())
        out.print(f"{folder}: {findings.layout}{': ' if holds else ''}{holds}", markup=False)
        for what, hours in findings.trains.items():
            out.print(f"to train from: {what}, {hours:g} h", markup=False)
        for problem in findings.problems:
            out.print(f"left out: {problem.file} ({problem.reason}): {problem.message}", markup=False, soft_wrap=True)
        told = Counter[str]()
        for note in findings.notes:
            told[note.reason] += 1
            if told[note.reason] <= _NOTES:
                out.print(f"note: {note.file} ({note.reason}): {note.message}", markup=False, soft_wrap=True)
        for reason, count in told.items():
            if count > _NOTES:
                out.print(f"note: {count - _NOTES} more ({reason}); --json lists them", markup=False)
    if findings.problems:
        raise typer.Exit(2)


@app.command()
def prepare(
    folder: Annotated[Path, typer.Argument(help="A data set as downloaded, or a folder of yours.")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for the corpus; stopped, it goes on there.")],
    split: Annotated[str, typer.Option(help="train, validation or test; by default all but test.")] = "",
    splits: Annotated[
        Path | None,
        typer.Option(help="Who is in which: splits.csv of `dataset labels`, in place of the data set's own."),
    ] = None,
    smpl: Smpl = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Make a corpus of a data set, for `train body --corpus`; what can't be read is left out and listed in left_out.json."""
    from duologue.datasets.labels.sequence_split import read_splits, with_splits
    from duologue.datasets.layouts import open_data
    from duologue.datasets.preparing import prepare as make

    with stages() as progress, executor(workers, cluster) as who:
        data = open_data(folder, model=smpl)
        if splits is not None:
            with_splits(data, read_splits(splits))
        made = make(
            data,
            out_folder,
            split=split,
            executor=who,
            tell=partial(progress.update, "preparing"),
        )
    if as_json:
        print_json({"folder": str(out_folder), **asdict(made)})
        return
    out.print(f"{out_folder}: {made.pairs} pairs, {made.seconds / 3600:.3f} h of {data.layout}", markup=False)
    if made.problems:
        out.print(f"{len(made.problems)} files are left out: see {out_folder / 'left_out.json'}", markup=False)


@app.command()
def example(
    layout: Annotated[
        str, typer.Argument(help="interact, seamless, seamless-tars, beat2, amass, beat, captures or plain.")
    ],
    kit: Annotated[Path, typer.Option(help="Folder of motion, speech and faces to make it of.")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder to make it in.")],
    sequences: Annotated[int, typer.Option(min=1, help="How many.")] = 4,
    seconds: Annotated[float, typer.Option(min=3.0, help="How long each is.")] = 20.0,
) -> None:
    """Make a small data set in the layout that another is released in, of the kit's motion and speech: to try commands on."""
    from duologue.datasets.synthesis.layouts.material import Material
    from duologue.datasets.synthesis.layouts.writers import write

    with stages() as progress:
        material = Material.from_kit(kit)
        write(layout, material, out_folder, sequences, seconds, partial(progress.update, "writing"))
    out.print(f"{out_folder}: {sequences} sequences as {layout}", markup=False)


@app.command()
def statistics(
    folder: Annotated[Path, typer.Argument(help="A data set as downloaded, a folder of yours, or a corpus.")],
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write a page to read (index.html), tables (CSV) and plots (SVG) here."),
    ] = None,
    template: Annotated[
        Path | None, typer.Option(help="A face by whose vertices expressions are told: as for `dataset arkit`.")
    ] = None,
    smpl: Smpl = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Say what data is like, in the figures of InterAct's paper: where people stand, how varied they move, what hands touch,
    how much faces move, balance. A wrong unit, a turned axis or a silent half shows there at once."""
    from duologue.datasets.face_meshes.template import read_template
    from duologue.datasets.statistics.report import statistics as figures_of

    face = None if template is None else read_template(template)
    with stages() as progress, executor(workers, cluster) as who:
        tell = partial(progress.update, "measuring")
        report = figures_of(folder, out=out_folder, template=face, executor=who, model=smpl, tell=tell)
    if as_json:
        print_json(report)
        return
    if out_folder is not None:
        out.print(f"{out_folder / 'index.html'}", markup=False)
        return
    for part, figures in report.items():
        for table in _tables(part, figures):
            out.print(table)


@app.command()
def labels(
    files: Annotated[
        list[Path], typer.Argument(help="A data set's folder; or motion (.bvh) and sound (.wav, .flac, .ogg, .mp3).")
    ],
    out_folder: Annotated[Path | None, typer.Option("--out", "-o", help="Write tables (CSV) here.")] = None,
    recognise: Annotated[bool, typer.Option(help="Listen to those of a data set without a transcript.")] = False,
    smpl: Smpl = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Label a data set: who sits, walks or stands, is turned to whom, says what, and is to test; or single files with what is
    done or which phones are said (NAME.txt beside a sound helps)."""
    if len(files) == 1 and files[0].is_dir():
        _label_set(files[0], out_folder, recognise, smpl, (workers, cluster), as_json)
        return
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


def _label_set(
    folder: Path,
    out_folder: Path | None,
    recognise: bool,
    smpl: Path | None,
    who: tuple[int | None, str | None],
    as_json: bool,
) -> None:
    from duologue.datasets.labelled_set import label_set
    from duologue.datasets.layouts import open_data

    with stages() as progress, executor(*who) as them:
        data = open_data(folder, model=smpl)
        tell = partial(progress.update, "labelling")
        labelled = label_set(data, out_folder, recognise=recognise, executor=them, tell=tell)
    if as_json:
        print_json({"folder": str(folder), "layout": data.layout, **asdict(labelled)})
        return
    out.print(f"{folder}: {data.layout}, {labelled.scenes} of {len(data.entries)} sequences labelled", markup=False)
    for what, seconds in (("actions", labelled.actions), ("facing", labelled.facing)):
        out.print(
            f"{what}: {', '.join(f'{name} {total:.1f} s' for name, total in seconds.items()) or 'none'}", markup=False
        )
    for what, counts in (("words", labelled.words), ("splits", labelled.splits)):
        out.print(f"{what}: {', '.join(f'{count} {name}' for name, count in counts.items()) or 'none'}", markup=False)
    for problem in labelled.problems:
        out.print(f"left out: {problem.file} ({problem.reason}): {problem.message}", markup=False, soft_wrap=True)


@app.command()
def interactions(
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder to make it in, or to go on with.")],
    clips: Annotated[int, typer.Option(help="How many clips, 17 frames of 128 pixels each.")] = 2000,
    people: Annotated[int, typer.Option(help="How many people are drawn for them.")] = 40,
    seed: Annotated[int, typer.Option(help="Another one: other people, scenes, cameras.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes, 2 by default; others may work in the same folder at the same time."),
    ] = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Make clips of people who touch faces, with every pass that a video model learns from; stopped, it goes on next time."""
    from duologue.datasets.corpus.video import SPLITS
    from duologue.datasets.synthesis.video.making import ClipSet, make, make_on

    wanted = ClipSet(clips, people, seed)
    if cluster is None:
        with stages() as progress:
            corpus = make(out_folder, wanted, workers or 2, progress.update)
    else:
        with stages() as progress, executor(workers, cluster) as who:
            corpus = make_on(who, out_folder, wanted, progress.update)
    counts = {split: len(corpus.numbers(split)) for split in SPLITS}
    if as_json:
        print_json({"folder": str(out_folder), "clips": counts})
    else:
        out.print(f"{out_folder}: {', '.join(f'{count} {split}' for split, count in counts.items())}", markup=False)


def _tables(part: str, figures: dict[str, Any]) -> list[Table]:
    """Return tables of rows as they are; of figures by name, a row each."""
    if not all(isinstance(rows, list) and all(isinstance(row, dict) for row in rows) for rows in figures.values()):
        return [_table(part, figures)]
    made: list[Table] = []
    for name, rows in figures.items():
        if rows:
            table = Table(*rows[0], title=f"{part}: {name}")
            for row in rows:
                table.add_row(*map(_text, row.values()))
            made.append(table)
    return made


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
