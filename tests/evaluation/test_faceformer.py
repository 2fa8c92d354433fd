"""FaceFormer, against the paper's equations by hand, and against itself without its cache."""

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.checkpoints.store import write_checkpoint
from duologue.datasets.corpus.face import Dialogue
from duologue.errors import DuologueError
from duologue.evaluation.baselines.faceformer import (
    FaceFormer,
    FaceFormerConfig,
    FaceFormerPipeline,
    causal_bias,
    causal_bias_row,
)
from duologue.evaluation.baselines.faceformer_training import FaceFormerTraining, train_faceformer
from duologue.speech.encoder import EncoderConfig, SpeechEncoder
from duologue.training.loop import Optimisation

SMALL = FaceFormerConfig(speech_width=16, width=16, feedforward=32, heads=4, period=5, styles=3)
ENCODER = EncoderConfig(16, 1, 2, 16, (8, 8), (40, 20), (20, 16), 8, 2)


def network(seed: int = 0) -> FaceFormer:
    torch.manual_seed(seed)
    model = FaceFormer(SMALL)
    torch.nn.init.normal_(model.motion_out.weight, std=0.1)  # it starts at zero, which would hide everything
    return model.eval()


def talk(frames: int = 90) -> Dialogue:
    """Hums whose loudness is the jaw."""
    rng = np.random.default_rng(0)
    jaw = np.repeat(rng.random((2, frames // 10)), 10, axis=1)
    weights = np.zeros((2, frames, 52), np.float32)
    weights[..., 17] = jaw
    t = np.arange(frames * 16000 // 30) / 16000
    samples = (np.sin(2 * np.pi * 150 * t) * np.repeat(jaw, 16000 // 30 + 1, axis=1)[:, : len(t)] * 0.2).astype("f4")
    return Dialogue(
        samples, weights, np.zeros((2, frames), int), np.array([0, 1]), np.ones((2, frames), bool), ((), ())
    )


def test_bias_of_six_frames_with_a_period_of_two() -> None:
    inf = math.inf
    # Equation 5: the two latest frames count fully, the two before them one slope less, and so on; the future not at all.
    steps = torch.tensor(
        [
            [0, inf, inf, inf, inf, inf],
            [0, 0, inf, inf, inf, inf],
            [1, 0, 0, inf, inf, inf],
            [1, 1, 0, 0, inf, inf],
            [2, 1, 1, 0, 0, inf],
            [2, 2, 1, 1, 0, 0],
        ]
    )
    bias = causal_bias(6, 4, 2)
    for head, slope in enumerate([1 / 4, 1 / 16, 1 / 64, 1 / 256]):
        assert torch.equal(bias[head], -slope * steps)
    assert torch.equal(causal_bias_row(6, 4, 2), bias[:, -1])


@torch.inference_mode()
def test_generation_with_kept_keys_equals_computing_everything_again() -> None:
    model, frames = network(), 23
    speech, style = torch.randn(2, frames, 16), torch.tensor([2, 0])
    generated = model.generate(speech, style)
    again = torch.zeros(2, 0, 52)
    for t in range(1, frames + 1):
        again = model(again, speech[:, :t], style)
    assert generated.abs().max() > 0.01
    torch.testing.assert_close(generated, again, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_a_frame_knows_neither_later_frames_nor_later_speech() -> None:
    model, frames, cut = network(1), 20, 12
    speech, past, style = torch.randn(1, frames, 16), torch.randn(1, frames - 1, 52), torch.tensor([1])
    other_speech, other_past = speech.clone(), past.clone()
    other_speech[:, cut:] += 1.0
    other_past[:, cut - 1 :] += 1.0
    one, other = model(past, speech, style), model(other_past, other_speech, style)
    torch.testing.assert_close(one[:, :cut], other[:, :cut])
    assert (one[:, cut] - other[:, cut]).abs().max() > 1e-3


@torch.inference_mode()
def test_style_and_speech_change_the_face() -> None:
    model, speech = network(2), torch.randn(1, 8, 16)
    generated = model.generate(speech, torch.tensor([0]))
    assert (generated - model.generate(speech, torch.tensor([1]))).abs().max() > 1e-3
    assert (generated - model.generate(-speech, torch.tensor([0]))).abs().max() > 1e-3


def test_training_learns_resumes_and_its_checkpoint_performs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder, dialogue = SpeechEncoder(ENCODER), talk()

    def settings(save_every: int, steps: int = 30) -> FaceFormerTraining:
        rate = Optimisation(steps, 3e-3, 4, warm_up=1, log_every=1, save_every=save_every)
        return FaceFormerTraining(SMALL, rate, frames=40)

    whole = train_faceformer(encoder, [dialogue], tmp_path / "whole", settings(30))
    count = iter([False] * 7 + [True])
    train_faceformer(encoder, [dialogue], tmp_path / "parts", settings(7), should_stop=lambda: next(count))
    parts = train_faceformer(encoder, [dialogue], tmp_path / "parts", settings(7))
    assert whole.sha256 == parts.sha256

    losses = [float(line.split('"loss": ')[1].split(",")[0]) for line in (tmp_path / "whole/log.jsonl").open()]
    assert np.mean(losses[-5:]) < 0.8 * losses[0]
    weights = FaceFormerPipeline.load(whole.folder).perform(dialogue.samples, dialogue.style, 90)
    assert weights.shape == (2, 90, 52)
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert weights[..., 17].std() > 0.01


def test_a_foreign_or_broken_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "body", "body", {"model": "body"}, {"x": torch.zeros(1)})
    config = {"model": "faceformer", "network": {"width": 16}, "encoder": asdict(ENCODER)}
    write_checkpoint(tmp_path / "torn", "torn", config, {"mean": torch.zeros(52)})
    for name in ("body", "torn"):
        with pytest.raises(DuologueError) as caught:
            FaceFormerPipeline.load(tmp_path / name)
        assert caught.value.reason == "checkpoint-foreign"
