"""The recipe of the video model: bases fitted, clips encoded, three stages, and a gate before the last."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from safetensors.torch import load_file, save_file

from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.corpus.video import VideoCorpus
from duologue.errors import DuologueError, invalid
from duologue.evaluation.video.validation import MARGIN, gate, some, validate
from duologue.files.atomic import prepare_folder, write_text
from duologue.training.parallel import leader_first
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.video.training import train_stage
from duologue.video.training_data import Latents, fit_latents
from duologue.video.training_settings import STAGES, stage

BASES: Final = "bases.safetensors"
GATE: Final = "gate.json"
_JUDGED: Final = {"a": ("add",), "b": ("add",), "c": ("add", "render")}
"""Modes that are judged while a stage trains."""
_GATE_CLIPS: Final = 24

Progress = Callable[[str, int, int], None]
"""``(stage, done, of how many)``"""


def train_video(  # noqa: PLR0913 - a recipe's settings, each with its default
    corpus: Path,
    out: Path,
    *,
    config: str = "starter",
    steps: Mapping[str, int] | None = None,
    stages: str = "abc",
    regardless: bool = False,
    judged: int = 8,
    device: str = "cpu",
    progress: Progress = lambda stage, done, total: None,
) -> Checkpoint:
    """Train what ``stages`` name, each from where the one before ended; all resume from what ``out`` holds.

    Writes ``out/bases.safetensors``, ``out/latents/``, ``out/gate.json`` and ``out/a``, ``out/b``, ``out/c``: log, state and
    checkpoint of each.

    Args:
        corpus: a folder of clips, ``datasets.corpus.video``; what is there when it is first read is what all stages learn from.
        out: where everything is made.
        config: of ``video.config.CONFIGS``.
        steps: of a stage, in place of the recipe's own.
        stages: which of a, b, c; by default all. They begin with what ``out`` has of those before them.
        regardless: go on with c even where the gate is missed.
        judged: validation clips that a judgement takes.
        device: where it is trained.
        progress: told of each part.

    Returns:
        The last stage's checkpoint.

    Raises:
        DuologueError: FAILED_PRECONDITION ``gate-missed`` before stage c, ``corpus-empty``; NOT_FOUND ``config-unknown``; what
            reading clips and training raise.
    """
    prepare_folder(out)
    network, clips = VideoConfig.named(config), VideoCorpus.open(corpus)
    model = VideoModel.untrained(network)
    data = encoded(model, clips, out, progress)
    seen = some(clips, judged)
    checkpoint: Checkpoint | None = None
    for name in STAGES:
        if name not in stages:
            done = out / name / "checkpoint"
            checkpoint = open_checkpoint(done) if done.is_dir() else checkpoint
            continue
        if name == "c" and checkpoint is not None:
            with leader_first():
                _gate(checkpoint, clips, out, regardless=regardless)
        settings = stage(name, network, (steps or {}).get(name))
        if checkpoint is not None:
            model = VideoModel.load(checkpoint)
        judge = partial(validate, clips=seen, modes=_JUDGED[name]) if seen else None

        def report(line: Mapping[str, Any], name: str = name, total: int = settings.optimisation.steps) -> None:
            progress(f"stage {name}", line["step"], total)

        checkpoint = train_stage(model, data, out / name, settings, judge=judge, device=device, report=report)
    if checkpoint is None:
        raise invalid(
            "unknown-label", f"there are no stages {stages!r}; there are {', '.join(STAGES)}.", field="--stages"
        )
    return checkpoint


def encoded(model: VideoModel, clips: VideoCorpus, out: Path, progress: Progress) -> Latents:
    """Return the training clips encoded by ``model``, whose bases are fitted first; both are done once in ``out``.

    Raises:
        DuologueError: what :meth:`.training_data.Latents.make` raises.
    """
    with leader_first():
        _bases(model, clips, out / BASES)
        return Latents.make(model, clips, "train", out / "latents", partial(progress, "encoding"))


def _bases(model: VideoModel, clips: VideoCorpus, path: Path) -> None:
    """Fit the latents' bases, or read those that the run began with."""
    if path.is_file():
        state = load_file(path)
    else:
        fit_latents(model, clips, clips.numbers("train"))
        state = {name: value for name, value in model.state_dict().items() if not name.startswith("denoiser.")}
        temporary = path.with_suffix(".tmp")
        # As a checkpoint will hold them, so that what is trained on is what is performed with.
        save_file({name: value.half().contiguous() for name, value in state.items()}, temporary)
        temporary.replace(path)
        state = load_file(path)
    model.load_state_dict({**model.state_dict(), **{name: value.float() for name, value in state.items()}})


def _gate(checkpoint: Checkpoint, clips: VideoCorpus, out: Path, *, regardless: bool) -> None:
    """See that what was learned is worth going on with; the figures are kept in ``gate.json``."""
    figures = validate(VideoModel.load(checkpoint), some(clips, _GATE_CLIPS))
    gained = gate(figures)
    write_text(
        out / GATE, json.dumps({"passed": gained >= MARGIN, "margin": MARGIN, "gained": gained, **figures}, indent=1)
    )
    if gained < MARGIN and not regardless:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "gate-missed",
            f"the pictures are {gained:.2f} dB over the carried one, and {MARGIN:g} are wanted before stage c; look at them "
            f"({checkpoint.folder}), train longer, or go on all the same with --regardless.",
            field="--stages",
        )
