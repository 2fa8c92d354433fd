"""The recipe of the shipped body: a corpus, composed from the kit or read from a data set, and both networks trained on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from duologue.body.config import BodyConfig
from duologue.body.training import train_body
from duologue.body.training_settings import BodyTraining
from duologue.checkpoints.store import Checkpoint
from duologue.datasets.corpus.body import Corpus
from duologue.datasets.layouts import open_data
from duologue.datasets.preparing import prepare
from duologue.datasets.synthesis.body.pairs import Recipe, compose_corpus
from duologue.executors.executor import HERE, Executor
from duologue.motion.skeleton import Skeleton
from duologue.training.parallel import leader_first

Source = Literal["kit", "data", "interact", "seamless", "beat2", "beat"]
"""``data``: a folder in whichever layout it has."""
Progress = Callable[[str, int, int], None]
"""``(stage, done, of how many)``"""

GAINS: Final[Mapping[str, float]] = {"trunk and arms": 1.07, "fingers": 1.1}
"""The shipped starter's (``body.rescaling``): chosen on the pairs that only measure, for poses nine tenths as varied as theirs.
Legs are left alone: on a scale of their own in each mode they sway as far as people do. Another network's gains are its own:
measure its Div_g first."""

HELD_OUT_SECONDS: Final = (12.0, 20.0)
"""How long the pairs are that an evaluation judges by."""


def train_starter(  # noqa: PLR0913 - a recipe's settings, each with its default
    out: Path,
    corpus: Path | tuple[Source, Path],
    *,
    config: str = "starter",
    steps: int | None = None,
    start: str = "",
    networks: tuple[str, ...] = ("lower", "upper"),
    device: str = "cpu",
    executor: Executor = HERE,
    smpl: Path | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Checkpoint:
    """Make the shipped checkpoint ``out/checkpoint``, or another of ``body.config.CONFIGS``; resumes from what ``out`` holds.

    ``corpus``: one made before, or what to make ``out/corpus`` from. ``steps``: in place of the recipe's own.
    ``start``, ``networks``: what the networks begin with, and which of them learn (``BodyTraining``). ``executor``:
    who reads a data set.

    Raises:
        DuologueError: NOT_FOUND ``config-unknown``; what making a corpus and ``train_body`` raise.
    """
    gains = GAINS if config == "starter" else {}
    settings = BodyTraining(BodyConfig.named(config), gains=gains, start=start, networks=networks)
    if steps is not None:
        settings = replace(settings, optimisation=replace(settings.optimisation, steps=steps))
    if isinstance(corpus, tuple):
        source, data = corpus
        corpus = out / "corpus"
        with leader_first():
            if not corpus.exists():
                make_corpus(source, data, corpus, progress, executor=executor, smpl=smpl)

    settings = replace(settings, network=with_styles(settings.network, Corpus.open(corpus)))

    def report(line: Mapping[str, Any]) -> None:
        progress("training", line["step"], settings.optimisation.steps)

    return train_body(corpus, out, settings, device=device, report=report)


def make_corpus(
    source: Source, data: Path, folder: Path, progress: Progress, *, executor: Executor = HERE, smpl: Path | None = None
) -> None:
    """Make ``folder``, under another name until it is whole, so that an interrupted run doesn't train on a piece of it.

    ``executor``: who reads a data set; stopped, that goes on where it was. ``smpl``: the user's own model file.
    """
    part = folder.with_name("corpus.part")
    if source == "kit":
        skeleton = Skeleton.builtin("duologue60")
        compose_corpus(data, part, Recipe(), skeleton, lambda done, of: progress("composing", done, of))
    else:
        layout = None if source == "data" else source
        opened = open_data(data, layout, smpl)
        prepare(opened, part, executor=executor, tell=lambda done, of: progress("preparing", done, of))
    part.rename(folder)


def with_styles(network: BodyConfig, corpus: Corpus) -> BodyConfig:
    """Return the networks with a style for everybody of a data set; the kit's composed pairs have none of their own."""
    people = corpus.description.get("styles", ())
    return replace(network, styles=tuple(people)) if len(people) >= len(network.styles) else network


def compose(kit: Path, out: Path, pairs: int, progress: Progress, *, held_out: bool) -> None:
    """Compose a corpus into ``out`` without training: of the clips and voices that training never uses, or of the others."""
    recipe = Recipe(pairs=pairs, held_out=held_out, seconds=HELD_OUT_SECONDS if held_out else Recipe.seconds)
    skeleton = Skeleton.builtin("duologue60")
    compose_corpus(kit, out, recipe, skeleton, lambda done, total: progress("composing", done, total))
