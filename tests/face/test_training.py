"""Training in miniature: it learns, it resumes bit for bit, it logs."""

import json
from pathlib import Path

import numpy as np
import torch
from duologue.datasets.face_corpus import Clip
from duologue.datasets.phones import Phone
from duologue.face.config import FaceConfig
from duologue.face.encoder_training import EncoderTraining, train_encoder
from duologue.face.optimisation import Optimisation
from duologue.face.pipeline import FacePipeline
from duologue.face.training import FaceTraining, conversations, read_encoder, train_face
from duologue.speech.encoder import EncoderConfig, SpeechEncoder

ENCODER = EncoderConfig(16, 1, 2, 16, (8, 8), (40, 20), (20, 16), 8, 2)


def clips() -> list[Clip]:
    """Vowels as hums of their own pitch, plosives as silence: six seconds a clip."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(3):
        names = [str(name) for name in rng.choice(["AA", "P", "IY", "M", "UW", "S"], 40)]
        phones = tuple(Phone(i * 0.15, (i + 1) * 0.15, name) for i, name in enumerate(names))
        t = np.arange(6 * 16000) / 16000
        pitch = {"AA": 200.0, "IY": 700.0, "UW": 120.0, "S": 3000.0, "M": 90.0, "P": 0.0}
        hertz = np.repeat([pitch[name] for name in names], 2400)
        sound = np.sin(2 * np.pi * np.cumsum(hertz) / 16000) * 0.1
        made.append(Clip(f"speech_matthes/{number}", sound[: len(t)].astype(np.float32), phones))
    return made


def short(steps: int, batch: int = 2) -> Optimisation:
    return Optimisation(steps=steps, learning_rate=3e-3, batch=batch, warm_up=1, log_every=1, save_every=2)


def test_a_run_that_stops_and_resumes_equals_one_that_does_not(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = SpeechEncoder(ENCODER)
    talk = conversations(clips(), 2, seed=1)
    network = FaceConfig(speech_width=16, latent=16, feedforward=16, layers=1)

    def settings(steps: int) -> FaceTraining:
        # The schedule must not know where the run will be interrupted.
        return FaceTraining(network, Optimisation(4, 3e-3, 2, warm_up=10, log_every=1, save_every=steps), frames=60)

    whole = train_face(encoder, talk, tmp_path / "whole", settings(4))
    count = iter([False, False, True])
    train_face(encoder, talk, tmp_path / "parts", settings(2), should_stop=lambda: next(count))
    parts = train_face(encoder, talk, tmp_path / "parts", settings(2))
    assert whole.sha256 == parts.sha256
    steps = [json.loads(line)["step"] for line in (tmp_path / "parts/log.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4]


def test_the_encoder_learns_and_its_checkpoint_feeds_a_face(tmp_path: Path) -> None:
    settings = EncoderTraining(ENCODER, short(30, batch=3), seconds=1.0)
    checkpoint = train_encoder(clips(), tmp_path, settings, held_out=clips()[:1])
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [line["phones"] for line in log if "phones" in line]
    assert np.mean(losses[-5:]) < 0.75 * losses[0]
    judged = [line["judged"] for line in log if "judged" in line]
    assert 0 <= judged[-1]["speech_matthes/accuracy"] <= 1
    face = train_face(
        read_encoder(checkpoint),
        conversations(clips(), 2, seed=1),
        tmp_path / "face",
        FaceTraining(FaceConfig(speech_width=16, latent=16, feedforward=16, layers=1), short(2), frames=60),
    )
    assert FacePipeline.load(face.folder).config.latent == 16
