"""The recipe of the shipped face's ears: which speech its encoder learns to hear from, and how much of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from duologue.checkpoints.config import fill, read_config, under
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.readers.kit_speech import Clip, recorded
from duologue.datasets.synthesis.speech.utterances import sentences, synthetic
from duologue.face.encoder_training import EncoderTraining
from duologue.speech.encoder import EncoderConfig, SpeechEncoder

GUESSED: Final = "speech_librispeech"
"""Its phones are a recogniser's guesses: good enough to learn to hear by, not to move lips by."""
_SHARES: Final = (("speech_matthes", 0.28), ("espeak", 0.34), (GUESSED, 0.34), ("face_speech_grid", 0.04))


def starter_training() -> EncoderTraining:
    """Return how the starter's encoder is trained."""
    return EncoderTraining(shares=_SHARES, guessed=(GUESSED,))


@dataclass(frozen=True)
class StarterSpeech:
    """The utterances that the starter hears: to train on, and held out."""

    train: list[Clip]
    held_out: list[Clip]

    def with_new_voices(self, kit: Path, voices: int) -> list[Clip]:
        """Return the training clips whose phones are exact, with ``voices`` synthetic ones that the encoder has never heard.

        The encoder knows its own training clips by heart, so what it says of them is surer than what it says of anybody else, and
        a face must learn to move on the latter.
        """
        exact = [clip for clip in self.train if clip.source not in {GUESSED, "espeak"}]
        return exact + list(synthetic(voices, 7, sentences(kit)))


def read_speech(kit: Path, phones: Path, voices: int) -> StarterSpeech:
    """Return the kit's recordings and ``voices`` synthetic utterances, less the split's held-out ones.

    ``phones``: the folder that keeps alignments.
    """
    clips, texts, split = list(recorded(kit, phones)), sentences(kit), FaceSplit.read()
    return StarterSpeech(
        [clip for clip in clips if not split.holds(clip.name)] + list(synthetic(voices, 1, texts)),
        [clip for clip in clips if split.holds(clip.name)] + list(synthetic(20, 2, texts, held_out_voices=True)),
    )


def read_encoder(checkpoint: Checkpoint | Path) -> SpeechEncoder:
    """Return the speech encoder of a ``speech-encoder`` checkpoint, without its training heads."""
    stored = open_checkpoint(checkpoint).require("speech-encoder")
    encoder = SpeechEncoder(read_config(stored, EncoderConfig, "encoder"))
    fill(encoder, under("encoder.", stored.tensors()), stored)
    return encoder.eval()
