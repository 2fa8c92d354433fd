"""``duologue evaluate face``: faces on held-out speech, against FaceFormer, with intervals."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from duologue.cli.console import out, print_json
from duologue.cli.figures import AsJson, OutFile, cell, plain, write_report
from duologue.errors import invalid

SETS = ("matthes", "grid", "espeak", "mfa", "librispeech", "kokoro")

ROWS = {
    "closure_ict": ("p b m closed, ICT, %", 100.0, 0),
    "closure_ada": ("p b m closed, Ada, %", 100.0, 0),
    "closure_ben": ("p b m closed, Ben, %", 100.0, 0),
    "labiodental_ict": ("f v lip to teeth, %", 100.0, 0),
    "false_closure_ict": ("open vowels shut, %", 100.0, 0),
    "aa_over_iy": ("jaw of aa : iy", 1.0, 1),
    "lve_mm2": ("LVE, mm²", 1.0, 1),
    "fdd_mm2": ("FDD, mm²", 1.0, 2),
    "lag_to_voice_frames": ("jaw after voice, frames", 1.0, 1),
    "lag_to_truth_frames": ("jaw after truth, frames", 1.0, 1),
    "listener": ("listener's jaw, %", 100.0, 1),
    "blinks_per_minute": ("blinks a minute", 1.0, 0),
}
"""What the table shows of the report: heading, factor, decimals."""

Kit = Annotated[Path, typer.Option(help="Folder with face_ict/ and the held-out speech.")]
Checkpoint = Annotated[
    list[str] | None, typer.Option(help="A face checkpoint's name or folder; may be given more than once.")
]
Baseline = Annotated[Path | None, typer.Option(help="A FaceFormer checkpoint, from --train-baseline.")]
Whole = Annotated[
    Path | None, typer.Option(help="The same face fine-tuned throughout (`duologue train lips --whole`): no swap.")
]
TrainBaseline = Annotated[
    Path | None,
    typer.Option(help="First train a FaceFormer here, on what the first checkpoint learned from (resumes)."),
]
BaselineSteps = Annotated[int | None, typer.Option(min=1, help="Optimiser steps of --train-baseline.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help=f"Only these sets: {', '.join(SETS)}.")]
Samples = Annotated[int, typer.Option(min=1, help="Conversations a set, at most.")]
Steps = Annotated[int, typer.Option(min=1, max=50, help="Denoising steps.")]
Styles = Annotated[int, typer.Option(min=0, help="Conversations for the comparison of styles; 0 leaves it out.")]
Speed = Annotated[int, typer.Option(min=0, help="Conversations timed against 50-step DDIM; 0 leaves it out.")]
Disturbed = Annotated[
    int, typer.Option(min=0, help="Conversations heard through noise, a room and a telephone; 0 leaves it out.")
]
Cache = Annotated[Path, typer.Option(help="Folder that keeps alignments and recognised words.")]
Recognise = Annotated[
    bool, typer.Option(help="Judge faces with recognised words too, where the extra `hear` is installed.")
]


def face(
    kit: Kit,
    checkpoint: Checkpoint = None,
    baseline: Baseline = None,
    whole: Whole = None,
    train_baseline: TrainBaseline = None,
    baseline_steps: BaselineSteps = None,
    sets: Sets = None,
    samples: Samples = 20,
    steps: Steps = 4,
    styles: Styles = 3,
    speed: Speed = 3,
    disturbed: Disturbed = 3,
    cache: Cache = Path("evaluation/phones"),
    recognise: Recognise = True,
    out_file: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Judge faces on held-out speech: closures, lip and upper-face errors in mm, timing, listeners, styles, speed."""
    from duologue.evaluation.face.report import FaceEvaluation, evaluate_face

    chosen, faces = _chosen(sets), tuple(checkpoint or ["face"])
    if train_baseline is not None:
        if baseline is not None:
            raise invalid("baseline-twice", "give --baseline or --train-baseline, not both.", field="--baseline")
        baseline = _train_baseline(kit, train_baseline, faces[0], baseline_steps)
    settings = FaceEvaluation(
        kit, faces, baseline, whole, chosen,
        samples=samples, steps=steps, style_samples=styles, speed_samples=speed, disturbed_samples=disturbed,
        cache=cache, recognise=recognise,
    )  # fmt: skip
    report = write_report(partial(evaluate_face, settings), out_file)
    if as_json:
        print_json(report)
        return
    for name, figures in report["sets"].items():
        out.print(_table(name, figures))
        if figures["words"]:
            out.print(_words(name, figures["words"]))
    for part in ("style", "disturbed", "speed"):
        if part in report:
            out.print(plain(part, report[part]))


def _chosen(sets: list[str] | None) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(sets or SETS))
    if unknown := set(chosen) - set(SETS):
        raise invalid("set-unknown", f"{', '.join(sorted(unknown))}: choose from {', '.join(SETS)}.", field="--set")
    return chosen


def _train_baseline(kit: Path, folder: Path, face_name: str, steps: int | None) -> Path:
    from duologue.evaluation.baselines.faceformer_training import FaceFormerTraining
    from duologue.face.pipeline import FacePipeline
    from duologue.recipes.faceformer import train_baseline

    settings = FaceFormerTraining()
    if steps is not None:
        settings = replace(settings, optimisation=replace(settings.optimisation, steps=steps))
    out.print(f"Training FaceFormer; progress goes to {folder / 'log.jsonl'}", markup=False)
    encoder = FacePipeline.load(face_name).model.encoder
    return train_baseline(kit, folder, encoder, settings).folder


def _table(name: str, result: dict[str, Any]) -> Table:
    """Return one set's table, a column a system: value and interval."""
    clips = f"{result['conversations']} clips; truth {result['truth']}, phones {result['phones']}"
    table = Table("", title=f"{name}: {result['about']} ({clips})")
    for system in result["systems"]:
        table.add_column(system, justify="right")
    for key, (heading, scale, digits) in ROWS.items():
        table.add_row(heading, *(cell(figures[key], scale, digits) for figures in result["systems"].values()))
    return table


def _words(name: str, found: dict[str, dict[str, Any]]) -> Table:
    """Return one set's table of where p, b and m were found, a column a way of knowing the words."""
    table = Table(f"{name}: p b m", *found)
    for key, heading in (("found", "found within 60 ms, %"), ("wrong", "none within 100 ms, %")):
        table.add_row(heading, *(cell(row[key], 100.0, 1) for row in found.values()))
    for key, heading in (("error_ms", "median distance, ms"), ("late_ms", "median lateness, ms")):
        table.add_row(heading, *("–" if row[key] is None else f"{row[key]:.0f}" for row in found.values()))
    return table
