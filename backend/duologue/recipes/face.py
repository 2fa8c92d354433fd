"""The whole recipe of the shipped face: align speech, train the encoder, compose conversations, train the face, then its lips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.dialogues import read_dialogues
from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.layouts import open_data
from duologue.datasets.readers.face_captures import captured
from duologue.datasets.readers.kit_speech import Clip
from duologue.datasets.scene import Problem
from duologue.datasets.synthesis.face.conversations import STYLES, compose
from duologue.datasets.synthesis.speech.utterances import LAUGHS, synthetic
from duologue.evaluation.face.validation import validate
from duologue.face.checkpoint import FaceModel
from duologue.face.encoder_training import EncoderTraining
from duologue.face.training import FaceTraining, fine_tune, train_face
from duologue.recipes.speech_encoder import hear, read_speech, starter_training
from duologue.speech.encoder import SpeechEncoder
from duologue.training.loop import Optimisation

GOING_ON: Final = Optimisation(steps=2000, learning_rate=6e-4, batch=12, save_every=500)
"""How a base that is gone on from is trained."""


def conversations(
    clips: Sequence[Clip],
    count: int,
    seed: int,
    *,
    laughs: Sequence[Clip] = (),
    clean: bool = False,
    speaker: int | None = None,
) -> list[Dialogue]:
    """Compose ``count`` conversations from ``clips``; sources are drawn evenly so that no voice corpus dominates.

    In two of three somebody may laugh with one of ``laughs``. ``clean`` and ``speaker``: as for ``compose``.
    """
    sources = sorted({clip.source for clip in clips})
    pools = {source: [clip for clip in clips if clip.source == source] for source in sources}
    composed: list[Dialogue] = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        mixed = [pool[rng.integers(len(pool))] for pool in pools.values() for _ in range(6)]
        if laughs and rng.random() < 2 / 3:
            mixed += [laughs[rng.integers(len(laughs))] for _ in range(2)]
        composed.append(compose(mixed, rng, clean=clean, speaker=speaker))
    return composed


def train_starter(  # noqa: PLR0913 - a recipe's settings, each with its default
    kit: Path,
    out: Path,
    *,
    encoder: EncoderTraining | None = None,
    face: FaceTraining | None = None,
    lips: FaceTraining | None = None,
    dialogues: int = 240,
    voices: int = 900,
    pretrained: Path | None = None,
    start: str | Path | None = None,
    device: str = "cpu",
) -> Checkpoint:
    """Make the shipped checkpoint ``out/lips/face`` from the kit. Needs espeak-ng's library, pocketsphinx and Kokoro.

    Every stage (``out/encoder``, ``out/base``, ``out/lips``) resumes from what ``out`` already holds.

    Args:
        kit: the folder of recordings and faces.
        out: where everything is made.
        encoder: how the encoder is trained; as ``starter_training`` says by default.
        face: how the base is trained.
        lips: how its lips are.
        dialogues: conversations that the base learns from.
        voices: utterances of the network's that are made; two thirds as many are espeak-ng's.
        pretrained: the folder of a Wav2Vec2, in place of the encoder trained here.
        start: a face whose encoder and base are gone on from, in a third of the time.
        device: where the denoiser is trained.
    """
    speech = read_speech(kit, out, voices)
    known = FaceModel.load(open_checkpoint(start), denoiser="base") if start else None
    if pretrained:
        hearing = SpeechEncoder.pretrained(pretrained)
    else:
        settings = encoder or starter_training(going_on=known is not None)
        hearing = hear(speech, out, settings, start=known and known.encoder)
    judged = [clip for clip in speech.held_out if clip.source in {"speech_matthes", "espeak", "kokoro"}]
    judge = partial(validate, dialogues=conversations(judged, 6, 4, clean=True))
    composed = conversations(speech.face, dialogues, 3, laughs=list(synthetic(40, 6, LAUGHS)))
    face = face or FaceTraining(optimisation=GOING_ON if known else FaceTraining().optimisation)
    begun = known and known.denoiser
    base = train_face(hearing, composed, out / "base", face, start=begun, judge=judge, device=device)
    accurate = lip_accurate(kit, speech.face, dialogues)
    return fine_tune(base, accurate, out / "lips", lips, encoder=pretrained, judge=judge, device=device)


def train_on_data(
    data: Path,
    out: Path,
    settings: FaceTraining,
    *,
    start: str | Path = "face",
    pretrained: Path | None = None,
    device: str = "cpu",
    left_out: Callable[[Problem], None] = lambda _: None,
) -> Checkpoint:
    """Train a face on a data set's measured ones and write ``out/face``; resumes from what ``out`` holds.

    Args:
        data: a folder in any layout that has faces and voices; all of them are held in memory, ten hours in 5 GB.
        out: where the state, the log and the checkpoint go.
        settings: how it is trained; its network gets a style for everybody and the encoder's width.
        start: the face whose speech encoder is listened through.
        pretrained: the folder of a Wav2Vec2, to listen through in its place.
        device: where the denoiser is trained.
        left_out: hears of every file that is.

    Raises:
        DuologueError: what opening the data, ``read_dialogues`` and ``train_face`` raise.
    """
    opened = open_data(data)
    dialogues, problems = read_dialogues(opened)
    for problem in problems:
        left_out(problem)
    if pretrained is not None:
        encoder = SpeechEncoder.pretrained(pretrained)
    else:
        encoder = FaceModel.load(open_checkpoint(start), denoiser="base").encoder
    network = replace(settings.network, styles=len(opened.people), speech_width=encoder.width)
    return train_face(encoder, dialogues, out, replace(settings, network=network), device=device)


def lip_accurate(kit: Path, clips: Sequence[Clip], dialogues: int = 240) -> list[Dialogue]:
    """Return what the starter's lips are fine-tuned on, for a base that learned from so many ``dialogues``.

    - Two fifths as many conversations of ``clips`` (exact phone times; GRID's own are left to the measured faces).
    - Half as many of those without emotion, each in one of the styles, so that a brief which says none gets a calm face.
    - Measured faces: the kit's GRID pairs less the held-out ones, as style 0.
    """
    spoken = [clip for clip in clips if clip.source != "face_speech_grid"]
    felt = conversations(spoken, round(0.4 * dialogues), 5)
    each = max(round(dialogues / 5 / len(STYLES)), 1)
    plain = [
        dialogue for style in range(len(STYLES)) for dialogue in conversations(spoken, each, 60 + style, speaker=style)
    ]
    split = FaceSplit.read()
    measured = [
        dialogue for name, dialogue in captured(kit / "face_speech_grid") if not split.holds(f"face_speech_grid/{name}")
    ]
    return felt + plain + measured
