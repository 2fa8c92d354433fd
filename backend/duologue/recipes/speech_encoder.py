"""The recipe of the shipped face's ears: which speech its encoder learns to hear from, and how much of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from duologue.checkpoints.config import fill, read_config, under
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.labels.teacher import WIDTH, taught
from duologue.datasets.readers.kit_speech import Clip, recorded
from duologue.datasets.synthesis.speech.natural import VOICES, kit_lines, natural
from duologue.datasets.synthesis.speech.utterances import sentences, synthetic
from duologue.face.encoder_training import EncoderTraining, train_encoder
from duologue.speech.encoder import EncoderConfig, SpeechEncoder

RECOGNISED: Final = "speech_librispeech"
"""Its words are a recogniser's."""
_SHARES: Final = (
    ("speech_matthes", 0.22), ("kokoro", 0.33), (RECOGNISED, 0.33), ("espeak", 0.09), ("face_speech_grid", 0.03),
)  # fmt: skip
_BOTH: Final = ("speech_matthes", "face_speech_grid")
"""Too little to be kept from the encoder."""


def starter_training(*, going_on: bool = False) -> EncoderTraining:
    """Return how the starter's encoder is trained: from nothing, or ``going_on`` from another one of its sizes."""
    settings = EncoderTraining(shares=_SHARES, guessed=(RECOGNISED,))
    if not going_on:
        return settings
    gently = replace(settings.optimisation, steps=3000, learning_rate=7e-4)
    return replace(settings, optimisation=gently, fixed_convolutions=True)


@dataclass(frozen=True)
class StarterSpeech:
    """The utterances that the starter learns from.

    An encoder knows its own training clips by heart, so what it says of them is surer than what it says of anybody else, and a
    face must learn to move on the latter: most of what the face hears its encoder has never heard.
    """

    ear: list[Clip]
    """What the encoder hears."""
    face: list[Clip]
    """What the face moves to."""
    held_out: list[Clip]


def read_speech(kit: Path, out: Path, voices: int) -> StarterSpeech:
    """Return the kit's recordings, ``voices`` utterances of Kokoro's and two thirds as many of espeak-ng's, less the split's.

    ``out`` keeps alignments and what the network spoke.
    """
    split, texts, robots = FaceSplit.read(), sentences(kit), round(voices * 2 / 3)
    clips = list(recorded(kit, out / "phones"))
    known = [clip for clip in clips if not split.holds(clip.name)] + list(
        natural(voices, kit_lines(kit), out / "voices")
    )
    held_out = [clip for clip in clips if split.holds(clip.name)] + held_out_voices(kit, out / "voices", voices)
    return StarterSpeech(
        [clip for clip in known if not unheard(clip)] + list(synthetic(robots, 1, texts)),
        [clip for clip in known if unheard(clip) or clip.source in _BOTH] + list(synthetic(robots, 7, texts)),
        held_out,
    )


def unheard(clip: Clip) -> bool:
    """Whether a clip is kept from the encoder: every sixth speaker of LibriSpeech, and a third of the network's utterances."""
    stem = clip.name.partition("/")[2]
    if clip.source == RECOGNISED:
        return int(stem.partition("-")[0]) % 6 == 0
    return clip.source == "kokoro" and int(stem.rpartition("-")[2]) // VOICES % 3 == 2


def held_out_voices(kit: Path, cache: Path, voices: int) -> list[Clip]:
    """Return utterances of synthetic voices that no training hears, a twentieth of ``voices`` by each of the synthesisers."""
    count = max(voices // 20, 1)
    robots = synthetic(count, 2, sentences(kit), held_out_voices=True)
    return [*robots, *natural(count, kit_lines(kit, held_out=True), cache, held_out_voices=True)]


def hear(
    speech: StarterSpeech, out: Path, settings: EncoderTraining, *, start: SpeechEncoder | None = None
) -> SpeechEncoder:
    """Train the encoder in ``out/encoder`` with Whisper as its teacher where the extra ``hear`` is installed, but on robots."""
    teachable = {clip.name: clip.samples for clip in speech.ear if clip.source != "espeak"}
    lessons = dict(zip(teachable, taught(teachable, out / "teacher"), strict=True))
    every = [lessons.get(clip.name, np.zeros((0, WIDTH), np.float16)) for clip in speech.ear]
    judged = speech.held_out[::2]
    return read_encoder(
        train_encoder(speech.ear, out / "encoder", settings, taught=every, start=start, held_out=judged)
    )


def read_encoder(checkpoint: Checkpoint | Path) -> SpeechEncoder:
    """Return the speech encoder of a ``speech-encoder`` checkpoint, without the heads that only training has."""
    stored = open_checkpoint(checkpoint).require("speech-encoder")
    encoder = SpeechEncoder(read_config(stored, EncoderConfig, "encoder"))
    fill(encoder, under("encoder.", stored.tensors()), stored)
    return encoder.eval()
