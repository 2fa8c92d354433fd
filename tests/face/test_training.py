"""Training in miniature: it learns, it resumes bit for bit, it logs."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from duologue.arkit import INDEX, NAMES
from duologue.datasets.readers.face_captures import captured
from duologue.datasets.readers.kit_speech import Clip
from duologue.datasets.synthesis.face.conversations import compose
from duologue.errors import DuologueError
from duologue.face.config import FaceConfig
from duologue.face.encoder_training import EncoderTraining, train_encoder
from duologue.face.losses import FaceLoss, lip_gap
from duologue.face.pipeline import FacePipeline
from duologue.face.training import FaceTraining, fine_tune, train_face
from duologue.facial import lips
from duologue.recipes.face import conversations
from duologue.recipes.speech_encoder import read_encoder
from duologue.speech.encoder import EncoderConfig, SpeechEncoder
from duologue.speech.phones import Phone
from duologue.training.loop import Optimisation

ENCODER = EncoderConfig(16, 1, 2, 16, (8, 8), (40, 20), (20, 16), 8, 2)


def clips() -> list[Clip]:
    """Vowels as hums of their own pitch, plosives as silence: six seconds a clip."""
    rng = np.random.default_rng(0)
    hums = []
    for number in range(3):
        names = [str(name) for name in rng.choice(["AA", "P", "IY", "M", "UW", "S"], 40)]
        phones = tuple(Phone(i * 0.15, (i + 1) * 0.15, name) for i, name in enumerate(names))
        t = np.arange(6 * 16000) / 16000
        pitch = {"AA": 200.0, "IY": 700.0, "UW": 120.0, "S": 3000.0, "M": 90.0, "P": 0.0}
        hertz = np.repeat([pitch[name] for name in names], 2400)
        sound = np.sin(2 * np.pi * np.cumsum(hertz) / 16000) * 0.1
        hums.append(Clip(f"speech_matthes/{number}", sound[: len(t)].astype(np.float32), phones))
    return hums


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
    assert FacePipeline.load(face.folder).model.config.latent == 16


def tiny(steps: int, **loss: float) -> FaceTraining:
    return FaceTraining(
        FaceConfig(speech_width=16, latent=16, feedforward=16, layers=1), short(steps), FaceLoss(**loss), frames=60
    )


def test_the_swap_takes_the_tuned_layers_and_nothing_else(tmp_path: Path) -> None:
    torch.manual_seed(0)
    talk = conversations(clips(), 2, seed=1)
    base = train_face(SpeechEncoder(ENCODER), talk, tmp_path, tiny(2))
    with pytest.raises(DuologueError) as refused:
        FacePipeline.load(base, denoiser="swap")
    assert refused.value.reason == "checkpoint-foreign"
    stranger = [replace(dialogue, style=dialogue.style + 99) for dialogue in talk]
    with pytest.raises(DuologueError) as refused:
        fine_tune(base, stranger, tmp_path / "stranger", tiny(3))
    assert refused.value.reason == "style-unknown"
    tuned = fine_tune(base, talk, tmp_path / "lips", tiny(3, rest=0.0))
    kinds = ("base", "tuned", "swap")
    parameters = {kind: FacePipeline.load(tuned, denoiser=kind).model.denoiser.state_dict() for kind in kinds}
    original = FacePipeline.load(base).model.denoiser.state_dict()
    for name in original:
        assert torch.equal(parameters["base"][name], original[name])
        source = "tuned" if name.startswith("layers.") else "base"
        assert torch.equal(parameters["swap"][name], parameters[source][name])
    assert not torch.equal(parameters["tuned"]["speech.weight"], parameters["base"]["speech.weight"])
    # What ships is the swap, and its training leaves all else alone.
    shipped = FacePipeline.load(tuned).model.denoiser.state_dict()
    assert all(torch.equal(shipped[name], parameters["swap"][name]) for name in original)
    gentle = fine_tune(tuned, talk, tmp_path / "decoder", replace(tiny(3, rest=0.0), decoder_only=True))
    changed = FacePipeline.load(gentle, denoiser="tuned").model.denoiser.state_dict()
    for name in original:  # begun anew from the base, not from the fine-tuned face it was given
        assert torch.equal(changed[name], original[name]) == (not name.startswith("layers."))
    assert all(key.startswith("tuned.layers.") for key in gentle.tensors() if key.startswith("tuned."))


def test_the_loss_of_the_lips_alone_ignores_brows_and_knows_the_gap() -> None:
    true = torch.zeros(1, 4, 52)
    mean, std = torch.zeros(52), torch.ones(52)
    raised = true.clone()
    raised[..., INDEX["browInnerUp"]] = 1.0
    assert FaceLoss(rest=0.0)(raised, true, std, mean)[0] == 0
    assert FaceLoss()(raised, true, std, mean)[0] > 0
    opened = true.clone()
    opened[..., INDEX["jawOpen"]] = 0.1
    both = opened.clone()
    both[..., INDEX["mouthClose"]] = 0.08  # nearly takes back what the jaw opens
    gaps = [FaceLoss()(predicted, true, std, mean)[1]["gap"] for predicted in (opened, both)]
    assert gaps[1] < 0.01 * gaps[0]
    random = np.random.default_rng(0).random((5, 52), np.float32)
    np.testing.assert_allclose(lip_gap(torch.from_numpy(random)).numpy(), lips.lip_gap(random), rtol=1e-4, atol=1e-4)


def test_a_folder_of_captures_is_read_as_monologues(tmp_path: Path) -> None:
    samples = np.sin(np.arange(32000) / 20).astype(np.float32) * 0.1
    soundfile.write(tmp_path / "take1.wav", samples, 16000)
    with (tmp_path / "take1.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["time", *NAMES])
        table.writerows([frame / 30, *(0.5 if name == "jawOpen" else 0.0 for name in NAMES)] for frame in range(60))
    (name, capture), *others = captured(tmp_path, style=3)
    assert name == "take1"
    assert not others
    assert capture.weights.shape == (2, 60, 52)
    assert capture.performers == (0,)
    np.testing.assert_allclose(capture.weights[0, :, INDEX["jawOpen"]], 0.5)
    assert (capture.style == 3).all()
    with pytest.raises(DuologueError) as refused:
        list(captured(tmp_path / "nothing"))
    assert refused.value.reason == "captures-missing"


def test_a_listener_smiles_at_laughter() -> None:
    smile = INDEX["mouthSmileLeft"]
    laugh = [replace(clip, text="Ha ha ha!") for clip in clips()]
    gain = []
    for number in range(6):
        serious, amused = (
            compose(material, np.random.default_rng(number), speaker=0).weights[..., smile].mean()
            for material in (clips(), laugh)
        )
        gain.append(amused - serious)
    assert min(gain) > 0.1
