"""``duologue evaluate video``: how good are the pictures, beside what the scene knows without a model?"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from duologue.cli.console import out, print_json
from duologue.cli.figures import AsJson, OutFile, cell, goals_table, write_report

COLUMNS: Final = (
    ("psnr", "dB", 1),
    ("psnr_hand", "hands", 1),
    ("psnr_hand_face", "hands, heads", 1),
    ("psnr_holes", "holes", 1),
    ("psnr_contact", "contact", 1),
    ("ssim", "SSIM", 3),
    ("warp_error", "warp", 2),
    ("flicker", "flicker", 2),
    ("silhouette_iou", "silhouette", 3),
    ("hand_boundary_f", "hand edges", 3),
    ("seconds", "s", 2),
)
"""What the table shows of each system: key, heading, decimals."""

_WORTH: Final = (
    ("psnr", "whole", 2),
    ("psnr_hand", "hands", 2),
    ("psnr_hand_face", "hands, heads", 2),
    ("psnr_contact", "contact", 2),
)
"""Of each part that is left out: key, heading, decimals."""


def video(
    clips: Annotated[Path, typer.Option(help="Folder of clips, as `dataset interactions` makes one.")],
    checkpoint: Annotated[str, typer.Option("--video", help="A video checkpoint's name or folder.")] = "video",
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    count: Annotated[int, typer.Option(min=1, help="Clips at most, evenly chosen.")] = 96,
    steps: Annotated[int, typer.Option(min=1, max=50, help="Of the sampler.")] = 4,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Write a clip of each pattern here (PNG): plain render, carried, asym, add, render."),
    ] = None,
    films: Annotated[Path | None, typer.Option("--videos", help="Write the same as videos into this folder.")] = None,
    long: Annotated[bool, typer.Option("--long", help="Time clips of up to 2,001 frames, too.")] = False,
    ablations: Annotated[
        Path | None, typer.Option(help="Compare models that lack a part, as `train video-ablations` makes them, too.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda:0, …")] = "cpu",
    out_file: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Judge pictures of people that training never saw: decibels, edges, flicker, speed, each beside the carried picture's."""
    from duologue.checkpoints.devices import prepare
    from duologue.datasets.corpus.video import SPLITS
    from duologue.evaluation.video.report import VideoEvaluation, evaluate_video
    from duologue.labels import check

    settings = VideoEvaluation(
        clips,
        checkpoint,
        check(split, SPLITS, field="--split"),
        count=count,
        steps=steps,
        sheet=sheet,
        films=films,
        long=long,
        ablations=ablations,
        device=prepare(device),
    )
    report = write_report(partial(evaluate_video, settings), out_file)
    if as_json:
        print_json(report)
        return
    out.print(_systems(report))
    out.print(goals_table(report["goals"]))
    if ablations is not None:
        out.print(_ablations(report["ablations"]))


def _systems(report: dict[str, Any]) -> Table:
    title = f"{report['clips']} clips, {len(report['people'])} people, {report['steps']} steps"
    table = Table("system", *(heading for _, heading, _ in COLUMNS), title=title)
    for name, figures in report["systems"].items():
        table.add_row(name, *(cell(figures[key], digits=digits) for key, _, digits in COLUMNS))
    return table


def _ablations(report: dict[str, Any]) -> Table:
    """Return what the whole model has more than each that lacks a part; an interval that holds 0 says that nobody can tell."""
    table = Table("without", "modes", *(heading for _, heading, _ in _WORTH), title="worth of each part, dB")
    for name, found in report["differences"].items():
        for modes, figures in found.items():
            if modes != "lacks":
                table.add_row(name, modes, *(cell(figures[key], digits=digits) for key, _, digits in _WORTH))
    return table
