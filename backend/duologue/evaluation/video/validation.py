"""A quick look at a video model in training: decibels over the carried picture, on clips of people it doesn't learn from."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np

from duologue.datasets.corpus.video import Clip, VideoCorpus
from duologue.evaluation.video.metrics import masks_of, psnr
from duologue.evaluation.video.systems import carried, generated
from duologue.video.checkpoint import VideoModel
from duologue.video.pipeline import VideoPipeline
from duologue.video.sampling import STEPS

MARGIN = 2.0
"""Decibels over the carried picture that ``render`` or ``add`` must have before stage C (interactions_second_look.md, 6)."""

PLACES = ("whole", "holes", "hand")


def some(corpus: VideoCorpus, count: int) -> list[Clip]:
    """Return ``count`` clips of the validation split, evenly chosen."""
    numbers = corpus.numbers("validation")
    chosen = np.unique(np.linspace(0, len(numbers) - 1, min(count, len(numbers))).astype(int)) if numbers else []
    return [corpus.load(numbers[i]) for i in chosen]


def validate(
    model: VideoModel, clips: Sequence[Clip], modes: Sequence[str] = ("add",), steps: int = STEPS
) -> dict[str, float]:
    """Return the mean PSNR of clips, whole, in holes and on hands: of the carried picture, and of each mode above it."""
    pipeline = VideoPipeline(frozen(model))
    rows: dict[str, list[float]] = {}
    for clip in clips:
        masks = {"whole": None, **masks_of(clip)}
        bar = {place: psnr(carried(clip), clip.arrays["rgb"], masks[place]) for place in PLACES}
        for place in PLACES:
            rows.setdefault(f"carried {place}", []).append(bar[place])
        for mode in modes:
            made = generated(pipeline, mode, steps)(clip)
            for place in PLACES:
                gained = psnr(made, clip.arrays["rgb"], masks[place]) - bar[place]
                rows.setdefault(f"{mode} {place}", []).append(gained)
    return {name: float(np.nanmean(values)) for name, values in rows.items() if not np.isnan(values).all()}


def gate(figures: dict[str, float]) -> float:
    """Return by how many decibels the better of ``render`` and ``add`` is over the carried picture, whole."""
    return max(figures[f"{mode} whole"] for mode in ("render", "add") if f"{mode} whole" in figures)


def frozen(model: VideoModel) -> VideoModel:
    """Return the model for sampling, on the CPU: a pipeline keeps its own from learning."""
    mine = VideoModel(copy(model.config))
    mine.load_state_dict(model.state_dict())
    return mine
