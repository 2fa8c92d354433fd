"""The video model with all of its parts and without each: trained alike, small, from several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

from duologue.datasets.corpus.video import VideoCorpus
from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder
from duologue.files.lock import only_writer
from duologue.labels import check
from duologue.recipes.video import Progress, encoded
from duologue.training.loop import Optimisation
from duologue.video.ablations import ABLATIONS, Ablation
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.video.training import train_stage
from duologue.video.training_data import Latents
from duologue.video.training_settings import VideoTraining

FOLDER: Final = "ablations"
SIZE: Final = "ablation"
"""Of ``video.config.CONFIGS``."""
SEEDS: Final = 2
STEPS: Final = 900
"""Of each of the two stages: twenty minutes of one core a run (docs/research/video.md)."""
STAGES: Final[Mapping[str, tuple[tuple[str, float], ...]]] = {
    "1": (("full", 0.6), ("add", 0.2), ("render", 0.2)),
    "2": (("asym", 0.5), ("add", 0.25), ("render", 0.25)),
}
"""CoInteract's two stages, and structure as a condition beside them: the whole model's modes and their shares."""
BUSY: Final = "training-busy"


def train_ablations(  # noqa: PLR0913 - a recipe's settings, each with its default
    corpus: Path,
    out: Path,
    *,
    names: Sequence[str] = tuple(ABLATIONS),
    seeds: int = SEEDS,
    steps: int = STEPS,
    config: str = SIZE,
    device: str = "cpu",
    progress: Progress = lambda stage, done, total: None,
) -> list[Path]:
    """Train what ``names`` say of ``video.ablations.ABLATIONS``; return the folders of the checkpoints that are done.

    Bases and encoded clips are those in ``out`` (a run of ``recipes.video`` with as many channels can be there too), runs go to
    ``out/ablations/NAME/SEED/STAGE``. All resume. Several processes may work in one folder: each run is trained by whoever comes
    first.

    Args:
        corpus: a folder of clips.
        out: where everything is made.
        names: of ablations; ``whole`` is what they are compared with.
        seeds: how many runs of each, from seed 0 on.
        steps: of each of both stages.
        config: of ``video.config.CONFIGS``: the whole model's.
        device: where they are trained.
        progress: told of each run.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``; NOT_FOUND ``config-unknown``; what reading clips and training raise.
    """
    for name in names:
        check(name, tuple(ABLATIONS), field="--only")
    prepare_folder(out)
    whole, clips = VideoConfig.named(config), VideoCorpus.open(corpus)
    first = VideoModel.untrained(whole)
    data = encoded(first, clips, out, progress)
    done: list[Path] = []
    for seed, name in product(range(seeds), names):
        model = VideoModel.untrained(ABLATIONS[name].config(whole), seed)
        model.picture, model.structure = first.picture, first.structure
        settings = dict(_stages(ABLATIONS[name], whole, steps, seed))
        folder = out / FOLDER / name / str(seed)
        try:
            with only_writer(folder, BUSY, f"another process trains {folder}"):
                done.append(_run(model, data, folder, settings, device, progress))
        except DuologueError as error:
            if error.reason != BUSY:
                raise
    return done


def _stages(ablation: Ablation, whole: VideoConfig, steps: int, seed: int) -> Iterator[tuple[str, VideoTraining]]:
    for name, modes in STAGES.items():
        rate = Optimisation(
            steps, 1e-3 if name == "1" else 7e-4, batch=4, warm_up=min(100, max(steps // 10, 1)), betas=(0.9, 0.99),
            average=0.999, seed=seed, save_every=100,
        )  # fmt: skip
        yield name, VideoTraining(ablation.config(whole), rate, modes=ablation.shares(modes))


def _run(  # noqa: PLR0917
    model: VideoModel, data: Latents, folder: Path, settings: Mapping[str, VideoTraining], device: str, progress: Progress
) -> Path:  # fmt: skip
    last = folder
    for name, stage in settings.items():
        told = f"{folder.parent.name} {folder.name}, stage {name}"

        def report(line: Mapping[str, Any], told: str = told, total: int = stage.optimisation.steps) -> None:
            progress(told, line["step"], total)

        checkpoint = train_stage(model, data, folder / name, stage, device=device, report=report)
        model, last = VideoModel.load(checkpoint), checkpoint.folder
    return last
