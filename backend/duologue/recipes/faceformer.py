"""The baseline's recipe: FaceFormer on the conversations, and through the frozen encoder, that our own face learns from."""

from __future__ import annotations

from pathlib import Path

from duologue.checkpoints.store import Checkpoint
from duologue.datasets.synthesis.speech.utterances import LAUGHS, synthetic
from duologue.evaluation.baselines.faceformer_training import FaceFormerTraining, train_faceformer
from duologue.recipes.face import conversations
from duologue.recipes.speech_encoder import read_speech
from duologue.speech.encoder import SpeechEncoder


def train_baseline(
    kit: Path,
    out: Path,
    encoder: SpeechEncoder,
    settings: FaceFormerTraining | None = None,
    *,
    dialogues: int = 240,
    voices: int = 900,
) -> Checkpoint:
    """Train the baseline on the conversations that ``recipes.face.train_starter`` composes for our face from the same kit.

    ``out`` holds alignments and voices too; with the face's own ``out`` there they needn't be made again. ``dialogues`` and
    ``voices`` are the recipe's numbers.
    """
    clips = read_speech(kit, out, voices).face
    composed = conversations(clips, dialogues, 3, laughs=list(synthetic(40, 6, LAUGHS)))
    return train_faceformer(encoder, composed, out, settings)
