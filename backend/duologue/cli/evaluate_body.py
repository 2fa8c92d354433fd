"""``duologue evaluate body``: two-person motion on held-out pairs, against baselines, with intervals."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from duologue.cli.console import out, print_json
from duologue.cli.figures import AsJson, OutFile, cell, plain, write_report

ROWS: Final = (
    ("frechet", "fd_g_radians", "FD_g, radians", 2),
    ("frechet", "fd_k_radians", "FD_k, radians", 4),
    ("frechet", "fd_g_standardised", "FD_g, z-scores", 1),
    ("frechet", "fd_k_standardised", "FD_k, z-scores", 2),
    ("frechet", "fd_relation", "FD of distance and bearings", 3),
    ("diversity", "div_g_standardised", "Div_g", 2),
    ("diversity", "div_g_standardised_of_truth", "Div_g of the truth's", 2),
    ("diversity", "div_k_standardised", "Div_k", 3),
    ("diversity", "div_k_standardised_of_truth", "Div_k of the truth's", 2),
    ("diversity", "div_sample_standardised", "Div_sample, variance", 3),
    ("diversity", "div_sample_distance_standardised", "Div_sample, distance", 2),
    ("as_sampled", "beat_consistency", "beat consistency", 3),
    ("speech", "beat_consistency", "minus with other speech", 4),
    ("speech", "beat_consistency_100ms", "the same, 0.1 s", 4),
    ("as_sampled", "jerk_ratio", "jerk of the truth's", 2),
    ("as_sampled", "wrist_speed_m_s", "wrists' speed, m/s", 3),
    ("as_sampled", "listener_energy", "listener's energy of the speaker's", 2),
    ("as_sampled", "actions_obeyed_percent", "actions obeyed, %", 1),
    ("as_sampled", "facing_percent", "facing the partner, %", 1),
    ("as_sampled", "sliding_cm_s", "feet slide, cm/s", 2),
    ("cleaned", "sliding_cm_s", "… cleaned", 2),
    ("as_sampled", "below_floor_percent", "foot 2 cm under the floor, %", 2),
    ("cleaned", "below_floor_percent", "… cleaned", 2),
    *(
        (part, key, "… cleaned" if part == "cleaned" else heading, digits)
        for key, heading, digits in (
            ("unbalanced_percent", "balance lost by 5 cm, % of standing", 2),
            ("motionless_percent", "hips motionless, % of standing", 1),
            ("hips_range_cm", "hips' range in 10 s standing, cm", 1),
            ("sway_cm_s", "speed of the centre of mass, standing, cm/s", 2),
            ("hips_jerk_standing", "jerk of the hips, standing, m/s³", 1),
            ("walking_m_s", "walking, m/s", 2),
            ("stance_cm_s", "lower sole while walking, cm/s", 1),
            ("transition_late_s", "from a label to its posture, s", 2),
            ("transition_prompt_percent", "within 0.3 s, % of changes", 0),
        )
        for part in ("as_sampled", "cleaned")
    ),
    ("as_sampled", "penetration_percent", "bodies 2 cm in each other, %", 2),
    ("cleaned", "penetration_percent", "… cleaned", 2),
    ("as_sampled", "self_penetration_percent", "in themselves, %", 1),
    ("cleaned", "self_penetration_percent", "… cleaned", 1),
    *(
        ("as_sampled", f"touch_{whose}_{part}_min_h", f"hand to {whose} {part}, min/h", 1)
        for whose, parts in (("own", ("head", "shoulder", "elbow", "hand")), ("cross", ("hand",)))
        for part in parts
    ),
)
"""What the table shows of the report: part, key, heading, decimals."""


Corpus = Annotated[Path, typer.Option(help="Folder of held-out pairs (corpus.json).")]
Train = Annotated[Path | None, typer.Option(help="The training corpus: random stretches of it are judged as a system.")]
Checkpoint = Annotated[
    list[str] | None,
    typer.Option(help="A body checkpoint's name or folder; may be given more than once, the first is compared."),
]
Flat = Annotated[str | None, typer.Option(help="A checkpoint with one network for the whole body.")]
Single = Annotated[str | None, typer.Option(help="A checkpoint that knows one person at a time.")]
Steps = Annotated[int, typer.Option(min=0, max=1000, help="Denoising steps; 0: as each checkpoint does best.")]
Samples = Annotated[int, typer.Option(min=1, help="Samples of every pair.")]
Pairs = Annotated[int | None, typer.Option(min=1, help="Only the first so many pairs.")]
Frames = Annotated[int, typer.Option(min=8, help="Frames of a test, from the beginning of its pair.")]
Effects = Annotated[int, typer.Option(min=0, help="Pairs performed with other emotions and roles; 0 leaves it out.")]
Speed = Annotated[int, typer.Option(min=0, help="Pairs timed against 100-step DDPM; 0 leaves it out.")]
Takes = Annotated[
    Path | None, typer.Option(help="Write takes here, a folder a system, for `duologue evaluate compare`.")
]
TakePairs = Annotated[int, typer.Option(min=1, help="Pairs of --takes.")]
Cache = Annotated[Path | None, typer.Option(help="Folder that keeps what was sampled, by checkpoint and pair.")]
Resamples = Annotated[int, typer.Option(min=0, help="For intervals of Fréchet distances and diversities.")]


def body(
    corpus: Corpus,
    train: Train = None,
    checkpoint: Checkpoint = None,
    flat: Flat = None,
    single: Single = None,
    steps: Steps = 0,
    samples: Samples = 5,
    pairs: Pairs = None,
    frames: Frames = 300,
    effects: Effects = 10,
    speed: Speed = 6,
    takes: Takes = None,
    take_pairs: TakePairs = 5,
    cache: Cache = None,
    resamples: Resamples = 400,
    out_file: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Judge bodies on held-out pairs: Fréchet distances, diversity, beats, feet, contacts, obedience, labels, speed."""
    from duologue.evaluation.body.report import BodyEvaluation, evaluate_body

    settings = BodyEvaluation(
        corpus, tuple(checkpoint or ["body"]), flat, single, train,
        steps=steps, samples=samples, pairs=pairs, frames=frames, effect_pairs=effects, speed_pairs=speed,
        takes=takes, take_pairs=take_pairs, cache=cache, resamples=resamples,
    )  # fmt: skip
    report = write_report(partial(evaluate_body, settings), out_file)
    if as_json:
        print_json(report)
        return
    out.print(_systems(report))
    for part in ("noise_floor", "effects", "speed"):
        if report.get(part):
            out.print(plain(part.replace("_", " "), report[part]))
    out.print(_goals(report["goals"]))


def _systems(report: dict[str, Any]) -> Table:
    """Return a column a system, a row a figure."""
    table = Table(
        "",
        title=f"{report['pairs']} held-out pairs of {report['frames']} frames, {report['samples']} samples, "
        f"{report['steps']} steps",
    )
    for system in report["systems"]:
        table.add_column(system, justify="right")
    for part, key, heading, digits in ROWS:
        cells = [figures.get(part, {}).get(key) for figures in report["systems"].values()]
        table.add_row(heading, *(cell(figure, 1.0, digits) if figure else "–" for figure in cells))
    return table


def _goals(goals: dict[str, dict[str, Any]]) -> Table:
    table = Table("goal", "value", "at least", "at most", "met")
    for name, goal in goals.items():
        least, most = ("" if bound is None else f"{bound:g}" for bound in goal["bound"])
        value = "–" if goal["value"] is None else f"{goal['value']:.4g}"
        table.add_row(name, value, least, most, {True: "yes", False: "NO", None: "–"}[goal["met"]])
    return table
