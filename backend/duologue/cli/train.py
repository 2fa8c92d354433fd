"""``duologue train``: the recipes of the body, its student, the face, the video. All resume, log JSON lines, are seeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duologue.cli.console import out, stages, tell_checkpoint
from duologue.cli.dataset import Cluster, Workers
from duologue.cli.train_video import video, video_ablations, wan_lora
from duologue.executors.executor import executor

if TYPE_CHECKING:
    from duologue.datasets.scene import Problem

app = typer.Typer(no_args_is_help=True)

Kit = Annotated[Path | None, typer.Option(help="Folder of motion and speech to compose the starter's corpus from.")]
OutFolder = Annotated[
    Path, typer.Option("--out", "-o", help="Folder for the corpus, training state, log and checkpoint.")
]
Steps = Annotated[int | None, typer.Option(min=1, help="Optimiser steps; the recipe's own number by default.")]
Encoder = Annotated[Path | None, typer.Option(help="Folder of a pretrained Wav2Vec2 (config.json, model.safetensors).")]
Device = Annotated[str, typer.Option(help="cpu, cuda:0, …")]


@app.command()
def body(
    kit: Kit = None,
    interact: Annotated[Path | None, typer.Option(help="InterAct as downloaded; instead of --kit.")] = None,
    beat: Annotated[Path | None, typer.Option(help="BEAT, or a folder laid out like it; instead of --kit.")] = None,
    seamless: Annotated[
        Path | None, typer.Option(help="Seamless Interaction, folders or tars; instead of --kit.")
    ] = None,
    beat2: Annotated[Path | None, typer.Option(help="BEAT2; instead of --kit.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data in whichever layout `dataset check` knows; instead of --kit.")
    ] = None,
    smpl: Annotated[
        Path | None, typer.Option(help="Your SMPL-H or SMPL-X model file (NPZ), for data in its parameters.")
    ] = None,
    workers: Workers = None,
    cluster: Cluster = None,
    corpus: Annotated[Path | None, typer.Option(help="A corpus made before; instead of --kit.")] = None,
    out_folder: OutFolder = Path("training/body"),
    config: Annotated[str, typer.Option(help="starter, paper or tiny; flat or single for the baselines.")] = "starter",
    steps: Steps = None,
    start: Annotated[str, typer.Option(help="A body checkpoint to begin with, by name or folder.")] = "",
    only: Annotated[str, typer.Option(help="lower or upper: the one network that learns; the other stays.")] = "",
    device: Device = "cpu",
) -> None:
    """Make a corpus of two-person motion with speech (once) and train the body networks on it."""
    from duologue.errors import invalid
    from duologue.recipes.body import Source, train_starter

    sources: tuple[tuple[Source, Path | None], ...] = (
        ("kit", kit), ("interact", interact), ("seamless", seamless), ("beat2", beat2), ("beat", beat), ("data", data),
    )  # fmt: skip
    corpora: list[Path | tuple[Source, Path]] = [(name, path) for name, path in sources if path is not None]
    if corpus is not None:
        corpora.append(corpus)
    if len(corpora) != 1:
        raise invalid(
            "corpus-missing",
            "give one of --kit, --interact, --seamless, --beat2, --beat and --data (to make a corpus) or --corpus (made before).",
            field="--kit",
        )
    network = _only(only)
    with stages() as progress, executor(workers, cluster) as who:
        checkpoint = train_starter(
            out_folder,
            corpora[0],
            config=config,
            steps=steps,
            start=start,
            networks=("lower", "upper") if network is None else (network,),
            device=device,
            executor=who,
            smpl=smpl,
            progress=progress.update,
        )
    tell_checkpoint(checkpoint)


@app.command()
def corpus(
    kit: Annotated[Path, typer.Option(help="Folder of motion and speech to compose from.")],
    out_folder: OutFolder = Path("training/held-out"),
    held_out: Annotated[
        bool, typer.Option(help="Of the clips and voices that training never uses; or of the others.")
    ] = True,
    pairs: Annotated[int, typer.Option(min=1, help="How many conversations.")] = 60,
) -> None:
    """Compose a corpus without training: the held-out pairs that `evaluate body` judges by, 12 to 20 s each."""
    from duologue.recipes.body import compose

    with stages() as progress:
        compose(kit, out_folder, pairs, progress.update, held_out=held_out)
    out.print(f"{out_folder}: {pairs} pairs", markup=False)


@app.command()
def student(
    corpus: Annotated[Path, typer.Option(help="A corpus, as `train body` leaves one in its --out.")],
    teacher: Annotated[
        str, typer.Option("--body", help="The body to teach for: a checkpoint's name or folder.")
    ] = "body",
    out_folder: OutFolder = Path("training/student"),
    steps: Steps = None,
    start: Annotated[
        str, typer.Option(help="A body checkpoint whose student goes on learning, by name or folder.")
    ] = "",
    only: Annotated[str, typer.Option(help="lower or upper: the one network that is taught; the other stays.")] = "",
    device: Device = "cpu",
) -> None:
    """Teach a body's student, which makes in 4 steps of one network call what the full sampler makes in 10 of three.

    The checkpoint that comes of it holds both: the student performs unless a brief asks for more steps or other strengths.
    """
    from duologue.body.distillation import BodyDistillation, distil_body

    settings = BodyDistillation(start=start)
    if (network := _only(only)) is not None:
        settings = replace(settings, networks=(network,))
    if steps is not None:
        settings = replace(settings, optimisation=replace(settings.optimisation, steps=steps))
    with stages() as progress:

        def report(line: Mapping[str, Any]) -> None:
            progress.update("distilling", line["step"], settings.optimisation.steps)

        checkpoint = distil_body(corpus, teacher, out_folder, settings, device=device, report=report)
    tell_checkpoint(checkpoint)


@app.command()
def face(
    kit: Annotated[
        Path | None, typer.Option(help="Folder of speech and faces to compose the starter's corpus from.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="InterAct, or other data with faces and voices, as downloaded; instead of --kit."),
    ] = None,
    out_folder: OutFolder = Path("training/face"),
    config: Annotated[str, typer.Option(help="starter, paper (needs --encoder), or tiny, to try it out.")] = "starter",
    encoder: Encoder = None,
    steps: Steps = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Face whose encoder and base are gone on from (with --data: its encoder): a checkpoint's name or folder."
        ),
    ] = None,
    device: Device = "cpu",
) -> None:
    """Train a face: the speech encoder on phones, the base on composed conversations, then its lips on accurate ones.

    Needs espeak-ng, pocketsphinx and the extra speak; with the extra hear Whisper teaches the encoder. With --encoder, a
    pretrained Wav2Vec2 takes the place of the encoder trained here. With --data the faces of a data set are learned from alone,
    through the encoder of the shipped face.
    """
    from duologue.checkpoints.config import named
    from duologue.errors import invalid
    from duologue.face.config import FaceConfig
    from duologue.face.training import LIPS, FaceTraining
    from duologue.recipes.face import GOING_ON, train_on_data, train_starter
    from duologue.recipes.speech_encoder import starter_training
    from duologue.speech.encoder import EncoderConfig

    sizes = {"starter": FaceConfig.starter, "paper": FaceConfig.paper, "tiny": FaceConfig.tiny}
    network = FaceTraining(named(sizes, config, "face")())
    if config == "paper" and encoder is None:
        raise invalid(
            "encoder-missing", "the paper's face hears through wav2vec2-base: give its folder.", field="--encoder"
        )
    if data is not None:
        if kit is not None:
            raise invalid("corpus-missing", "give --kit or --data, not both.", field="--data")
        if steps is not None:
            network = replace(network, optimisation=replace(network.optimisation, steps=steps))
        out.print(f"Training; progress goes to {out_folder / 'log.jsonl'}", markup=False)
        trained = train_on_data(
            data, out_folder, network, start=start or "face", pretrained=encoder, device=device, left_out=_tell_left_out
        )
        tell_checkpoint(trained)
        return
    if kit is None:
        raise invalid("corpus-missing", "give --kit (to compose conversations) or --data (a data set).", field="--kit")
    hearing = starter_training(going_on=start is not None)
    if start is not None:
        network = replace(network, optimisation=GOING_ON)
    if config == "tiny":
        hearing = replace(hearing, encoder=EncoderConfig.tiny())
    if steps is not None:
        hearing = replace(hearing, optimisation=replace(hearing.optimisation, steps=steps))
        network = replace(network, optimisation=replace(network.optimisation, steps=steps))
    out.print(f"Training; progress goes to the log.jsonl files in {out_folder}", markup=False)
    tiny = config == "tiny"
    checkpoint = train_starter(
        kit,
        out_folder,
        encoder=hearing,
        face=network,
        lips=replace(LIPS, optimisation=network.optimisation) if tiny else None,
        dialogues=4 if tiny else 240,
        voices=6 if tiny else 900,
        pretrained=encoder,
        start=start,
        device=device,
    )
    tell_checkpoint(checkpoint)


@app.command()
def lips(
    captures: Annotated[
        Path,
        typer.Option(
            help="Folder of NAME.csv (Live Link Face) beside NAME.wav, where NAME.txt helps; or InterAct (lip_acc)."
        ),
    ],
    base: Annotated[str, typer.Option("--face", help="The face to fine-tune: a checkpoint's name or folder.")] = "face",
    style: Annotated[int, typer.Option(min=0, help="Style id that the captured person speaks as.")] = 0,
    out_folder: OutFolder = Path("training/lips"),
    whole: Annotated[
        bool, typer.Option(help="Train everything, not the decoder alone: to compare with, it loses styles.")
    ] = False,
    encoder: Encoder = None,
    steps: Steps = None,
    device: Device = "cpu",
) -> None:
    """Fine-tune a face's lips on captures whose lips are accurate; what performs afterwards keeps every speaker's own lips.

    The loss is that of the lips alone, and only the denoiser's decoder changes (InterAct's swap).
    """
    from duologue.checkpoints.store import open_checkpoint
    from duologue.datasets.dialogues import read_captures
    from duologue.face.training import LIPS, fine_tune

    settings = replace(LIPS, decoder_only=not whole)
    if steps is not None:
        settings = replace(settings, optimisation=replace(LIPS.optimisation, steps=steps))
    checkpoint = open_checkpoint(base)
    pairs, problems = read_captures(captures, style)
    for problem in problems:
        _tell_left_out(problem)
    out.print(f"Training on {len(pairs)} captures; progress goes to {out_folder / 'log.jsonl'}", markup=False)
    tell_checkpoint(fine_tune(checkpoint, pairs, out_folder, settings, encoder=encoder, device=device))


def _tell_left_out(problem: Problem) -> None:
    out.print(f"left out: {problem.file} ({problem.reason}): {problem.message}", markup=False, soft_wrap=True)


def _only(only: str) -> str | None:
    """Return the one network that learns, or None for both."""
    from duologue.errors import invalid

    if only not in ("", "lower", "upper"):
        raise invalid("unknown-label", f"there is no network {only!r}; there are lower and upper.", field="--only")
    return only or None


app.command()(video)
app.command("video-ablations")(video_ablations)
app.command("wan-lora")(wan_lora)
