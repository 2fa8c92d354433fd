"""The baseline's recipe: FaceFormer on the conversations, and through the frozen encoder, that our own face learns from."""

from __future__ import annotations

from pathlib import Path

from duologue.checkpoints.store import Checkpoint
from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.readers.kit_speech import RECORDED, recorded
from duologue.datasets.synthesis.speech.utterances import LAUGHS, sentences, synthetic
from duologue.evaluation.baselines.faceformer_training import FaceFormerTraining, train_faceformer
from duologue.recipes.face import conversations
from duologue.recipes.speech_encoder import GUESSED
from duologue.speech.encoder import SpeechEncoder


def train_baseline(
    kit: Path,
    out: Path,
    encoder: SpeechEncoder,
    settings: FaceFormerTraining | None = None,
    *,
    cache: Path | None = None,
    dialogues: int = 240,
    voices: int = 1600,
) -> Checkpoint:
    """Train the baseline on the conversations that ``recipes.face.train_starter`` composes for our face from the same kit.

    ``cache`` holds alignments (``out/phones`` by default), ``dialogues`` and ``voices`` are the recipe's numbers.
    """
    exact = [source for source in RECORDED if source != GUESSED]
    split = FaceSplit.read()
    clips = [clip for clip in recorded(kit, cache or out / "phones", exact) if not split.holds(clip.name)]
    clips += synthetic(voices, 1, sentences(kit))
    composed = conversations(clips, dialogues, 3, laughs=list(synthetic(40, 6, LAUGHS)))
    return train_faceformer(encoder, composed, out, settings)
