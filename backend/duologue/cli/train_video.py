"""``duologue train video``, the same without each of its parts, and its parts as an adapter on Wan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duologue.cli.console import out, stages, tell_checkpoint

Clips = Annotated[Path, typer.Option(help="Folder of clips, as `dataset interactions` makes one.")]
OutFolder = Annotated[
    Path, typer.Option("--out", "-o", help="Folder for latents, training state, logs and checkpoints.")
]
Device = Annotated[str, typer.Option(help="cpu, cuda:0, …")]


def video(
    clips: Clips,
    out_folder: OutFolder = Path("training/video"),
    config: Annotated[str, typer.Option(help="starter, large, paper, or tiny, to try it out.")] = "starter",
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps of each stage; the recipe's own.")] = None,
    stages_: Annotated[str, typer.Option("--stages", help="Which of the stages a, b, c.")] = "abc",
    regardless: Annotated[
        bool, typer.Option("--regardless", help="Go on with stage c even where the gate before it is missed.")
    ] = False,
    device: Device = "cpu",
) -> None:
    """Train the video model on clips: a, structure added; b, both streams; c, structure as a condition and dropped.

    Before c the pictures must be 2 dB over the carried one on clips of people that training never sees.
    """
    from duologue.recipes.video import train_video
    from duologue.video.training_settings import STAGES

    with stages() as progress:
        checkpoint = train_video(
            clips,
            out_folder,
            config=config,
            steps=None if steps is None else dict.fromkeys(STAGES, steps),
            stages=stages_,
            regardless=regardless,
            device=device,
            progress=progress.update,
        )
    tell_checkpoint(checkpoint)


def video_ablations(
    clips: Clips,
    out_folder: OutFolder = Path("training/video"),
    only: Annotated[
        list[str] | None, typer.Option(help="whole, experts, …: what is left out; may be repeated; by default all.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each.")] = 2,
    steps: Annotated[int | None, typer.Option(min=1, help="Of each of both stages; the recipe's own.")] = None,
    config: Annotated[str, typer.Option(help="Sizes of the whole model.")] = "ablation",
    device: Device = "cpu",
) -> None:
    """Train small video models, whole and without each part, alike and from several seeds; `evaluate video` compares them.

    The same command resumes, and takes part where another process has begun.
    """
    from duologue.recipes.video_ablations import FOLDER, STEPS, train_ablations
    from duologue.video.ablations import ABLATIONS

    with stages() as progress:
        done = train_ablations(
            clips,
            out_folder,
            names=only or tuple(ABLATIONS),
            seeds=seeds,
            steps=steps or STEPS,
            config=config,
            device=device,
            progress=progress.update,
        )
    for folder in done:
        out.print(str(folder), markup=False)
    out.print(f"Compare them with `duologue evaluate video --ablations {out_folder / FOLDER}`.", markup=False)


def wan_lora(
    clips: Clips,
    weights: Annotated[
        Path, typer.Option(help="Folder of Wan's transformer, vae, text_encoder and tokenizer; read, never written.")
    ],
    out_folder: OutFolder = Path("training/wan-lora"),
    rank: Annotated[int, typer.Option(min=1, help="Of the changes of Wan's weights.")] = 128,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps; the recipe's own.")] = None,
    device: Device = "cpu",
) -> None:
    """Train an adapter on Wan: low-rank changes, and experts, structure and region latents whole. Needs a GPU to be of use."""
    from dataclasses import replace

    from duologue.checkpoints.devices import prepare
    from duologue.recipes.wan_lora import OPTIMISATION, train_adapter

    rate = OPTIMISATION if steps is None else replace(OPTIMISATION, steps=steps)
    with stages() as progress:
        checkpoint = train_adapter(
            clips, weights, out_folder, rank=rank, optimisation=rate, device=prepare(device), progress=progress.update
        )
    out.print(f"{checkpoint.folder}: sha256 {checkpoint.sha256}", markup=False)
    out.print(
        f"Put it into {weights} as adapter: duologue interact … --backend wan-lora --weights {weights}", markup=False
    )
