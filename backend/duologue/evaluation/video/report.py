"""``duologue evaluate video``: every system on clips of people it never saw, against the carried picture, as one report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

import duologue
from duologue.datasets.corpus.video import Clip, VideoCorpus
from duologue.errors import DuologueError
from duologue.evaluation.video.ablations import checkpoints_of, compare
from duologue.evaluation.video.examples import made, of_each_pattern, write_films
from duologue.evaluation.video.figures import FIGURES, differences, means
from duologue.evaluation.video.goals import goals
from duologue.evaluation.video.length import lengths
from duologue.evaluation.video.metrics import figures_of
from duologue.evaluation.video.sheet import sheet_of
from duologue.evaluation.video.speed import ratios, router_accuracy, seconds_of
from duologue.evaluation.video.systems import System, systems_of
from duologue.video.pipeline import VideoPipeline
from duologue.video.sampling import STEPS

Report = Callable[[str, float, float], None]
Rows = Mapping[str, Sequence[Mapping[str, float]]]
"""Figures by system, a clip each."""

DECIBELS: Final = ("psnr", "psnr_hand", "psnr_holes", "psnr_hand_face", "psnr_contact")


@dataclass(frozen=True)
class VideoEvaluation:
    """What is judged."""

    clips: Path
    checkpoint: str | Path = "video"
    split: str = "test"
    count: int = 96
    """Clips at most, evenly chosen."""
    steps: int = STEPS
    sheet: Path | None = None
    """Where a sheet of pictures goes (PNG), ``films`` a folder of videos: one clip of each pattern, beside the plain render."""
    films: Path | None = None
    long: bool = False
    """Whether clips of up to 2,001 frames are timed as well."""
    ablations: Path | None = None
    """Folder of models that lack a part, and of one with all (``recipes.video_ablations``)."""
    device: str = "cpu"


def evaluate_video(settings: VideoEvaluation, report: Report = lambda stage, done, total: None) -> dict[str, Any]:
    """Return the report as JSON values; intervals are bootstrapped over clips.

    Raises:
        DuologueError: FAILED_PRECONDITION ``corpus-empty`` for a split without clips; NOT_FOUND ``ablations-missing``; what
            opening clips and checkpoint raises.
    """
    corpus = VideoCorpus.open(settings.clips)
    pipeline = VideoPipeline.load(settings.checkpoint, settings.device)
    if settings.ablations is not None:
        checkpoints_of(settings.ablations)
    clips = chosen(corpus, settings.split, settings.count)
    systems = systems_of(pipeline, settings.steps)
    rows = _judged(systems, clips, report)
    _shown(settings, corpus, systems, report)
    best = max(("render", "add"), key=lambda name: np.nanmean([row["psnr"] for row in rows[name]]))
    over = {
        f"over_carried{name.removeprefix('psnr')}": value
        for name, value in differences(rows[best], rows["carried"], DECIBELS).items()
    }
    figures = {name: means(of) for name, of in rows.items()}
    router = router_accuracy(pipeline, clips, best)
    speed = {
        "router_accuracy": router["both"]["value"],
        "seconds_17_frames": seconds_of(pipeline, clips[0], best, settings.steps),
        **ratios(pipeline, clips[0], settings.steps),
    }
    values = {
        **{name: figures[best][name]["value"] for name in FIGURES},
        **{name: value["value"] for name, value in over.items()},
        **speed,
        **{f"router_accuracy_{name}": router[name]["value"] for name in ("hand", "head")},
        "ceiling_psnr": figures["ceiling"]["psnr"]["value"],
    }
    found = {
        "version": duologue.__version__,
        "split": settings.split,
        "clips": len(clips),
        "people": sorted({name for clip in clips for name in clip.about.get("people", ())}),
        "steps": settings.steps,
        "best": best,
        "systems": figures,
        **over,
        **speed,
        "router": router,
        "papers": _papers(rows),
        "goals": goals(values),
    }
    if settings.long:
        found["lengths"] = lengths(pipeline, clips[0], best, settings.steps, report=report)
    if settings.ablations is not None:
        found["ablations"] = compare(settings.ablations, clips, settings.steps, settings.device, report)
    return found


def _judged(systems: Mapping[str, System], clips: Sequence[Clip], report: Report) -> Rows:
    """Return every system's figures of every clip."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in systems}
    for done, clip in enumerate(clips):
        for name, system in systems.items():
            began = time.perf_counter()
            pictures = system(clip)
            spent = time.perf_counter() - began
            rows[name].append({**figures_of(clip, pictures), "seconds": spent})
        report("clips", done + 1, len(clips))
    return rows


def _shown(settings: VideoEvaluation, corpus: VideoCorpus, systems: Mapping[str, System], report: Report) -> None:
    """Write the pictures that are to be looked at."""
    if settings.sheet is None and settings.films is None:
        return
    examples = made(of_each_pattern(corpus, settings.split), systems, report=report)
    if settings.sheet is not None:
        sheet_of(list(examples.values()), settings.sheet)
    if settings.films is not None:
        write_films(examples, settings.films)


def chosen(corpus: VideoCorpus, split: str, count: int) -> list[Clip]:
    """Return ``count`` clips of a split, evenly chosen.

    Raises:
        DuologueError: FAILED_PRECONDITION ``corpus-empty``.
    """
    numbers = corpus.numbers(split)
    if not numbers:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "corpus-empty",
            f"{corpus.folder} has no clip of the split {split}; make more of them.",
        )
    return [corpus.load(numbers[i]) for i in np.unique(np.linspace(0, len(numbers) - 1, count).astype(int))]


def _papers(rows: Rows) -> dict[str, dict[str, float | None]]:
    """Return what keeping structure is worth, paired by clip, on hands: the order that CoInteract reports, tested."""
    pairs = {"full_over_asym": ("full", "asym"), "render_over_add": ("render", "add"), "add_over_asym": ("add", "asym")}
    return {name: differences(rows[a], rows[b], ("psnr_hand",))["psnr_hand"] for name, (a, b) in pairs.items()}
