"""The three models, small, and something to learn from. As a program, under torchrun: KIND DATA OUT STEPS."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "body"))  # examples_body
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "video"))  # synthetic_clips

from duologue.body.config import BodyConfig
from duologue.body.training import BodyTrainer
from duologue.body.training_settings import BodyTraining
from duologue.datasets.corpus.body import Corpus
from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.corpus.video import VideoCorpus
from duologue.face.checkpoint import FaceModel
from duologue.face.config import FaceConfig
from duologue.face.network import FaceDenoiser
from duologue.face.training import FaceTrainer, FaceTraining, encode, weights_scale
from duologue.speech.encoder import EncoderConfig, SpeechEncoder
from duologue.training.loop import Optimisation, train
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.video.training import VideoTrainer
from duologue.video.training_data import Latents, fit_latents
from duologue.video.training_settings import VideoTraining

KINDS = ("body", "face", "video")


def optimisation(steps: int, average: float = 0.9) -> Optimisation:
    return Optimisation(steps, 1e-3, batch=2, warm_up=3, average=average, seed=5, log_every=1, save_every=4)


def make_data(kind: str, folder: Path) -> None:
    """Write what a model learns from; what the face does is drawn as it is needed."""
    if kind == "body":
        from examples_body import write_corpus

        write_corpus(folder, pairs=4, frames=60)
    elif kind == "video":
        from synthetic_clips import corpus

        clips = corpus(folder / "clips")
        model = VideoModel.untrained(VideoConfig.named("tiny"))
        fit_latents(model, clips, clips.numbers("train"))
        Latents.make(model, clips, "train", folder / "latents")
        torch.save(model.state_dict(), folder / "model.pt")


def some_dialogue(seed: int, frames: int = 90) -> Dialogue:
    rng = np.random.default_rng(seed)
    return Dialogue(
        rng.normal(0, 0.1, (2, frames * 16000 // 30)).astype(np.float32),
        rng.random((2, frames, 52), np.float32),
        rng.integers(8, size=(2, frames)),
        np.array([0, 1]),
        rng.random((2, frames)) < 0.5,
        ((), ()),
    )


def trainer_of(kind: str, data: Path, steps: int) -> tuple[Any, Optimisation]:
    torch.manual_seed(0)
    if kind == "body":
        body = BodyTraining(BodyConfig.named("tiny"), optimisation(steps), window=20)
        return BodyTrainer(Corpus.open(data), body), body.optimisation
    if kind == "face":
        network = FaceConfig(speech_width=16, latent=16, feedforward=16, layers=1)
        face = FaceTraining(network, optimisation(steps, 0.0), frames=60)
        encoder = SpeechEncoder(EncoderConfig(16, 1, 2, 16, (8, 8), (40, 20), (20, 16), 8, 2))
        dialogues = [some_dialogue(seed) for seed in range(3)]
        model = FaceModel(encoder, FaceDenoiser(network), *weights_scale(dialogues, face.floor))
        return FaceTrainer(model, encode(encoder, dialogues), face), face.optimisation
    video = replace(VideoTraining(VideoConfig.named("tiny"), optimisation(steps)))
    model = VideoModel.untrained(video.network)
    model.load_state_dict(torch.load(data / "model.pt", weights_only=True))
    clips = Latents.make(model, VideoCorpus.open(data / "clips"), "train", data / "latents")
    return VideoTrainer(model, clips, video), video.optimisation


if __name__ == "__main__":
    trainer, settings = trainer_of(sys.argv[1], Path(sys.argv[2]), int(sys.argv[4]))
    train(trainer, settings, Path(sys.argv[3]))
