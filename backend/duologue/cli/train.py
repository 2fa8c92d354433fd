"""``duologue train``: the recipes of the body and the face. Both resume from what ``--out`` holds, log JSON lines, are seeded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duologue.cli.console import out, stages

if TYPE_CHECKING:
    from duologue.checkpoints import Checkpoint

app = typer.Typer(no_args_is_help=True)

Kit = Annotated[Path | None, typer.Option(help="Folder of motion and speech to compose the starter's corpus from.")]
OutFolder = Annotated[
    Path, typer.Option("--out", "-o", help="Folder for the corpus, training state, log and checkpoint.")
]
Steps = Annotated[int | None, typer.Option(min=1, help="Optimiser steps; the recipe's own number by default.")]
Device = Annotated[str, typer.Option(help="cpu, cuda:0, …")]


@app.command()
def body(
    kit: Kit = None,
    corpus: Annotated[Path | None, typer.Option(help="A corpus made before; instead of --kit.")] = None,
    out_folder: OutFolder = Path("training/body"),
    config: Annotated[str, typer.Option(help="starter, paper or tiny.")] = "starter",
    steps: Steps = None,
    device: Device = "cpu",
) -> None:
    """Compose a corpus of two-person motion with speech (once) and train both body networks on it."""
    from duologue.body.config import BodyConfig
    from duologue.body.training import TrainingConfig, train_body
    from duologue.datasets.composed_corpus import Recipe, compose_corpus
    from duologue.errors import invalid
    from duologue.motion.skeleton import Skeleton

    if (kit is None) == (corpus is None):
        raise invalid(
            "corpus-missing", "give either --kit (to compose a corpus) or --corpus (one made before).", field="--kit"
        )
    network = BodyConfig.named(config)
    training = TrainingConfig() if steps is None else replace(TrainingConfig(), steps=steps)
    with stages() as progress:
        folder = corpus or out_folder / "corpus"
        if kit is not None and not folder.exists():
            # Under another name until it is whole, so that an interrupted run doesn't train on a piece of it.
            making = folder.with_name("corpus.part")
            skeleton = Skeleton.builtin("duologue60")
            compose_corpus(
                kit, making, Recipe(), skeleton, lambda done, total: progress.update("composing", done, total)
            )
            making.rename(folder)
        checkpoint = train_body(
            folder,
            out_folder,
            network,
            training,
            device=device,
            report=lambda line: progress.update("training", line["step"], training.steps),
        )
    _tell(checkpoint)


@app.command()
def face(
    kit: Annotated[Path, typer.Option(help="Folder of speech and faces to compose the starter's corpus from.")],
    out_folder: OutFolder = Path("training/face"),
    steps: Steps = None,
) -> None:
    """Train the speech encoder on phones, compose conversations, and train the face on them. Needs espeak-ng, pocketsphinx."""
    from duologue.face.encoder_training import EncoderTraining
    from duologue.face.training import FaceTraining, train_starter

    encoder, network = EncoderTraining(), FaceTraining()
    if steps is not None:
        encoder = replace(encoder, optimisation=replace(encoder.optimisation, steps=steps))
        network = replace(network, optimisation=replace(network.optimisation, steps=steps))
    out.print(f"Training; progress goes to the log.jsonl files in {out_folder}", markup=False)
    _tell(train_starter(kit, out_folder, encoder=encoder, face=network))


def _tell(checkpoint: Checkpoint) -> None:
    out.print(f"{checkpoint.folder}: sha256 {checkpoint.sha256}", markup=False)
    out.print(f"Use it with `duologue models import {checkpoint.folder}`.", markup=False)
