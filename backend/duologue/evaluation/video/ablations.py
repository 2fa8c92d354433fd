"""What each part of the video model is worth: the whole one against those that lack it, on the same clips, paired."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from duologue.checkpoints.store import MANIFEST, open_checkpoint
from duologue.datasets.corpus.video import Clip
from duologue.errors import DuologueError
from duologue.evaluation.video.figures import FIGURES, differences, means
from duologue.evaluation.video.metrics import figures_of
from duologue.evaluation.video.systems import generated
from duologue.video.ablations import ABLATIONS, WHOLE
from duologue.video.pipeline import VideoPipeline

COMPARED: Final = ("psnr", "psnr_hand", "psnr_hand_face", "psnr_holes", "psnr_contact", "ssim", "hand_boundary_f")
_LAST: Final = "2"
"""Stage whose checkpoints are compared (``recipes.video_ablations``)."""

Rows = Sequence[Mapping[str, float]]
"""A clip each."""


def checkpoints_of(folder: Path) -> dict[str, list[Path]]:
    """Return the checkpoints of finished runs in a folder of ``recipes.video_ablations``, by ablation, a seed each.

    Raises:
        DuologueError: NOT_FOUND ``ablations-missing`` without one of the whole model.
    """
    found = {
        name: [
            one.parent for one in sorted((folder / name).glob(f"*/{_LAST}/checkpoint/{MANIFEST}")) if _done(one.parent)
        ]
        for name in ABLATIONS
    }
    if not found[WHOLE]:
        raise DuologueError(
            "NOT_FOUND",
            "ablations-missing",
            f"{folder} has no model with all of its parts to compare others with; train it: "
            f"duologue train video-ablations --only {WHOLE}",
            field="--ablations",
        )
    return {name: paths for name, paths in found.items() if paths}


def compare(
    folder: Path, clips: Sequence[Clip], steps: int, device: str, report: Callable[[str, float, float], None]
) -> dict[str, Any]:
    """Return figures of all models, means over seeds and clips, and what the whole one has more, paired by clip.

    ``by_seed``: the same difference of each seed alone, which shows what is noise of training.
    """
    places = checkpoints_of(folder)
    rows: dict[str, list[Rows]] = {}
    jobs = [(name, mode, path) for name, paths in places.items() for mode in _modes(name) for path in paths]
    for done, (name, mode, path) in enumerate(jobs):
        system = generated(VideoPipeline.load(path, device), "base" if mode == "asym" else mode, steps)
        rows.setdefault(f"{name} {mode}", []).append([figures_of(clip, system(clip)) for clip in clips])
        report("ablations", done + 1, len(jobs))
    return {
        "systems": {name: {**means(_over_seeds(seeds)), "seeds": len(seeds)} for name, seeds in rows.items()},
        "differences": {
            name: {
                "lacks": ablation.lacks,
                **{
                    f"{own} against {whole}": _difference(rows[f"{WHOLE} {whole}"], rows[f"{name} {own}"])
                    for whole, own in ablation.judged
                },
            }
            for name, ablation in ABLATIONS.items()
            if name in places and name != WHOLE
        },
    }


def _done(folder: Path) -> bool:
    """Return whether a run came to its last step; its checkpoint is written on the way, too."""
    training = open_checkpoint(folder).part("training")
    return training["step"] == training["optimisation"]["steps"]


def _modes(name: str) -> list[str]:
    """Return the modes that a model is asked for."""
    if name != WHOLE:
        return [own for _, own in ABLATIONS[name].judged]
    return sorted({whole for ablation in ABLATIONS.values() for whole, _ in ablation.judged})


def _difference(whole: Sequence[Rows], other: Sequence[Rows]) -> dict[str, Any]:
    """Return what the whole model has more than the other: mean over seeds, and by seed."""
    together = differences(_over_seeds(whole), _over_seeds(other), COMPARED)
    alone = [differences(a, b, COMPARED) for a, b in zip(whole, other, strict=False)]
    return {name: {**together[name], "by_seed": [seed[name]["value"] for seed in alone]} for name in COMPARED}


def _over_seeds(seeds: Sequence[Rows]) -> Rows:
    """Return each clip's figures as means over seeds."""
    return [
        {name: float(np.mean([row.get(name, np.nan) for row in clip])) for name in FIGURES if name in clip[0]}
        for clip in zip(*seeds, strict=True)
    ]
