"""Training: clips are encoded once, a run resumes bit for bit, two clips are learned by heart, and a checkpoint comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.checkpoints.store import open_checkpoint
from duologue.training.loop import Optimisation
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.video.sampling import sample_window
from duologue.video.training import VideoTrainer, train_stage
from duologue.video.training_data import Latents, fit_latents
from duologue.video.training_settings import STAGES, VideoTraining
from synthetic_clips import corpus

CONFIG = VideoConfig.named("tiny")


def made(folder: Path) -> tuple[VideoModel, Latents]:
    clips = corpus(folder / "clips")
    model = VideoModel.untrained(CONFIG)
    fit_latents(model, clips, clips.numbers("train"))
    return model, Latents.make(model, clips, "train", folder / "latents")


def settings(steps: int, **changed: object) -> VideoTraining:
    optimisation = Optimisation(steps, 3e-3, batch=4, warm_up=10, average=0.9, save_every=50)
    return replace(VideoTraining(CONFIG, optimisation), **changed)  # pyright: ignore[reportArgumentType]


def test_two_clips_are_learned_by_heart(tmp_path: Path) -> None:
    """What the carried picture does not have, behind the hand that moves on, is nearly right after eighty steps."""
    model, clips = made(tmp_path)
    start = model.denoiser.state_dict()
    start = {name: value.clone() for name, value in start.items()}
    stage = settings(80, continued=0.0, no_first=0.0, mirrored=0.0, recoloured=0.0)
    checkpoint = train_stage(model, clips, tmp_path / "run", stage)
    learned = VideoModel.load(checkpoint).eval()
    trainer = VideoTrainer(learned, clips, stage)
    batch = trainer.batch(np.random.default_rng(5), 0)
    whole = replace(batch.conditions, given=None)

    def error(network: torch.nn.Module) -> float:
        with torch.inference_mode():
            latents = sample_window(network, whole, batch.noise[:, : CONFIG.channels], "add")  # pyright: ignore
            cells = learned.picture.cell_error(latents - batch.truth.x0) * batch.truth.hole
        return float(cells[:, :, 1:].sum() / batch.truth.hole[:, :, 1:].sum())

    trained = error(learned.denoiser)
    learned.denoiser.load_state_dict(start)
    carried = error(learned.denoiser)
    assert carried > 0.005
    assert trained < 0.1 * carried


def test_a_stopped_run_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    model, clips = made(tmp_path)
    stage = settings(
        8,
        modes=(("add", 1.0), ("full", 1.0), ("asym", 1.0), ("render", 1.0), ("stream", 1.0)),
        no_first=0.3,
        continued=0.5,
    )

    def begun(seed: int) -> VideoModel:
        other = VideoModel.untrained(CONFIG, seed)
        other.picture, other.structure = model.picture, model.structure
        return other

    whole = train_stage(begun(1), clips, tmp_path / "whole", stage)
    polled = iter(range(100))
    train_stage(begun(1), clips, tmp_path / "parts", stage, should_stop=lambda: next(polled) >= 5)
    again = train_stage(begun(2), clips, tmp_path / "parts", stage)
    mine, theirs = whole.tensors(), again.tensors()
    trained = [name for name in mine if name.startswith("denoiser.")]
    assert all(torch.equal(mine[name], theirs[name]) for name in trained)
    assert model.config == VideoModel.load(open_checkpoint(tmp_path / "parts" / "checkpoint")).config


def test_clips_are_encoded_once(tmp_path: Path) -> None:
    model, clips = made(tmp_path)
    before = (tmp_path / "latents" / "picture.npy").stat().st_mtime_ns
    again = Latents.make(model, corpus(tmp_path / "clips"), "train", tmp_path / "latents")
    assert (tmp_path / "latents" / "picture.npy").stat().st_mtime_ns == before
    assert again.numbers == clips.numbers == (0, 1)
    rows = again.rows(np.array([1]))
    assert rows["picture"].shape == (1, CONFIG.channels, 5, 4, 4)
    assert rows["seen"].tolist() == [[[1, 0], [0, 1]]]


def test_what_is_told_is_dropped_as_often_as_settings_say(tmp_path: Path) -> None:
    model, clips = made(tmp_path)
    stage = settings(8, continued=0.5, no_first=0.2, drop_pattern=0.5, drop_masks=0.5, drop_reference=0.5)
    trainer = VideoTrainer(model, clips, stage)
    batches = [trainer.batch(np.random.default_rng(k), k) for k in range(120)]
    later = [b for b in batches if b.truth.x0.shape[2] < 5]
    assert 0.35 < len(later) / 120 < 0.65
    assert all(b.conditions.known is not None for b in later)
    assert 0.4 < np.mean([b.conditions.motion is not None for b in later]) < 0.8
    first = [b for b in batches if b.truth.x0.shape[2] == 5]
    assert 0.05 < np.mean([b.conditions.known is None for b in first]) < 0.4
    assert all((b.conditions.carried is None) == (b.conditions.known is None) for b in batches)
    for values in ([b.conditions.pattern == 0 for b in batches], [b.conditions.given == 0 for b in batches]):
        assert 0.4 < torch.cat(values).float().mean() < 0.6
    assert {b.truth.known for b in later} == {1}


@pytest.mark.parametrize("name", list(STAGES))
def test_stages_are_settings(name: str) -> None:
    stage = STAGES[name]
    assert sum(share for _, share in stage.modes) == pytest.approx(1)
    assert stage.network == VideoConfig()


def test_some_samples_are_where_a_sampler_begins(tmp_path: Path) -> None:
    """At the last moment, with noise as strong as there; all others are as flow matching has them."""
    model, clips = made(tmp_path)
    quiet = replace(CONFIG, noise=0.2)
    trainer = VideoTrainer(model, clips, settings(1, network=quiet, begun=0.5, continued=0.0))
    batches = [trainer.batch(np.random.default_rng(seed), 0) for seed in range(40)]
    t, noise = (torch.cat([getattr(batch, name) for batch in batches]) for name in ("t", "noise"))
    spread = noise.flatten(1).std(1)
    begun = t == 1
    assert 0.35 < begun.float().mean() < 0.65
    torch.testing.assert_close(spread[begun], torch.full_like(spread[begun], 0.2), atol=0.02, rtol=0)
    torch.testing.assert_close(spread[~begun], torch.ones_like(spread[~begun]), atol=0.1, rtol=0)
