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
from duologue.evaluation.intervals import Sums, difference, figure
from duologue.evaluation.video.goals import goals
from duologue.evaluation.video.metrics import Bytes, figures_of
from duologue.evaluation.video.sheet import sheet_of
from duologue.evaluation.video.speed import ratios, router_accuracy, seconds_of
from duologue.evaluation.video.systems import systems_of
from duologue.video.pipeline import VideoPipeline
from duologue.video.sampling import STEPS

Report = Callable[[str, float, float], None]

FIGURES: Final = (
    "psnr", "psnr_hand", "psnr_hand_face", "psnr_holes", "psnr_contact", "ssim", "warp_error", "flicker", "silhouette_iou",
    "hand_boundary_f", "seconds",
)  # fmt: skip
"""Of each system. ``seconds``: a clip, on the clock, with all that making it takes."""

SHOWN: Final = ("truth", "held_frame", "carried", "asym", "add", "render")
"""Rows of the sheet, for each of its clips."""


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
    """Where a sheet of pictures goes (PNG)."""
    device: str = "cpu"


def evaluate_video(settings: VideoEvaluation, report: Report = lambda stage, done, total: None) -> dict[str, Any]:
    """Return the report as JSON values; intervals are bootstrapped over clips.

    Raises:
        DuologueError: FAILED_PRECONDITION ``corpus-empty`` for a split without clips; what opening clips and checkpoint raises.
    """
    corpus = VideoCorpus.open(settings.clips)
    pipeline = VideoPipeline.load(settings.checkpoint, settings.device)
    clips = chosen(corpus, settings.split, settings.count)
    rows: dict[str, list[dict[str, float]]] = {}
    pictures: list[dict[str, Bytes]] = []
    systems = systems_of(pipeline, settings.steps)
    for done, clip in enumerate(clips):
        made: dict[str, Bytes] = {"truth": clip.arrays["rgb"]}
        for name, system in systems.items():
            began = time.perf_counter()
            made[name] = system(clip)
            spent = time.perf_counter() - began
            rows.setdefault(name, []).append({**figures_of(clip, made[name]), "seconds": spent})
        if settings.sheet is not None:
            pictures.append({name: made[name] for name in SHOWN})
        report("clips", done + 1, len(clips))
    if settings.sheet is not None:
        sheet_of(pictures, settings.sheet)
    best = max(("render", "add"), key=lambda name: np.nanmean([row["psnr"] for row in rows[name]]))
    over = {
        f"over_carried{place}": _difference(rows[best], rows["carried"], f"psnr{place}")
        for place in ("", "_hand", "_holes", "_hand_face", "_contact")
    }
    router = router_accuracy(pipeline, clips[:16], best)
    speed = ratios(pipeline, clips[0], settings.steps)
    seconds = seconds_of(pipeline, clips[0], best, settings.steps)
    found = {name: _figures(of) for name, of in rows.items()}
    values = {
        **{name: found[best][name]["value"] for name in FIGURES},
        **{name: value["value"] for name, value in over.items()},
        **speed,
        "ceiling_psnr": found["ceiling"]["psnr"]["value"],
        "router_accuracy": router,
        "seconds_17_frames": seconds,
    }
    return {
        "version": duologue.__version__,
        "split": settings.split,
        "clips": len(clips),
        "people": sorted({name for clip in clips for name in clip.about.get("people", ())}),
        "steps": settings.steps,
        "best": best,
        "systems": found,
        **over,
        "router_accuracy": router,
        "seconds_17_frames": seconds,
        **speed,
        "papers": _papers(rows),
        "goals": goals(values),
    }


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


def _sums(rows: Sequence[Mapping[str, float]], name: str) -> list[Sums]:
    """Return what a figure is the mean of; a clip without it counts nothing."""
    values = [row.get(name, float("nan")) for row in rows]
    return [(0.0, 0.0) if np.isnan(value) else (value, 1.0) for value in values]


def _figures(rows: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    return {name: figure(_sums(rows, name)).to_json() for name in FIGURES}


def _difference(
    ours: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]], name: str
) -> dict[str, float | None]:
    return difference(_sums(ours, name), _sums(theirs, name)).to_json()


def _papers(rows: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, dict[str, float | None]]:
    """Return what keeping structure is worth, paired by clip, on hands: the order that CoInteract reports, tested."""
    pairs = {"full_over_asym": ("full", "asym"), "render_over_add": ("render", "add"), "add_over_asym": ("add", "asym")}
    return {name: _difference(rows[a], rows[b], "psnr_hand") for name, (a, b) in pairs.items()}
